"""The laws and the control that the claims on the imbalance are judged with."""

import math

import pytest
import torch

from lowrank_core.claims.experiments.descents import per_step
from lowrank_core.claims.xiong2024 import drift
from lowrank_core.factors import imbalanced_start
from lowrank_core.methods import GradientDescent
from lowrank_core.problem import observe
from lowrank_core.sensing import Identity
from lowrank_core.solver import solve
from lowrank_core.truth import rectangular

EXACT = 1e-12
SEEDS = [3, 4]
TRUTH = rectangular(7, 6, (1.0, 1.0), SEEDS)
PROBLEM = observe(TRUTH, Identity(7, 6))
START = imbalanced_start(7, 6, 4, 0.5, 1 / 3, SEEDS)


def close(found, expected, tolerance=EXACT):
    assert torch.allclose(found, expected, rtol=tolerance, atol=tolerance)


def test_weight_decay_shrinks_the_factors_before_the_step():
    eta, decay = 0.1, 0.3
    method = drift.WeightDecay(eta, eta * decay)
    after = method.step(PROBLEM, method.init(PROBLEM, START))
    error = START.product() - TRUTH.matrix
    close(after.factors.left, (1 - eta * decay) * START.left - eta * error @ START.right)
    close(after.factors.right, (1 - eta * decay) * START.right - eta * error.mT @ START.left)
    assert after.iteration == 1


def test_weight_decay_of_zero_is_gradient_descent_and_the_reduction_holds_for_it():
    start = imbalanced_start(20, 18, 3, 0.5, 1 / 3, SEEDS)
    problem = observe(rectangular(20, 18, (1.0, 1.0), SEEDS), Identity(20, 18))
    plain = solve(problem, GradientDescent(0.1), start, 50)
    close(solve(problem, drift.WeightDecay(0.1, 0.0), start, 50).error, plain.error)
    method = drift.WeightDecay(0.1, 0.01)
    full, reduced = (solve(problem, method, start, 50, reduce=reduce).error for reduce in (False, True))
    close(full, reduced)


def test_the_step_of_a_rate():
    assert float(per_step(0.1, torch.tensor(2.0))) == pytest.approx(2 * math.log(0.8), rel=1e-6)
