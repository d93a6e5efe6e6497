"""Files that are there whole or not at all."""

from __future__ import annotations

from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write `text` as UTF-8, through a neighbour that takes the file's place once it is complete.

    Raises:
        OSError: it cannot be written; what was there before is untouched.
    """
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf8")
    part.replace(path)
