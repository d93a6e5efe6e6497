"""The flat saddle: symbols, exact instances against the landscape of the core, wrong ingredients."""

from fractions import Fraction

import pytest
import sympy
import torch

from lowrank_core import Factors, Identity, observe
from lowrank_core.analysis import landscape
from lowrank_core.proofs import unbalanced_saddle
from lowrank_core.truth import Truth

CASES = [(2, 3, 1, 1), (3, 4, 2, 1), (3, 5, 2, 2)]


def test_symbols():
    assert unbalanced_saddle.rank_one_residuals() == {"gradient": 0, "hessian": 0, "root": 0}
    wrong = unbalanced_saddle.rank_one_residuals(sympy.Symbol("mu", positive=True))
    assert wrong["gradient"]
    assert wrong["hessian"]
    assert not wrong["root"]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("size", [1, 1000])
def test_certified(case, size):
    at = unbalanced_saddle.saddle(9001, *case, Fraction(size))
    assert not any(x for side in unbalanced_saddle.gradient(at) for row in side for x in row)
    assert unbalanced_saddle.uncertified(at) == 0
    assert unbalanced_saddle.uncertified(at, Fraction(1, 2)) > 0


def test_a_wrong_closed_form_is_not_certified():
    at = unbalanced_saddle.saddle(9001, 3, 4, 2, 1, Fraction(10))
    assert unbalanced_saddle.uncertified(at._replace(largest=at.largest * Fraction(1001, 1000))) == 1
    assert unbalanced_saddle.uncertified(at._replace(largest=at.largest * Fraction(999, 1000))) == 1


def as_tensor(rows):
    return torch.tensor([[float(x) for x in row] for row in rows], dtype=torch.float64)[None]


@pytest.mark.parametrize("mu", [0.0, 0.5])
def test_exact_derivatives_are_those_of_the_core(mu):
    at = unbalanced_saddle.saddle(3, 3, 5, 2, 2, Fraction(3))
    left, values, right = torch.linalg.svd(as_tensor(at.truth), full_matrices=False)
    truth = Truth(left[:, :, :2], right.mT[:, :, :2], values[:, :2], "random", (3,))
    problem = observe(truth, Identity(3, 5))
    point = Factors(as_tensor(at.left), as_tensor(at.right))
    exact = as_tensor(unbalanced_saddle.hessian(at, Fraction(mu)))
    torch.testing.assert_close(landscape.hessian(problem, point, mu), exact, atol=1e-12, rtol=1e-12)
    for found, side in zip(
        landscape.gradient(problem, point, mu), unbalanced_saddle.gradient(at, Fraction(mu)), strict=True
    ):
        torch.testing.assert_close(found, as_tensor(side), atol=1e-12, rtol=1e-12)


def test_closed_form_keeps_its_digits():
    assert unbalanced_saddle.curvature(1e6, 2.0) == pytest.approx(-4e-12, rel=1e-12)
    assert unbalanced_saddle.curvature(1.0, 1.0) == pytest.approx((1 - 5**0.5) / 2, rel=1e-14)
