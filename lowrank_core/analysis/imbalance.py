"""The imbalance FᵀF − GᵀG of asymmetric factors, and the rates it predicts (derived here)."""

from __future__ import annotations

import torch

from lowrank_core.errors import require
from lowrank_core.factors import Factors
from lowrank_core.truth import Truth


def imbalance(factors: Factors) -> torch.Tensor:
    """Δ = FᵀF − GᵀG, (B, k, k), which gradient flow conserves.

    Raises:
        ArgumentError: symmetric factors, which have no imbalance.
    """
    left, right = _pair(factors)
    return left.mT @ left - right.mT @ right


def free_directions(start: Factors, truth: Truth) -> torch.Tensor:
    """An orthonormal basis of ker(UᵀF₀ + VᵀG₀), in rows: (B, k − r, k).

    From a small start the signal takes the row space of UᵀF₀ + VᵀG₀; these directions are left to the noise.

    Raises:
        ArgumentError: symmetric factors, or a search rank that does not exceed the rank.
    """
    left, right = _pair(start)
    rank = truth.rank
    require(
        start.search_rank > rank,
        "search rank k",
        start.search_rank,
        f"there are no directions beyond the rank r = {rank}",
        "use k > r",
    )
    signal = truth.left.mT @ left + truth.right.mT @ right
    return torch.linalg.svd(signal, full_matrices=True).Vh[:, rank:]


def slow_modes(start: Factors, truth: Truth) -> torch.Tensor:
    """Eigenvalues of ΠΔ₀Π on the range of Π, the projector on the free directions, ascending: (B, k − r).

    What is left of the imbalance on the free directions drives the noise to zero. From a small start the slowest
    rate is 2ηd per iteration in the squared error, where d is the smallest absolute value of these.

    Raises:
        ArgumentError: as `free_directions`.
    """
    free = free_directions(start, truth)
    return torch.linalg.eigvalsh(free @ imbalance(start) @ free.mT)


def local_rate(factors: Factors, zero: float = 1e-12) -> torch.Tensor:
    """μ, the smallest nonzero eigenvalue of FᵀF and of GᵀG, (B,), at factors with FGᵀ = M*.

    Linearised there, one step of gradient descent multiplies the slowest part of the error by 1 − ημ, so the
    squared error falls by −2 log(1 − ημ) per iteration. (The smallest nonzero value is attained in the error
    only if n2 exceeds the rank of G, respectively n1 the rank of F.)

    Args:
        zero: eigenvalues below this, relative to the largest one, count as zero.
    """
    assert factors.right is not None
    values = torch.cat(
        [torch.linalg.svdvals(factor).square() for factor in (factors.left, factors.right)], dim=1
    )
    return torch.where(values > zero * values.amax(dim=1, keepdim=True), values, torch.inf).amin(dim=1)


def _pair(factors: Factors) -> tuple[torch.Tensor, torch.Tensor]:
    require(
        factors.right is not None,
        "factors",
        "symmetric factors X",
        "only a pair (F, G) has an imbalance",
        "use asymmetric factors",
    )
    assert factors.right is not None
    return factors.left, factors.right
