"""The laws and the control that the claims on the imbalance are judged with."""

import math

import pytest
import torch

from lowrank_core.analysis.imbalance import free_directions, imbalance, local_rate
from lowrank_core.claims.experiments.descents import per_step
from lowrank_core.claims.xiong2024 import drift, noise_law
from lowrank_core.claims.xiong2024.imbalance import one_is_slow
from lowrank_core.factors import Factors, balanced_start, imbalanced_start
from lowrank_core.methods import GradientDescent
from lowrank_core.problem import observe
from lowrank_core.sensing import Identity
from lowrank_core.solve import solve
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


def test_tilting_a_balanced_start_gives_the_imbalance_epsilon():
    start = noise_law.tilted(balanced_start(6, 3, 0.5, SEEDS), 0.1)
    close(imbalance(start), 0.1 * start.left.mT @ start.left)


def test_the_crossover_law_is_the_closed_form_of_the_toy_problem():
    time, epsilon, b = torch.linspace(0, 50, 7, dtype=torch.float64), 0.2, 0.6
    d = epsilon * b**2
    law = noise_law.sinh_law(time, torch.tensor([[d]], dtype=torch.float64), epsilon)
    c2 = d / ((1 + d / ((1 - epsilon) * b**2)) * torch.exp(2 * d * time) - 1)
    close(law[0], c2 * (c2 + d))


@pytest.mark.parametrize("time", [torch.tensor([1.0, 2.0, 5.0]), torch.tensor([[1.0, 2.0, 5.0]])])
def test_local_exponents_of_a_power_law(time):
    close(
        noise_law.local_exponent(time, 3 * torch.atleast_2d(time) ** -2), torch.tensor([[-2.0, -2.0]]), 1e-5
    )


def test_the_drift_law_follows_one_row_through_its_growth():
    unit = Factors(*(torch.tensor([[[x], [0.0]]], dtype=torch.float64) for x in (0.3, 0.1)))
    truth = rectangular(2, 2, (2.0,), [0])
    eta, steps = 0.01, 200
    alpha = (1 + 2 * eta) ** -float(steps)
    left, right = 0.3, 0.1
    for _ in range(steps):
        left, right = left + 2 * eta * right, right + 2 * eta * left
    expected = left**2 - right**2 - (0.3**2 - 0.1**2)
    found = drift.signal_drift(unit, truth, eta, (1.0, alpha))
    assert found.shape == (1, 2, 1, 1)
    assert float(found[0, 1]) == pytest.approx(expected, rel=1e-9)


def test_the_step_of_a_rate():
    assert float(per_step(0.1, torch.tensor(2.0))) == pytest.approx(2 * math.log(0.8), rel=1e-6)


def test_free_directions_are_orthonormal_and_blind_to_the_signal():
    free = free_directions(START, TRUTH)
    close(free @ free.mT, torch.eye(2, dtype=torch.float64).expand(2, 2, 2))
    signal = TRUTH.left.mT @ START.left + TRUTH.right.mT @ START.right
    close(signal @ free.mT, torch.zeros(2, 2, 2, dtype=torch.float64))


def test_the_law_of_the_noise_is_the_flow_of_the_noise_rows():
    start = imbalanced_start(9, 8, 4, 0.3, 1.0, SEEDS)
    truth = rectangular(9, 8, (1.0, 0.5), SEEDS)
    free = free_directions(start, truth)
    rows = [
        side - base @ (base.mT @ side) for side, base in zip(start, (truth.left, truth.right), strict=True)
    ]
    left, right = (side @ free.mT for side in rows)
    step, found = 0.002, []
    for i in range(10_001):
        if i in (2_500, 10_000):
            found.append((left @ right.mT).square().sum(dim=(1, 2)))
        middle = (left - step / 2 * left @ right.mT @ right, right - step / 2 * right @ left.mT @ left)
        left, right = (
            left - step * middle[0] @ middle[1].mT @ middle[1],
            right - step * middle[1] @ middle[0].mT @ middle[0],
        )
    law = noise_law.noise_law(torch.tensor([5.0, 20.0], dtype=torch.float64), start, truth)
    close(law, torch.stack(found, dim=1), 1e-6)


def test_the_law_of_the_noise_contains_the_crossover_and_does_not_overflow():
    start, truth = (
        noise_law.tilted(balanced_start(7, 4, 0.5, SEEDS), 0.2),
        rectangular(7, 7, (1.0, 1.0), SEEDS),
    )
    time = torch.tensor([1.0, 30.0, 100.0], dtype=torch.float64)
    free = free_directions(start, truth)
    modes = torch.linalg.eigvalsh(free @ imbalance(start) @ free.mT)
    close(noise_law.noise_law(time, start, truth), noise_law.sinh_law(time, modes, 0.2), 1e-9)
    assert bool(torch.isfinite(noise_law.noise_law(1e9 * time, start, truth)).all())


@pytest.mark.parametrize(("n1", "n2", "slow"), [(6, 6, True), (6, 2, False), (3, 2, False)])
def test_which_limits_have_a_slow_mode(n1, n2, slow):
    left, right = torch.zeros(1, n1, 4, dtype=torch.float64), torch.zeros(1, n2, 4, dtype=torch.float64)
    for i in range(3):
        left[0, i, i] = 1.0
    right[0, 0, 0] = right[0, 1, 1] = 1.0
    assert bool(one_is_slow(Factors(left, right), 2)) == slow


def test_where_both_factors_fill_their_rows_the_rate_is_the_sum_of_two_modes():
    # n₁ = n₂ = 2, r = 1, k = 3: both factors have rank two, and each error is acted on by both.
    left = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 0.3, 0.0]]], dtype=torch.float64)
    right = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 0.0, 0.2]]], dtype=torch.float64)
    limit = Factors(left, right)
    assert not bool(one_is_slow(limit, 1))
    assert float(local_rate(limit)) == pytest.approx(0.3**2 + 0.2**2)
