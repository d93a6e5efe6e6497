"""Gradients through A*A are those of the operator, values are the operator's own, and the choice is by cost."""

import itertools

import pytest
import torch

from lowrank_core import kernels
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import gaussian_start
from lowrank_core.kernels import gram_cpu
from lowrank_core.methods import GradientDescent, Subgradient
from lowrank_core.problem import observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import Dense, Gram, gaussian, gaussian_symmetric, rank_one_symmetric
from lowrank_core.sensing.gram import cheapest
from lowrank_core.solver import solve
from lowrank_core.steps import Geometric, LossProportional, Normalised
from lowrank_core.truth import psd

ROUNDING = 1e-13
MAKES = {
    "symmetric": lambda m, seeds, shared=False: gaussian_symmetric(5, m, seeds, shared),
    "rectangular": lambda m, seeds, shared=False: gaussian(4, 3, m, seeds, shared),
}
CASES = [("symmetric", False), ("symmetric", True), ("rectangular", True)]


def setting(kind, pair, m, seeds, shared=False):
    operator = MAKES[kind](m, seeds, shared)
    batch = range(100, 100 + len(seeds))
    n1, n2 = operator.shape
    factors = normal(batch, "test left", n1, 3), normal(batch, "test right", n2, 3) if pair else None
    return operator, factors, normal(batch, "test y", m)


@pytest.mark.parametrize("choice", kernels.CHOICES)
@pytest.mark.parametrize(("kind", "pair"), CASES)
def test_gradients_are_those_of_the_loss_written_out(kind, pair, choice):
    for m, batch, shared in itertools.product((20, 21, 22, 23), (1, 3, 17, 70), (False, True)):
        operator, (left, right), y = setting(kind, pair, m, range(batch), shared)
        gram = Gram(operator, y)
        with kernels.using(choice):
            value, *found = gram.gradient(left, right, y, "l2", with_value=False)
            nothing, slope = gram.slope(left, right, y, "l2", with_value=False)
        assert value is nothing is None
        variables = [left.requires_grad_()] + ([right.requires_grad_()] if pair else [])
        product = left @ (right if pair else left).mT
        loss = (operator.forward(product) - y).square().sum() * operator.weight * (0.5 if pair else 0.25)
        for each, wanted in zip(found, torch.autograd.grad(loss, variables), strict=False):
            assert (each - wanted).norm() < ROUNDING * wanted.norm()
        expected = operator.weight * operator.adjoint(operator.forward(product) - y)
        assert (slope - expected).norm() < ROUNDING * expected.norm()


@pytest.mark.parametrize("q", [*range(1, 10), 16, 17, 18, 19, 20, 33])
def test_the_product_reads_the_upper_triangle_alone(q):
    pytest.importorskip("numba")
    for ensembles, repeats in ((1, 1), (1, 3), (2, 1), (2, 2)):
        matrix = normal(range(ensembles), "test matrix", q, q)
        vectors = normal(range(ensembles * repeats), "test vectors", q)
        upper = matrix.triu()
        symmetric = (upper + upper.triu(1).mT).repeat_interleave(repeats, dim=0)
        expected = (symmetric @ vectors[:, :, None])[:, :, 0]
        found = gram_cpu.product(upper + torch.tril(torch.full((q, q), torch.nan), -1), vectors)
        assert (found - expected).norm() < 1e-14 * q * expected.norm()


def test_values_come_from_the_operator():
    operator, (left, right), y = setting("symmetric", False, 30, [0, 1])
    gram = Gram(operator, y)
    for found, expected in zip(
        gram.gradient(left, right, y, "l2"), operator.gradient(left, right, y, "l2"), strict=True
    ):
        assert found is expected is None or torch.equal(found, expected)
    assert torch.equal(gram.slope(left, right, y, "l2")[0], operator.slope(left, right, y, "l2")[0])
    # Where the residual is small, a value from H would be wrong in most digits.
    y = operator.forward(left @ left.mT * (1 + 1e-10))
    exact = 0.25 * operator.weight * (1e-10 * operator.forward(left @ left.mT)).square().sum(1)
    assert Gram(operator, y).gradient(left, None, y, "l2")[0].tolist() == pytest.approx(
        exact.tolist(), rel=1e-4
    )


def test_it_measures_as_the_operator_does():
    for kind in MAKES:
        operator, _, y = setting(kind, True, 30, [0, 0, 1, 1])
        gram = Gram(operator, y)
        matrix = normal(range(4), "test matrix", *operator.shape)
        assert torch.equal(gram.forward(matrix), operator.forward(matrix))
        assert torch.equal(gram.adjoint(y), operator.adjoint(y))
        assert gram.adjoint_defect() <= 1e-14
        assert (gram.normal_map(matrix) - operator.normal_map(matrix)).norm() < ROUNDING * matrix.norm()
        assert (gram.shape, gram.m, gram.weight, gram.batch, gram.symmetric) == (
            *(operator.shape, operator.m, operator.weight, operator.batch, operator.symmetric),
        )


def test_other_observations_are_served_too():
    operator, (left, right), y = setting("rectangular", True, 30, [0, 1])
    other = y + 1
    _, *found = Gram(operator, y).gradient(left, right, other, "l2", with_value=False)
    for each, wanted in zip(found, operator.gradient(left, right, other, "l2")[1:], strict=True):
        assert (each - wanted).norm() < ROUNDING * wanted.norm()


def test_the_absolute_loss_is_refused():
    operator, (left, right), y = setting("symmetric", False, 30, [0])
    for ask in (Gram(operator, y).gradient, Gram(operator, y).slope):
        for with_value in (True, False):
            with pytest.raises(ArgumentError, match=r"loss = 'l1'.*single residuals.*operator itself"):
                ask(left, right, y, "l1", with_value)


@pytest.mark.parametrize(("kind", "pair"), CASES)
def test_the_compiled_loop_takes_the_same_steps(kind, pair):
    pytest.importorskip("numba")
    operator, (left, right), y = setting(kind, pair, 30, [5, 5, 6, 6])
    gram = Gram(operator, y)
    eta = torch.linspace(0.01, 0.02, 20, dtype=torch.float64).reshape(5, 4)
    moved = gram.descend(left, right, y, eta)
    for step in eta[:, :, None, None]:
        _, d_left, d_right = operator.gradient(left, right, y, "l2")
        left, right = left - step * d_left, right - step * d_right if pair else None
    assert (moved[0] - left).norm() < ROUNDING * left.norm()
    assert (moved[1] - right).norm() < ROUNDING * right.norm() if pair else moved[1] is None


@pytest.mark.parametrize("batch", [gram_cpu.GROUP - 1, 2 * gram_cpu.GROUP, 5 * gram_cpu.GROUP + 3])
def test_a_small_matrix_serves_group_after_group(batch):
    pytest.importorskip("numba")
    operator, (left, _), y = setting("symmetric", False, 30, [5])
    left, y = left.expand(batch, -1, -1) + 0.1 * normal(range(batch), "test shift", *left.shape[1:]), y[:1]
    operator, y = Dense(operator.entries[0], operator.shape, symmetric=True), y.expand(batch, -1)
    eta = torch.linspace(0.01, 0.02, 5 * batch, dtype=torch.float64).reshape(5, batch)
    moved, _ = Gram(operator, y).descend(left, None, y, eta)
    for step in eta[:, :, None, None]:
        left = left - step * operator.gradient(left, None, y, "l2")[1]
    assert (moved - left).norm() < ROUNDING * left.norm()


def test_it_is_chosen_where_it_is_cheaper():
    q = 15  # coordinates of symmetric matrices of order five
    few, many = gaussian_symmetric(5, q // 2, [0]), gaussian_symmetric(5, 10 * q, [0])
    assert cheapest(few, normal([0], "y", q // 2), 10**9) is few
    y = normal([0], "y", 10 * q)
    # 38q operations are saved by each gradient, and 10q² spent on H.
    assert cheapest(many, y, 3) is many
    assert isinstance(cheapest(many, y, 4), Gram)
    # Trajectories that share an ensemble share what H costs.
    repeated = gaussian_symmetric(5, 10 * q, [0] * 4)
    assert isinstance(cheapest(repeated, normal(range(4), "y", 10 * q), 1), Gram)
    assert cheapest(gaussian_symmetric(5, 10 * q, range(4)), normal(range(4), "y", 10 * q), 1).batch == 4
    other = rank_one_symmetric(5, 10 * q, [0])
    assert cheapest(other, y, 10**9) is other
    narrow = Dense(many.entries, (5, 5), True, storage="float32")
    assert cheapest(narrow, y, 10**9) is narrow


def test_a_run_through_it_is_the_run_without_and_says_so():
    seeds = [0, 0, 1, 1]
    problem = observe(psd(5, [2.0, 1.0], seeds, "random"), gaussian_symmetric(5, 150, seeds))
    start = gaussian_start(5, 2, 0.5, seeds)
    run = solve(problem, GradientDescent(0.1), start, 600)
    assert run.recipe["operator"].endswith("gradients through A*A")
    left = start.left
    for _ in range(600):
        left = left - 0.1 * problem.operator.gradient(left, None, problem.observations, "l2")[1]
    assert (run.factors.left - left).norm() < 1e-11 * left.norm()
    # The error falls as far as rounding allows, not to its square root.
    assert (run.error[:, -1] < 1e-28).all()


@pytest.mark.parametrize(
    ("loss", "method"),
    [
        ("l2", GradientDescent(LossProportional(0.1))),
        ("l1", Subgradient(Normalised(Geometric(0.1, 0.99)))),
    ],
)
def test_runs_that_look_at_the_loss_do_without(loss, method):
    problem = observe(psd(5, [1.0], [0]), gaussian_symmetric(5, 150, [0]), loss)
    run = solve(problem, method, gaussian_start(5, 2, 0.5, [0]), 100)
    assert run.recipe["operator"] == repr(problem.operator)


def test_observations_must_fit():
    with pytest.raises(ArgumentError, match=r"y = \(1, 29\)"):
        Gram(gaussian_symmetric(5, 30, [0]), torch.zeros(1, 29, dtype=torch.float64))
