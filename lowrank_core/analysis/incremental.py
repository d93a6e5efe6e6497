"""Ranks learnt one after the other: which approximations a path passes, and how near.

With all entries observed the flow from a small balanced start of norm a₀ passes the best approximation M_k of every
rank at a distance of order a₀^p (derived in the chapter on spectral alignment, Theorem "The exponent of the closest
approach").
"""

from __future__ import annotations

from typing import TypeVar

import torch

from lowrank_core.errors import require
from lowrank_core.linalg import operator_norm
from lowrank_core.truth import Truth

Value = TypeVar("Value", float, torch.Tensor)


def approach_exponent(upper: Value, lower: Value) -> Value:
    """p = 2(σ_k − σ_{k+1})/(σ_k + σ_{k+1}), the exponent in a₀ of the closest approach to M_k.

    Args:
        upper, lower: σ_k ≥ σ_{k+1} ≥ 0, not both zero; numbers, or tensors of one shape.
    """
    return 2 * (upper - lower) / (upper + lower)


def best_approximation(truth: Truth, rank: int) -> torch.Tensor:
    """M_k, the best approximation of rank k of the truth (Eckart & Young), (B, n1, n2) float64.

    Raises:
        ArgumentError: the rank is negative or above that of the truth.
    """
    require(
        0 <= rank <= truth.rank,
        "rank",
        rank,
        f"the truth has rank {truth.rank}",
        "choose a rank from 0 to that of the truth",
    )
    return (truth.left * truth.spectrum[:, None, :])[..., :rank] @ truth.right[..., :rank].mT


def passing_distance(path: torch.Tensor, truth: Truth, last: int) -> torch.Tensor:
    """How near a path passes M_1, …, M_{s−1} one after the other, in operator norm, (B,) float64.

    Args:
        path: products FGᵀ at increasing times, (B, R, n1, n2).
        last: s, the rank at which the path ends.

    Returns:
        The largest over j < s of the distance to M_j over σ_{j+1}, each at a time not before that of M_{j−1}; zero
        for s = 1.
    """
    since = torch.zeros(len(path), 1, dtype=torch.int64, device=path.device)
    index = torch.arange(path.shape[1], device=path.device)
    largest = path.new_zeros(len(path))
    for j in range(1, last):
        gap = operator_norm(path - best_approximation(truth, j)[:, None])
        near, when = torch.where(index >= since, gap, torch.inf).min(dim=1)
        largest, since = torch.maximum(largest, near / truth.spectrum[:, j]), when[:, None]
    return largest
