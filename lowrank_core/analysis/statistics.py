"""Per-seed measurements summarised: a Student interval for the mean, a bootstrap interval for other statistics."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

import torch

from lowrank_core import inputs
from lowrank_core.errors import require
from lowrank_core.randomness import stream

RESAMPLES = 400


def student_quantile(level: float, degrees: int) -> float:
    """Quantile of Student's t by the Cornish–Fisher expansion (Abramowitz & Stegun 26.7.5).

    Relative error below 0.2 % at the 97.5 % level from three degrees of freedom on (below 1 % at two).

    Raises:
        ArgumentError: a level outside (0, 1), degrees that are no integer or below one.
    """
    level = _probability("level", level)
    degrees = inputs.whole("degrees", degrees, 1)
    z = NormalDist().inv_cdf(level)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / degrees**power for power, term in enumerate(terms, start=1))


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided Student interval for the mean; with fewer than three finite values it is the whole line.

    Raises:
        ArgumentError: a confidence outside (0, 1).
    """
    confidence = _probability("confidence", confidence)
    if len(values) < 3 or not all(math.isfinite(v) for v in values):
        return -math.inf, math.inf
    half = student_quantile((1 + confidence) / 2, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return fmean(values) - half, fmean(values) + half


def _probability(argument: str, value: float) -> float:
    found = inputs.number(argument, value, "use e.g. 0.95")
    require(
        0 < found < 1, argument, value, "it is a probability between 0 and 1, both excluded", "use e.g. 0.95"
    )
    return found


@dataclass(frozen=True)
class Pooled:
    """One statistic of all seeds, with a 95 % interval over the seeds.

    Raises:
        ArgumentError: the interval does not contain the value.
    """

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        require(
            math.isnan(self.value) or self.low <= self.value <= self.high,
            "low, value, high",
            (self.low, self.value, self.high),
            "the interval does not contain the value",
            "use `pooled`, which makes the interval from the seeds",
        )


def pooled(statistic: Callable[..., torch.Tensor | float], *samples: torch.Tensor) -> Pooled:
    """A statistic over the seeds with its bootstrap interval.

    The ends are percentiles over resampled seeds, moved away from the value by t(n-1)/z · √(n/(n-1)), which
    makes the interval of a mean that of Student. Seeds are resampled together in all samples, from a stream of
    their own, so that the interval repeats itself. Where a resample has no finite statistic, or there are fewer
    than three seeds, the interval is the whole line.

    Args:
        statistic: takes the samples and gives one number; it must not depend on the order of the seeds.
        samples: tensors (B, ...) with the seeds along the first axis.

    Raises:
        ArgumentError: no samples, or samples of different numbers of seeds.
    """
    sizes = [sample.shape[0] for sample in samples]
    require(
        bool(sizes) and len(set(sizes)) == 1,
        "samples",
        sizes,
        "a statistic over the seeds needs samples of one number of seeds",
        "pass tensors with the seeds along their first axis",
    )
    value, count = float(statistic(*samples)), sizes[0]
    if count < 3:
        return Pooled(value, -math.inf, math.inf)
    chosen = stream(0, "bootstrap").integers(count, size=(RESAMPLES, count))
    found = torch.tensor(
        [float(statistic(*(sample[index] for sample in samples))) for index in torch.from_numpy(chosen)],
        dtype=torch.float64,
    )
    if not bool(torch.isfinite(found).all()):
        return Pooled(value, -math.inf, math.inf)
    ends = torch.quantile(found, torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    stretch = (
        student_quantile(0.975, count - 1) / NormalDist().inv_cdf(0.975) * math.sqrt(count / (count - 1))
    )
    return Pooled(
        value, value + stretch * min(ends[0] - value, 0.0), value + stretch * max(ends[1] - value, 0.0)
    )


def pooled_size(statistic: Callable[..., torch.Tensor | float], *samples: torch.Tensor) -> Pooled:
    """`pooled` of a positive statistic that spreads over decades: the interval is that of its logarithm.

    Stretched on the number itself, the interval of heavy-tailed values would reach below zero.
    """
    found = pooled(lambda *drawn: torch.as_tensor(statistic(*drawn)).log(), *samples)
    return Pooled(*(math.exp(end) for end in (found.value, found.low, found.high)))
