"""The curvatures after a rebalancing step against cases worked out by hand, and against a minimiser itself."""

import math

import pytest
import torch

from lowrank_core.analysis.imbalance import local_rate
from lowrank_core.analysis.rebalanced_modes import (
    fastest_from_start,
    fastest_near_truth,
    slowest_from_start,
    slowest_near_truth,
)
from lowrank_core.factors import Factors


def test_the_slowest_mode_from_the_start_solves_its_equations():
    assert float(slowest_from_start(1.0, 1.0)) == pytest.approx((math.sqrt(5) - 1) / 2)
    for square, sigma in ((1.8, 0.6), (0.6, 0.6), (5.0, 2.0)):
        g = float(slowest_from_start(square, sigma))
        assert g * (g + square) == pytest.approx(sigma**2)
    assert float(slowest_from_start(0.1, 1.0)) == 0.1


def test_the_best_scales_of_the_step():
    squares = torch.arange(1, 3000, dtype=torch.float64) / 1000
    for slowest, best, mode in ((slowest_from_start, 0.5**0.5, 0.5**0.5), (slowest_near_truth, 1.0, 1.0)):
        found = slowest(squares, 1.0)
        assert float(squares[found.argmax()]) == pytest.approx(best, abs=1e-3)
        assert float(found.max()) == pytest.approx(mode, abs=1e-3)


def test_near_the_truth_by_hand():
    assert float(slowest_near_truth(0.5, 1.0)) == 0.5
    assert float(slowest_near_truth(4.0, 2.0)) == 1.0
    assert float(fastest_near_truth(0.5, 3.0)) == 18.5


@pytest.mark.parametrize("square", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("from_start", [False, True])
def test_they_are_the_extreme_curvatures_of_a_minimiser(square, from_start):
    sigma = torch.tensor([2.0, 0.8], dtype=torch.float64)
    right = ((square**2 + 4 * sigma**2).sqrt() - square) / 2 if from_start else sigma**2 / square
    left = torch.diag(torch.cat([sigma / right.sqrt(), torch.tensor([square**0.5], dtype=torch.float64)]))
    right = torch.diag(torch.cat([right.sqrt(), torch.zeros(1, dtype=torch.float64)]))
    limit = Factors(*(torch.nn.functional.pad(side, (0, 0, 0, 2))[None] for side in (left, right)))
    assert torch.allclose(torch.linalg.svdvals(limit.product())[0, :2], sigma)
    slowest, fastest = (
        (slowest_from_start, fastest_from_start) if from_start else (slowest_near_truth, fastest_near_truth)
    )
    assert float(local_rate(limit)) == pytest.approx(float(slowest(square, 0.8)), rel=1e-12)
    norms = [float(torch.linalg.matrix_norm(side, ord=2)) ** 2 for side in limit]
    assert sum(norms) == pytest.approx(float(fastest(square, 2.0)), rel=1e-12)
