"""Long population runs: 64 seeds at n = 50, r = 3, k = 10, against an eager loop over one trajectory.

Both sides do the same iterations on the same draws in one process, in turn. The eager loop is what one would write
first: X ← X − η(XXᵀ − M*)X at full size, one seed at a time. Run with `python -m lowrank_core bench population`.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import torch

from lowrank_core import GradientDescent, Identity, gaussian_start, observe, psd, solve

N, SPECTRUM, K, ETA, SEEDS = 50, (3.0, 2.0, 1.0), 10, 0.05, 64
STEPS, ROUNDS = 5_000, 7


def rows() -> list[dict[str, Any]]:
    """One row: seconds for 10⁶ iterations of all seeds (extrapolated), and the ratio to the eager loop."""
    seeds = range(SEEDS)
    problem = observe(psd(N, SPECTRUM, seeds), Identity(N))
    start = gaussian_start(N, K, 1.0, seeds)
    ours, eager = [], []
    for _ in range(ROUNDS):
        ours.append(
            _seconds(lambda: solve(problem, GradientDescent(ETA), start, STEPS, record=[STEPS])) / STEPS
        )
        eager.append(
            _seconds(lambda: _eager(start.left[0], problem.truth.matrix[0], STEPS // 5)) / (STEPS // 5)
        )
    ratios = sorted(SEEDS * e / o for e, o in zip(eager, ours, strict=True))
    return [
        {
            "name": "population gradient descent, 10⁶ iterations",
            "size": f"{SEEDS} seeds, n={N}, r={len(SPECTRUM)}, k={K}",
            "seconds": 1e6 * statistics.median(ours),
            "ratio": statistics.median(ratios),
            "against": "eager torch loop, one trajectory at a time",
            "against_microseconds": 1e6 * statistics.median(eager),
            "spread": f"{ratios[0]:.1f}-{ratios[-1]:.1f}",
            "rounds": ROUNDS,
            "threads": torch.get_num_threads(),
            "kernel": "torch, exact reduction to (r + k) x k",
        }
    ]


@torch.no_grad()
def _eager(x: torch.Tensor, truth: torch.Tensor, steps: int) -> torch.Tensor:
    for _ in range(steps):
        x = x - ETA * (x @ x.T - truth) @ x
    return x


def _seconds(work: Any) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


if __name__ == "__main__":
    print(rows())
