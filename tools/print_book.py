"""Print the built book, complete, into one PDF: `python tools/print_book.py`.

The articles of all pages are merged into one, in the order of the contents, with every fold open and the solutions
of a chapter at its end, and Chromium prints it.
"""

from __future__ import annotations

import argparse
import html
import posixpath
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from browser import Browser, BrowserError
from drawn import TOO_WIDE
from imprint import imprint

ROOT = Path(__file__).parent.parent
STYLE = Path(__file__).with_name("print.css")
ID = re.compile(r"""(\s(?:id|name|for|aria-labelledby|aria-describedby)=)(["'])([^"']+)\2""")
HREF = re.compile(r"""(\s(?:xlink:)?href=)(["'])([^"']+)\2""")
SOLUTION = re.compile(
    r'<details class="sd-sphinx-override[^>]*>\s*<summary[^>]*>\s*'
    r'<span class="sd-summary-text">Solution.*?</details>',
    re.S,
)
PAPER = 673
"""Width of the printed part of a page in pixels: 210 mm less the margins."""


def contents(toc: Path) -> Iterator[tuple[str, str]]:
    """(part, page) of everything that _toc.yml lists, in its order; the root has no part, and leads."""
    listed = yaml.safe_load(toc.read_text(encoding="utf8"))
    yield "", listed["root"]
    parts = listed.get("parts") or [{"chapters": listed.get("chapters", [])}]
    for part in parts:
        for chapter in part["chapters"]:
            yield part.get("caption", ""), chapter["file"]


def key(page: str) -> str:
    """The id of a page in the merged one."""
    return page.replace("/", "-")


def article(source: str, page: str, pages: set[str]) -> str:
    """What a page's author wrote, as a section of the merged page: its ids, links and pictures lead there."""
    body = source[source.index("<article") : source.rindex("</article>")].split(">", 1)[1]
    folder = posixpath.dirname(page)

    def target(match: re.Match[str]) -> str:
        attribute, quote, address = match.groups()
        path, _, anchor = address.partition("#")
        other = posixpath.normpath(posixpath.join(folder, path)).removesuffix(".html") if path else page
        if re.match(r"[a-z]+:", address) or other not in pages:
            return match[0]
        return f"{attribute}{quote}#{key(other)}" + (f"--{anchor}" if anchor else "") + quote

    body = re.sub(r"<script.*?</script>", "", body, flags=re.S)
    # Ids are unique on a page, not in a book: each gets its page's name, the references inside drawings included.
    body = ID.sub(lambda m: m[1] + m[2] + " ".join(f"{key(page)}--{i}" for i in m[3].split()) + m[2], body)
    body = HREF.sub(target, body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{key(page)}--\1)", body)
    body = re.sub(r'(src|data)="(?:\.\./)+(_images|_static)', r'\1="\2', body)
    solutions = SOLUTION.findall(body)
    numbers = iter(range(1, len(solutions) + 1))
    body = SOLUTION.sub(lambda _: f"<p>Solution {next(numbers)}: at the end of the chapter.</p>", body)
    if solutions:
        each = "".join(f"<div><b>Solution {n}.</b>{text}</div>" for n, text in enumerate(solutions, 1))
        body += f"<section><h2>Solutions</h2>{each}</section>"
    return (
        f'<section class="print-page" id="{key(page)}">{body.replace("<details", "<details open")}</section>'
    )


def merged(built: Path, toc: Path) -> str:
    """The HTML of the whole book on one page, which has to lie beside the folders of the built pages."""
    listed = list(contents(toc))
    pages = {page for _, page in listed}
    sources = {page: (built / f"{page}.html").read_text(encoding="utf8") for page in pages}
    # MathJax and its settings stand on the pages that have formulas.
    formulas = next((source for source in sources.values() if "window.MathJax" in source), "")
    scripts = re.findall(
        r"<script>window\.MathJax.*?</script>|<script[^>]*mathjax[^>]*></script>", formulas, re.S
    )
    styles = re.findall(r'<link[^>]*rel="stylesheet"[^>]*>', sources[listed[0][1]])
    head = re.sub(r'(href|src)="(?:\.\./)+', r'\1="', "".join([*styles, *scripts]))
    this = imprint()
    title = html.escape(this.title)
    index, part = "", ""
    for caption, page in listed:
        if caption != part:
            index += f"<li class='print-part'>{html.escape(caption)}</li>"
            part = caption
        index += f"<li><a href='#{key(page)}'>{_title(sources[page])}</a></li>"
    return (
        f"<!doctype html><html lang='en' data-theme='light'><head><meta charset='utf-8'><title>{title}</title>"
        f"{head}<style>{STYLE.read_text(encoding='utf8')}</style></head>"
        "<body class='bd-content'><main class='bd-article'>"
        f"<section class='print-title'><h1>{title}</h1><p>{html.escape(this.authors)}</p>"
        f"<p>Version {this.version} of {this.date}, {html.escape(this.licence)} licence.<br>"
        f"Cite as: {html.escape(this.citation)}</p></section>"
        f"<section class='print-index'><h1>Contents</h1><ul class='print-contents'>{index}</ul></section>"
        + "".join(article(sources[page], page, pages) for _, page in listed)
        + "</main></body></html>"
    )


def _title(source: str) -> str:
    """The title of a page, from the first heading of its article, without the link to itself."""
    found = re.search(r"<h1>(.*?)<a class=\"headerlink\"", source[source.index("<article") :], re.S)
    return found[1] if found else ""


def print_book(built: Path, toc: Path, to: Path) -> list[str]:
    """Write the PDF; what is wider than the paper, which should be nothing.

    Raises:
        FileNotFoundError: the book, or a page of its contents, has not been built.
        BrowserError: there is no Chromium, or it fails.
    """
    if not (built / "index.html").is_file():
        raise FileNotFoundError(f"there is no built book in {built}: run `make book`")
    with TemporaryDirectory() as folder:
        # Beside the pictures and styles, but not in the book, where others would take it for a page.
        for part in built.iterdir():
            Path(folder, part.name).symlink_to(part.resolve())
        page = Path(folder, "print.html")
        page.write_text(merged(built, toc), encoding="utf8")
        with Browser() as browser:
            browser.size(PAPER)
            browser.call("Emulation.setEmulatedMedia", media="print")
            browser.open(page.resolve().as_uri())
            browser.evaluate("window.MathJax && MathJax.startup.promise.then(() => 0)")
            wide = list(browser.evaluate(TOO_WIDE))
            browser.print(to, generateDocumentOutline=True, generateTaggedPDF=True)
    return wide


def main() -> None:
    built = ROOT / "book" / "_build" / "html"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--built", type=Path, default=built, help="the folder of the built pages")
    parser.add_argument("--toc", type=Path, default=ROOT / "_toc.yml", help="the contents")
    parser.add_argument("--to", type=Path, default=built.with_name("low-rank-recovery.pdf"), help="the PDF")
    arguments = parser.parse_args()
    try:
        wide = print_book(arguments.built, arguments.toc, arguments.to)
    except (BrowserError, OSError) as error:
        sys.exit(f"print: {error}")
    if wide:
        sys.exit("print: wider than the paper:\n" + "\n".join(wide))
    print(f"The book is printed: {arguments.to.resolve().as_uri()}")


if __name__ == "__main__":
    main()
