"""The constant of the power law: exact limits, certified convergence, and controls."""

from fractions import Fraction

import pytest

from lowrank_core.proofs import enclosure
from lowrank_core.proofs.limit_constant import approach, draw, exact_expansion, growth_exponent, scaled_error


@pytest.mark.parametrize(
    ("n", "r", "k", "rank"),
    [(5, 2, 4, None), (6, 2, 9, None), (5, 2, 5, 3), (5, 1, 2, None), (4, 2, 2, None)],
)
def test_exact_limit_is_a_quarter_of_the_extra_rank(n, r, k, rank):
    for seed in range(4):
        instance = draw(seed, n, r, k, rank)
        assert exact_expansion(instance)[0] == Fraction(instance.rank - r, 4)


@pytest.mark.parametrize("name", enclosure.available())
def test_convergence_from_below_with_the_exact_coefficient(name):
    with enclosure.using(name):
        for seed in (0, 9001):
            found = approach(draw(seed, 6, 2, 9), times=(100, 1000))
            assert found.limit == 1
            assert found.width < 1e-20
            assert 0 < found.first_order[0] < found.first_order[1] <= 1
            assert found.values[0] < found.values[1] < 1


def test_no_extra_rank_no_power_law():
    instance = draw(0, 5, 2, 2)
    assert enclosure.upper(scaled_error(instance, 100)) < Fraction(1, 10**30)
    with pytest.raises(ValueError, match="limit is zero"):
        approach(instance)


def test_control_dependent_signal_rows():
    for seed in (0, 9001):
        assert growth_exponent(draw(seed, 6, 2, 9), (100, 1000)) < 0.1
        assert growth_exponent(draw(seed, 6, 2, 9, dependent=True), (100, 1000)) > 1.9
    with pytest.raises(ArithmeticError):
        exact_expansion(draw(0, 5, 2, 4, dependent=True))
