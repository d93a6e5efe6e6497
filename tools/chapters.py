"""The pages that compute, and what in their text could let a wrong book look right: see `faults`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode
from nbval_text_only import is_compared, marks

PRESENTS = {"execution_mode": "force"}
KERNEL = "python3"


def read_page(path: Path) -> NotebookNode | None:
    """A page as a notebook that is not yet executed; None if it computes nothing."""
    from myst_nb.core.read import is_myst_markdown_notebook, myst_nb_reader_plugin

    if not is_myst_markdown_notebook(path.read_text(encoding="utf8")):
        return None
    notebook: NotebookNode = myst_nb_reader_plugin(str(path))
    return notebook


def presents(notebook: NotebookNode) -> bool:
    """Whether a page only shows what chapters found; Sphinx executes it, after all chapters, on every build."""
    return execution(notebook) == PRESENTS


def execution(notebook: NotebookNode) -> dict[str, object]:
    """What the front matter of a page says of its execution."""
    settings = notebook.metadata.get("mystnb", {})
    return {key: value for key, value in settings.items() if key.startswith("execution")}


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def claims_of(sources: list[str]) -> tuple[set[str], set[str]]:
    """(ids that cells run, ids whose `require()` is the last expression of a cell, where it shows its verdict).

    Raises:
        SyntaxError: a cell that is no Python.
    """
    ran: set[str] = set()
    shown: set[str] = set()
    names: dict[str, str] = {}
    for source in sources:
        body = ast.parse(source).body
        for node in (node for statement in body for node in ast.walk(statement)):
            if isinstance(node, ast.Call) and (claim_id := _run_of(node)):
                ran.add(claim_id)
            elif isinstance(node, ast.Assign) and (claim_id := _run_of(node.value)):
                names |= {target.id: claim_id for target in node.targets if isinstance(target, ast.Name)}
        last = body[-1] if body else None
        if (
            isinstance(last, ast.Expr)
            and isinstance(last.value, ast.Call)
            and isinstance(last.value.func, ast.Attribute)
            and last.value.func.attr == "require"
        ):
            result = last.value.func.value
            named = names.get(result.id, "") if isinstance(result, ast.Name) else _run_of(result)
            shown |= {named} - {""}
    return ran, shown


def _run_of(node: ast.expr) -> str:
    """The id in `claims.run("id", ...)`, "" if it is anything else; "?" if the id is not written there."""
    if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "claims.run"):
        return ""
    first = node.args[0] if node.args else None
    return str(first.value) if isinstance(first, ast.Constant) else "?"


def faults(notebook: NotebookNode) -> Iterator[str]:
    """Why a page could look right while it is wrong, a line each; none if all its failures can be seen."""
    settings = execution(notebook)
    if settings and settings != PRESENTS:
        yield f"its front matter sets {settings}, which hides failures: remove it"
    kernel = notebook.metadata.get("kernelspec", {}).get("name", KERNEL)
    if kernel != KERNEL:
        yield f"its front matter asks for the kernel {kernel!r}: use {KERNEL}, that of the book's own environment"
    cells = code_cells(notebook)
    for number, cell in enumerate(cells, 1):
        said = marks(cell)
        if (
            said.get("skip")
            or said.get("check_exception")
            or "skip-execution" in cell.metadata.get("tags", ())
        ):
            yield f"code cell {number} skips itself, or may raise (a tag or an NBVAL comment): remove the mark"
        try:
            ran, shown = claims_of([cell.source])
        except SyntaxError as error:
            yield f"code cell {number} is no Python: {error}"
            return
        if not is_compared(cell) and (ran or shown or "require()" in cell.source):
            yield f"code cell {number} holds a verdict, and its outputs are not compared: remove the mark"
    ran, shown = claims_of([cell.source for cell in cells])
    if "?" in ran:
        yield "it runs a claim whose id is not written there: use claims.run('id')"
    for claim_id in sorted(ran - shown - {"?"}):
        yield f"it runs {claim_id} and never requires it: end a cell with its require()"
