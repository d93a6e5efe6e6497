"""The gain of noise in the tangent space: constant beside an orthogonal block, and turning within the signal."""

import math

import numpy as np
import pytest
import torch

from lowrank_core.analysis.turning_noise import turning_gain, turning_noise
from lowrank_core.errors import ArgumentError


@pytest.mark.parametrize("share", [0.0, 0.4, 0.8])
def test_orthogonal_block_amplifies_noise_beside_it(share):
    xi = 1e-5
    left, values, right = np.linalg.svd(np.array([[1.0, xi], [xi, share]]))
    error = values[0] * np.outer(left[:, 0], right[0]) - np.diag([1.0, 0.0])
    assert np.linalg.norm(error, 2) / xi == pytest.approx(1 / (1 - share), rel=1e-4)


def test_no_noise_gains_more_beside_an_orthogonal_block():
    rng = np.random.default_rng(3)
    for _ in range(200):
        r, n = int(rng.integers(1, 4)), 5
        sigma = np.sort(rng.uniform(0.5, 3, r))[::-1]
        nu, xi = rng.uniform(0, 0.9) * sigma[-1], 1e-6
        tangent, block = rng.standard_normal((2, n, n))
        tangent[r:, r:] = 0
        block[:r], block[:, :r] = 0, 0
        noise = xi * tangent / np.linalg.norm(tangent, 2) + nu * block / np.linalg.norm(block, 2)
        truth = np.zeros((n, n))
        truth[range(r), range(r)] = sigma
        left, values, right = np.linalg.svd(truth + noise)
        error = (left[:, :r] * values[:r]) @ right[:r] - truth
        assert np.linalg.norm(error, 2) <= xi / (1 - nu / sigma[-1]) * (1 + 1e-3)


def test_turning_noise_gains_nothing_on_one_value_and_stays_bounded_at_fixed_rank():
    assert turning_gain(torch.ones(1, dtype=torch.float64)) == pytest.approx(1, rel=1e-4)
    assert turning_gain(torch.ones(4, dtype=torch.float64)) == pytest.approx(1, rel=1e-4)
    grid = np.linspace(0, 1, 100_001)
    limit = 2 / 3 * sum(float(np.mean(np.sqrt(grid**2 + j))) for j in range(3))
    far = torch.tensor([1e8, 1e4, 1.0], dtype=torch.float64)
    assert turning_gain(far) == pytest.approx(limit, rel=3e-3)


@pytest.mark.parametrize("ratio", [1.5, 4.0, 30.0])
@pytest.mark.parametrize("rank", [1, 2, 5, 9])
def test_turning_noise_stays_below_the_bound(rank, ratio):
    sigma = ratio ** torch.arange(rank - 1, -1, -1, dtype=torch.float64)
    assert turning_gain(sigma) <= math.sqrt(2 * math.log1p(float(sigma[0])))


@pytest.mark.parametrize("sigma", [(1.0,), (1.0, 1.0), (4.0, 1.0), (16.0, 4.0, 1.0)])
def test_turning_noise_attains_its_gain_in_the_linearised_flow(sigma):
    values, size = torch.tensor(sigma, dtype=torch.float64), 0.3
    rates = values[:, None] + values
    residual = torch.zeros(len(sigma), len(sigma), dtype=torch.float64)
    pieces = turning_noise(values, size, time=8.0, pieces=400)
    for noise, duration in pieces:
        assert float(torch.linalg.matrix_norm(noise, 2)) == pytest.approx(size, rel=1e-12)
        decay = torch.exp(-rates * duration)
        residual = decay * residual - (1 - decay) * noise
    assert sum(duration for _, duration in pieces) == pytest.approx(8.0)
    assert float(residual.sum().abs()) / len(sigma) == pytest.approx(size * turning_gain(values), rel=1e-3)


def test_turning_noise_needs_more_time_than_its_last_piece():
    with pytest.raises(ArgumentError, match="time"):
        turning_noise(torch.ones(1, dtype=torch.float64), 1.0, time=0.01)
