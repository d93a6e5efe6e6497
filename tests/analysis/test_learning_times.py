"""Numbers of iterations on the expected loss, against the recursion itself to many digits."""

import math

import mpmath
import pytest

from lowrank_core.analysis.learning_times import half_learnt, per_decade


def iterations(load: float, alpha: mpmath.mpf, residual: float) -> float:
    """When ‖xxᵀ − e₁e₁ᵀ‖_F first falls below α², from x = α(√2, residual), interpolated in its logarithm."""
    eta, s, e = mpmath.mpf(load), alpha * mpmath.sqrt(2), alpha * residual
    level, before, step = alpha**2, mpmath.mpf(1), 0
    while True:
        size = s * s + e * e
        error = mpmath.sqrt((s * s - 1) ** 2 + 2 * (s * e) ** 2 + e**4)
        if error < level:
            return float(step - 1 + mpmath.log(before / level) / mpmath.log(before / error))
        s, e, before, step = s * (1 + eta - eta * size), e * (1 - eta * size), error, step + 1


@pytest.mark.parametrize("load", [0.1, 0.2, 0.35, 0.45])
def test_a_decade_is_that_of_the_cross_term(load: float) -> None:
    with mpmath.workdps(160):
        found = [iterations(load, mpmath.mpf(10) ** -power, 0.5) for power in (50, 70)]
    assert (found[1] - found[0]) / 20 == pytest.approx(per_decade(load), rel=1e-3)


def test_without_a_residual_it_is_that_of_the_signal() -> None:
    load = 0.35
    with mpmath.workdps(160):
        found = [iterations(load, mpmath.mpf(10) ** -power, 0.0) for power in (50, 70)]
    signal = math.log(10) * (1 / math.log1p(load) - 2 / math.log1p(-2 * load))
    assert (found[1] - found[0]) / 20 == pytest.approx(signal, rel=1e-3)
    assert signal < 0.9 * per_decade(load)


@pytest.mark.parametrize("load", [0.02, 0.2, 0.45])
def test_half_of_an_eigenvalue_is_learnt_when_the_logistic_says(load: float) -> None:
    start, square, step, before = 1e-200, 1e-200, 0, 1e-200
    while square < 0.5:
        before, square, step = square, square * (1 + load * (1 - square)) ** 2, step + 1
    when = step - 1 + math.log(0.5 / before) / math.log(square / before)
    assert half_learnt(start, load) == pytest.approx(when, abs=2.5, rel=0.0)
