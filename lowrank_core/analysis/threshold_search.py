"""The least of the lower bound `sharp_threshold.smallest_constant_bound` over all pairs X, Z, by descent.

The bound does not change under rotations X ↦ OXQ, Z ↦ OZQ' nor under a common factor, so X may be taken diagonal
with smallest singular value one: X = [diag(√(1 + p²)); 0]. In p and Z the bound is smooth up to its seam, also
where the singular values of X coincide, which is where the minimum turns out to lie. During the search σ = 1 stands
for the smallest eigenvalue of XᵀX, which can only raise the bound; what is returned is the bound itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from lowrank_core import inputs
from lowrank_core.analysis.sharp_threshold import check_ranks, smallest_constant_bound
from lowrank_core.errors import require
from lowrank_core.randomness import normal

FIRST_STEP, LAST_STEP = 0.1, 1e-5


class Least(NamedTuple):
    """The least bound found for each seed, (B,), and the pair that has it, (B, n, r) and (B, n, r*)."""

    bound: torch.Tensor
    x: torch.Tensor
    z: torch.Tensor


def least_bound(
    n: int,
    search_rank: int,
    true_rank: int,
    seeds: Sequence[int],
    starts: int = 64,
    steps: int = 400,
    device: str | torch.device = "cpu",
) -> Least:
    """Search with Adam, its step falling geometrically from 0.1 to 1e-5, from Gaussian starts.

    Args:
        n: above r, so that some direction lies outside the columns of X.
        starts: how many for each seed.

    Raises:
        ArgumentError: n ≤ r, where the bound is one throughout; ranks that are not 1 ≤ r* ≤ r; no starts or no
            steps.
    """
    search_rank, true_rank = check_ranks(search_rank, true_rank)
    n, seeds = inputs.whole("n", n), inputs.seeds("seeds", seeds)
    starts, steps = inputs.whole("starts", starts), inputs.whole("steps", steps)
    require(
        n > search_rank, "n", n, "for n ≤ r no X of full rank misses a direction", f"use n > {search_rank}"
    )
    require(starts >= 1, "starts", starts, "the search needs a start", "use >= 1")
    require(steps >= 1, "steps", steps, "the search needs a step", "use >= 1")
    drawn = normal(seeds, "threshold search", starts, search_rank + n * true_rank, device=device).flatten(
        0, 1
    )
    spread = drawn[:, :search_rank].clone().requires_grad_()
    z = drawn[:, search_rank:].unflatten(1, (n, true_rank)).clone().requires_grad_()
    rule = torch.optim.Adam([spread, z], lr=FIRST_STEP)
    decay = torch.optim.lr_scheduler.ExponentialLR(rule, gamma=(LAST_STEP / FIRST_STEP) ** (1 / steps))
    with torch.enable_grad():
        for _ in range(steps):
            rule.zero_grad()
            _upper(_diagonal(spread, n), z).sum().backward()
            rule.step()
            decay.step()
    x, z = _diagonal(spread.detach(), n), z.detach()
    bound, best = smallest_constant_bound(x, z).unflatten(0, (len(seeds), starts)).min(dim=1)
    chosen = best + starts * torch.arange(len(seeds), device=best.device)
    return Least(bound, x[chosen], z[chosen])


def _diagonal(spread: torch.Tensor, n: int) -> torch.Tensor:
    sizes = torch.diag_embed((1 + spread.square()).sqrt())
    return torch.nn.functional.pad(sizes, (0, 0, 0, n - spread.shape[1]))


def _upper(x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """The bound with σ = 1 for a diagonal X, written so that its gradient is finite on both sides of the seam."""
    outside = z[:, x.shape[2] :]
    gap = torch.linalg.matrix_norm(x @ x.mT - z @ z.mT)
    norm = torch.linalg.matrix_norm(outside.mT @ outside)
    alpha, beta = norm / gap, outside.square().sum(dim=(-2, -1)) / (norm * gap)
    root = (1 - alpha.square()).clamp(min=1e-14).sqrt()
    far = beta >= alpha / (1 + root)
    # The branch that is not taken must not divide by zero, or its gradient would spoil the other.
    inner = (1 - 2 * alpha * beta + beta.square()) / torch.where(far, 1.0, 1 - beta.square())
    return torch.where(far, root, inner)
