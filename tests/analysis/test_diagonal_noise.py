"""The diagonal family: second-order points, with the noise that it says, close below the bound on their error."""

import pytest
import torch

from lowrank_core.analysis import landscape
from lowrank_core.analysis.diagonal_noise import exhibited, worst_noise
from lowrank_core.analysis.sharp_threshold import psi, threshold


@pytest.mark.parametrize(("r", "true"), [(1, 1), (3, 2), (4, 1)])
def test_its_points_are_second_order_and_nearly_attain_the_bound(r, true):
    delta = threshold(r, true) * torch.tensor([0.3, 0.6, 0.95], dtype=torch.float64)
    member = worst_noise(delta, r, true, grid=60)
    problem, point = exhibited(member, delta, r, true)
    found = landscape.stationarity(problem, point)
    assert float(found.gradient.max()) < 1e-11
    assert float(found.curvature.max()) < 1e-11
    noise = problem.operator.adjoint(problem.observations - problem.operator.forward(problem.truth.matrix))
    size = torch.linalg.matrix_norm(noise, ord=2)
    torch.testing.assert_close(size, member.noise.abs())
    error = torch.linalg.matrix_norm(point.product() - problem.truth.matrix)
    ratio = error * (psi(delta, r / true) - delta) / ((r + true) ** 0.5 * size)
    assert bool((ratio <= 1).all())
    assert bool((ratio > 0.94).all())
