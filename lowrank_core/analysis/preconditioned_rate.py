"""The local rate of PrecGD on the population loss, for a damping proportional to the error; derived in the book."""

from __future__ import annotations


def local_rate(alpha: float, factor: float, extra: int, free: int) -> float:
    """The factor per step of ‖XXᵀ − M*‖_F near the truth for the damping c‖E‖_F.

    It is the largest of |1 − 4α|, of (1 − 2α/(1 + c√q))² if q > 0, and of 1 − 2α if q < n − r*.

    Args:
        alpha: the step α of f = ½‖A(XXᵀ − M*)‖², half of that of the solvers.
        factor: c.
        extra: q, columns beyond the true rank.
        free: n − r*, dimensions outside the range of the truth.
    """
    core, cross, beyond = abs(1 - 4 * alpha), 1 - 2 * alpha, (1 - 2 * alpha / (1 + factor * extra**0.5)) ** 2
    return max(core, beyond if extra else 0.0, cross if extra < free else 0.0)
