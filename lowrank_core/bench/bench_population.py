"""Long runs on the population loss: 10⁶ iterations of 64 seeds, against an eager loop over one trajectory.

Both sides take the same iterations from the same draws. The eager loop is what one would write first:
X ← X − η(XXᵀ − M*)X at full size, one seed at a time. Seconds are those of a shorter run, scaled up to 10⁶
iterations of all seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lowrank_core import Factors, GradientDescent, Identity, Problem, gaussian_start, observe, psd, solve
from lowrank_core.bench import peers
from lowrank_core.bench.contest import Work, contest, same
from lowrank_core.bench.row import Row

ETA, SEEDS = 0.05, 64
SIZES = ((50, (3.0, 2.0, 1.0), 10), (50, (3.0, 2.0, 1.0), 3), (20, (2.0, 1.0), 4))
LONG = 1_000_000


def rows(quick: bool = False) -> Iterator[Row]:
    """The three sizes of the book."""
    for n, spectrum, k in SIZES:
        yield from at(n, spectrum, k, steps=20_000 if quick else 100_000, rounds=5 if quick else 9)


def at(n: int, spectrum: tuple[float, ...], k: int, steps: int, rounds: int) -> Iterator[Row]:
    problem = observe(psd(n, spectrum, range(SEEDS)), Identity(n))
    start = gaussian_start(n, k, 1.0, range(SEEDS))
    truth = problem.truth.matrix[0]
    found = _solved(problem, start, 200)().left[0]
    expected = peers.eager_population(start.left[0], truth, ETA, 200)
    # The columns are compared up to what 200 iterations make of rounding.
    same("population loop", found @ found.T, expected @ expected.T, 1e-12)
    # The least work that is known: XᵀX, half of it by symmetry, and X(XᵀX), for r + k rows in the eigenbasis of M*.
    ours = Work(
        _solved(problem, start, steps), steps / LONG, flops=3 * (len(spectrum) + k) * k * k * SEEDS * steps
    )
    eager = steps // 100
    others = {
        "eager torch loop, seed by seed": Work(
            lambda: peers.eager_population(start.left[0], truth, ETA, eager), eager / LONG / SEEDS
        )
    }
    yield from contest(
        f"{SEEDS} seeds, n={n}, r={len(spectrum)}, k={k}",
        {"population gradient descent, 10⁶ iterations": ours},
        others,
        rounds,
    )


def _solved(problem: Problem, start: Factors, steps: int) -> Callable[[], Factors]:
    return lambda: solve(problem, GradientDescent(ETA), start, steps, record=[steps]).factors
