"""Speed, as far as a shared machine lets one promise it: the orders, and `targets.GATE` of every target.

Ratios inside one run and limits measured beside it; a contest that the neighbours disturbed is held again. They
need a core of their own, which tests that run side by side do not leave them: LOWRANK_GATES=1 asks for them.
"""

import os

import pytest

pytest.importorskip("numba")

from lowrank_core.__main__ import load_benchmarks

load_benchmarks()

from benchmarks import (  # noqa: E402
    bench_batch,
    bench_gradient,
    bench_population,
    bench_recovery,
    bench_structured,
    targets,
)

CONTESTS = {
    "gradient": lambda: bench_gradient.at(128, rounds=7),
    "batch": lambda: bench_batch.by_batch(50, rounds=7),
    "mixed": lambda: bench_batch.mixed(50, rounds=5),
    "recovery": lambda: bench_recovery.to_accuracy(50, rounds=3),
    "population": lambda: bench_population.rows(quick=True),
    "structured": lambda: bench_structured.structured(128, rounds=7),
    "gram": lambda: bench_structured.gram(50, rounds=5),
}

GATED = [target for target in targets.TARGETS if target.gated]


@pytest.mark.slow
@pytest.mark.skipif(
    os.environ.get("LOWRANK_GATES") != "1", reason="gates are timed alone: set LOWRANK_GATES=1"
)
@pytest.mark.parametrize("name", CONTESTS)
def test_gates(name):
    failures = _failures(name)
    assert not failures or not (failures := _failures(name)), "\n".join(failures)


def _failures(name):
    rows = list(CONTESTS[name]())
    found = [
        (target, row, part, gate)
        for asked, gate in ((GATED, targets.GATE), (targets.ORDERS, 1.0))
        for target, row, part in targets.judged(asked, rows)
    ]
    assert found, "no target speaks about these rows"
    return [
        f"{target.label}: {row.name} ({row.size}) reaches {part:.2f}, not {gate:.2f}, of {target.goal:g}"
        for target, row, part, gate in found
        if not part >= gate
    ]
