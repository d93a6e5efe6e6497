"""Exact linear algebra and inertia against numpy and against known spectra."""

from fractions import Fraction
from random import Random

import numpy as np
import pytest

from lowrank_core.proofs import enclosure, multiprecision
from lowrank_core.proofs.inertia import certificate, count_above, eigenvalue_bounds, inertia
from lowrank_core.proofs.instances import badly_scaled, rational_matrix
from lowrank_core.proofs.matrices import (
    add,
    diagonal,
    gram,
    inverse_form,
    matmul,
    rank,
    squared_error,
    transpose,
)


@pytest.fixture
def drawn():
    return rational_matrix(Random("matrices"), 4, 3)


def to_numpy(a):
    return np.array([[float(x) for x in row] for row in a])


def test_against_numpy(drawn):
    x = to_numpy(drawn)
    p = add(diagonal([Fraction(1)] * 3), gram(transpose(drawn)), 2)
    assert np.allclose(to_numpy(p), np.eye(3) + 2 * x.T @ x)
    assert np.allclose(to_numpy(inverse_form(p, drawn)), x @ np.linalg.inv(to_numpy(p)) @ x.T)
    assert np.isclose(
        float(squared_error(gram(drawn), [1, 0, 0, 0])), ((x @ x.T - np.diag([1, 0, 0, 0])) ** 2).sum()
    )


def test_inverse_form_refuses_what_is_not_definite():
    with pytest.raises(ArithmeticError, match="pivot"):
        inverse_form([[Fraction(1), Fraction(2)], [Fraction(2), Fraction(1)]], diagonal([1, 1]))


def test_rank(drawn):
    assert rank(drawn) == 3
    assert rank(matmul(drawn, transpose(drawn))) == 3
    assert rank([[Fraction(0), Fraction(0)]]) == 0


def test_inertia_counts_signs(drawn):
    # Sylvester: a congruence keeps the inertia of diag(3, 2, -1)
    square = drawn[:3]
    assert inertia(matmul(square, matmul(diagonal([3, 2, -1]), transpose(square)))) == (2, 1)
    assert inertia([[Fraction(0), Fraction(1)], [Fraction(1), Fraction(0)]]) is None


@pytest.mark.parametrize("name", enclosure.available())
def test_eigenvalue_bounds_hold_the_eigenvalue(name, drawn):
    exact = np.linalg.eigvalsh(to_numpy(gram(drawn)))[::-1]
    with enclosure.using(name), enclosure.precision(100):
        balls = [[enclosure.ball(x) for x in row] for row in gram(drawn)]
        for j in (1, 2, 3):
            for matrix, convert in ((gram(drawn), Fraction), (balls, enclosure.ball)):
                low, high = eigenvalue_bounds(matrix, j, Fraction(12), convert)
                assert low <= high
                assert float(high - low) < 1e-10
                assert float(low) - 1e-12 <= exact[j - 1] <= float(high) + 1e-12


def test_eigenvalue_bounds_survive_eigenvalues_on_the_grid():
    low, high = eigenvalue_bounds(diagonal([Fraction(1, 2), Fraction(1, 4)]), 1, Fraction(1))
    assert low <= Fraction(1, 2) <= high
    assert high - low < Fraction(1, 10**8)


def test_wide_balls_give_no_false_count():
    with enclosure.precision(4):
        wide = enclosure.ball(Fraction(1, 3))
        assert count_above([[wide]], enclosure.ball(Fraction(1, 3))) is None


def test_certificate_sorts_the_outcomes():
    one = (Fraction(1), Fraction(1))
    found = certificate([((Fraction(2), Fraction(3)), one), ((Fraction(1, 4), Fraction(1, 2)), one)])
    assert (found.proved, found.refuted, found.undecided, found.margin) == (1, 1, 0, -0.75)
    assert certificate([((Fraction(1, 2), Fraction(2)), one)]).undecided == 1


def test_multiprecision_eigenvalues():
    with multiprecision.digits(40):
        a = multiprecision.numbers([[Fraction(2), Fraction(1)], [Fraction(1), Fraction(2)]])
        largest, smallest = multiprecision.eigenvalues(a)
        assert abs(largest - 3) < 1e-38
        assert abs(smallest - 1) < 1e-38


def test_instances_are_reproducible_and_keyed_by_name_and_seed():
    assert badly_scaled("a", 1, 3) == badly_scaled("a", 1, 3)
    assert badly_scaled("a", 1, 3) != badly_scaled("a", 2, 3)
    assert badly_scaled("a", 1, 3) != badly_scaled("b", 1, 3)
    assert any(value < 0 for drawn in badly_scaled("a", 1, 9) for value in drawn.indefinite().sigma)
