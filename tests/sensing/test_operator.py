"""Every operator keeps the contract: exact adjoints, the stated loss and its gradient."""

import itertools
from functools import partial

import pytest
import torch

from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors
from lowrank_core.noise import Gaussian
from lowrank_core.problem import observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import Identity, MeasurementOperator, gaussian, gaussian_symmetric
from lowrank_core.sensing.operator import pull_back
from lowrank_core.truth import psd

ADJOINT = 1e-14
ROUNDING = 1e-12
SEEDS = [0, 1, 2]
B, K = len(SEEDS), 2

OPERATORS = {"identity, square": partial(Identity, 5), "identity, wide": partial(Identity, 4, 6)}
for kind, make, sides in (
    ("symmetric", gaussian_symmetric, (5,)),
    ("square", gaussian, (5, 5)),
    ("wide", gaussian, (4, 6)),
):
    # All remainders of m modulo 4, for kernels that work on four rows at a time.
    for m, shared in itertools.product((8, 9, 10, 11), (False, True)):
        name = f"{kind}, {'shared' if shared else 'batched'}, m = {m}"
        OPERATORS[name] = partial(make, *sides, m, SEEDS, shared)
SYMMETRIC = ("identity, square", "symmetric")


@pytest.fixture(params=OPERATORS.values(), ids=OPERATORS)
def operator(request):
    return request.param()


def factors_for(operator, symmetric):
    n1, n2 = operator.shape
    left = normal(SEEDS, "test left", n1, K)
    return left, None if symmetric else normal(SEEDS, "test right", n2, K)


def observations_for(operator):
    y = normal(SEEDS, "test y", operator.m)
    if not isinstance(operator, Identity) or not operator.symmetric:
        return y
    # The identity's measurement matrices are not symmetric; with symmetric data they act as if they were.
    matrix = operator.adjoint(y)
    return operator.forward(matrix + matrix.mT)


def stated_loss(operator, left, right, y, loss):
    """The loss in the words of the contract, from forward alone."""
    residual = operator.forward(left @ (left if right is None else right).mT) - y
    value = residual.square().sum(1) / 2 if loss == "l2" else residual.abs().sum(1)
    return operator.weight * value * (0.5 if right is None else 1.0)


def test_forward_and_adjoint_are_adjoints(operator):
    assert operator.adjoint_defect() <= ADJOINT


def test_forward_factors_is_forward_of_the_product(operator):
    left, right = factors_for(operator, symmetric=False)
    gap = operator.forward_factors(left, right) - operator.forward(left @ right.mT)
    assert gap.abs().max() < ROUNDING


@pytest.mark.parametrize("loss", ["l2", "l1"])
@pytest.mark.parametrize(
    ("name", "symmetric"),
    [(name, False) for name in OPERATORS] + [(n, True) for n in OPERATORS if n.startswith(SYMMETRIC)],
)
def test_gradient_is_that_of_the_stated_loss(name, symmetric, loss):
    operator = OPERATORS[name]()
    y = observations_for(operator)
    left, right = factors_for(operator, symmetric)
    value, *gradient = operator.gradient(left, right, y, loss)
    variables = [left.requires_grad_()] if symmetric else [left.requires_grad_(), right.requires_grad_()]
    expected = stated_loss(operator, left, right, y, loss)
    assert value.tolist() == pytest.approx(expected.tolist(), rel=ROUNDING)
    for found, wanted in zip(gradient, torch.autograd.grad(expected.sum(), variables), strict=False):
        assert (found - wanted).norm() < ROUNDING * wanted.norm()
    assert (gradient[1] is None) is symmetric


def matrix_loss(operator, matrix, y, loss):
    """Of the matrix itself, whose derivative is the slope whether or not the matrix is XXᵀ."""
    residual = operator.forward(matrix) - y
    return operator.weight * (residual.square().sum(1) / 2 if loss == "l2" else residual.abs().sum(1))


@pytest.mark.parametrize("loss", ["l2", "l1"])
def test_the_slope_is_the_derivative_in_the_matrix_by_finite_differences(operator, loss):
    y = observations_for(operator)
    left, right = factors_for(operator, symmetric=False)
    product, step = left @ right.mT, 1e-6
    # No measurement is so close to a kink of the ℓ1 loss that the step would cross it.
    assert (operator.forward(product) - y).abs().min() > 1e-3
    value, slope = operator.slope(left, right, y, loss)
    assert value.tolist() == pytest.approx(matrix_loss(operator, product, y, loss).tolist(), rel=ROUNDING)
    assert slope.shape == (B, *operator.shape)
    for i, j in itertools.product(*map(range, operator.shape)):
        direction = torch.zeros(operator.shape, dtype=torch.float64)
        direction[i, j] = step
        ahead, behind = (matrix_loss(operator, product + d, y, loss) for d in (direction, -direction))
        # Accurate to the rounding of the loss over the step: both losses are polynomials of degree two at most.
        assert ((ahead - behind) / (2 * step) - slope[:, i, j]).abs().max() < 1e-7


@pytest.mark.parametrize("loss", ["l2", "l1"])
@pytest.mark.parametrize(
    ("name", "symmetric"),
    [(name, False) for name in OPERATORS] + [(n, True) for n in OPERATORS if n.startswith(SYMMETRIC)],
)
def test_the_gradient_is_the_slope_pulled_back(name, symmetric, loss):
    operator = OPERATORS[name]()
    y = observations_for(operator)
    left, right = factors_for(operator, symmetric)
    value, slope = operator.slope(left, right, y, loss)
    expected_value, *expected = operator.gradient(left, right, y, loss)
    found = pull_back(slope, left, right)
    assert value.tolist() == pytest.approx(expected_value.tolist(), rel=ROUNDING)
    assert (found[0] - expected[0]).norm() < ROUNDING * expected[0].norm()
    if symmetric:
        assert found[1] is expected[1] is None
    else:
        assert (found[1] - expected[1]).norm() < ROUNDING * expected[1].norm()
    without, same = operator.slope(left, right, y, loss, with_value=False)
    assert without is None
    assert torch.equal(same, slope)


@pytest.mark.parametrize("loss", ["l2", "l1"])
@pytest.mark.parametrize("symmetric", [True, False], ids=["XXᵀ", "FGᵀ"])
def test_a_problem_takes_the_slope_at_its_own_observations(loss, symmetric):
    operator = gaussian_symmetric(5, 9, SEEDS)
    problem = observe(psd(5, [1.0], SEEDS), operator, loss, Gaussian(1.0), SEEDS)
    factors = Factors(*factors_for(operator, symmetric))
    for found, expected in zip(
        problem.slope(factors), operator.slope(*factors, problem.observations, loss), strict=True
    ):
        assert torch.equal(found, expected)
    assert problem.slope(factors, with_value=False)[0] is None


@pytest.mark.parametrize("loss", ["l2", "l1"])
def test_the_value_can_be_left_out(operator, loss):
    left, right = factors_for(operator, symmetric=False)
    y = observations_for(operator)
    value, *gradient = operator.gradient(left, right, y, loss, with_value=False)
    assert value is None
    assert all(map(torch.equal, gradient, operator.gradient(left, right, y, loss)[1:]))


@pytest.mark.parametrize("loss", ["l2", "l1"])
@pytest.mark.parametrize("symmetric", [True, False], ids=["XXᵀ", "FGᵀ"])
def test_fused_gradient_of_the_identity_equals_the_generic_one(loss, symmetric):
    operator = Identity(5)
    left, right = factors_for(operator, symmetric)
    arguments = (left, right, observations_for(operator), loss)
    for fused, generic in zip(
        operator.gradient(*arguments), MeasurementOperator.gradient(operator, *arguments), strict=True
    ):
        assert (fused is None and generic is None) or (fused - generic).norm() < ROUNDING * generic.norm()


@pytest.mark.parametrize("loss", ["l2", "l1"])
def test_an_asymmetric_observed_matrix_refuses_symmetric_factors(loss):
    # There A*(z)X is not the gradient, which would need the symmetric part of A*(z).
    problem = observe(psd(5, [1.0], SEEDS), Identity(5), loss, Gaussian(1.0), SEEDS)
    with pytest.raises(ArgumentError, match=r"start = .*observed matrix asymmetric.*asymmetric start"):
        problem.check_start(Factors(normal(SEEDS, "test left", 5, K)))


@pytest.mark.parametrize("make", [lambda m: gaussian_symmetric(4, m, [0]), lambda m: gaussian(4, 3, m, [0])])
def test_weighted_normal_operator_is_the_identity_in_expectation(make):
    m = 40_000
    operator = make(m)
    matrix = normal([0], "test matrix", *operator.shape)
    matrix = matrix + matrix.mT if operator.symmetric else matrix
    gap = operator.weight * operator.adjoint(operator.forward(matrix)) - matrix
    assert gap.norm() < 5 * (16 / m) ** 0.5 * matrix.norm()


def test_weighted_normal_operator_of_the_identity_is_the_identity():
    operator, matrix = Identity(4, 3), normal([0], "test matrix", 4, 3)
    assert torch.equal(operator.weight * operator.adjoint(operator.forward(matrix)), matrix)


@pytest.mark.parametrize(
    "make",
    [
        lambda seeds, s=False: gaussian_symmetric(4, 6, seeds, s),
        lambda seeds, s=False: gaussian(4, 3, 6, seeds, s),
    ],
)
def test_ensembles_belong_to_seeds(make):
    entries = make([4, 7]).entries
    assert torch.equal(entries[1], make([7]).entries[0])
    assert torch.equal(entries[0], make([4, 7], True).entries)
    assert not torch.equal(entries[0], entries[1])


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_batched_operators_refuse_other_batches(batch):
    operator = gaussian_symmetric(5, 8, SEEDS)
    with pytest.raises(ArgumentError, match=rf"matrix = \({batch}, 5, 5\).*use a batch of 3"):
        operator.forward(torch.zeros(batch, 5, 5, dtype=torch.float64))
    with pytest.raises(ArgumentError, match=rf"z = \({batch}, 8\).*use a batch of 3"):
        operator.adjoint(torch.zeros(batch, 8, dtype=torch.float64))


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_shared_operators_take_any_batch(batch):
    operator = gaussian_symmetric(5, 8, SEEDS, shared=True)
    assert operator.forward(torch.zeros(batch, 5, 5, dtype=torch.float64)).shape == (batch, 8)
