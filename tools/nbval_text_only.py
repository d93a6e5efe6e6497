"""A pytest plugin that narrows nbval's comparison to text, and the count of what is then left to compare.

Pictures hold fonts and library versions, HTML holds random ids and standard error holds progress bars: they
change from machine to machine while the mathematics stays. So what a chapter found must be plain text too.
"""

from __future__ import annotations

import pytest
from nbformat import NotebookNode
from nbval.plugin import IPyNbFile, find_comment_markers, find_metadata_tags

NOT_COMPARED = ("image/png", "image/jpeg", "image/svg+xml", "text/html", "application/javascript", "stderr")


def pytest_collectstart(collector: pytest.Collector) -> None:
    if isinstance(collector, IPyNbFile):
        collector.skip_compare += NOT_COMPARED


def compared_outputs(notebook: NotebookNode) -> int:
    """How many outputs of an executed notebook a replay compares."""
    return sum(
        has_text(output)
        for cell in notebook.cells
        if cell.cell_type == "code" and is_compared(cell)
        for output in cell.outputs
    )


def marks(cell: NotebookNode) -> dict[str, bool]:
    """What tags and comments of a cell tell nbval: "check", "skip", "check_exception"."""
    return dict(find_metadata_tags(cell.metadata)) | dict(find_comment_markers(cell.source))


def is_compared(cell: NotebookNode) -> bool:
    found = marks(cell)
    return found.get("check", True) and not found.get("skip", False)


def has_text(output: NotebookNode) -> bool:
    if output.output_type == "stream":
        return output.name == "stdout"
    text = output.get("data", {}).get("text/plain", "")
    # <Figure size 640x480 with 1 Axes> and its like are names of objects, which never differ.
    return bool(text) and not (text.startswith("<") and text.endswith(">"))
