"""A Sphinx extension: chapters are read from the run's cache and can be downloaded as executed notebooks.

When myst-nb finds a chapter in the cache it shows the outputs, but writes the notebook to `jupyter_execute`
without them, and a replay of that file would compare nothing. Here the outputs are put back. The copy for readers
says how to get what its cells import, and is in plain Markdown: their programs know no directives.
"""

from __future__ import annotations

import functools
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
from jupyter_cache import get_cache
from nbformat import NotebookNode
from plain import Names, names, plain
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError

HOW_TO_RUN = """\
*This notebook is a page of the book “{title}”, with the outputs of its build. Its cells import `lowrank_core`,
which is on no package index: it comes with the book. In a clone of the book's repository, given Python 3.11 or
newer and `make`:*

```bash
make env                                      # the package, and all that it needs, in .venv
.venv/bin/python -m pip install notebook      # or another program that opens notebooks
.venv/bin/python -m notebook {name}.ipynb     # where this file lies
```"""


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("config-inited", use_cache_of_run)
    app.connect("html-page-context", offer_executed_notebook)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def use_cache_of_run(app: Sphinx, config: Config) -> None:
    try:
        config["nb_execution_cache_path"] = os.environ["LOWRANK_CACHE"]
    except KeyError:
        raise ConfigError(
            "LOWRANK_CACHE is not set: build with `make book`, because a plain `jupyter-book build` "
            "keeps showing a chapter's old outputs when only the core has changed"
        ) from None


def offer_executed_notebook(
    app: Sphinx, page: str, _template: str, context: dict[str, Any], _doctree: Any
) -> None:
    executed = Path(app.outdir).parent / "jupyter_execute" / f"{page}.ipynb"
    if not executed.exists():
        return
    notebook = nbformat.read(executed, as_version=4)
    with suppress(KeyError):  # a page that only presents results is never cached, and has its outputs already
        notebook = get_cache(app.config["nb_execution_cache_path"]).merge_match_into_notebook(notebook)[1]
    download = Path(app.outdir) / "_sources" / f"{page}.ipynb"
    download.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, executed)
    nbformat.write(for_readers(notebook, app.config["html_title"], page, known(Path(app.srcdir))), download)
    context["ipynb_source"] = f"{page}.ipynb"  # the theme's download menu lists it


known = functools.cache(names)


def for_readers(notebook: NotebookNode, title: str, page: str, known: Names) -> NotebookNode:
    """A copy that begins with how to run it, and has its text in plain Markdown."""
    first = nbformat.v4.new_markdown_cell(HOW_TO_RUN.format(title=title, name=page.split("/")[-1]))
    cells = [
        NotebookNode(cell | {"source": plain(cell.source, known)}) if cell.cell_type == "markdown" else cell
        for cell in notebook.cells
    ]
    return NotebookNode(notebook | {"cells": [first, *cells]})
