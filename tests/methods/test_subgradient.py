"""The sub-gradient method on the l1 loss."""

import numpy as np
import pytest
import torch

from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors, gaussian_start
from lowrank_core.methods import GradientDescent, Subgradient
from lowrank_core.noise import Outliers
from lowrank_core.problem import observe
from lowrank_core.sensing import Identity, gaussian_symmetric
from lowrank_core.solver import solve
from lowrank_core.steps import Geometric
from lowrank_core.truth import psd

ROUNDING = 1e-13
RECOVERED = 1e-12
SEEDS = [0, 1, 2]


def test_step_by_hand():
    problem = observe(psd(5, [1.0], SEEDS, "random"), Identity(5), "l1")
    start = gaussian_start(5, 2, 1.0, SEEDS)
    method = Subgradient(0.1)
    x = start.left.numpy()
    expected = x - 0.1 * np.sign(x @ x.swapaxes(1, 2) - problem.truth.matrix.numpy()) @ x
    moved = method.step(problem, method.init(problem, start)).factors
    assert np.abs(moved.left.numpy() - expected).max() < ROUNDING


def test_the_truth_is_a_fixed_point_because_sign_zero_is_zero():
    problem = observe(psd(5, [1.0], SEEDS), Identity(5), "l1")
    truth = Factors(problem.truth.left.clone())
    run = solve(problem, Subgradient(0.1), truth, 3)
    assert torch.equal(run.factors.left, truth.left)
    assert not run.loss.any()


@pytest.mark.parametrize("law", ["gaussian", "cauchy", "constant"])
def test_geometric_steps_recover_under_outliers_where_least_squares_cannot(law):
    truth, operator = psd(8, [1.0], SEEDS), gaussian_symmetric(8, 300, SEEDS)
    start = gaussian_start(8, 1, 0.5, SEEDS)
    noise = Outliers(0.1, 10.0, law)
    robust, squares = (observe(truth, operator, loss, noise, SEEDS) for loss in ("l1", "l2"))
    assert solve(robust, Subgradient(Geometric(0.3, 0.99)), start, 3000).error[:, -1].max() < RECOVERED
    assert solve(squares, GradientDescent(0.005), start, 800).error[:, -1].min() > 1e-3


def test_the_l2_loss_is_refused():
    problem = observe(psd(5, [1.0], SEEDS), Identity(5))
    with pytest.raises(ArgumentError, match=r"problem\.loss = 'l2'.*GradientDescent"):
        solve(problem, Subgradient(0.1), gaussian_start(5, 2, 1.0, SEEDS), 1)


def test_divergence_is_seen_although_the_sign_of_nan_is_zero():
    # Past 1e154 the residual overflows to NaN; with a zero sub-gradient the factors would stay finite for ever.
    problem = observe(psd(5, [1.0], SEEDS), gaussian_symmetric(5, 40, SEEDS), "l1")
    etas = torch.tensor([0.05, 9.0, 0.05], dtype=torch.float64)
    run = solve(problem, Subgradient(etas), gaussian_start(5, 2, 1.0, SEEDS), 1500)
    assert run.stop_reason == ("finished", "diverged", "finished")
    assert 0 < run.diverged_at[1] < 1500
    assert run.error[1, -1].isposinf()
    assert run.error[[0, 2], -1].max() < 1.0
