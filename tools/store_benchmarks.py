"""Run the benchmarks, some minutes on one quiet core, and store their rows, and how far they reach, for the book.

Each benchmark runs in a process of its own, as `python -m lowrank_core bench NAME` does, and is stored with its own
provenance. Benchmarks that are not named are kept as they were stored.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from lowrank_core import artefacts, provenance
from lowrank_core.__main__ import BENCHMARKS
from lowrank_core.bench.row import Row
from lowrank_core.bench.targets import TARGETS
from lowrank_core.terminal import program

STORED = "benchmarks"
PEERS = ("jax", "pymanopt", "scs", "clarabel")


def main() -> None:
    there = [path.stem.removeprefix("bench_") for path in sorted(BENCHMARKS.glob("bench_*.py"))]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all, or some of {', '.join(there)}")
    parser.add_argument("--quick", action="store_true", help="smaller sizes and fewer rounds")
    options = parser.parse_args()
    for unknown in set(options.names) - set(there):
        parser.error(f"no benchmark {unknown!r}: use some of {', '.join(there)}")
    kept = artefacts.read(STORED)["benchmarks"] if (artefacts.FOLDER / f"{STORED}.json").exists() else {}
    for name in options.names or there:
        kept[name] = provenance_here(options.quick) | {"rows": timed(name, options.quick)}
        found = {name: kept[name] for name in there if name in kept}
        print(f"{name} stored in {artefacts.write(STORED, {'benchmarks': found, 'targets': judged(found)})}")


def timed(name: str, quick: bool) -> list[dict[str, Any]]:
    """The rows of one benchmark, the machine's own rates first."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rows.json")
        command = [sys.executable, "-m", "lowrank_core", "bench", name, "--json", str(file)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        subprocess.run(command + ["--quick"] * quick, env=environment, check=True)
        rows: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf8"))
    return rows


def judged(found: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Every target with what the rows that it is about reach of it: 1 or more is met, None was not run."""
    rows = [Row(**row) for part in found.values() for row in part["rows"]]
    reports: list[dict[str, Any]] = []
    for target in TARGETS:
        fields = ("label", "name", "size", "against", "column", "goal")
        declared = {field: getattr(target, field) for field in fields}
        about = [row for row in rows if target.applies(row)]
        for row in about:
            seen = {"value": getattr(row, target.column), "reached": target.reached(row)}
            reports.append(declared | {"row": row.name, "on": row.size, "opponent": row.against} | seen)
        if not about:
            reports.append(declared | dict.fromkeys(("row", "on", "opponent", "value", "reached")))
    return reports


def provenance_here(quick: bool) -> dict[str, Any]:
    versions = provenance.versions() | dict(filter(None, map(installed, PEERS)))
    return {"quick": quick, **provenance.machine(), "versions": versions, "core_hash": provenance.core_hash()}


def installed(name: str) -> tuple[str, str] | None:
    try:
        return name, importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    sys.exit(program(main))
