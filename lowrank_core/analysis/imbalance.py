"""The imbalance FᵀF − GᵀG of asymmetric factors, and the rates it predicts (derived here)."""

from __future__ import annotations

import torch

from lowrank_core import inputs
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
    """μ, the smallest nonzero eigenvalue of E ↦ FFᵀE + EGGᵀ, (B,), at factors with FGᵀ = M*.

    One step of gradient descent multiplies the slowest part of the error by 1 − ημ, so the logarithm of the
    squared error falls by −2 log(1 − ημ) per iteration. With a and b the smallest nonzero eigenvalues of FᵀF and
    GᵀG, μ is the least of a, if n2 > rank G; of b, if n1 > rank F; and of a + b.

    Args:
        zero: eigenvalues below this, relative to the largest of both factors, count as zero.

    Raises:
        ArgumentError: symmetric factors, `zero` outside [0, 1).
    """
    found = inputs.number("zero", zero)
    require(0 <= found < 1, "zero", zero, "it is relative, and below one", "use e.g. 1e-12")
    left, right = (torch.linalg.svdvals(factor).square() for factor in _pair(factors))
    cut = zero * torch.maximum(left[:, :1], right[:, :1])
    a, b = (torch.where(values > cut, values, torch.inf).amin(dim=1) for values in (left, right))
    rank_left, rank_right = ((values > cut).sum(dim=1) for values in (left, right))
    n1, n2 = (factor.shape[1] for factor in _pair(factors))
    return torch.minimum(
        a + b,
        torch.minimum(torch.where(n2 > rank_right, a, torch.inf), torch.where(n1 > rank_left, b, torch.inf)),
    )


def has_slow_mode(limit: Factors, rank: int) -> torch.Tensor:
    """Whether ‖Δ‖ bounds `local_rate` at a limit with FGᵀ = M* of a rank, (B,) bool.

    It does where one factor has extra rank and the other leaves a row free: rank F > r and n2 > rank G, or the same
    with F and G exchanged. Singular values below 1e-6 of the largest count as zero.

    Raises:
        ArgumentError: symmetric factors, a rank that is no integer or below one.
    """
    rank = inputs.whole("rank", rank, 1)
    values = [torch.linalg.svdvals(side) for side in _pair(limit)]
    f, g = ((v > 1e-6 * v[:, :1]).sum(dim=1) for v in values)
    n1, n2 = (side.shape[1] for side in _pair(limit))
    return ((f > rank) & (g < n2)) | ((g > rank) & (f < n1))


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
