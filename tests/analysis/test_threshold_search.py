"""The search for the least bound, against closed forms and a grid."""

import math

import pytest
import torch

from lowrank_core.analysis.sharp_threshold import smallest_constant_bound, threshold
from lowrank_core.analysis.threshold_search import _diagonal, _upper, least_bound
from lowrank_core.errors import ArgumentError
from lowrank_core.randomness import normal, orthonormal

SEEDS = (11, 12, 13)


def test_rank_one_agrees_with_a_grid():
    angle, size = torch.meshgrid(
        torch.linspace(0.05, math.pi / 2, 300, dtype=torch.float64),
        torch.linspace(0.3, 1.2, 300, dtype=torch.float64),
        indexing="ij",
    )
    x = torch.stack([size * angle.cos(), size * angle.sin()], dim=-1).reshape(-1, 2, 1)
    z = torch.tensor([[1.0], [0.0]], dtype=torch.float64).expand(x.shape[0], 2, 1)
    grid = float(smallest_constant_bound(x, z).min())
    found = least_bound(2, 1, 1, SEEDS, starts=16)
    assert grid == pytest.approx(0.5, abs=1e-4)
    torch.testing.assert_close(found.bound, torch.full((3,), 0.5, dtype=torch.float64), rtol=0, atol=1e-9)


@pytest.mark.parametrize(("n", "r", "true"), [(3, 2, 1), (4, 3, 2), (5, 3, 2)])
def test_the_least_bound_is_that_of_its_pair_and_not_changed_by_rotations(n, r, true):
    found = least_bound(n, r, true, SEEDS, starts=64)
    torch.testing.assert_close(smallest_constant_bound(found.x, found.z), found.bound)
    turn = orthonormal(SEEDS, "turn", n, n, torch.float64, torch.device("cpu"))
    turned = smallest_constant_bound(3 * turn @ found.x, 3 * turn @ found.z)
    torch.testing.assert_close(turned, found.bound, rtol=1e-6, atol=0)
    assert float(found.bound.min()) == pytest.approx(threshold(r, true, n), rel=1e-8)


def test_the_search_function_is_the_bound_where_the_smallest_singular_value_is_one():
    spread = normal(SEEDS, "spread", 3)
    spread[:, 1] = 0.0
    x, z = _diagonal(spread, 5), normal(SEEDS, "z", 5, 2)
    torch.testing.assert_close(_upper(x, z), smallest_constant_bound(x, z))
    above = normal(SEEDS, "spread", 3).abs() + 0.5
    x = _diagonal(above, 5)
    assert bool((_upper(x, z) >= smallest_constant_bound(x, z) - 1e-12).all())


def test_refusals():
    with pytest.raises(ArgumentError, match="n"):
        least_bound(3, 3, 1, SEEDS)
    with pytest.raises(ArgumentError, match="starts"):
        least_bound(4, 3, 1, SEEDS, starts=0)
