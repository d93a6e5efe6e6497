"""The adversary: its point is second-order, its noise is what it says, and more of it would bend the Hessian."""

import pytest
import torch

from lowrank_core.analysis import landscape
from lowrank_core.analysis.worst_noise import attack, off_columns
from lowrank_core.factors import Factors
from lowrank_core.problem import observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import random_certified
from lowrank_core.truth import psd

SEEDS = [0, 1, 2]
DELTA = torch.full((3,), 0.4, dtype=torch.float64)


@pytest.fixture
def posed():
    operator = random_certified(4, 0.4, 1, SEEDS)
    problem = observe(psd(4, [2.0, 1.0], SEEDS, basis="random"), operator)
    return problem, Factors(0.7 * normal(SEEDS, "point", 4, 2))


def test_points_are_second_order(posed):
    problem, point = posed
    found = attack(problem, point, DELTA)
    assert bool(landscape.near_second_order(found.problem, point, 1e-10, 1e-10).all())
    error = point.product() - problem.truth.matrix
    torch.testing.assert_close(found.error, error.flatten(1).norm(dim=1))


def test_the_noise_is_in_the_observations(posed):
    problem, point = posed
    found = attack(problem, point, DELTA)
    noise = problem.operator.adjoint(found.problem.observations - problem.observations)
    torch.testing.assert_close(found.noise, torch.linalg.matrix_norm(noise, ord=2))


def test_without_curvature_the_hessian_is_indefinite(posed):
    problem, point = posed
    free = attack(problem, point, DELTA, curvature=False)
    assert bool((free.stationarity.gradient < 1e-10).all())
    assert float(free.stationarity.curvature.max()) > 0.01


@pytest.mark.parametrize("curvature", [True, False])
def test_noise_is_at_most_the_image_of_the_error(posed, curvature):
    # With G = 0 every point is second-order, under the noise that explains all of the error.
    problem, point = posed
    found = attack(problem, point, DELTA, curvature=curvature)
    image = problem.operator.normal_map(point.product() - problem.truth.matrix)
    assert bool((found.noise <= torch.linalg.matrix_norm(image, ord=2) + 1e-12).all())


def test_off_columns_of_deficient_factors():
    x = torch.zeros(1, 3, 2, dtype=torch.float64)
    x[0, 1, 0] = 5.0
    torch.testing.assert_close(
        off_columns(x)[0], torch.diag(torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64))
    )
    torch.testing.assert_close(off_columns(0 * x)[0], torch.eye(3, dtype=torch.float64))
