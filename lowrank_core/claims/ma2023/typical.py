"""Statistics over the seeds that claims of this paper pool: means, medians, exponents of typical values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.statistics import Pooled, pooled, pooled_size

Statistic = Callable[[torch.Tensor], torch.Tensor]


def geometric_mean(values: torch.Tensor) -> torch.Tensor:
    """Over the seeds, the first axis."""
    return values.log().mean(dim=0).exp()


def median(values: torch.Tensor) -> torch.Tensor:
    """Over the seeds, the first axis."""
    return values.quantile(0.5, dim=0)


def rms(values: torch.Tensor) -> torch.Tensor:
    """Root of the mean square over the seeds, the first axis."""
    return values.square().mean(dim=0).sqrt()


def typical(values: torch.Tensor, statistic: Statistic = median) -> Pooled:
    """One statistic of (S,) values."""
    return pooled(statistic, values)


def typical_size(values: torch.Tensor) -> Pooled:
    """The median of positive (S,) values that spread over decades."""
    return pooled_size(median, values)


def ratio(values: torch.Tensor, others: torch.Tensor, statistic: Statistic = median) -> Pooled:
    """The statistic of the first positive values over that of the others, on the same seeds."""
    return pooled_size(lambda a, b: statistic(a) / statistic(b), values, others)


def exponent(x: Sequence[float], values: torch.Tensor, statistic: Statistic = geometric_mean) -> Pooled:
    """d log y / d log x for y the statistic of each column of `values` (S, len(x))."""
    return pooled(lambda y: rates.scaling_exponent(x, statistic(y)[None]), values)
