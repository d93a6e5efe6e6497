"""The error of least absolute deviations over the matrices of one rank, as the number of measurements grows."""

from __future__ import annotations

import math

from lowrank_core.errors import require


def degrees_of_freedom(n: int, r: int) -> float:
    """Those of a symmetric n × n matrix of rank r, nr − r(r − 1)/2.

    Raises:
        ArgumentError: no rank from 1 to n.
    """
    require(1 <= r <= n, "r", r, f"a matrix of order {n} has no such rank", "use 1 <= r <= n")
    return n * r - r * (r - 1) / 2


def asymptotic_error(
    scale: float, n: int, r: int, m: int, p: float = 0.0, outlier_scale: float = 10.0
) -> float:
    """‖X̂X̂ᵀ − M*‖_F, root mean square, of least absolute deviations over rank r: √(d/m)/(2f(0)), d the degrees of
    freedom and f the density of the noise.

    On the tangent space of the matrices of rank r the measurements are a median regression with standard Gaussian
    regressors, whose estimate is asymptotically normal with covariance I/(4f(0)²m) (Koenker & Bassett, 1978).

    Args:
        scale: standard deviation ν of the Gaussian noise.
        n, r, m: order, rank and number of measurements.
        p: fraction of the measurements that carry a gross outlier N(0, outlier_scale²) besides.
        outlier_scale: in the units of `scale`.

    Raises:
        ArgumentError: no noise, no measurements, p outside [0, 1], or no rank from 1 to n.
    """
    require(scale > 0, "scale", scale, "without noise there is no density at zero", "use a scale > 0")
    require(m >= 1, "m", m, "there are no measurements", "use m >= 1")
    require(0 <= p <= 1, "p", p, "a fraction lies in [0, 1]", "use e.g. 0.1")
    density = ((1 - p) / scale + p / math.hypot(scale, outlier_scale)) / math.sqrt(2 * math.pi)
    return math.sqrt(degrees_of_freedom(n, r) / m) / (2 * density)
