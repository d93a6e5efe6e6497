"""Per-seed measurements summarised: mean, spread and a Student interval for the mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, stdev


def student_quantile(level: float, degrees: int) -> float:
    """Quantile of Student's t by the Cornish–Fisher expansion (Abramowitz & Stegun 26.7.5).

    Relative error below 0.2 % at the 97.5 % level from three degrees of freedom on (below 1 % at two).
    """
    z = NormalDist().inv_cdf(level)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / degrees**power for power, term in enumerate(terms, start=1))


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided Student interval for the mean; with fewer than three finite values it is the whole line."""
    if len(values) < 3 or not all(math.isfinite(v) for v in values):
        return -math.inf, math.inf
    half = student_quantile((1 + confidence) / 2, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return fmean(values) - half, fmean(values) + half
