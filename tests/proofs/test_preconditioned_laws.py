"""The symbolic laws are zero as stated and not otherwise, and agree with steps of the package's own methods."""

from fractions import Fraction

import pytest
import torch

from lowrank_core.factors import Factors
from lowrank_core.methods import PreconditionedGradientDescent, ResidualNorm, ScaledGradientDescent
from lowrank_core.problem import observe
from lowrank_core.proofs import preconditioned_laws as laws
from lowrank_core.sensing import Identity
from lowrank_core.truth import psd, rectangular


def test_identities_hold():
    for found in (
        laws.pair_residuals(),
        laws.symmetric_residuals(),
        laws.noise_mode_residuals(),
        laws.neutral_residuals(),
    ):
        assert set(found.values()) == {0}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: laws.pair_residuals(core=1),
        lambda: laws.symmetric_residuals(core=2),
        lambda: laws.noise_mode_residuals(power=1),
        lambda: laws.neutral_residuals(Fraction(1, 2)),
    ],
)
def test_a_changed_constant_is_noticed(wrong):
    assert sum(wrong().values()) > 0


def test_cross_factors_are_checked_apart_from_core_factors():
    assert laws.pair_residuals(cross=2)["core"] == 0
    assert laws.pair_residuals(cross=2)["cross"] > 0
    assert laws.symmetric_residuals(cross=4)["core"] == 0
    assert laws.symmetric_residuals(cross=4)["cross"] > 0


@pytest.mark.parametrize("seed", range(4))
def test_covariance_in_rationals(seed):
    assert laws.covariance_residual(seed, 2) == 0
    assert laws.covariance_residual(seed, 2, preconditioned=False) > 0


def test_block_factors_of_a_step_of_scaled_gradient_descent():
    eta, small = 0.3, 1e-7
    problem = observe(rectangular(4, 3, [5.0, 1.0], [0]), Identity(4, 3))
    left, right = (
        problem.truth.left * problem.truth.spectrum.sqrt(),
        problem.truth.right * problem.truth.spectrum.sqrt(),
    )
    bend = torch.arange(14.0, dtype=torch.float64).cos()
    start = Factors(left + small * bend[:8].reshape(1, 4, 2), right + small * bend[8:].reshape(1, 3, 2))
    method = ScaledGradientDescent(eta)
    after = method.step(problem, method.init(problem, start)).factors
    before, later = (each.product()[0] - problem.truth.matrix[0] for each in (start, after))
    ratio = later / before
    assert (ratio[:2, :2] - (1 - 2 * eta)).abs().max() < 1e-5
    assert (ratio[2:, :2] - (1 - eta)).abs().max() < 1e-5
    assert (ratio[:2, 2:] - (1 - eta)).abs().max() < 1e-5


def test_noise_mode_of_a_step_of_preconditioned_gradient_descent():
    alpha, factor, y = 0.2, 1.5, 1e-3
    problem = observe(psd(3, [1.0], [0]), Identity(3))
    x = torch.zeros(1, 3, 3, dtype=torch.float64)
    x[0, 0, 0], x[0, 1, 1], x[0, 2, 2] = 1.0, y**0.5, y**0.5
    method = PreconditionedGradientDescent(2 * alpha, ResidualNorm(factor))
    after = method.step(problem, method.init(problem, Factors(x))).factors.product()[0]
    expected = y * (1 - 2 * alpha / (1 + factor * 2**0.5)) ** 2
    assert abs(float(after[1, 1]) / expected - 1) < 1e-12
    assert abs(float(after[2, 2]) / expected - 1) < 1e-12
