"""The published counterexample: what is printed of it holds, and only for the printed coefficient."""

from fractions import Fraction

import pytest

from lowrank_core.proofs.published_example import residuals


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("seed", [0, 1])
def test_nothing_is_left_of_the_printed_example(n, seed):
    assert residuals(n, seed) == (0, 0, 0, 0, 0)


def test_another_coefficient_breaks_every_statement():
    found = residuals(3, 0, Fraction(1, 3))
    assert all(found)
    # f(x)/‖M*‖² = (1 − c/2)² + 3/16 for the coefficient c.
    assert found.value == Fraction(25, 36) + Fraction(3, 16) - Fraction(3, 4)
