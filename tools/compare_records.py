"""Keep what claims measured and drew before a change of code, and compare after it: what changed, field by field.

    python tools/compare_records.py keep before --scale book
    ... change the code ...
    python tools/compare_records.py keep after --scale book
    python tools/compare_records.py compare before after

Kept are the whole record, but for time and provenance, and the data of the figures. Each claim has a file of its
own, so that a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import torch

from lowrank_core.claims.batch import side_by_side
from lowrank_core.claims.registry import all_claims, find
from lowrank_core.claims.runner import run
from lowrank_core.terminal import program

LEFT_OUT = ("seconds", "core_hash", "versions")
"""Fields of records and of the recipes of runs that differ from run to run, or with the code itself."""
Leaf = torch.Tensor | str


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Leaf]]:
    """Every number, as a tensor, and every other value, as text, with the way to it."""
    if isinstance(value, torch.Tensor):
        yield name, value.detach().cpu().clone()
    elif is_dataclass(value) and not isinstance(value, type):
        for item in fields(value):
            yield from leaves(getattr(value, item.name), f"{name}.{item.name}")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, f"{name}[{key}]")
    elif isinstance(value, (list, tuple)):
        if value and all(isinstance(item, (int, float)) for item in value):
            yield name, torch.tensor(value, dtype=torch.float64)
        else:
            for i, item in enumerate(value):
                yield from leaves(item, f"{name}[{i}]")
    elif isinstance(value, (int, float)):
        yield name, torch.tensor(value, dtype=torch.float64)
    else:
        yield name, str(value)


def keep(claim_id: str, scale: str, seed0: int, path: Path) -> None:
    """Run a claim and write its leaves, unless they are there."""
    if path.is_file():
        return
    result = run(claim_id, scale, seed0=seed0)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    found = leaves({"record": result.record, "curves": result.curves})
    left_out = tuple(f"[{key}]" for key in LEFT_OUT)
    # Versions are a mapping, whose leaves have names of their own.
    kept = {name: leaf for name, leaf in found if not any(key in name for key in left_out)}
    torch.save(kept, part)
    part.replace(path)


def difference(before: Leaf, after: Leaf, rtol: float) -> str:
    """How two leaves differ, in words; empty if they do not."""
    if isinstance(before, str) or isinstance(after, str):
        return "" if isinstance(before, type(after)) and before == after else f"{before!r} → {after!r}"
    if before.shape != after.shape:
        return f"shape {tuple(before.shape)} → {tuple(after.shape)}"
    old, new = before.double(), after.double()
    apart = (old != new) & ~(old.isnan() & new.isnan())
    if not bool(apart.any()):
        return ""
    gap = float((old - new)[apart].abs().nan_to_num(torch.inf).max())
    scale = float(old[old.isfinite()].abs().max()) if bool(old.isfinite().any()) else 0.0
    return "" if gap <= rtol * scale else f"by up to {gap:.3g}, of {scale:.3g}"


def compare(before: Path, after: Path, rtol: float) -> list[str]:
    """A line for every difference between two folders."""
    lines = []
    names = sorted({path.name for folder in (before, after) for path in folder.glob("*.pt")})
    for name in names:
        missing = [str(folder) for folder in (before, after) if not (folder / name).is_file()]
        if missing:
            lines.append(f"{name[:-3]}: not in {' and '.join(missing)}")
            continue
        old, new = (torch.load(folder / name, weights_only=True) for folder in (before, after))
        for leaf in sorted(old.keys() | new.keys()):
            if leaf in old and leaf in new:
                words = difference(old[leaf], new[leaf], rtol)
            else:
                words = f"only {'before' if leaf in old else 'after'}"
            if words:
                lines.append(f"{name[:-3]} {leaf}: {words}")
    return lines if names else [f"no records in {before} and {after}"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    keeping = commands.add_parser("keep", help="run claims and keep what they give")
    keeping.add_argument("folder", type=Path)
    keeping.add_argument("claims", nargs="*", metavar="ID", help="default: all")
    keeping.add_argument("--scale", choices=("smoke", "book", "full"), default="book")
    keeping.add_argument("--seed0", type=int, default=0)
    comparing = commands.add_parser(
        "compare", help="list what differs between two folders; exit 1 if anything does"
    )
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    comparing.add_argument(
        "--rtol",
        type=float,
        default=0.0,
        help="of the largest number of a series; 1e-9 where batches were re-ordered",
    )
    options = parser.parse_args()
    if options.command == "keep":
        ids = [find(claim_id).id for claim_id in options.claims] or [claim.id for claim in all_claims()]
        jobs = {i: (i, options.scale, options.seed0, options.folder / f"{i}.pt") for i in ids}
        for _ in side_by_side(keep, jobs, f"{options.scale} scale"):
            pass
    else:
        lines = compare(options.before, options.after, options.rtol)
        print("\n".join(lines) or "no difference")
        sys.exit(bool(lines))


if __name__ == "__main__":
    sys.exit(program(main))
