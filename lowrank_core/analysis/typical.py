"""Typical values over the seeds, the first axis, with their intervals: means, medians, ratios and exponents.

`median` is the mean of the two middle values of an even sample, where `torch.median` is the lower one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.statistics import Pooled, pooled, pooled_size

Statistic = Callable[[torch.Tensor], torch.Tensor]


def geometric_mean(values: torch.Tensor) -> torch.Tensor:
    """Of positive (S, ...) over the seeds, (...)."""
    return values.log().mean(dim=0).exp()


def median(values: torch.Tensor) -> torch.Tensor:
    """Of (S, ...) over the seeds, (...)."""
    return values.quantile(0.5, dim=0)


def rms(values: torch.Tensor) -> torch.Tensor:
    """Root of the mean square of (S, ...) over the seeds, (...)."""
    return values.square().mean(dim=0).sqrt()


def typical(values: torch.Tensor, statistic: Statistic = median) -> Pooled:
    """One statistic of (S,) values, with its interval."""
    return pooled(statistic, values)


def typical_size(values: torch.Tensor) -> Pooled:
    """The median of positive (S,) values that spread over decades, with its interval."""
    return pooled_size(median, values)


def ratio(values: torch.Tensor, others: torch.Tensor, statistic: Statistic = median) -> Pooled:
    """The statistic of the first positive (S,) values over that of the others, on the same seeds."""
    return pooled_size(lambda a, b: statistic(a) / statistic(b), values, others)


def exponent(x: Sequence[float], values: torch.Tensor, statistic: Statistic = geometric_mean) -> Pooled:
    """d log y / d log x for y the statistic of each column of `values` (S, len(x))."""
    return pooled(lambda y: rates.scaling_exponent(x, statistic(y)[None]), values)
