"""The statistics of `analysis.typical` by their former address."""

from lowrank_core.analysis.typical import (
    Statistic,
    exponent,
    geometric_mean,
    median,
    ratio,
    rms,
    typical,
    typical_size,
)

__all__ = ["Statistic", "exponent", "geometric_mean", "median", "ratio", "rms", "typical", "typical_size"]
