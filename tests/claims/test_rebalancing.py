"""The helpers of the rebalancing claims against cases worked out by hand."""

import math

import pytest
import torch

from lowrank_core.claims.xiong2024.batches import split
from lowrank_core.claims.xiong2024.rebalancing import rate_from_start


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
