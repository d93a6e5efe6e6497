"""What a process takes at most while it builds a problem and solves it.

In a process of its own, `python -m benchmarks.memory n ...`, where nothing was freed before that could be taken
again unseen.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")
STEPS = 100


def peaks(orders: tuple[int, ...]) -> dict[int, float] | None:
    """Order n -> bytes at most of measurements with m = 15n and `STEPS` iterations of gradient descent on them.

    Returns:
        None where the system does not keep count, after a line on standard error that says so.
    """
    if not STATUS.exists():
        print(f"no {STATUS} here: no rows on peak memory", file=sys.stderr)
        return None
    done = subprocess.run(
        [sys.executable, "-m", "lowrank_core.bench.memory", *map(str, orders)],
        cwd=Path(__file__).parents[1],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        check=True,
    )
    return dict(zip(orders, json.loads(done.stdout), strict=True))


def _taken(n: int) -> float:
    from lowrank_core import GradientDescent, solve
    from lowrank_core.bench.instances import ETA, dense, recovery

    before = _kept("VmRSS")
    problem, start = recovery(dense(n, 15 * n))
    solve(problem, GradientDescent(ETA), start, STEPS, record=[STEPS])
    return _kept("VmHWM") - before


def _kept(field: str) -> float:
    found = re.search(rf"{field}:\s+(\d+) kB", STATUS.read_text(encoding="utf8"))
    assert found is not None
    return 1024.0 * int(found[1])


if __name__ == "__main__":
    _taken(8)  # compiles, and loads what is loaded at first use
    # From small to large: the peak that the system keeps is that of the last.
    print(json.dumps([_taken(int(n)) for n in sorted(map(int, sys.argv[1:]))]))
