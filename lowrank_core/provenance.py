"""Where a number comes from: a hash of this package's source, the versions it ran with, the machine and the day."""

from __future__ import annotations

import datetime
import functools
import hashlib
import importlib.metadata
import os
import platform
from pathlib import Path

ROOT = Path(__file__).parent


@functools.cache
def core_hash() -> str:
    """Hash of every source file of `lowrank_core`; two results with one hash come from the same code."""
    digest = hashlib.sha256()
    for path in sorted(ROOT.rglob("*.py")):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


core_hash()  # at import: what is hashed is what runs, even if a file changes later


@functools.cache
def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results may depend on; absent ones are left out."""
    found = {"python": platform.python_version()}
    for name in ("torch", "numpy", "sympy", "mpmath", "python-flint", "numba", "cvxpy"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str | int | None]:
    """What a long run is stored with besides: the day, the processor and its cores."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
    }


def _processor() -> str:
    # Of a processor on Linux, Python knows the architecture alone.
    told = Path("/proc/cpuinfo")
    lines = told.read_text(encoding="utf8").splitlines() if told.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()
