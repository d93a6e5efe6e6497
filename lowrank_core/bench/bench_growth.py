"""How cost grows: exponents fitted to measured times, beside those that counting gives.

Here `ratio` is the fitted exponent, `against` names the one that counting gives, and `seconds` is the cost at the
largest size; for memory, `limit_fraction` is the stored part of the peak there. Small sizes fit in caches and carry
a fixed cost, more measurements take fewer iterations, and many trajectories share what is read, so that the two
exponents need not agree.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from lowrank_core import ErrorBelow, GradientDescent, solve
from lowrank_core.bench import memory
from lowrank_core.bench.contest import Work, exponent, kernel, quantiles, timed
from lowrank_core.bench.instances import ETA, dense, recovery
from lowrank_core.bench.row import Row
from lowrank_core.device import single_thread
from lowrank_core.sensing import Dense

GOAL = 1e-10
LONGEST = 600


def rows(quick: bool = False) -> Iterator[Row]:
    """A gradient and a whole run with n, with m and with B, and memory with n."""
    rounds = 3 if quick else 7
    orders = (16, 32, 64) if quick else (32, 64, 128, 256)
    operators = {n: dense(n, 15 * n) for n in orders}
    yield _fitted("gradient", "n", 3, {n: _gradient(a) for n, a in operators.items()}, rounds, "m=15n")
    runs = {n: _run(a) for n, a in operators.items()}
    # A run takes many gradients already, and seconds at the largest size.
    yield _fitted(f"run to {GOAL:.0e}", "n", 3, runs, 1, "m=15n")
    stored = {n: [float(a.entries.nbytes)] for n, a in operators.items()}
    yield _row("stored bytes", "n", 3, stored, "m=15n", seconds=False)
    runs.clear()
    operators.clear()
    if peaks := memory.peaks(orders):
        taken = {n: [found] for n, found in peaks.items()}
        row = _row("peak memory of a run", "n", 3, taken, "m=15n", seconds=False)
        yield replace(row, limit_fraction=stored[orders[-1]][0] / peaks[orders[-1]])

    by_m = {m: dense(50, m) for m in ((500, 1000, 2000) if quick else (500, 1000, 2000, 4000, 8000))}
    gradients = {m: _gradient(a) for m, a in by_m.items()}
    yield _fitted("gradient", "m", 1, gradients, rounds, "n=50")
    yield _fitted(f"run to {GOAL:.0e}", "m", 1, {m: _run(a) for m, a in by_m.items()}, rounds, "n=50")
    shared, batches = dense(50, 750), (1, 2, 4, 8, 16, 32, 64)
    gradients = {b: _gradient(shared, b) for b in batches}
    yield _fitted("gradient of all", "B", 1, gradients, rounds, "n=50, m=750")
    together = {b: _run(shared, b) for b in batches}
    yield _fitted(f"run of all to {GOAL:.0e}", "B", 1, together, 1, "n=50, m=750")


def _gradient(operator: Dense, batch: int = 1) -> Callable[[], object]:
    problem, start = recovery(operator, batch)
    return lambda: problem.gradient(start, with_value=False)


def _run(operator: Dense, batch: int = 1) -> Callable[[], object]:
    problem, start = recovery(operator, batch)
    stop = ErrorBelow(GOAL**2 * float(problem.truth.matrix.square().sum()))

    def run() -> None:
        end = solve(problem, GradientDescent(ETA), start, LONGEST, record=range(0, LONGEST, 20), stop=stop)
        if set(end.stop_reason) != {"reached"}:
            raise RuntimeError(f"n={operator.shape[0]} does not reach {GOAL:.0e} in {LONGEST} iterations")

    return run


def _fitted(
    name: str,
    variable: str,
    counted: float,
    works: Mapping[int, Callable[[], object]],
    rounds: int,
    rest: str,
) -> Row:
    with single_thread():
        seconds = timed({str(size): Work(run) for size, run in works.items()}, rounds)
    return _row(name, variable, counted, {size: seconds[str(size)] for size in works}, rest, seconds=True)


def _row(
    name: str, variable: str, counted: float, costs: Mapping[int, Sequence[float]], rest: str, seconds: bool
) -> Row:
    exponents = [exponent(list(costs), column) for column in zip(*costs.values(), strict=True)]
    return Row(
        f"growth of {name} with {variable}",
        f"{variable}={', '.join(map(str, costs))}; {rest}",
        statistics.median(exponents),
        f"exponent {counted:g} by counting",
        None,
        statistics.median(costs[max(costs)]) if seconds else None,
        len(exponents),
        quantiles(exponents),
        1,
        kernel(),
    )
