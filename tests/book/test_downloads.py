"""Notebooks for readers say how to run them, and are in plain Markdown."""

import re
from pathlib import Path

import nbformat
import pytest
from chapters import read_page
from notebook_downloads import for_readers
from plain import Names, PlainError, names, plain

BOOK = Path(__file__).parents[2] / "book"
PAGES = [
    path for path in sorted(BOOK.rglob("*.md")) if "_build" not in path.parts and read_page(path) is not None
]
RAW = re.compile(
    r":::|\{[\w:-]+\}`|^\s*`{3,}\{|^\([\w-]+\)=$|^\s*:(?:label|class|tags):|\.md\)", re.MULTILINE
)
KNOWN = Names({"thm-a": "Theorem “A”"}, {"a2020": "A (2020)", "b2021": "B (2021)"}, ["- A (2020): *One*"])


@pytest.fixture(scope="module")
def known():
    return names(BOOK)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_raw_directive_is_left_of_any_page(path, known):
    page = read_page(path)
    copy = for_readers(page, "The book", path.stem, known)
    nbformat.validate(copy)
    text = "\n\n".join(cell.source for cell in copy.cells if cell.cell_type == "markdown")
    assert RAW.findall(text) == []
    # Only text is rewritten, and no formula of it is lost.
    assert [cell for cell in copy.cells if cell.cell_type == "code"] == [
        cell for cell in page.cells if cell.cell_type == "code"
    ]
    before = "".join(cell.source for cell in page.cells if cell.cell_type == "markdown")
    assert before.count("$$") == text.count("$$")


def test_the_first_cell_says_how_to_get_the_package():
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A page")])
    first, second = for_readers(page, "The book", "chapters/paper/page", KNOWN).cells
    assert "The book" in first.source
    assert "notebook page.ipynb " in first.source
    assert second.source == "# A page"
    # The commands are those of the project, and nothing is asked of an index that does not have it.
    assert re.search(r"^env:.* \.venv ", (BOOK.parent / "Makefile").read_text(), re.MULTILINE)
    assert "make env " in first.source
    assert not re.search("install.*lowrank", first.source)


@pytest.mark.parametrize(
    ("myst", "markdown"),
    [
        (
            ":::{prf:theorem} A\n:label: thm-a\n:class: background\nFor $k>r$.\n:::",
            "**Theorem “A”.**\n\nFor $k>r$.",
        ),
        (":::{prf:remark}\nNo title.\n:::", "**Remark.**\n\nNo title."),
        (":::{prf:proof}\nBy {prf:ref}`thm-a`. $\\square$\n:::", "*Proof.*\n\nBy Theorem “A”. $\\square$"),
        (
            ":::{dropdown} Exercise\n$1$?\n:::",
            "<details>\n<summary>Exercise</summary>\n\n$1$?\n\n</details>",
        ),
        ("::::{prf:proof}\n:::{prf:lemma} B\nIt.\n:::\n::::", "*Proof.*\n\n**Lemma “B”.**\n\nIt."),
        (
            "1. One\n\n   :::{prf:remark}\n   It.\n   :::\n2. Two",
            "1. One\n\n   **Remark.**\n\n   It.\n2. Two",
        ),
        ("```{bibliography}\n```", "- A (2020): *One*"),
        ("```{learnt}\n```", "What each claim of this page was found to be stands in its box, above."),
        (
            "```{table} Of $k$\n| n |\n| --- |\n| {cite:t}`a2020` |\n```",
            "*Of $k$*\n\n| n |\n| --- |\n| A (2020) |",
        ),
        ("As {cite:t}`a2020` and {cite:t}`a2020,b2021`.", "As A (2020) and A (2020), B (2021)."),
        ("{claim}`p.a`, {claim}`the rate <p.a>`", "`p.a`, the rate"),
        ("{claim:verdict}`p.a`", "(see the box of `p.a`)"),
        ("(a-target)=\nText, [there](#a-target) and\n[here](../page.md#a).", "Text, there and\nhere."),
        ("```python\n{cite:t}`a2020`  # :::\n```", "```python\n{cite:t}`a2020`  # :::\n```"),
        (
            "![A picture](a.png) of [it](https://example.org)",
            "![A picture](a.png) of [it](https://example.org)",
        ),
    ],
)
def test_what_a_page_says_in_directives_is_said_without(myst, markdown):
    assert plain(myst, KNOWN).strip("\n") == markdown


@pytest.mark.parametrize(
    "unknown", [":::{note}\nIt.\n:::", "{doc}`page`", "{prf:ref}`thm-b`", "{cite:t}`c2022`"]
)
def test_what_has_no_plain_form_fails_the_build(unknown):
    with pytest.raises(PlainError, match="has no form in plain Markdown"):
        plain(unknown, KNOWN)
