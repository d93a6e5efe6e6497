"""What is left after the printed count: against descent by hand, and the proved factor at its ends."""

from fractions import Fraction

import pytest

from lowrank_core.proofs.block_contraction import printed_count
from lowrank_core.proofs.linear_phase import FACTOR, signal_left, smallest_left


def test_what_is_left_against_descent_of_one_number():
    s = 1.07**0.5
    for _ in range(printed_count(1e-8)):
        s -= 0.01 * (s * s - 1) * s
    assert signal_left(Fraction(-7, 100), 1e-8) == pytest.approx(s * s - 1, rel=1e-12)
    # Thirty-seven steps leave nearly half of the error.
    assert printed_count(1e-8) == 37
    assert 0.4 < (s * s - 1) / 0.07 < 0.5


@pytest.mark.parametrize("error", [-0.07, 0.0, 0.07])
def test_the_factor_is_a_lower_bound(error):
    assert 1 - 0.02 * (1 - error) - 1e-4 * error * (1 - error) >= FACTOR


def test_drawn_errors_stay_above_the_bound_and_large_ones_do_not():
    assert min(map(smallest_left, range(20))) >= 1
    far = [smallest_left(seed, Fraction(3, 10), Fraction(1, 2), negative=True) for seed in range(20)]
    assert max(far) < 1
