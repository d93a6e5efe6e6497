"""Chapters open as notebooks that compute with this checkout, and what was changed in one is kept."""

import sys

import lab
import nbformat
import pytest

from book import Book, BookError, find_chapters

CELLS = {"one": ["1 + 1"], "two": ["2 + 2"]}


@pytest.fixture
def book(make_book):
    tiny = make_book()
    tiny.set_pages(index=["'the index presents'"], **CELLS)
    return Book(tiny.root)


def test_every_chapter_becomes_a_notebook_with_its_cells(book):
    paths = lab.write_notebooks(book, find_chapters(book))
    assert [path.relative_to(book.root).as_posix() for path in paths] == ["lab/one.ipynb", "lab/two.ipynb"]
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert [cell.source for cell in notebook.cells if cell.cell_type == "code"] == CELLS[path.stem]
        assert notebook.metadata.kernelspec.name == "python3"


def test_a_notebook_that_was_changed_is_left_as_it_is(book):
    chapters = find_chapters(book)
    path, _ = lab.write_notebooks(book, chapters)
    path.write_text("changed")
    lab.write_notebooks(book, chapters)
    assert path.read_text() == "changed"


def test_directives_and_roles_are_words_in_a_notebook_and_solutions_stay_folded(book):
    text = "# One\n\n:::{prf:theorem} Name\n:label: thm\nOf $x$.\n:::\n\nBy {prf:ref}`thm`.\n\n"
    text += ":::{dropdown} Solution\nIt is 3.\n:::\n\n```{learnt}\n```\n"
    (book.source / "one.md").write_text((book.source / "one.md").read_text().replace("# one\n", text))
    path, _ = lab.write_notebooks(book, find_chapters(book))
    written = nbformat.read(path, as_version=4).cells[0].source
    assert "**Theorem “Name”.**\n\nOf $x$." in written
    assert "By Theorem “Name”." in written
    assert "<summary>Solution</summary>\n\nIt is 3.\n\n</details>" in written
    assert "{" not in written


def test_without_a_program_that_opens_notebooks_it_says_where_to_get_one(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["lab", "--jupyter", "no-such-program", "--root", str(tmp_path)])
    with pytest.raises(SystemExit, match="there is no no-such-program: `make lab` installs JupyterLab"):
        lab.main()


def test_the_chapter_to_begin_with_goes_by_the_end_of_its_name():
    chapters = {"chapters/p/one": None, "chapters/p/two": None, "chapters/q/two": None}
    assert lab.chosen(chapters, "one") == "chapters/p/one"
    assert lab.chosen(chapters, "q/two") == "chapters/q/two"
    with pytest.raises(BookError, match="'two' names 2 chapters"):
        lab.chosen(chapters, "two")


def test_notebooks_write_beside_the_records_of_the_book(book):
    book.results.mkdir(parents=True)
    (book.results / "p.a.json").write_text("{}")
    folder = lab.records(book)
    (folder / "p.a.json").write_text("changed")
    assert (book.results / "p.a.json").read_text() == "{}"
