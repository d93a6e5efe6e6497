"""Steps over the norm of the slope, against the formula written out in numpy."""

import numpy as np
import pytest
import torch

from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors, gaussian_start, imbalanced_start
from lowrank_core.linalg import operator_norm
from lowrank_core.methods import GradientDescent, Subgradient
from lowrank_core.methods.gradient_descent import descend
from lowrank_core.problem import observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import Identity, gaussian, gaussian_symmetric
from lowrank_core.solver import solve
from lowrank_core.steps import Constant, Geometric, LossProportional, Normalised
from lowrank_core.truth import psd, rectangular

ROUNDING = 1e-13
SEEDS = [0, 1, 2]
N1, N2, M = 6, 5, 30
ETAS = [0.05, 0.4, 0.1]
RATIOS = [0.9, 0.5, 0.95]
METHODS = {"l2": GradientDescent, "l1": Subgradient}


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


RULES = {
    "constant": (Constant(0.1), lambda i, t: 0.1),
    "geometric": (Geometric(0.1, 0.9), lambda i, t: 0.1 * 0.9**t),
    "each its own": (Geometric(tensor(ETAS), tensor(RATIOS)), lambda i, t: ETAS[i] * RATIOS[i] ** t),
}


def symmetric(loss, population=False):
    operator = Identity(N1) if population else gaussian_symmetric(N1, M, SEEDS)
    return observe(psd(N1, [2.0, 1.0], SEEDS, "random"), operator, loss), gaussian_start(N1, 3, 1.0, SEEDS)


def asymmetric(loss, population=False):
    operator = Identity(N1, N2) if population else gaussian(N1, N2, M, SEEDS)
    problem = observe(rectangular(N1, N2, [2.0, 1.0], SEEDS, "random"), operator, loss)
    return problem, imbalanced_start(N1, N2, 3, 1.0, 1 / 3, SEEDS)


def slope_by_hand(problem, i, product):
    """Q = w Σ zⱼAⱼ of trajectory i, with every Aⱼ as the adjoint gives it."""
    operator = problem.operator
    unit = torch.eye(operator.m, dtype=torch.float64)
    matrices = np.stack([operator.adjoint(row.expand(len(SEEDS), -1))[i].numpy() for row in unit])
    residual = np.einsum("mij,ij->m", matrices, product) - problem.observations[i].numpy()
    z = residual if problem.loss == "l2" else np.sign(residual)
    return operator.weight * np.einsum("m,mij->ij", z, matrices)


@pytest.mark.parametrize("population", [False, True], ids=["sensing", "population"])
@pytest.mark.parametrize("loss", METHODS)
@pytest.mark.parametrize(("rule", "eta"), RULES.values(), ids=RULES)
def test_symmetric_steps(rule, eta, loss, population):
    problem, start = symmetric(loss, population)
    run = solve(problem, METHODS[loss](Normalised(rule)), start, 3)
    for i in range(len(SEEDS)):
        x = start.left[i].numpy()
        for t in range(3):
            slope = slope_by_hand(problem, i, x @ x.T)
            x = x - eta(i, t) / np.linalg.norm(slope, 2) * slope @ x
        assert np.abs(run.factors.left[i].numpy() - x).max() < ROUNDING


@pytest.mark.parametrize("population", [False, True], ids=["sensing", "population"])
@pytest.mark.parametrize("loss", METHODS)
@pytest.mark.parametrize(("rule", "eta"), RULES.values(), ids=RULES)
def test_asymmetric_steps_are_simultaneous(rule, eta, loss, population):
    problem, start = asymmetric(loss, population)
    run = solve(problem, METHODS[loss](Normalised(rule)), start, 3)
    for i in range(len(SEEDS)):
        f, g = (side[i].numpy() for side in start)
        for t in range(3):
            slope = slope_by_hand(problem, i, f @ g.T)
            step = eta(i, t) / np.linalg.norm(slope, 2)
            f, g = f - step * slope @ g, g - step * slope.T @ f
        for found, expected in zip(run.factors, (f, g), strict=True):
            assert np.abs(found[i].numpy() - expected).max() < ROUNDING


@pytest.mark.parametrize("case", [symmetric, asymmetric])
def test_the_inner_rule_sees_what_it_needs(case):
    problem, start = case("l2")
    value, slope = problem.slope(start)
    etas = 0.3 * value / torch.linalg.matrix_norm(slope, ord=2)
    rules = (Normalised(LossProportional(0.3)), Constant(etas))
    moved, expected = (solve(problem, GradientDescent(rule), start, 1).factors for rule in rules)
    for found, wanted in zip(moved, expected, strict=True):
        assert wanted is None or (found - wanted).abs().max() < ROUNDING


@pytest.mark.parametrize("loss", METHODS)
@pytest.mark.parametrize("rule", [Constant(0.1), Geometric(0.1, 0.9)])
def test_the_truth_is_a_fixed_point(rule, loss):
    # There the slope is zero, and 0/0 must not be a step.
    problem = observe(psd(N1, [4.0, 1.0], SEEDS), Identity(N1), loss)
    truth = Factors(problem.truth.left * problem.truth.spectrum.sqrt()[:, None, :])
    run = solve(problem, METHODS[loss](Normalised(rule)), truth, 3)
    assert torch.equal(run.factors.left, truth.left)
    assert run.stop_reason == ("finished",) * 3


def test_one_vanishing_slope_does_not_stop_the_others():
    problem, start = symmetric("l2", population=True)
    left = start.left.clone()
    exact = problem.truth.left[1] * problem.truth.spectrum[1].sqrt()
    left[1] = torch.nn.functional.pad(exact, (0, 1))
    # The truth as it is rounded in this very problem, so that the slope is zero to the last digit.
    observations = problem.observations.clone()
    observations[1] = Factors(left).product()[1].flatten()
    problem = type(problem)(problem.truth, problem.operator, observations, "l2")
    moved = descend(problem, GradientDescent(0.1).init(problem, Factors(left)), Normalised(0.1)).left
    assert torch.equal(moved[1], left[1])
    assert (moved[[0, 2]] - left[[0, 2]]).abs().amax((1, 2)).min() > 1e-3


@pytest.mark.parametrize("case", [symmetric, asymmetric])
@pytest.mark.parametrize("loss", METHODS)
def test_a_diverging_trajectory_does_not_end_the_run_of_the_others(case, loss):
    problem, start = case(loss)
    run, tame = (
        solve(problem, METHODS[loss](Normalised(tensor([0.05, eta, 0.05]))), start, 600)
        for eta in (9.0, 0.05)
    )
    assert run.stop_reason == ("finished", "diverged", "finished")
    assert 0 < run.diverged_at[1] < 600
    assert run.error[1, -1].isposinf()
    assert not run.error.isnan().any()
    assert torch.equal(run.error[[0, 2]], tame.error[[0, 2]])


@pytest.mark.parametrize("case", [symmetric, asymmetric])
@pytest.mark.parametrize("wrap", [lambda rule: rule, Normalised], ids=["plain", "normalised"])
def test_values_per_trajectory_equal_runs_one_at_a_time(case, wrap):
    problem, start = case("l1")
    for eta, ratio in ((tensor(ETAS), tensor(RATIOS)), (tensor(ETAS), 0.9), (0.1, tensor(RATIOS))):
        together = solve(problem, Subgradient(wrap(Geometric(eta, ratio))), start, 40)
        for i in range(len(SEEDS)):
            one_eta, one_ratio = (v if isinstance(v, float) else v[i].item() for v in (eta, ratio))
            alone = solve(problem, Subgradient(wrap(Geometric(one_eta, one_ratio))), start, 40)
            assert together.error[i].numpy() == pytest.approx(alone.error[i].numpy(), rel=1e-10)


def test_loss_proportional_values_per_trajectory_equal_runs_one_at_a_time():
    problem, start = symmetric("l1")
    together = solve(problem, Subgradient(LossProportional(tensor(ETAS))), start, 40)
    for i, eta in enumerate(ETAS):
        alone = solve(problem, Subgradient(LossProportional(eta)), start, 40)
        assert together.error[i].numpy() == pytest.approx(alone.error[i].numpy(), rel=1e-10)


WITH_VALUES = {
    "constant": Constant,
    "geometric, η": lambda values: Geometric(values, 0.9),
    "geometric, ρ": lambda values: Geometric(0.1, values),
    "loss-proportional": LossProportional,
    "normalised": Normalised,
    "normalised geometric": lambda values: Normalised(Geometric(0.1, values)),
}


@pytest.mark.parametrize("make", WITH_VALUES.values(), ids=WITH_VALUES)
def test_as_many_values_as_trajectories(make):
    problem, start = symmetric("l1")
    with pytest.raises(ArgumentError, match=r"step_size = \(.*2 values for 3 trajectories.*one value per"):
        solve(problem, Subgradient(make(tensor([0.1, 0.2]))), start, 2)


@pytest.mark.parametrize("symmetric", [True, False])
def test_operator_norm(symmetric):
    # Negative definite, so that the largest eigenvalue is not the norm.
    matrix = normal(SEEDS, "test matrix", 5, 5)
    matrix = -matrix @ matrix.mT if symmetric else matrix[:, :, :3]
    expected = [np.linalg.norm(m, 2) for m in matrix.numpy()]
    assert operator_norm(matrix, symmetric).tolist() == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_operator_norm_of_what_is_not_finite(bad, symmetric):
    matrix = torch.eye(3, dtype=torch.float64).repeat(3, 1, 1)
    matrix[1, 2, 0] = bad
    norm = operator_norm(matrix, symmetric)
    assert norm[1].isnan()
    assert norm[[0, 2]].tolist() == pytest.approx([1.0, 1.0], rel=1e-14)


@pytest.mark.cuda
@pytest.mark.parametrize("make", WITH_VALUES.values(), ids=WITH_VALUES)
def test_values_on_the_cpu_serve_trajectories_on_cuda(make):
    errors = []
    for device in ("cpu", "cuda"):
        truth = psd(N1, [2.0, 1.0], SEEDS, "random", device)
        problem = observe(truth, gaussian_symmetric(N1, M, SEEDS, device=device), "l1")
        start = gaussian_start(N1, 3, 1.0, SEEDS, device)
        errors.append(solve(problem, Subgradient(make(tensor(ETAS))), start, 20).error.numpy())
    assert errors[0] == pytest.approx(errors[1], rel=1e-10)
