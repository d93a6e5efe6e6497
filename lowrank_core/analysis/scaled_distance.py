r"""The distance in which ScaledGD contracts, with its minimum over invertible matrices.

    dist²(F, G) = inf_Q ‖(FQ − F*)Σ^{1/2}‖_F² + ‖(GQ⁻ᵀ − G*)Σ^{1/2}‖_F²,   F* = UΣ^{1/2},  G* = VΣ^{1/2},

after Tong, Ma & Chi (2021), p. 7. A pair of factors is as good as (FQ, GQ⁻ᵀ), and so is its distance from the
truth.
"""

from __future__ import annotations

import torch

from lowrank_core.errors import require
from lowrank_core.factors import Factors
from lowrank_core.truth import Truth

ITERATIONS = 40


def scaled_distance(factors: Factors, truth: Truth) -> torch.Tensor:
    """dist of a pair of factors with as many columns as the truth has rank, (B,).

    The minimum is sought by a Newton step with the Hessian at the truth, Q ← Q(I − ½Σ⁻¹∇Σ⁻¹): linear convergence,
    by a factor of the order of dist/σ_r. Whatever it returns is attained by some Q, so it is never below the
    infimum.

    Args:
        factors: F, (B, n1, r), and G, (B, n2, r).
        truth: M* of rank r.

    Raises:
        ArgumentError: symmetric factors, or a number of columns other than r.
    """
    left, right = factors
    require(
        right is not None and factors.search_rank == truth.rank,
        "factors",
        f"symmetric factors or {factors.search_rank} columns",
        f"the distance compares a pair of factors with {truth.rank} columns each with the truth's",
        "use a pair (F, G) with k = r",
    )
    assert right is not None
    root = truth.spectrum.sqrt()[:, None, :]
    target_left, target_right = truth.roots
    inverse = 1 / truth.spectrum
    identity = torch.eye(truth.rank, dtype=left.dtype, device=left.device)
    q = torch.linalg.lstsq(left, target_left).solution
    best = torch.full_like(truth.spectrum[:, 0], torch.inf)
    for _ in range(ITERATIONS):
        moved_left, moved_right = left @ q, right @ torch.linalg.inv_ex(q).inverse.mT
        gap_left, gap_right = (moved_left - target_left) * root, (moved_right - target_right) * root
        value = gap_left.square().sum(dim=(-2, -1)) + gap_right.square().sum(dim=(-2, -1))
        best = torch.fmin(best, value)
        slope = moved_left.mT @ (gap_left * root) - (moved_right.mT @ (gap_right * root)).mT
        q = q @ (identity - 0.5 * inverse[:, :, None] * slope * inverse[:, None, :])
    return best.sqrt()
