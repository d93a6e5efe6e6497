"""One step of gradient descent against the formulas, written out in numpy."""

import numpy as np
import pytest
import torch

from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors, gaussian_start, imbalanced_start
from lowrank_core.methods import GradientDescent
from lowrank_core.problem import observe
from lowrank_core.sensing import Identity, gaussian, gaussian_symmetric
from lowrank_core.solve import solve
from lowrank_core.steps import Geometric, LossProportional, Polyak
from lowrank_core.truth import psd, rectangular

ROUNDING = 1e-13
SEEDS = [0, 1, 2]
ETA = 0.1
M = 30


def normal_operator(problem, error):
    """A*A(E) with its weight, from the explicit measurement matrices; E itself for the identity."""
    operator = problem.operator
    if isinstance(operator, Identity):
        return error
    unit = torch.eye(operator.m, dtype=torch.float64)
    full = np.stack([operator.adjoint(row.expand(len(SEEDS), -1)).numpy() for row in unit], axis=1)
    return np.einsum("bm,bmij->bij", np.einsum("bmij,bij->bm", full, error), full) / operator.m


def step_once(problem, method, start):
    return method.step(problem, method.init(problem, start)).factors


@pytest.mark.parametrize("operator", [Identity(6), gaussian_symmetric(6, M, SEEDS)], ids=repr)
def test_symmetric_step(operator):
    problem = observe(psd(6, [2.0, 1.0], SEEDS, "random"), operator)
    start = gaussian_start(6, 3, 1.0, SEEDS)
    x = start.left.numpy()
    error = x @ x.swapaxes(1, 2) - problem.truth.matrix.numpy()
    expected = x - ETA * normal_operator(problem, error) @ x
    assert np.abs(step_once(problem, GradientDescent(ETA), start).left.numpy() - expected).max() < ROUNDING


@pytest.mark.parametrize("operator", [Identity(6, 5), gaussian(6, 5, M, SEEDS)], ids=repr)
def test_asymmetric_step_is_simultaneous(operator):
    problem = observe(rectangular(6, 5, [2.0, 1.0], SEEDS, "random"), operator)
    start = imbalanced_start(6, 5, 3, 1.0, 1 / 3, SEEDS)
    f, g = (side.numpy() for side in start)
    slope = normal_operator(problem, f @ g.swapaxes(1, 2) - problem.truth.matrix.numpy())
    left, right = step_once(problem, GradientDescent(ETA), start)
    assert np.abs(left.numpy() - (f - ETA * slope @ g)).max() < ROUNDING
    assert np.abs(right.numpy() - (g - ETA * slope.swapaxes(1, 2) @ f)).max() < ROUNDING


def test_the_truth_is_a_fixed_point():
    problem = observe(psd(6, [4.0, 1.0], SEEDS), Identity(6))
    truth = Factors(problem.truth.left * problem.truth.spectrum.sqrt()[:, None, :])
    assert torch.equal(step_once(problem, GradientDescent(ETA), truth).left, truth.left)


def test_zero_columns_stay_zero():
    problem = observe(psd(6, [2.0, 1.0], SEEDS), gaussian_symmetric(6, M, SEEDS))
    start = gaussian_start(6, 3, 1.0, SEEDS).left
    start[:, :, 2] = 0.0
    assert not solve(problem, GradientDescent(ETA), Factors(start), 50).factors.left[:, :, 2].any()


@pytest.mark.parametrize("operator", [Identity(6), gaussian_symmetric(6, M, SEEDS, shared=True)], ids=repr)
def test_step_sizes_per_trajectory_equal_separate_runs(operator):
    problem = observe(psd(6, [2.0, 1.0], SEEDS), operator)
    start = gaussian_start(6, 3, 1.0, SEEDS)
    etas = [0.02, 0.1, 0.05]
    together = solve(problem, GradientDescent(torch.tensor(etas, dtype=torch.float64)), start, 100).error
    for i, eta in enumerate(etas):
        alone = solve(problem, GradientDescent(eta), start, 100).error[i]
        assert together[i].numpy() == pytest.approx(alone.numpy(), rel=100 * ROUNDING)


def test_geometric_steps_count_iterations():
    problem = observe(psd(6, [2.0, 1.0], SEEDS), Identity(6))
    start = gaussian_start(6, 3, 1.0, SEEDS)
    by_hand = start
    for t in range(4):
        by_hand = step_once(problem, GradientDescent(0.2 * 0.5**t), by_hand)
    run = solve(problem, GradientDescent(Geometric(0.2, 0.5)), start, 4, reduce=False)
    assert (run.factors.left - by_hand.left).abs().max() < ROUNDING


@pytest.mark.parametrize(
    "start", [gaussian_start(6, 3, 1.0, SEEDS), imbalanced_start(6, 6, 3, 1.0, 0.5, SEEDS)]
)
def test_rules_that_look_are_shown_loss_and_squared_gradient(start):
    problem = observe(psd(6, [2.0, 1.0], SEEDS), Identity(6))
    value, *gradient = problem.gradient(start)
    squared = sum(g.square().sum((1, 2)) for g in gradient if g is not None)
    for rule, etas in ((LossProportional(0.3), 0.3 * value), (Polyak(), value / squared)):
        moved = step_once(problem, GradientDescent(rule), start)
        for i, eta in enumerate(etas.tolist()):
            expected = step_once(problem, GradientDescent(eta), start)
            assert (moved.left[i] - expected.left[i]).abs().max() < ROUNDING
            assert moved.right is None or (moved.right[i] - expected.right[i]).abs().max() < ROUNDING


def test_the_l1_loss_is_refused():
    problem = observe(psd(6, [1.0], SEEDS), Identity(6), "l1")
    with pytest.raises(ArgumentError, match=r"problem\.loss = 'l1'.*Subgradient"):
        solve(problem, GradientDescent(ETA), gaussian_start(6, 2, 1.0, SEEDS), 1)
