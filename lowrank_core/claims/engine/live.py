"""A small contest that the chapter holds when it is built: gradients of one problem, side by side on one thread."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

import torch

from lowrank_core import kernels
from lowrank_core.device import single_thread
from lowrank_core.factors import gaussian_start
from lowrank_core.problem import observe
from lowrank_core.sensing import MeasurementOperator, gaussian_symmetric, rank_one_symmetric
from lowrank_core.truth import psd

FULL, PASSES = "full matrices, two passes", "packed, two passes"
FUSED, NARROW = "packed, one pass", "packed, one pass, float32 storage"
EIGHT, RANK_ONE = "packed, one pass for 8, each", "rank-one measurements"
ORDERS = ((PASSES, FULL), (FUSED, PASSES), (NARROW, FUSED), (EIGHT, FUSED), (RANK_ONE, FUSED))
"""Who has to be faster than whom, whatever the machine."""


@torch.no_grad()
def gradients(n: int, m: int, rank: int = 3) -> dict[str, tuple[Callable[[], object], int]]:
    """Each way to a gradient, with the number of trajectories that one call serves."""

    def work(operator: MeasurementOperator, batch: int = 1, choice: str = "auto") -> Callable[[], object]:
        seeds = range(batch)
        problem = observe(psd(n, [1.0] * rank, seeds), operator)
        start = gaussian_start(n, rank, 0.3, seeds)

        def run() -> None:
            with kernels.using(choice):
                problem.gradient(start, with_value=False)

        return run

    dense = gaussian_symmetric(n, m, [0], shared=True)
    matrices = dense.adjoint(torch.eye(m, dtype=torch.float64)).flatten(1)
    x = gaussian_start(n, rank, 0.3, [0]).left[0]
    y = matrices @ (x @ x.T).flatten() / 2

    def full() -> torch.Tensor:
        residual = matrices @ (x @ x.T).flatten() - y
        return (matrices.T @ residual).view(n, n) @ x / m

    return {
        FULL: (full, 1),
        PASSES: (work(dense, choice="torch"), 1),
        FUSED: (work(dense), 1),
        NARROW: (work(gaussian_symmetric(n, m, [0], shared=True, storage="float32")), 1),
        EIGHT: (work(dense, batch=8), 8),
        RANK_ONE: (work(rank_one_symmetric(n, m, [0], shared=True)), 1),
    }


def timed(works: Mapping[str, tuple[Callable[[], object], int]], rounds: int) -> dict[str, list[float]]:
    """CPU seconds a trajectory, a number a round; all take turns in every round, and the first one warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    with single_thread():
        for _ in range(rounds + 1):
            for name, (run, trajectories) in works.items():
                begin = time.process_time()
                run()
                seconds[name].append((time.process_time() - begin) / trajectories)
    return {name: found[1:] for name, found in seconds.items()}


def beats(seconds: Mapping[str, list[float]], one: str, other: str) -> bool:
    """Whether the first is faster in the median over the rounds of the ratio inside a round."""
    return statistics.median(b / a for a, b in zip(seconds[one], seconds[other], strict=True)) > 1
