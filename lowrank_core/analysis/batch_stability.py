"""Stability of gradient descent on fresh mini-batches, linearised at a balanced solution.

The error e of the factors obeys e ← (I − η b⁻¹Σaaᵀ)e with b independent Gaussian a ~ N(0, H) per iteration, H the
Hessian. It is stable in mean square where its second moments contract, and almost surely where its Lyapunov
exponent is negative. (Derived here.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from lowrank_core.randomness import normal


def hessian_values(spectrum: Sequence[float], n1: int, n2: int) -> list[tuple[float, int]]:
    """The nonzero eigenvalues of the Hessian at a balanced solution, with their multiplicities.

    Args:
        spectrum: the singular values of the truth, n1 × n2.
    """
    values = [(first + second, 1) for first in spectrum for second in spectrum]
    return values + [(sigma, n1 + n2 - 2 * len(spectrum)) for sigma in spectrum]


def stability_index(eta: float, spectrum: Sequence[float], n1: int, n2: int, b: int) -> float:
    """μ of mini-batches near a balanced solution: the mean square error contracts iff it is below one.

    In the eigenbasis of H the second moments p_j of e obey
    p_j ← p_j(1 − 2ηh_j + η²h_j²(1 + 1/b)) + η²h_j b⁻¹ Σ_i h_i p_i, and μ passes one with the largest eigenvalue of
    this map; it is inf where ηh_j(1 + 1/b) >= 2.

    Args:
        eta: step size η.
        b: measurements per iteration.
    """
    values = hessian_values(spectrum, n1, n2)
    if eta * max(h for h, _ in values) * (1 + 1 / b) >= 2:
        return float("inf")
    return eta / b * sum(count * h / (2 - eta * h * (1 + 1 / b)) for h, count in values)


def step_of_index(mu: float, spectrum: Sequence[float], n1: int, n2: int, b: int) -> float:
    """The step size η at which `stability_index` is μ, by bisection."""
    low, high = 0.0, 1 / spectrum[0]
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if stability_index(middle, spectrum, n1, n2, b) < mu else (low, middle)
    return low


def lyapunov_exponent(
    seeds: Iterable[int], eta: float, spectrum: Sequence[float], n1: int, n2: int, b: int, steps: int
) -> torch.Tensor:
    """Mean growth of ln‖e‖ per iteration over `steps` iterations, one run a seed, (B,) float64."""
    seeds = tuple(seeds)
    h = torch.tensor([v for v, count in hessian_values(spectrum, n1, n2) for _ in range(count)]).double()
    error = normal(seeds, "error of the factors", len(h))
    growth = torch.zeros(len(seeds), dtype=torch.float64)
    for i in range(steps):
        drawn = normal(seeds, f"linearised measurements {i}", b, len(h)) * h.sqrt()
        seen = torch.einsum("sbj,sj->sb", drawn, error)
        error = error - eta / b * torch.einsum("sbj,sb->sj", drawn, seen)
        size = error.norm(dim=1)
        growth += size.log()
        error = error / size[:, None]
    return growth / steps
