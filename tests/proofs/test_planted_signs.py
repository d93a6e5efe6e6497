"""Signs of the Hessian at planted points, against counts by hand and floating point."""

import math
from fractions import Fraction

import pytest
import torch

from lowrank_core.errors import ArgumentError
from lowrank_core.proofs.counterexamples import Shape, member
from lowrank_core.proofs.planted_signs import relative_error, signs


@pytest.mark.parametrize("shape", [Shape(1, 1, 1), Shape(4, 1, 1), Shape(2, 2, 2), Shape(2, 2, 1, 1)])
def test_signs_change_at_the_threshold(shape):
    star, count = shape.threshold, shape.k * shape.planted
    assert signs(shape, star) == (0, count)
    assert signs(shape, (1 + star) / 2) == (0, 0)
    assert signs(shape, star / 2) == (count, 0)


def test_signs_agree_with_floating_point():
    shape, delta = Shape(4, 1, 1), Fraction(1, 2)
    hessian = torch.tensor([[float(x) for x in row] for row in member(shape, delta).hessian])
    values = torch.linalg.eigvalsh(hessian.double())
    negative, null = signs(shape, delta)
    assert int((values < -1e-6).sum()) == negative
    assert int((values.abs() <= 1e-6).sum()) == null + 6


def test_the_error_relative_to_the_truth():
    # r = r* = 1 at δ = ½: E = diag(−2, 1) and M* = diag(2, 0).
    assert relative_error(Shape(1, 1, 1), Fraction(1, 2)) == pytest.approx(5 / 4)
    assert math.isclose(relative_error(Shape(4, 1, 1), Fraction(2, 3)), (9 + 4) / 9)


def test_an_irrational_root_is_refused():
    with pytest.raises(ArgumentError, match="irrational"):
        signs(Shape(2, 1, 1), Fraction(1, 2))
