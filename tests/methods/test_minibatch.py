"""Mini-batch gradient descent with fresh and with fixed measurements."""

import pytest
import torch

from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors, gaussian_start, imbalanced_start
from lowrank_core.methods import GradientDescent, MiniBatch
from lowrank_core.noise import Gaussian
from lowrank_core.problem import observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import Dense, Identity, gaussian
from lowrank_core.solver import solve
from lowrank_core.truth import psd, rectangular

SEEDS = [0, 1, 2]
TRUTH = rectangular(5, 4, [1.0], SEEDS)
PROBLEM = observe(TRUTH, Identity(5, 4))
START = imbalanced_start(5, 4, 3, 0.5, 1.0, SEEDS)
ETA, SIZE = 0.05, 7
ROUNDING = 1e-14


def run(steps, fresh=True, problem=PROBLEM, start=START):
    return solve(problem, MiniBatch(ETA, SIZE, fresh), start, steps).factors


def operator(iteration):
    return Dense(normal(SEEDS, f"mini-batch {iteration}", SIZE, 20), (5, 4), symmetric=False)


def step_by_hand(factors, iteration):
    problem = observe(TRUTH, operator(iteration))
    return solve(problem, GradientDescent(ETA), factors, 1).factors


def gap(first, second):
    return max((a - b).abs().max() for a, b in zip(first, second, strict=True))


def test_fresh_batches_are_new_measurements_in_every_iteration():
    by_hand = step_by_hand(step_by_hand(step_by_hand(START, 0), 1), 2)
    assert gap(run(3), by_hand) < ROUNDING


def test_a_fixed_batch_is_gradient_descent_on_one_data_set():
    by_hand = step_by_hand(step_by_hand(step_by_hand(START, 0), 0), 0)
    assert gap(run(3, fresh=False), by_hand) < ROUNDING
    assert gap(run(3), run(3, fresh=False)) > 1e-3


def test_draws_do_not_depend_on_batch_or_records():
    alone = run(
        4,
        problem=observe(rectangular(5, 4, [1.0], SEEDS[1:2]), Identity(5, 4)),
        start=Factors(START.left[1:2], START.right[1:2]),
    )
    assert gap(alone, Factors(*(side[1:2] for side in run(4)))) < ROUNDING
    recorded = solve(PROBLEM, MiniBatch(ETA, SIZE), START, 4, record=[1, 2, 3]).factors
    assert gap(recorded, run(4)) == 0


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: MiniBatch(ETA, 0), r"size = 0"),
        (lambda: MiniBatch(0.0, 1), r"step_size = 0"),
        (
            lambda: run(1, problem=observe(TRUTH, gaussian(5, 4, 9, SEEDS))),
            r"drawn by the method.*observe\(truth, Identity",
        ),
        (
            lambda: run(1, problem=observe(TRUTH, Identity(5, 4), noise=Gaussian(1.0), seeds=SEEDS)),
            "drawn by the method",
        ),
        (
            lambda: run(
                1, problem=observe(psd(5, [1.0], SEEDS), Identity(5)), start=gaussian_start(5, 2, 0.1, SEEDS)
            ),
            "not symmetric",
        ),
    ],
)
def test_bad_arguments(attempt, message):
    with pytest.raises(ArgumentError, match=message):
        attempt()


def test_it_is_never_reduced():
    assert "Gaussian measurements" in MiniBatch(ETA, SIZE).reduction_refusal()
    assert torch.equal(run(1).left, solve(PROBLEM, MiniBatch(ETA, SIZE), START, 1, reduce=False).factors.left)
