"""The problems that are timed: Gaussian measurements of a matrix of rank 3, κ = 2, norm about one."""

from __future__ import annotations

import torch

from lowrank_core import Factors, Problem, gaussian_start, gaussian_symmetric, observe, psd
from lowrank_core.sensing import Dense, MeasurementOperator

SPECTRUM = (0.8, 0.6, 0.4)
K = len(SPECTRUM)
ETA = 0.5


def dense(n: int, m: int, storage: str | None = None) -> Dense:
    """m symmetric Gaussian measurements of order n that serve all trajectories."""
    return gaussian_symmetric(n, m, [0], shared=True, storage=storage)


def recovery(
    operator: MeasurementOperator, batch: int = 1, k: int = K, scale: float = 0.3
) -> tuple[Problem, Factors]:
    """Recovery from these measurements, and a random start for each of `batch` trajectories."""
    n, seeds = operator.shape[0], range(batch)
    return observe(psd(n, SPECTRUM, seeds), operator), gaussian_start(n, k, scale, seeds)


def relative_error(x: torch.Tensor, problem: Problem) -> float:
    """‖XXᵀ − M*‖_F / ‖M*‖_F of the first trajectory."""
    truth = problem.truth.matrix[0]
    return float((x @ x.T - truth).norm() / truth.norm())


def described(n: int, m: int, k: int = K, batch: int = 1) -> str:
    return f"n={n}, r={K}, k={k}, m={m}" + (f", B={batch}" if batch > 1 else "")
