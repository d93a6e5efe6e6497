"""Oja's flow: its solution against small steps of the differential equation, and its ends by hand."""

import math

import torch

from lowrank_core.analysis.oja_flow import projected_errors
from lowrank_core.randomness import orthonormal
from lowrank_core.truth import rectangular

SEEDS = range(2)


def test_it_solves_the_differential_equation():
    truth, length = rectangular(4, 6, [1.5, 1.0], SEEDS, basis="random"), 2.0
    right = start = length * orthonormal(SEEDS, "start", 6, 2)
    gram, identity = truth.matrix.mT @ truth.matrix, torch.eye(6, dtype=torch.float64)

    def velocity(v):
        return (identity - v @ v.mT / length**2) @ gram @ v / length**2

    step = 0.01
    for _ in range(200):
        middle = right + 0.5 * step * velocity(right)
        right = right + step * velocity(middle)
    expected = (truth.matrix - truth.matrix @ right @ right.mT / length**2).flatten(1).norm(dim=1)
    found = projected_errors(truth, start, length, torch.tensor([0.0, 2.0], dtype=torch.float64))
    torch.testing.assert_close(found[:, 1], expected, rtol=1e-4, atol=0)


def test_one_direction_at_an_angle_in_closed_form():
    # tan of the angle to the kernel grows like exp(σ²τ/L²), and the error is σ times its cosine.
    truth = rectangular(2, 2, [2.0], [0])
    angle, length = 0.1, 3.0
    kernel = torch.linalg.svd(truth.matrix).Vh[:, 1, :, None]
    right = length * (math.cos(angle) * kernel + math.sin(angle) * truth.right)
    times = torch.tensor([0.0, 1.0, 10.0], dtype=torch.float64)
    tangent = math.tan(angle) * torch.exp(4 * times / 9)
    found = projected_errors(truth, right, length, times)
    torch.testing.assert_close(found[0], 2 / (1 + tangent.square()).sqrt())
