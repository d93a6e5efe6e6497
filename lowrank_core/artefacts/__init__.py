"""Results of runs too long for a build of the book, kept with their provenance and a hash of everything kept."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import torch

from lowrank_core.errors import require
from lowrank_core.files import write_whole

FOLDER = Path(__file__).parent


def write(name: str, content: dict[str, Any], folder: Path = FOLDER) -> Path:
    """Store `content`, which must be fit for JSON, as `name`.json under a SHA-256 of it."""
    path = folder / f"{name}.json"
    kept = {"sha256": digest(content), "content": content}
    write_whole(path, json.dumps(kept, ensure_ascii=False, allow_nan=False) + "\n")
    return path


def read(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """The content stored as `name`, after a check of its hash.

    Raises:
        ArgumentError: there is none of this name, or it is not what was stored.
    """
    path = folder / f"{name}.json"
    present = sorted(file.stem for file in folder.glob("*.json"))
    require(path.is_file(), "name", name, "nothing is stored under this name", f"use one of {present}")
    kept = json.loads(path.read_text(encoding="utf8"))
    require(
        kept["sha256"] == digest(kept["content"]),
        "name",
        name,
        "the stored data do not match their hash",
        "restore the file from version control, or run tools/store_experiment.py",
    )
    content: dict[str, Any] = kept["content"]
    return content


def band(steps: torch.Tensor, values: torch.Tensor) -> dict[str, Any]:
    """A curve as it is stored: steps (R,), and median, lowest and highest of the values (B, R) over the seeds.

    Values that are not finite, of diverged trajectories, are stored as None.
    """
    ordered = values.sort(dim=0).values
    rows = {"median": ordered.median(dim=0).values, "lowest": ordered[0], "highest": ordered[-1]}
    kept = {
        name: [float(f"{v:.5g}") if math.isfinite(v) else None for v in row.tolist()]
        for name, row in rows.items()
    }
    return {"steps": steps.tolist(), "seeds": values.shape[0], **kept}


def digest(content: dict[str, Any]) -> str:
    """SHA-256 of the content as JSON with sorted keys and no spaces."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
