"""What is broken in a built page is found, each kind; and nothing is, in the book that is built here."""

import sys
from pathlib import Path

import html_lint
import pytest
from accessible_pages import accessible

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "book" / "_build" / "html"


GOOD = """
<h1 id="title">Title<a class="headerlink" href="#title">#</a></h1>
<h2 id="part">The case <span class="math">\\(p\\to1\\)</span></h2>
<p>Costs $5. So <span class="math">\\(a_b\\)</span> and <code>kappa_of(x) **kwargs</code>.</p>
<table><caption>What it shows</caption><thead><tr><th scope="col">n</th></tr></thead><tbody></tbody></table>
<img src="there.png" alt="three curves">
<svg role="img" aria-label="a curve"><g id="twice"></g><g id="twice"></g></svg><svg aria-hidden="true"></svg>
<a href="#part">here</a> <a href="other.html#claim-a.b">there</a> <a href="https://example.org/x#y">outside</a>
<section class="verdict" id="claim-p.q"><details><summary>more</summary></details></section>
<span class="sd-summary-text">Solution</span>
"""


@pytest.fixture
def found(tmp_path):
    """What is found in a page with this article, beside a page with one anchor."""

    def find(article, head=""):
        (tmp_path / "there.png").touch()
        (tmp_path / "other.html").write_text("<article><h1>O</h1><p id='claim-a.b'></p></article>", "utf8")
        (tmp_path / "page.html").write_text(f"<head>{head}</head><article>{article}</article>", "utf8")
        return [f"{page}: {problem}" for page, problem in html_lint.lint(tmp_path)]

    return find


def test_nothing_is_found_in_a_page_that_is_as_it_should_be(found):
    assert found(GOOD) == []


@pytest.mark.parametrize(
    ("good", "bad", "problem"),
    [
        ("Costs $5", 'Then $<span class="math">\\(x\\)</span>$', "a dollar sign beside a formula is left"),
        ("Costs $5", "Costs $$x$$", "a dollar sign beside a formula is left"),
        ("Costs $5", "text :::", "a directive is left"),
        ("Costs $5", "see {prf:ref}`thm`", "a directive is left"),
        ("Costs $5", "see [log](../log.md)", "a link in Markdown is left"),
        ("Costs $5", "a **strong** word", "emphasis in Markdown is left"),
        ("Costs $5", "of order \\frac12", "a command of TeX is left"),
        ("Costs $5", "like kappa^0.94", "the name of a letter is left"),
        ("The case ", "", "a heading without words"),
        ('<h2 id="part">', '<h3 id="part">', "a heading of level 3 follows one of level 1"),
        ("<h1 id", "<h2 id", "0 titles"),
        ("<caption>What it shows</caption>", "", "a table without a caption"),
        ('<th scope="col">n</th>', "<th>n</th>", "a head without scope: 'n'"),
        ('<th scope="col">n</th>', '<th scope="col"></th>', "an empty head"),
        ('<th scope="col">n</th>', "<td>n</td>", "a table without heads"),
        ('alt="three curves"', 'alt=""', "a picture without alt: there.png"),
        (' aria-label="a curve"', "", "a drawing without a label"),
        ("#part", "#apart", "a link to an id that is not there: #apart"),
        (
            "other.html#claim-a.b",
            "other.html#claim-b.a",
            "a link to an id that is not there: other.html#claim-b.a",
        ),
        ("other.html#claim-a.b", "none.html", "a link to nothing: none.html"),
        (
            '<svg aria-hidden="true">',
            '<p id="part"></p><svg aria-hidden="true">',
            "2 elements have the id part",
        ),
        (' id="claim-p.q"', "", "a verdict box without an address"),
        ("<details>", "<pre></pre><details>", "something in claim-p.q scrolls"),
        ("<details>", "<details style='max-height: 3em'>", "something in claim-p.q scrolls"),
        (">Solution<", ">Solution It is 3.<", "a solution in the title of its fold"),
    ],
)
def test_each_kind_of_break_is_found(found, good, bad, problem):
    assert GOOD.count(good) == 1
    lines = found(GOOD.replace(good, bad))
    assert any(line.startswith(f"page.html: {problem}") for line in lines), lines


def test_what_is_fetched_from_elsewhere_is_found(found):
    assert found(GOOD, "<script src='local.js'></script>") == []
    assert found(GOOD, "<script src='https://example.org/x.js'></script>") == [
        "page.html: fetched from elsewhere: https://example.org/x.js"
    ]


def test_a_style_by_which_verdict_boxes_scroll_is_found():
    scrolls = (
        ".verdict pre { overflow-x: auto; } .ledger { overflow: auto; } .verdict-numbers { max-height: 9em; }"
    )
    assert list(html_lint.scrolling_rules(scrolls)) == [
        "a verdict box scrolls by the rule of .verdict pre",
        "a verdict box scrolls by the rule of .verdict-numbers",
    ]
    style = (ROOT / "book" / "_static" / "custom.css").read_text("utf8")
    assert list(html_lint.scrolling_rules(style)) == []


def test_heads_of_columns_say_so_proofs_do_not_share_an_id_and_sources_are_a_list():
    body = '<th class="head"><p>n</p></th><div class="proof" id="proof"><p id="proof-content"></p></div>'
    body += '<div role="list"><div role="doc-biblioentry"></div></div>'
    assert accessible(body) == (
        '<th scope="col" class="head"><p>n</p></th><div class="proof"><p></p></div>'
        '<div role="list"><div role="listitem"></div></div>'
    )


def test_what_folds_code_is_called_by_the_words_on_it():
    folded = '<summary aria-label="Toggle hidden content"><p>code of this figure</p></summary>'
    assert accessible(folded) == "<summary><p>code of this figure</p></summary>"


def test_a_folder_without_pages_is_no_faultless_book(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["html_lint", str(tmp_path)])
    with pytest.raises(SystemExit, match="there are no pages"):
        html_lint.main()


@pytest.mark.slow
@pytest.mark.built
def test_nothing_is_broken_in_the_built_book():
    assert list(html_lint.lint(BUILT)) == []
