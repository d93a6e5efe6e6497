r"""Distances of a pair of factors from the truth, with their minimum over invertible matrices.

    dist²(F, G) = inf_Q ‖(FQ − F*)W‖_F² + ‖(GQ⁻ᵀ − G*)W‖_F²,   F* = UΣ^{1/2},  G* = VΣ^{1/2}.

With W = Σ^{1/2} it is the distance in which ScaledGD contracts (Tong, Ma & Chi 2021, p. 7), with W = I that of
balancing-free gradient descent (Ma, Li & Chi 2021). A pair of factors is as good as (FQ, GQ⁻ᵀ), and so are its
distances from the truth.
"""

from __future__ import annotations

import torch

from lowrank_core.errors import require
from lowrank_core.factors import Factors
from lowrank_core.truth import Truth

ITERATIONS = 40


def scaled_distance(factors: Factors, truth: Truth) -> torch.Tensor:
    """dist with W = Σ^{1/2} of a pair of factors with as many columns as the truth has rank, (B,).

    The minimum is sought by a Newton step with the Hessian at the truth: linear convergence, by a factor of the
    order of dist/σ_r. Whatever it returns is attained by some Q, so it is never below the infimum.

    Args:
        factors: F, (B, n1, r), and G, (B, n2, r).
        truth: M* of rank r.

    Raises:
        ArgumentError: symmetric factors, or a number of columns other than r.
    """
    return _distance(factors, truth, truth.spectrum)


def alignment_distance(factors: Factors, truth: Truth) -> torch.Tensor:
    """dist with W = I, (B,); arguments, errors and method as for `scaled_distance`, convergence by dist/√σ_r."""
    return _distance(factors, truth, torch.ones_like(truth.spectrum))


def _distance(factors: Factors, truth: Truth, weight: torch.Tensor) -> torch.Tensor:
    """dist with W² = diag(weight), (B, r)."""
    left, right = factors
    require(
        right is not None and factors.search_rank == truth.rank,
        "factors",
        f"symmetric factors or {factors.search_rank} columns",
        f"the distance compares a pair of factors with {truth.rank} columns each with the truth's",
        "use a pair (F, G) with k = r",
    )
    assert right is not None
    target_left, target_right = truth.roots
    # ‖F*ΔW‖² + ‖G*ΔᵀW‖² in the entries of Δ.
    curvature = truth.spectrum[:, :, None] * weight[:, None, :]
    curvature = curvature + curvature.mT
    w, identity = weight[:, None, :], torch.eye(truth.rank, dtype=left.dtype, device=left.device)
    q = torch.linalg.lstsq(left, target_left).solution
    best = torch.full_like(weight[:, 0], torch.inf)
    for _ in range(ITERATIONS):
        moved_left, moved_right = left @ q, right @ torch.linalg.inv_ex(q).inverse.mT
        gap_left, gap_right = moved_left - target_left, moved_right - target_right
        value = (gap_left.square() * w).sum(dim=(-2, -1)) + (gap_right.square() * w).sum(dim=(-2, -1))
        if not bool((value < best).any()):
            break
        best = torch.fmin(best, value)
        slope = moved_left.mT @ (gap_left * w) - (moved_right.mT @ (gap_right * w)).mT
        q = q @ (identity - slope / curvature)
    return best.sqrt()
