"""What the flow leaves of the noise: closed forms against the flow itself and against each other."""

import pytest
import torch

from lowrank_core.analysis.imbalance import free_directions, imbalance, slow_modes
from lowrank_core.analysis.noise_flow import (
    local_exponent,
    noise_error,
    tilted,
    tilted_noise_error,
    tilted_shift,
)
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import balanced_start, gaussian_start, imbalanced_start
from lowrank_core.truth import rectangular

EXACT = 1e-12
SEEDS = [3, 4]


def close(found, expected, tolerance=EXACT):
    assert torch.allclose(found, expected, rtol=tolerance, atol=tolerance)


def test_tilting_a_balanced_start_gives_the_imbalance_epsilon():
    start = tilted(balanced_start(6, 3, 0.5, SEEDS), 0.1)
    close(imbalance(start), 0.1 * start.left.mT @ start.left)


def test_the_crossover_law_is_the_closed_form_of_the_toy_problem():
    time, epsilon, b = torch.linspace(0, 50, 7, dtype=torch.float64), 0.2, 0.6
    d = epsilon * b**2
    law = tilted_noise_error(time, torch.tensor([[d]], dtype=torch.float64), epsilon)
    c2 = d / ((1 + d / ((1 - epsilon) * b**2)) * torch.exp(2 * d * time) - 1)
    close(law[0], c2 * (c2 + d))


@pytest.mark.parametrize("time", [torch.tensor([1.0, 2.0, 5.0]), torch.tensor([[1.0, 2.0, 5.0]])])
def test_local_exponents_of_a_power_law(time):
    close(local_exponent(time, 3 * torch.atleast_2d(time) ** -2), torch.tensor([[-2.0, -2.0]]), 1e-5)


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
    law = noise_error(torch.tensor([5.0, 20.0], dtype=torch.float64), start, truth)
    close(law, torch.stack(found, dim=1), 1e-6)


def test_the_law_of_the_noise_contains_the_crossover_and_does_not_overflow():
    start, truth = (
        tilted(balanced_start(7, 4, 0.5, SEEDS), 0.2),
        rectangular(7, 7, (1.0, 1.0), SEEDS),
    )
    time = torch.tensor([1.0, 30.0, 100.0], dtype=torch.float64)
    modes = slow_modes(start, truth)
    close(noise_error(time, start, truth), tilted_noise_error(time, modes, 0.2), 1e-9)
    assert bool(torch.isfinite(noise_error(1e9 * time, start, truth)).all())


def test_the_shift_is_that_of_the_product_at_time_zero():
    # One mode with b₀² = 1, c₀² = 1 − ε: the product at time zero is b₀c₀.
    error = tilted_noise_error(
        torch.zeros(1, dtype=torch.float64), torch.tensor([[0.3]], dtype=torch.float64), 0.3
    )
    close(error, torch.tensor([[0.7]], dtype=torch.float64))
    assert tilted_shift(0.3) == pytest.approx(0.178337, rel=1e-5)


def test_only_a_pair_can_be_tilted_and_not_to_nothing():
    with pytest.raises(ArgumentError, match="imbalance"):
        tilted(gaussian_start(6, 3, 0.5, SEEDS), 0.1)
    for epsilon in (0.0, 1.0):
        with pytest.raises(ArgumentError, match="epsilon"):
            tilted(balanced_start(6, 3, 0.5, SEEDS), epsilon)
