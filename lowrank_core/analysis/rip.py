"""Lower bounds on restricted isometry constants, by search over matrices of low rank.

The constant of order q is a supremum over all matrices of rank q, which nobody can compute for a random ensemble; a
search gives values that are attained, hence *lower* bounds, and nothing here is an upper bound. Where a claim needs
the constant itself, it uses `sensing.certified`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from lowrank_core import inputs
from lowrank_core.errors import require
from lowrank_core.randomness import normal
from lowrank_core.sensing.operator import MeasurementOperator


class SampledRip(NamedTuple):
    """Attained values of ‖A(M)‖²/‖M‖_F² over matrices of rank ≤ q, weight included, (B,) each."""

    low: torch.Tensor
    high: torch.Tensor

    @property
    def delta(self) -> torch.Tensor:
        """Lower bound on the constant δ_q of the operator as it is scaled."""
        return torch.maximum(1 - self.low, self.high - 1)

    @property
    def scale_free(self) -> torch.Tensor:
        """Lower bound on the constant after the best rescaling of the operator, (h − l)/(h + l)."""
        return (self.high - self.low) / (self.high + self.low)


def sampled_rip(
    operator: MeasurementOperator, rank: int, seeds: Sequence[int], samples: int = 8, rounds: int = 20
) -> SampledRip:
    """Search for the extreme isometry ratios over matrices of rank at most `rank`, symmetric where A is.

    From random matrices, `rounds` steps M ← P_q((cI ± A*A)M), the power method projected on rank q by its largest
    singular values.

    Args:
        rank: q, between 1 and the smaller side.
        seeds: one per ensemble of the operator's batch; of the starting matrices.
        samples: how many starting matrices for each end.
        rounds: steps of the search; 0 for random matrices alone.

    Raises:
        ArgumentError: rank, samples or rounds out of range, seeds that do not fit the operator.
    """
    n1, n2 = operator.shape
    rank, seeds = inputs.whole("rank", rank), inputs.seeds("seeds", seeds)
    samples, rounds = inputs.whole("samples", samples), inputs.whole("rounds", rounds)
    require(1 <= rank <= min(n1, n2), "rank", rank, "no such order", f"use 1..{min(n1, n2)}")
    require(samples >= 1, "samples", samples, "the search needs a start", "use >= 1")
    require(rounds >= 0, "rounds", rounds, "a number of steps", "use >= 0")
    require(
        operator.batch in (None, len(seeds)),
        "seeds",
        list(seeds),
        f"the operator holds {operator.batch} ensembles",
        "give one seed for each",
    )
    low = torch.full((len(seeds),), torch.inf, dtype=operator.dtype, device=operator.device)
    high = -low
    for sample in range(samples):
        start = normal(
            seeds, f"isometry search {sample}", n1, n2, dtype=operator.dtype, device=operator.device
        )
        start = _truncated(start, rank, operator.symmetric)
        ratio = _ratio(operator, start)
        low, high = torch.minimum(low, ratio), torch.maximum(high, ratio)
        up, down = start, start
        for _ in range(rounds):
            up = _truncated(operator.normal_map(up), rank, operator.symmetric)
            # A shift above every ratio seen turns the smallest into the largest.
            shift = 2 * high[:, None, None]
            down = _truncated(shift * down - operator.normal_map(down), rank, operator.symmetric)
            high = torch.maximum(high, _ratio(operator, up))
            low = torch.minimum(low, _ratio(operator, down))
    return SampledRip(low, high)


def _truncated(matrix: torch.Tensor, rank: int, symmetric: bool) -> torch.Tensor:
    """The nearest matrix of rank ≤ q, of norm one; of the symmetric part if `symmetric`."""
    if symmetric:
        # Not only for speed: an operator on symmetric matrices does not see an antisymmetric rounding error, and
        # the steps would let it grow.
        values, left = torch.linalg.eigh(0.5 * (matrix + matrix.mT))
        order = values.abs().argsort(dim=1, descending=True)[:, :rank]
        values = values.gather(1, order)
        left = left.gather(2, order[:, None, :].expand(-1, left.shape[1], -1))
        right = left.mT
    else:
        left, values, right = torch.linalg.svd(matrix, full_matrices=False)
        left, values, right = left[:, :, :rank], values[:, :rank], right[:, :rank]
    return (left * (values / values.norm(dim=1, keepdim=True))[:, None, :]) @ right


def _ratio(operator: MeasurementOperator, unit: torch.Tensor) -> torch.Tensor:
    return operator.weight * operator.forward(unit).square().sum(dim=1)
