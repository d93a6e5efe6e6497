"""Constants of PrecGD's theorem by hand, and points and certificates that are what they say."""

import pytest
import torch

from lowrank_core.analysis import preconditioned_guarantee as guarantee
from lowrank_core.factors import Factors
from lowrank_core.problem import observe
from lowrank_core.sensing import Identity
from lowrank_core.truth import psd

SEEDS = (3, 3, 4, 4)
PROBLEM = observe(psd(5, [2.0, 1.0], SEEDS, basis="random"), Identity(5))


def test_constants_of_a_perfect_operator():
    assert guarantee.lemma_radius(0.0) == 0.25
    alpha, progress = guarantee.step_and_progress(0.0, 4)
    assert 1 / alpha == pytest.approx(12 + 10 * 2**0.5)
    assert progress / alpha == pytest.approx(0.5 / (1 + 2 * (5 + 2**0.5)))


def test_radius_of_an_operator_with_twice_the_curvature():
    assert guarantee.lemma_radius(1 / 3) == pytest.approx((2 / 3) / 6)


def test_points_lie_at_the_level_asked_for():
    base = guarantee.padded_truth(PROBLEM, 3)
    direction = guarantee.distinct(PROBLEM, "direction", 5, 3)
    level = torch.tensor([1e-6, 1e-3, 1e-2, 0.1], dtype=torch.float64)
    point = guarantee.at_level(PROBLEM, base, direction, level)
    assert guarantee.value(PROBLEM, point) == pytest.approx(level, rel=1e-9)


def test_the_value_is_half_the_squared_error_under_full_observation():
    point = Factors(guarantee.distinct(PROBLEM, "point", 5, 3))
    error = (point.product() - PROBLEM.truth.matrix).square().sum(dim=(1, 2))
    assert guarantee.value(PROBLEM, point) == pytest.approx(error / 2)


def test_columns_off_the_signal_differ_and_are_orthogonal():
    columns = guarantee.off_signal(PROBLEM, 2)
    assert (PROBLEM.truth.left.mT @ columns).abs().max() < 1e-14
    assert (columns[0] - columns[1]).abs().max() > 1e-3


def test_the_certificate_bounds_and_vanishes_at_the_truth_with_a_spare_column():
    point = Factors(guarantee.distinct(PROBLEM, "point", 5, 3))
    whole = guarantee.certificate(PROBLEM, point, 0.0)
    assert (guarantee.value(PROBLEM, point) <= 0.5 * whole).all()
    spare, exact = (Factors(guarantee.padded_truth(PROBLEM, r)) for r in (3, 2))
    assert guarantee.certificate(PROBLEM, spare, 0.0).max() < 1e-12
    # λ_min(XᵀX) = 1 and ‖X*‖² = 3: the last term is 2·3.
    assert guarantee.certificate(PROBLEM, exact, 0.0) == pytest.approx(torch.full((4,), 6.0), rel=1e-9)
    assert guarantee.certificate(PROBLEM, exact, 0.0, with_rank=False).max() < 1e-12


def test_more_columns_than_rows_are_dependent():
    wide = Factors(guarantee.distinct(PROBLEM, "point", 5, 6))
    whole, without = (guarantee.certificate(PROBLEM, wide, 0.0, with_rank=on) for on in (True, False))
    assert torch.equal(whole, without)
