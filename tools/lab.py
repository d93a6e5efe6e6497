"""Open the chapters as notebooks in JupyterLab, to be changed and run again: `python tools/lab.py [CHAPTER]`.

The notebooks are copies in `lab/`; one that is there is left as it is, so that nothing that was changed is lost.
They compute with this Python and this checkout, and what their claims find does not touch the book's records.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from plain import PlainError, names, plain

from book import Book, BookError, environment, find_chapters

FOLDER = "lab"


def write_notebooks(book: Book, chapters: dict[str, NotebookNode]) -> list[Path]:
    """Write each chapter that has no notebook yet, in plain Markdown; where all are, in the order of the book.

    Raises:
        PlainError: a directive or a role of a chapter has no form in plain Markdown.
    """
    known, paths = names(book.source), []
    for name, notebook in chapters.items():
        path = book.root / FOLDER / f"{name}.ipynb"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            notebook.metadata["kernelspec"] = {
                "name": "python3",
                "display_name": "Python 3",
                "language": "python",
            }
            for cell in notebook.cells:
                if cell.cell_type == "markdown":
                    cell.source = plain(cell.source, known)
            nbformat.write(notebook, path)
        paths.append(path)
    return paths


def chosen(chapters: dict[str, NotebookNode], wanted: str) -> str:
    """The chapter whose name ends in these words.

    Raises:
        BookError: none does, or several.
    """
    found = [name for name in chapters if name == wanted or name.endswith(f"/{wanted}")]
    if len(found) != 1:
        raise BookError(f"{wanted!r} names {len(found)} chapters; there are {', '.join(chapters)}")
    return found[0]


def records(book: Book) -> Path:
    """A copy of the last build's records, for notebooks to write into."""
    folder = book.root / FOLDER / ".results"
    folder.mkdir(parents=True, exist_ok=True)
    if book.results.is_dir():
        shutil.copytree(book.results, folder, dirs_exist_ok=True)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapter", nargs="?", default="", help="the chapter to begin with, e.g. imbalance")
    parser.add_argument("--jupyter", default="jupyter-lab", help="the program that opens notebooks")
    parser.add_argument("--root", type=Path, default=Path(__file__).parent.parent, help="what holds book/")
    arguments = parser.parse_args()
    jupyter = shutil.which(arguments.jupyter)
    if jupyter is None:
        sys.exit(
            f"lab: there is no {arguments.jupyter}: `make lab` installs JupyterLab, or name one by --jupyter"
        )
    book = Book(arguments.root.resolve())
    try:
        chapters = find_chapters(book)
        first = chosen(chapters, arguments.chapter) if arguments.chapter else next(iter(chapters))
        write_notebooks(book, chapters)
    except (BookError, PlainError) as error:
        sys.exit(f"lab: {error}")
    variables = environment(book, records(book))  # JupyterLab passes them on to its kernels
    page = f"{FOLDER}/{first}.ipynb"
    print(f"Opening {page}; the notebooks are copies in {book.root / FOLDER}", file=sys.stderr)
    jupyter = str(Path(jupyter).absolute())
    os.chdir(book.root)
    os.execve(jupyter, [jupyter, f"--ServerApp.root_dir={book.root}", page], variables)


if __name__ == "__main__":
    main()
