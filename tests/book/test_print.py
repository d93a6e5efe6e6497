"""The printed book is whole: every page, claim, figure and solution, and nothing is wider than the paper."""

import re
from importlib.util import find_spec
from pathlib import Path

import print_book
import pytest
from bs4 import BeautifulSoup

from lowrank_core.claims import registry

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "book" / "_build" / "html"
TOC = ROOT / "_toc.yml"
PAGES = {
    "index": '<h1>Index<a class="headerlink" href="#index">#</a></h1><a href=\'part/one.html#fig\'>there</a>'
    "<a href='part/one.html'>page</a> <a href='#here'>here</a><a href='https://example.org/part/one.html'>out</a>",
    "part/one": '<h1>One<a class="headerlink" href="#one">#</a></h1><img src="../_images/a.png">'
    "<p id='fig'></p>"
    "<svg><g id='clip'></g><path clip-path='url(#clip)'/><use xlink:href='#clip'/></svg>"
    '<details class="sd-sphinx-override sd-dropdown"><summary class="s">'
    '<span class="sd-summary-text">Solution</span>'
    "</summary><p>It is three.</p></details><p>The last words.</p>"
    '<details class="other"><summary>more</summary><p>folded</p></details><script>gone()</script>',
}


@pytest.fixture
def small(tmp_path):
    """A built book of two pages: (its folder, its contents)."""
    for page, article in PAGES.items():
        path = tmp_path / f"{page}.html"
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            f"<html><head></head><body><h1>Contents</h1><article class='a'>{article}</article></body></html>",
            "utf8",
        )
    toc = tmp_path / "_toc.yml"
    toc.write_text("root: index\nparts:\n- caption: The part\n  chapters:\n  - file: part/one\n")
    return tmp_path, toc


def test_links_inside_the_book_lead_to_the_merged_pages_and_others_stay(small):
    text = print_book.merged(*small)
    for link in ("'#part-one--fig'", "'#part-one'", "'#index--here'", "'https://example.org/part/one.html'"):
        assert f"href={link}" in text
    assert "<li class='print-part'>The part</li><li><a href='#part-one'>One</a></li>" in text


def test_ids_are_those_of_their_page_inside_drawings_too_and_pictures_are_found(small):
    text = print_book.merged(*small)
    for part in ("id='part-one--clip'", "url(#part-one--clip)", "xlink:href='#part-one--clip'"):
        assert part in text
    assert 'src="_images/a.png"' in text


def test_solutions_stand_at_the_end_folds_are_open_and_scripts_are_gone(small):
    text = print_book.merged(*small)
    assert "Solution 1: at the end of the chapter." in text
    assert text.index("The last words.") < text.index("<h2>Solutions</h2>") < text.index("It is three.")
    assert "<details " in text
    assert "<details open" in text
    assert not re.findall("<details (?!open)", text)
    assert "gone()" not in text


def test_a_book_that_is_not_built_is_said_to_be(tmp_path):
    with pytest.raises(FileNotFoundError, match="run `make book`"):
        print_book.print_book(tmp_path, TOC, tmp_path / "book.pdf")


@pytest.mark.browser
def test_printing_leaves_the_built_book_as_it_is(small):
    built, toc = small
    before = sorted(built.rglob("*"))
    assert print_book.print_book(built, toc, built.parent / "book.pdf") == []
    assert sorted(built.rglob("*")) == before
    assert (built.parent / "book.pdf").read_bytes().startswith(b"%PDF")


def squeezed(text):
    """Letters, digits and signs alone, however lines are broken."""
    return re.sub(r"[\s\u00ad\u200b\u2060\ufffe-]", "", text)


def captions():
    """The words of every figure's caption, formulas left out, by page and in pieces."""
    for _, page in print_book.contents(TOC):
        soup = BeautifulSoup((BUILT / f"{page}.html").read_text("utf8"), "html.parser")
        for caption in soup.select("article figcaption .caption-text"):
            for formula in caption.select(".math, .headerlink"):
                formula.replace_with("\n")
            yield page, [piece for piece in map(squeezed, caption.get_text().split("\n")) if len(piece) > 12]


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.built
@pytest.mark.skipif(find_spec("pypdfium2") is None, reason="needs pypdfium2")
def test_every_claim_and_every_figure_is_in_the_printed_book_and_nothing_is_wider_than_it(tmp_path):
    import pypdfium2

    wide = print_book.print_book(BUILT, TOC, tmp_path / "book.pdf")
    document = pypdfium2.PdfDocument(tmp_path / "book.pdf")
    text = squeezed("".join(page.get_textpage().get_text_range() for page in document))
    assert [claim.id for claim in registry.all_claims() if squeezed(claim.id) not in text] == []
    found = list(captions())
    assert len(found) > 50
    missing = [(page, piece) for page, pieces in found for piece in pieces if piece not in text]
    assert missing == []
    assert wide == []
