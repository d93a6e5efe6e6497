"""The imbalance brackets the rate: exact instances, floating-point witnesses, controls."""

import numpy as np
import pytest

from lowrank_core.proofs import interlacing
from lowrank_core.proofs.inertia import inertia
from lowrank_core.proofs.minimisers import Shape, draw

DEFINITE = [Shape(6, 5, 4, 1, 4, 1), Shape(5, 6, 4, 2, 4, 2), Shape(7, 4, 5, 2, 5, 2)]
GENERAL = [Shape(5, 5, 4, 2, 3, 3), Shape(5, 5, 4, 1, 2, 3), Shape(4, 4, 4, 2, 2, 4)]
SEEDS = (0, 1, 9001)


@pytest.mark.parametrize("shape", DEFINITE)
@pytest.mark.parametrize("seed", SEEDS)
def test_window(seed, shape):
    point = interlacing.definite(seed, shape)
    assert inertia(point.imbalance) == (shape.k, 0)
    assert interlacing.window(point, shape) == (3, 3, 0)
    f, g = (np.array(side.matrix, dtype=float) for side in point)
    delta = np.linalg.eigvalsh(f.T @ f - g.T @ g)[::-1]
    smallest = np.linalg.eigvalsh(f.T @ f)[0]
    assert delta[-1] <= smallest * (1 + 1e-12)
    assert smallest <= delta[shape.k - shape.r - 1] * (1 + 1e-12)


@pytest.mark.parametrize("shape", [*DEFINITE, *GENERAL])
@pytest.mark.parametrize("seed", SEEDS)
def test_imbalance_bounds_the_rate(seed, shape):
    make = interlacing.definite if shape in DEFINITE else draw
    found = interlacing.imbalance_bound(make(seed, shape), shape)
    assert found.checks == found.proved == 1 + (shape.rank_left > shape.r) + (shape.rank_right > shape.r)


@pytest.mark.parametrize("seed", SEEDS)
def test_controls(seed):
    indefinite = Shape(6, 5, 4, 1, 2, 3)
    point = draw(seed, indefinite)
    assert inertia(point.imbalance)[1] > indefinite.r
    assert interlacing.window(point, indefinite).refuted > 0
    low_rank = Shape(5, 5, 4, 2, 2, 2)
    balanced = interlacing.nearly_balanced(seed, low_rank)
    assert interlacing.imbalance_bound(balanced, low_rank) == (1, 0, 1)


def test_equality_is_certified():
    # F = diag(2, 1), G = (1/2)e₁e₁ᵀ: λ_min(FᵀF) = λ_2(Δ) = 1.
    shape = Shape(2, 2, 2, 1, 2, 1)
    point = interlacing.definite(0, shape)
    unit = [[1, 0], [0, 1]]
    left = point.f._replace(left=unit, values=[2, 1], right=unit)
    right = point.g._replace(left=[[1], [0]], values=[1], right=[[1], [0]])
    assert interlacing.window(point._replace(f=left, g=right), shape) == (3, 3, 0)
