"""The diagonal family: second-order points, with the noise that it says, close below the bound on their error."""

import pytest
import torch

from lowrank_core.analysis import landscape
from lowrank_core.analysis.diagonal_noise import exhibited, reach, worst_noise
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


@pytest.mark.parametrize(("r", "true"), [(1, 1), (4, 1)])
def test_the_family_reaches_nearly_what_the_bound_allows(r, true):
    found = reach(r, true)
    assert found.share.shape == found.ratio.shape == (24,)
    assert 0.94 < float(found.ratio.min()) <= float(found.ratio.max()) <= 1
    torch.testing.assert_close(found.ratio, found.found / found.allowed)
    # At 0.99 of the threshold: ψ(δ, ρ) − δ from ψ² + (1 + δ)ψ/√ρ = 1.
    delta = 0.99 * threshold(r, true)
    slope = delta + 1 / float(found.allowed[-1])
    assert slope**2 + (1 + delta) * slope / (r / true) ** 0.5 == pytest.approx(1)


def test_without_curvature_the_bound_fails():
    assert float(reach(1, 1, curvature=False).ratio.min()) > 1
