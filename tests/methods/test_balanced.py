"""Gradient descent with the balancing regulariser against its formula, what it does, and what it refuses."""

import pytest
import torch

from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors, gaussian_start, imbalanced_start
from lowrank_core.methods import BalancedGradientDescent, GradientDescent
from lowrank_core.problem import observe
from lowrank_core.sensing import Identity, gaussian
from lowrank_core.solver import solve
from lowrank_core.steps import Geometric, LossProportional
from lowrank_core.truth import psd, rectangular

ROUNDING = 1e-13
SEEDS = [0, 1]
N1, N2, M, K = 7, 5, 30, 2
ETA, WEIGHT = 0.1, 0.8
START = imbalanced_start(N1, N2, K, 0.7, 1 / 3, SEEDS)


def sensing():
    return observe(rectangular(N1, N2, [1.0, 0.5], SEEDS, "random"), gaussian(N1, N2, M, SEEDS))


def objective(problem, i, left, right, weight):
    """(1/2m) Σ (⟨Aⱼ, FGᵀ⟩ − yⱼ)² + (μ/4)‖FᵀF − GᵀG‖² of trajectory i, from the measurement matrices one by one."""
    matrices = problem.operator.entries[i].reshape(M, N1, N2)
    residual = torch.einsum("jab,ab->j", matrices, left @ right.T) - problem.observations[i]
    imbalance = left.T @ left - right.T @ right
    return residual.square().sum() / (2 * M) + weight / 4 * imbalance.square().sum()


def imbalance(factors):
    return (factors.left.mT @ factors.left - factors.right.mT @ factors.right).flatten(1).norm(dim=1)


def test_a_step_follows_the_gradient_of_the_regularised_loss():
    problem = sensing()
    run = solve(problem, BalancedGradientDescent(ETA, weight=WEIGHT), START, 1)
    for i in range(len(SEEDS)):
        left, right = (side[i].clone().requires_grad_() for side in START)
        d_left, d_right = torch.autograd.grad(objective(problem, i, left, right, WEIGHT), (left, right))
        assert (run.factors.left[i] - (left - ETA * d_left)).abs().max() < ROUNDING
        assert (run.factors.right[i] - (right - ETA * d_right)).abs().max() < ROUNDING


def test_a_rule_of_steps_is_followed():
    decaying = solve(sensing(), BalancedGradientDescent(Geometric(ETA, 0.5)), START, 2)
    first = solve(sensing(), BalancedGradientDescent(ETA), START, 1)
    second = solve(sensing(), BalancedGradientDescent(ETA / 2), first.factors, 1)
    assert (decaying.factors.left - second.factors.left).abs().max() < ROUNDING


def test_on_balanced_factors_of_a_square_problem_it_is_plain_gradient_descent():
    problem = observe(psd(N1, [1.0, 0.5], SEEDS), Identity(N1))
    left = gaussian_start(N1, K, 0.5, SEEDS).left
    start = Factors(left, left.clone())
    runs = [
        solve(problem, method, start, 20) for method in (BalancedGradientDescent(ETA), GradientDescent(ETA))
    ]
    assert (runs[0].factors.left - runs[1].factors.left).abs().max() < ROUNDING


def test_it_balances_and_plain_gradient_descent_does_not():
    problem = observe(rectangular(N1, N2, [1.0, 0.5], SEEDS), Identity(N1, N2))
    balanced, plain = (
        solve(problem, method, START, 500) for method in (BalancedGradientDescent(ETA), GradientDescent(ETA))
    )
    assert (imbalance(balanced.factors) < 1e-3 * imbalance(START)).all()
    assert (imbalance(plain.factors) > 0.3 * imbalance(START)).all()
    assert (balanced.error[:, -1] < 1e-4).all()


@pytest.mark.parametrize("weight", [0.0, -1.0])
def test_refuses_a_weight_that_does_not_balance(weight):
    with pytest.raises(ArgumentError, match="weight"):
        BalancedGradientDescent(ETA, weight=weight)


def test_refuses_a_symmetric_factor():
    problem = observe(psd(N1, [1.0], SEEDS), Identity(N1))
    with pytest.raises(ArgumentError, match="nothing to balance"):
        solve(problem, BalancedGradientDescent(ETA), gaussian_start(N1, K, 0.5, SEEDS), 1)


def test_refuses_the_l1_loss():
    problem = observe(rectangular(N1, N2, [1.0], SEEDS), Identity(N1, N2), "l1")
    with pytest.raises(ArgumentError, match="l2"):
        solve(problem, BalancedGradientDescent(ETA), START, 1)


def test_refuses_a_rule_that_looks_at_the_loss():
    with pytest.raises(ArgumentError, match="made for gradients"):
        BalancedGradientDescent(LossProportional(ETA))
