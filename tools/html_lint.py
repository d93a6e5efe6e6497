"""Find what a reader would stumble over in the built pages: `python tools/html_lint.py [book/_build/html]`.

Each check reads one page and says what is wrong, a line each. How wide anything is drawn is not seen here.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag
from bs4.element import Comment, NavigableString

FORMULA = "\N{OBJECT REPLACEMENT CHARACTER}"
"""What stands for a formula in the words of a page."""
LEFT_OVER = {
    "a dollar sign beside a formula": rf"\$\s*{FORMULA}|{FORMULA}\s*\$|\$\$",
    "a directive": r":::|^```|\{(?:prf:|numref|cite|ref|doc|eq)[\w:]*\}",
    "a link in Markdown": r"\]\((?:\.\./|https?://|#|[\w/-]+\.md)",
    "emphasis in Markdown": r"(?<![\w*])\*\*\w[^*\n]*\*\*(?![\w*])",
    "a command of TeX": r"\\(?:frac|sqrt|lVert|mathcal|mathbb|sigma|kappa|begin|left|cdot|top)(?![a-z])",
    "the name of a letter": r"\b(?:alpha|delta|eta|kappa|lambda|sigma|epsilon)[_^][\w{]",
}
"""What of the sources may not be seen in the text of a page: name -> pattern."""
SCROLLS = re.compile(r"(?:max-height|overflow(?:-[xy])?)\s*:\s*(?!visible|hidden|none)")


@dataclass(frozen=True)
class Page:
    """A page of a built book."""

    path: Path

    @cached_property
    def source(self) -> str:
        return self.path.read_text(encoding="utf8")

    @cached_property
    def whole(self) -> Tag:
        """All of it; the insides of drawings, most of a page's bytes, are left out."""
        return BeautifulSoup(
            re.sub(r"(<svg\b[^>]*>).*?</svg>", r"\1</svg>", self.source, flags=re.S), "html.parser"
        )

    @cached_property
    def article(self) -> Tag:
        """What its author wrote, without the theme's frame."""
        found = self.whole.find("article")
        return found if isinstance(found, Tag) else self.whole

    @cached_property
    def ids(self) -> frozenset[str]:
        return frozenset(re.findall(r"<[a-z][^>]*?\sid=[\"']([^\"']+)[\"']", self.source))


def words(tag: Tag) -> Iterator[str]:
    """The text of an element, but for code, with a sign for every formula."""
    for child in tag.children:
        if isinstance(child, Tag):
            if "math" in child.get_attribute_list("class"):
                yield FORMULA
            elif child.name not in ("pre", "script", "style", "code"):
                yield from words(child)
        elif isinstance(child, NavigableString) and not isinstance(child, Comment):
            yield str(child)


def _value(tag: Tag, attribute: str) -> str:
    return str(tag.get(attribute) or "")


def left_over(page: Page) -> Iterator[str]:
    """Markdown or TeX that was not rendered."""
    text = "".join(words(page.article))
    for what, pattern in LEFT_OVER.items():
        for match in re.finditer(pattern, text, re.M):
            around = " ".join(text[max(0, match.start() - 20) : match.end() + 20].split())
            yield f"{what} is left: {around}"


def headings(page: Page) -> Iterator[str]:
    """One title, no level left out, words in each."""
    levels = []
    for heading in page.article(re.compile("^h[1-6]$")):
        levels.append(int(heading.name[1]))
        if not re.search(r"\w", "".join(words(heading))):
            yield f"a heading without words: {heading.get_text()!r}"
    if levels.count(1) != 1:
        yield f"{levels.count(1)} titles"
    for above, below in pairwise(levels):
        if below > above + 1:
            yield f"a heading of level {below} follows one of level {above}"


def tables(page: Page) -> Iterator[str]:
    """Every table says what it shows, and every head what it is the head of."""
    for table in page.article("table"):
        caption = table.find("caption")
        where = table.get_text(" ", strip=True)[:40]
        if not caption or not caption.get_text(strip=True):
            yield f"a table without a caption: {where}"
        heads = table("th")
        if not heads:
            yield f"a table without heads: {where}"
        for head in heads:
            if head.get("scope") not in ("col", "row", "colgroup", "rowgroup"):
                yield f"a head without scope: {head.get_text(strip=True)!r} in {where}"
            if not head.get_text(strip=True):
                yield f"an empty head: {where}"


def images(page: Page) -> Iterator[str]:
    """Every picture has words in its place, or says that it is decoration."""
    for image in page.article("img"):
        if not _value(image, "alt").strip():
            yield f"a picture without alt: {_value(image, 'src')}"
    for drawing in page.article("svg"):
        if _value(drawing, "aria-hidden") != "true" and not _value(drawing, "aria-label").strip():
            yield f"a drawing without a label: {str(drawing)[:60]}"


def links(page: Page, others: Callable[[Path], Page | None]) -> Iterator[str]:
    """Every link inside the book leads to a page, a file or an id that is there."""
    for link in page.whole("a"):
        target = urlsplit(_value(link, "href"))
        if target.scheme or target.netloc or (not target.path and not target.fragment):
            continue
        path = (page.path.parent / unquote(target.path)).resolve() if target.path else page.path
        if not path.exists():
            yield f"a link to nothing: {link['href']}"
        elif target.fragment and (other := others(path)) and unquote(target.fragment) not in other.ids:
            yield f"a link to an id that is not there: {link['href']}"


def identities(page: Page) -> Iterator[str]:
    """No id stands twice, but for those inside of drawings, to which nothing leads."""
    for name, count in Counter(str(tag["id"]) for tag in page.whole(id=True)).items():
        if count > 1:
            yield f"{count} elements have the id {name}"


def boxes(page: Page) -> Iterator[str]:
    """Verdict boxes have an address, and nothing in them scrolls."""
    for box in page.article(class_="verdict"):
        if not str(box.get("id", "")).startswith("claim-"):
            yield f"a verdict box without an address: {box.get_text(' ', strip=True)[:40]}"
        if box(["pre", "iframe"]) or box(class_=re.compile("scroll")) or box(style=SCROLLS):
            yield f"something in {box.get('id')} scrolls"


def solutions(page: Page) -> Iterator[str]:
    """A fold is titled "Solution", and the solution stands inside."""
    for title in page.article(class_="sd-summary-text"):
        words = title.get_text(" ", strip=True)
        if re.match(r"Solution\W*\w", words):
            yield f"a solution in the title of its fold: {words[:60]}"


def outside(page: Page) -> Iterator[str]:
    """Nothing is fetched from elsewhere."""
    for tag in page.whole(["script", "img", "link", "iframe"]):
        style = "stylesheet" in tag.get_attribute_list("rel")
        address = _value(tag, "src") or (_value(tag, "href") if style else "")
        if urlsplit(address).netloc:
            yield f"fetched from elsewhere: {address}"


CHECKS: tuple[Callable[[Page], Iterator[str]], ...] = (
    left_over,
    headings,
    tables,
    images,
    identities,
    boxes,
    solutions,
    outside,
)
WITHOUT = ("genindex", "search", "prf-prf", "py-modindex")
"""Pages of the theme, which nobody wrote; links may lead there."""


def scrolling_rules(style: str) -> Iterator[str]:
    """The rules of a style sheet, but for print, by which a verdict box or what is in it would scroll."""
    for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", re.sub(r"/\*.*?\*/", "", style, flags=re.S)):
        if ".verdict" in selector and SCROLLS.search(body):
            yield f"a verdict box scrolls by the rule of {selector.strip()}"


def lint(root: Path) -> Iterator[tuple[str, str]]:
    """(page, problem) of everything that is wrong in a built book."""
    root = root.resolve()
    pages = {path: Page(path) for path in sorted(root.rglob("*.html")) if "_static" not in path.parts}
    for path, page in pages.items():
        if path.stem in WITHOUT:
            continue
        problems = [problem for check in CHECKS for problem in check(page)]
        for problem in [*problems, *links(page, pages.get)]:
            yield path.relative_to(root).as_posix(), problem
    for style in root.glob("_static/custom.css"):
        for problem in scrolling_rules(style.read_text(encoding="utf8")):
            yield style.relative_to(root).as_posix(), problem


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    built = Path(__file__).parent.parent / "book" / "_build" / "html"
    parser.add_argument("folder", nargs="?", type=Path, default=built, help="the folder of the built pages")
    folder = parser.parse_args().folder
    if not any(folder.glob("*.html")):
        sys.exit(f"lint: there are no pages in {folder}: run `make book`, or name another folder")
    found = list(lint(folder))
    for page, problem in found:
        print(f"{page}: {problem}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
