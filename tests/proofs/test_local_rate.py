"""The error operator: symbols, certified spectra, gradient descent, and the formula without its hypotheses."""

from fractions import Fraction

import numpy as np
import pytest

from lowrank_core.proofs import enclosure, local_rate
from lowrank_core.proofs.matrices import transpose
from lowrank_core.proofs.minimisers import Shape, draw
from lowrank_core.proofs.rebalancing_identity import rebalance

SHAPES = [
    Shape(5, 4, 3, 1, 3, 1),
    Shape(5, 5, 4, 2, 3, 3),
    Shape(3, 5, 3, 1, 3, 1),
    Shape(5, 2, 4, 2, 4, 2),
    Shape(3, 2, 3, 2, 3, 2),
]
UNEVEN = ((Fraction(1), Fraction(2)), (Fraction(1, 4), Fraction(3, 4)))


def arrays(point):
    return (np.array(side.matrix, dtype=float) for side in point)


def test_symbols():
    assert set(local_rate.proof_residuals().values()) == {0}
    assert local_rate.proof_residuals(simultaneous=False)["step"] > 0


@pytest.mark.parametrize("name", enclosure.available())
@pytest.mark.parametrize("shape", SHAPES)
def test_certified_rate(name, shape):
    point = draw(0, shape)
    with enclosure.using(name):
        low, high = local_rate.smallest_eigenvalue(point.f.matrix, point.g.matrix)
    mu = local_rate.local_rate(point)
    assert low <= mu <= high < low * (1 + Fraction(1, 10**6))


@pytest.mark.parametrize("shape", SHAPES)
def test_against_numpy(shape):
    point = draw(1, shape)
    f, g = arrays(point)
    operator = np.kron(f @ f.T, np.eye(shape.n2)) + np.kron(np.eye(shape.n1), g @ g.T)
    values = np.linalg.eigvalsh(operator)
    assert values[values > 1e-9].min() == pytest.approx(float(local_rate.local_rate(point)), rel=1e-8)
    jacobian = np.hstack([np.kron(np.eye(shape.n1), g), np.kron(f, np.eye(shape.n2))])
    assert np.linalg.matrix_rank(jacobian) == (values > 1e-9).sum()


def test_formula_fails_without_its_hypotheses():
    # n1 = rank F = k, and a smaller eigenvalue in GᵀG than in FᵀF.
    point = draw(0, Shape(6, 3, 6, 2, 6, 2), *UNEVEN)
    low, _ = local_rate.smallest_eigenvalue(point.f.matrix, point.g.matrix)
    assert low > 2 * local_rate.naive_rate(point)
    assert local_rate.local_rate(point) == pytest.approx(float(low), rel=1e-6)


@pytest.mark.parametrize("beta", [Fraction(1, 2), Fraction(1), Fraction(2)])
def test_rate_after_rebalancing(beta):
    shape = Shape(5, 4, 3, 1, 3, 1)
    point = draw(2, shape)
    left, right = rebalance(point.f.left, point.f.values, transpose(point.f.right), point.g.matrix, beta)
    low, high = local_rate.smallest_eigenvalue(left, right)
    mu = local_rate.rebalanced_rate(point.truth, shape.r, beta)
    sigma = np.linalg.svd(np.array(point.truth, dtype=float), compute_uv=False)[shape.r - 1]
    assert float(mu) == pytest.approx(min(float(beta) ** 2, (sigma / float(beta)) ** 2), rel=1e-8)
    assert low * (1 - Fraction(1, 10**6)) < mu < high * (1 + Fraction(1, 10**6))


@pytest.mark.parametrize("shape", [Shape(5, 4, 3, 1, 3, 1), Shape(3, 5, 3, 1, 3, 1), Shape(5, 2, 4, 2, 4, 2)])
def test_gradient_descent_contracts_at_that_rate(shape):
    point = draw(3, shape)
    f, g = arrays(point)
    truth, eta = f @ g.T, 0.02
    rng = np.random.default_rng(0)
    f, g = f + 1e-4 * rng.normal(size=f.shape), g + 1e-4 * rng.normal(size=g.shape)
    errors = []
    for _ in range(1500):
        e = f @ g.T - truth
        errors.append(np.linalg.norm(e))
        f, g = f - eta * e @ g, g - eta * e.T @ f
    clear = np.flatnonzero(np.array(errors) > 1e-11)[-1]
    measured = (np.log(errors[clear]) - np.log(errors[clear - 20])) / 20
    assert measured == pytest.approx(np.log1p(-eta * float(local_rate.local_rate(point))), rel=0.02)


def test_the_worst_ratio_is_one_at_the_rate_and_its_inverse_elsewhere():
    point = draw(0, SHAPES[0])
    sides, mu = (point.f.matrix, point.g.matrix), local_rate.local_rate(point)
    assert local_rate.worst_ratio(*sides, mu) == pytest.approx(1, abs=1e-6)
    assert local_rate.worst_ratio(*sides, 2 * mu) == pytest.approx(0.5, abs=1e-6)
    # Both ends of the enclosure lie below one, and the lower one is further from it.
    low, _ = local_rate.smallest_eigenvalue(*sides)
    assert local_rate.worst_ratio(*sides, 2 * mu) == float(low / (2 * mu))
