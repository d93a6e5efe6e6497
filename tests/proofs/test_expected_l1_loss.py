"""The symbolic identities of the expected loss, and that they notice a wrong constant."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("sympy")
from scipy import integrate, stats

from lowrank_core.proofs import expected_l1_loss


def test_identities_leave_nothing() -> None:
    assert expected_l1_loss.fixed_error_residual() == 0
    assert expected_l1_loss.slope_residual() == 0
    assert expected_l1_loss.gaussian_noise_residual() == 0


def test_wrong_constants_are_noticed() -> None:
    assert expected_l1_loss.fixed_error_residual(stretch=2) > 0
    assert expected_l1_loss.slope_residual(stretch=2) > 0
    assert expected_l1_loss.gaussian_noise_residual(weight=2) > 0


@pytest.mark.parametrize("s", [-2.0, 0.0, 0.4])
def test_the_loss_at_a_fixed_error_by_quadrature(s: float) -> None:
    n = 1.3
    value, _ = integrate.quad(lambda u: abs(u - s) * stats.norm.pdf(u, scale=n), -15, 15, points=[s])
    bump = n * math.sqrt(2 / math.pi) * math.exp(-(s**2) / (2 * n**2))
    assert value == pytest.approx(bump + s * math.erf(s / (n * math.sqrt(2))), rel=1e-9)
