"""The rational Hessian against the package's own, and the instance that can be read off by eye."""

from fractions import Fraction
from random import Random

import pytest
import torch

from lowrank_core.analysis import landscape
from lowrank_core.factors import Factors
from lowrank_core.problem import observe
from lowrank_core.proofs import curvature_bound
from lowrank_core.proofs.matrices import gram
from lowrank_core.sensing import Identity
from lowrank_core.truth import Truth


def floats(matrix):
    return torch.tensor([[float(value) for value in row] for row in matrix], dtype=torch.float64)


def test_the_instance_by_eye():
    found = curvature_bound.build([Fraction(2), Fraction(1)], 2, 3, Fraction(1, 5))
    assert found.x == [[2, 0, 0], [0, 1, 0]]
    assert found.error == [[0, 0], [0, Fraction(-1, 4)]]
    assert (found.smallest, found.epsilon) == (Fraction(5, 4), Fraction(1, 4))
    assert found.curvature == Fraction(-1, 2)
    # −ε = −1/4, which the corollary as printed gives as a lower bound, is above one eigenvalue.
    assert found.eigenvalues_below(Fraction(-2, 5)) == 1
    assert found.eigenvalues_below(Fraction(-3, 5)) == 0


@pytest.mark.parametrize("extra", [0, 1, 3])
def test_hessian_is_that_of_the_package(extra):
    found = curvature_bound.draw(Random(extra), 4, 2, extra, Fraction(1, 2))
    x, error, exact = map(floats, (found.x, found.error, found.hessian))
    values, vectors = torch.linalg.eigh(x @ x.mT - error)
    assert values[:2].abs().max() < 1e-12
    assert values[2].item() == pytest.approx(float(found.smallest), rel=1e-12)
    basis = vectors[None, :, 2:].flip(-1)
    truth = Truth(basis, basis, values[None, 2:].flip(-1), "random", (0,), symmetric=True)
    problem = observe(truth, Identity(4))
    own = landscape.hessian(problem, Factors(x[None]))[0]
    assert (torch.linalg.eigvalsh(own) - torch.linalg.eigvalsh(exact)).abs().max() < 1e-12


def test_error_norm_direction_and_kernel():
    found = curvature_bound.draw(Random(5), 3, 2, 2, Fraction(1, 2))
    assert sum(v * v for row in found.error for v in row) == found.epsilon**2
    assert sum(v * v for row in found.direction for v in row) == 1
    assert found.epsilon <= found.smallest / 2
    assert found.curvature == -2 * found.epsilon
    assert gram(found.x) != found.error


def test_without_a_kernel_the_curvature_is_larger():
    found = curvature_bound.draw(Random(5), 3, 2, 0, Fraction(1, 2))
    assert found.curvature > -found.epsilon
