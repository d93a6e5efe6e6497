"""The helpers of the rebalancing claims against cases worked out by hand."""

import math

import pytest
import torch

from lowrank_core.claims.xiong2024.batches import split
from lowrank_core.claims.xiong2024.rebalancing import rate_from_start
from lowrank_core.claims.xiong2024.start_scale import first_crossing


def test_first_crossing_is_interpolated_in_the_logarithm():
    x = torch.tensor([1.0, 10.0, 100.0], dtype=torch.float64)
    y = torch.tensor([[-1.0, 1.0, 3.0], [-3.0, -1.0, 3.0], [-3.0, -2.0, -1.0], [1.0, 2.0, 3.0]])
    found = first_crossing(x, y.double()).tolist()
    assert found[:2] == pytest.approx([10**0.5, 10**1.25])
    assert all(math.isnan(value) for value in found[2:])


def test_rate_from_the_start_solves_its_equations():
    square = rate_from_start(1.0, 1.0)
    assert square == pytest.approx((math.sqrt(5) - 1) / 2)
    for beta2, sigma in ((1.8, 0.6), (0.6, 0.6), (5.0, 2.0)):
        g = rate_from_start(beta2, sigma)
        assert g * (g + beta2) == pytest.approx(sigma**2)
    assert rate_from_start(0.1, 1.0) == 0.1
    # The best β² for a step at the start.
    best = max((rate_from_start(b / 1000, 1.0), b / 1000) for b in range(1, 3000))
    assert best == pytest.approx((0.5**0.5, 0.5**0.5), abs=1e-3)


def test_split_follows_the_order_of_stacked_batches():
    parts = split(torch.arange(6), ["a", "b", "c"])
    assert {name: part.tolist() for name, part in parts.items()} == {"a": [0, 1], "b": [2, 3], "c": [4, 5]}
