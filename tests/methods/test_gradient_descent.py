"""One step of gradient descent against the formulas, written out in numpy."""

import warnings

import numpy as np
import pytest
import torch

from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors, gaussian_start, imbalanced_start
from lowrank_core.methods import AtIteration, GradientDescent, RebalancedGradientDescent, Subgradient
from lowrank_core.noise import Gaussian, Outliers, SignFlip
from lowrank_core.problem import observe
from lowrank_core.sensing import Identity, gaussian, gaussian_symmetric
from lowrank_core.solver import solve
from lowrank_core.steps import Constant, Geometric, LossProportional, Normalised, Polyak
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


def noisy_problem(noise, loss="l1"):
    operator = gaussian_symmetric(6, M, SEEDS)
    return observe(psd(6, [2.0, 1.0], SEEDS), operator, loss, noise, SEEDS)


NEVER_VANISH = r"never vanish on noisy observations.*use Normalised\(Geometric\(eta, ratio\)\)"


@pytest.mark.parametrize("noise", [Gaussian(0.1), Outliers(0.1), SignFlip(0.1)], ids=repr)
@pytest.mark.parametrize("rule", [LossProportional(0.1), Normalised(LossProportional(0.1))], ids=repr)
def test_steps_that_need_a_vanishing_loss_are_warned_of_on_noisy_observations(rule, noise):
    for loss, make in (("l1", Subgradient), ("l2", GradientDescent)):
        with pytest.warns(UserWarning, match=NEVER_VANISH) as caught:
            solve(noisy_problem(noise, loss), make(rule), gaussian_start(6, 2, 0.1, SEEDS), 3)
        # Once for each run, and blamed on the line that called solve.
        assert [warning.filename for warning in caught] == [__file__]


def test_the_rebalanced_method_warns_too():
    method = RebalancedGradientDescent(LossProportional(0.1), AtIteration(0), beta=1.0)
    with pytest.warns(UserWarning, match=NEVER_VANISH):
        method.init(noisy_problem(Gaussian(0.1), "l2"), imbalanced_start(6, 6, 2, 1.0, 0.5, SEEDS))


@pytest.mark.parametrize(
    ("rule", "noise"),
    [
        (LossProportional(0.1), None),
        (Normalised(LossProportional(0.1)), None),
        (Constant(0.1), Outliers(0.1)),
        (Geometric(0.1, 0.9), Outliers(0.1)),
        (Normalised(Geometric(0.1, 0.9)), Outliers(0.1)),
        (Polyak(), Outliers(0.1)),
    ],
    ids=repr,
)
def test_others_are_not_warned_of(rule, noise):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Subgradient(rule).init(noisy_problem(noise), gaussian_start(6, 2, 0.1, SEEDS))
