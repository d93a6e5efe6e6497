"""The symbolic identities, and that they notice a wrong constant."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("sympy")
from scipy import integrate, stats

from lowrank_core.proofs import sign_scaling


def test_identities_leave_nothing() -> None:
    assert sign_scaling.regression_residual() == 0
    assert sign_scaling.sign_residual() == 0
    assert set(sign_scaling.law_residuals().values()) == {0}


@pytest.mark.parametrize("exponent", ["s²/2n", "s/2n²"])
def test_a_missing_square_is_noticed(exponent: sign_scaling.Exponent) -> None:
    assert sign_scaling.sign_residual(exponent) > 0


def test_a_wrong_cauchy_mean_is_noticed() -> None:
    assert sign_scaling.law_residuals(cauchy=2)["Cauchy"] > 0


@pytest.mark.parametrize("s", [-2.0, 0.4])
def test_step_two_by_quadrature(s: float) -> None:
    n = 1.3
    value, _ = integrate.quad(
        lambda u: math.copysign(1, u - s) * u * stats.norm.pdf(u, scale=n), -15, 15, points=[s]
    )
    assert value == pytest.approx(n * math.sqrt(2 / math.pi) * math.exp(-(s**2) / (2 * n**2)), rel=1e-9)


def test_the_equation_of_the_student_law_by_quadrature() -> None:
    c = 0.7
    mean, _ = integrate.quad(lambda w: math.exp(-c * w**2) * 2 / math.pi / (1 + w**2) ** 2, -10, 10)
    stated = (1 - 2 * c) * math.exp(c) * math.erfc(math.sqrt(c)) + 2 * math.sqrt(c / math.pi)
    assert mean == pytest.approx(stated, rel=1e-9)
