"""What executed chapters left, kept on disk with a hash of every file.

A chapter is found again by its cells alone; its folder is there whole or not at all, and whatever was cut, edited
or lost since makes it one that was never executed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

MANIFEST = "manifest.json"
NOTEBOOK = "outputs.ipynb"
RESULTS = "results/"


@dataclass(frozen=True)
class Kept:
    """An executed chapter.

    Attributes:
        notebook: its cells with their outputs.
        results: what its claims wrote: name -> content.
        seconds: how long it took.
    """

    notebook: NotebookNode
    results: Mapping[str, bytes]
    seconds: float


def place(folder: Path, name: str, notebook: NotebookNode) -> Path:
    """Where a chapter with exactly these cells is kept, under this name."""
    cells = [[cell.metadata, cell.source] for cell in notebook.cells if cell.cell_type == "code"]
    return folder / hashlib.sha256(json.dumps([name, cells], sort_keys=True).encode()).hexdigest()[:16]


def keep(folder: Path, name: str, found: Kept) -> None:
    """Write what a chapter left.

    Raises:
        OSError: it cannot be written; nothing is kept then.
    """
    files = {NOTEBOOK: nbformat.writes(found.notebook).encode()}
    files |= {RESULTS + path: content for path, content in found.results.items()}
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        part = Path(scratch, "part")
        for path, content in files.items():
            (part / path).parent.mkdir(parents=True, exist_ok=True)
            (part / path).write_bytes(content)
        manifest = {"name": name, "seconds": found.seconds, "files": _digests(files)}
        (part / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf8")
        target = place(folder, name, found.notebook)
        shutil.rmtree(target, ignore_errors=True)
        part.replace(target)


def recall(folder: Path, name: str, notebook: NotebookNode) -> Kept | None:
    """What an earlier execution of exactly these cells left, in this notebook; None if it is not as written."""
    kept = place(folder, name, notebook)
    try:
        manifest = json.loads((kept / MANIFEST).read_text(encoding="utf8"))
        there = (path for path in kept.rglob("*") if path.is_file() and path != kept / MANIFEST)
        files = {path.relative_to(kept).as_posix(): path.read_bytes() for path in there}
        if _digests(files) != manifest["files"]:
            return None
        outputs = nbformat.reads(files.pop(NOTEBOOK).decode(), as_version=4)
        seconds = float(manifest["seconds"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    # The text between the cells is that of today.
    executed = (cell for cell in outputs.cells if cell.cell_type == "code")
    cells = [next(executed) if cell.cell_type == "code" else cell for cell in notebook.cells]
    # Without what the kernel said of its language, Sphinx would not know how to colour the cells.
    said = {key: value for key, value in outputs.metadata.items() if key == "language_info"}
    merged = NotebookNode(notebook | {"cells": cells, "metadata": NotebookNode(notebook.metadata | said)})
    return Kept(merged, {path.removeprefix(RESULTS): content for path, content in files.items()}, seconds)


def _digests(files: Mapping[str, bytes]) -> dict[str, str]:
    return {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
