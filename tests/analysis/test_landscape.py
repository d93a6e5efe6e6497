"""The landscape against automatic differentiation, closed forms and the symmetry of the factors."""

import math

import pytest
import torch

from lowrank_core import (
    Factors,
    Identity,
    gaussian,
    gaussian_start,
    imbalanced_start,
    observe,
    psd,
    rectangular,
)
from lowrank_core.analysis import landscape
from lowrank_core.analysis.planted import planted
from lowrank_core.errors import ArgumentError
from lowrank_core.noise import Gaussian
from lowrank_core.sensing import gaussian_symmetric, random_certified

SEEDS = (3, 4)


def symmetric_case(k=3):
    operator = random_certified(4, 0.4, 3, SEEDS)
    problem = observe(psd(4, [2.0, 1.0], SEEDS), operator, noise=Gaussian(0.1), seeds=SEEDS)
    return problem, gaussian_start(4, k, 1.0, SEEDS)


def pair_case(k=2):
    problem = observe(rectangular(3, 4, [2.0, 1.0], SEEDS), gaussian(3, 4, 20, SEEDS))
    return problem, imbalanced_start(3, 4, k, 1.0, 0.5, SEEDS)


def objective(problem, factors, balance, index):
    """The landscape objective of one trajectory, written from its definition."""

    def value(flat):
        left = flat[: factors.left[0].numel()].reshape(factors.left[0].shape)
        right = left if factors.right is None else flat[left.numel() :].reshape(factors.right[0].shape)
        product = (left @ right.mT).expand(problem.batch, -1, -1)
        residual = (problem.operator.forward(product) - problem.observations)[index]
        gap = left.mT @ left - right.mT @ right
        return 0.5 * problem.operator.weight * residual.square().sum() + balance / 4 * gap.square().sum()

    return value


def flat(factors, index):
    return torch.cat([side[index].flatten() for side in factors if side is not None])


@pytest.mark.parametrize(("case", "balance"), [(symmetric_case, 0.0), (pair_case, 0.0), (pair_case, 0.7)])
@pytest.mark.parametrize("index", [0, 1])
def test_gradient_and_hessian_are_the_derivatives_of_the_objective(case, balance, index):
    problem, factors = case()
    value, at = objective(problem, factors, balance, index), flat(factors, index)
    exact = torch.autograd.functional.jacobian(value, at)
    torch.testing.assert_close(flat(landscape.gradient(problem, factors, balance), index), exact)
    exact = torch.autograd.functional.hessian(value, at)
    torch.testing.assert_close(landscape.hessian(problem, factors, balance)[index], exact)


def test_a_symmetric_objective_is_twice_the_loss_of_the_solvers():
    problem, factors = symmetric_case()
    _, d_left, _ = problem.gradient(factors)
    torch.testing.assert_close(landscape.gradient(problem, factors).left, 2 * d_left)


def test_the_hessian_product_is_the_hessian_times_the_direction():
    problem, factors = pair_case()
    direction = imbalanced_start(3, 4, 2, 1.0, 2.0, (11, 12))
    product = landscape.hessian_product(problem, factors, direction, 0.3)
    matrix = landscape.hessian(problem, factors, 0.3)
    for index in range(2):
        torch.testing.assert_close(flat(product, index), matrix[index] @ flat(direction, index))


def test_orbits_are_null_at_the_truth_and_are_counted_apart():
    truth = psd(4, [2.0, 1.0], SEEDS)
    point = Factors(truth.left * truth.spectrum[:, None, :].sqrt())
    found = landscape.spectrum(observe(truth, Identity(4)), point)
    assert found.symmetries.tolist() == [1, 1]
    assert found.null.tolist() == [0, 0]
    assert torch.isinf(found.values[:, -1]).all()
    # Derived by hand: E = 0, so the Hessian is the Gram matrix of XVᵀ + VXᵀ, least across the smaller column.
    torch.testing.assert_close(found.smallest, torch.full((2,), 2.0, dtype=torch.float64))


@pytest.mark.parametrize(("balance", "symmetries"), [(0.0, 4), (0.5, 1)])
def test_the_symmetry_of_a_pair_is_smaller_with_the_regulariser(balance, symmetries):
    truth = rectangular(3, 4, [2.0, 1.0], SEEDS)
    root = truth.spectrum[:, None, :].sqrt()
    found = landscape.spectrum(
        observe(truth, Identity(3, 4)), Factors(truth.left * root, truth.right * root), balance
    )
    assert found.symmetries.tolist() == [symmetries] * 2
    assert found.null.tolist() == [0, 0]
    assert (found.smallest > 0.5).all()


def test_a_zero_column_shrinks_the_orbit():
    problem = observe(psd(4, [1.0], SEEDS), Identity(4))
    point = torch.zeros(2, 4, 3, dtype=torch.float64)
    point[:, 0, 0] = 1.0
    # Rotations that mix the two empty columns do nothing: 2 of 3 are left, and what they leave is null.
    found = landscape.spectrum(problem, Factors(point))
    assert found.symmetries.tolist() == [2, 2]
    assert found.null.tolist() == [6, 6]


@pytest.mark.parametrize(
    ("ranks", "j", "extra", "delta"),
    [((1, 1), 1, 0, 0.6), ((2, 1), 1, 1, 0.3), ((3, 2), 2, 0, 0.6), ((4, 3), 2, 0, 0.5), ((4, 2), 1, 0, 0.8)],
)
def test_the_planted_point_is_critical_with_the_curvature_in_closed_form(ranks, j, extra, delta):
    case = planted(*ranks, delta, [0], j, extra)
    assert float(landscape.gradient(case.problem, case.point).left.norm()) < 1e-13
    found = landscape.spectrum(case.problem, case.point)
    assert float(found.smallest) == pytest.approx(case.curvature, rel=1e-10)
    assert int(found.symmetries) == ranks[0] * (ranks[0] - 1) // 2
    normal = case.problem.operator.normal_map(case.direction[None])[0]
    torch.testing.assert_close(normal, (1 - delta) * case.direction)


def test_at_the_threshold_the_planted_point_has_r_times_j_null_directions():
    found = landscape.spectrum((case := planted(4, 2, 1 / (1 + math.sqrt(0.5)), [0])).problem, case.point)
    assert int(found.null) == 8
    assert abs(float(found.smallest)) < 1e-12


def test_stationarity_and_the_near_second_order_test_agree():
    case = planted(2, 1, 0.5, [0])
    found = landscape.stationarity(case.problem, case.point)
    assert float(found.curvature) == pytest.approx(-case.curvature)
    assert landscape.near_second_order(case.problem, case.point, 1e-12, -case.curvature + 1e-9).all()
    assert not landscape.near_second_order(case.problem, case.point, 1e-12, -case.curvature - 1e-3).any()
    at_truth = Factors(case.problem.truth.left * case.problem.truth.spectrum.sqrt())
    assert landscape.near_second_order(case.problem, at_truth, 1e-12, 1e-12).all()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda: landscape.gradient(*symmetric_case(), balance=0.5), "balance"),
        (lambda: landscape.gradient(*pair_case(), balance=-1.0), "balance"),
        (lambda: landscape.near_second_order(*pair_case(), -1.0, 0.0), "gradient_tolerance"),
        (
            lambda: landscape.gradient(
                observe(psd(3, [1.0], SEEDS), gaussian_symmetric(3, 9, SEEDS), "l1"),
                gaussian_start(3, 1, 1.0, SEEDS),
            ),
            "problem.loss",
        ),
        (
            lambda: landscape.hessian(
                observe(psd(3, [1.0], SEEDS), gaussian(3, 3, 9, SEEDS)), gaussian_start(3, 1, 1.0, SEEDS)
            ),
            "problem.operator",
        ),
        (
            lambda: landscape.hessian(
                observe(psd(50, [1.0], SEEDS), Identity(50)), gaussian_start(50, 41, 1.0, SEEDS)
            ),
            "factors",
        ),
    ],
)
def test_bad_input_is_named(change, named):
    with pytest.raises(ArgumentError, match=named):
        change()
