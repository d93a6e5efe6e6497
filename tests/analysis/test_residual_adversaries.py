"""Exponents and times under perturbations in proportion to the residual, against growth added up step by step."""

import math

import pytest

from lowrank_core.analysis.residual_adversaries import residual_exponent, starved_escape
from lowrank_core.errors import ArgumentError


def test_exponent_of_equal_values_and_of_two():
    assert residual_exponent((1.0,), 0.3) == pytest.approx(2 - 0.6)
    assert residual_exponent((1.0, 1.0, 1.0), 0.3) == pytest.approx(2 - 0.6)
    assert residual_exponent((3.0, 1.0), 0.3) == pytest.approx(2 - 0.6 * (2 - 1 / 3))


@pytest.mark.parametrize("theta", [0.2, 0.5])
def test_exponent_adds_up_the_growth_while_each_value_is_learnt(theta):
    spectrum = (8.0, 4.0, 3.0, 1.0)
    times = [0.0, *(1 / sigma for sigma in spectrum)]
    # In units of ln(1/a₀): the row starts at a₀ and grows at θσ_i while σ_i is learnt; the error is its square.
    spans = zip(spectrum, times[:-1], times[1:], strict=True)
    grown = sum(theta * sigma * (after - before) for sigma, before, after in spans)
    assert residual_exponent(spectrum, theta) == pytest.approx(2 * (1 - grown))
    assert residual_exponent(spectrum, theta) >= 2 - 2 * theta * (1 + math.log(8))


@pytest.mark.parametrize(
    ("largest", "smallest", "theta"), [(2.0, 1.0, 0.3), (2.0, 1.0, 0.8), (3.0, 1.0, 0.0)]
)
def test_starved_row_has_grown_to_order_one_at_its_escape(largest, smallest, theta):
    tau = starved_escape(largest, smallest, theta)
    first = (smallest - theta * largest) / largest
    assert first + (1 - theta) * smallest * (tau - 1 / largest) == pytest.approx(1)


def test_without_a_push_the_smaller_value_is_learnt_at_its_own_time():
    assert starved_escape(3.0, 0.5, 0.0) == pytest.approx(2)


@pytest.mark.parametrize("theta", [-0.1, 1.0])
def test_a_push_that_does_not_starve_has_no_escape_time(theta):
    with pytest.raises(ArgumentError, match="theta"):
        starved_escape(2.0, 1.0, theta)
