"""The bounds under noise: values by hand, and points that meet them."""

import math
from dataclasses import replace

import torch

from lowrank_core.analysis.diagonal_noise import exhibited, worst_noise
from lowrank_core.analysis.noise_bounds import adjoint_noise, near_second_order_sides, second_order_bound
from lowrank_core.factors import Factors
from lowrank_core.problem import observe
from lowrank_core.sensing import Identity
from lowrank_core.truth import psd


def noisy(noise, spectrum=(1.0,)):
    problem = observe(psd(noise.shape[-1], list(spectrum), [0]), Identity(noise.shape[-1]))
    return replace(problem, observations=problem.observations + noise.flatten(1))


def test_the_noise_that_the_gradient_sees_where_every_entry_is_seen():
    noise = torch.tensor([[[0.1, 0.2], [0.2, -0.3]]], dtype=torch.float64)
    torch.testing.assert_close(adjoint_noise(noisy(noise)), noise, rtol=0, atol=1e-15)


def test_the_bound_for_equal_ranks_at_constant_zero_is_the_golden_ratio():
    noise = torch.diag_embed(torch.tensor([[3.0, -5.0]], dtype=torch.float64))
    # s = 1 and ψ = √(5/4) − 1/2, so that √2 · 5/ψ = √2 · 5 · (1 + √5)/2.
    expected = math.sqrt(2) * 5 * (1 + math.sqrt(5)) / 2
    torch.testing.assert_close(
        second_order_bound(noise, 0.0, 1, 1), torch.tensor([expected], dtype=torch.float64)
    )


def test_the_bound_for_near_points_adds_gradient_and_curvature():
    truth, length = 2.0, 0.5
    problem = noisy(torch.zeros(1, 2, 2, dtype=torch.float64), [truth])
    at = Factors(torch.tensor([[[0.0], [length]]], dtype=torch.float64))
    left, right = near_second_order_sides(problem, at, torch.zeros(1, dtype=torch.float64), 1)
    # E = diag(−2, ¼): ∇f = 2EX has the length ¼, and ∇²f its smallest eigenvalue 2·(−2) + 2·¼ along the truth.
    psi = math.sqrt(1.25) - 0.5
    assert math.isclose(float(left), psi * math.hypot(truth, length**2), rel_tol=1e-12)
    assert math.isclose(float(right), 0.25 / (math.sqrt(2) * length) + 0.5 * 3.5, rel_tol=1e-12)


def test_both_bounds_meet_at_nearly_the_worst_noise():
    delta = torch.tensor([0.2, 0.4], dtype=torch.float64)
    problem, point = exhibited(worst_noise(delta, 2, 1), delta, 2, 1)
    left, right = near_second_order_sides(problem, point, delta, 1)
    bound = second_order_bound(adjoint_noise(problem), delta, 2, 1)
    error = torch.linalg.matrix_norm(point.product() - problem.truth.matrix)
    torch.testing.assert_close(left / right, error / bound)
    assert bool((error / bound > 0.99).all())
    assert bool((error / bound <= 1).all())
