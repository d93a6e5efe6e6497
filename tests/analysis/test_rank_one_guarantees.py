"""Radii and levels around a truth of rank one, against values by hand and against each other."""

import math

import pytest
import torch

from lowrank_core.analysis import rank_one
from lowrank_core.analysis import rank_one_guarantees as guarantees


def of(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_theorem_12_at_its_minimum_and_for_a_parallel_pair():
    # φ = 90°, R = ½: α = 1/D and β = ½/D with D² = 5/4, so that δ_lb = (1 − 2αβ + β²)/(1 − β²) = ½.
    found = guarantees.published_bound(of([0.5, 0.3]), of([0.0, 1.0]))
    assert found.shape == (1, 2)
    torch.testing.assert_close(found, of([0.5, 1.0]))


def test_theorem_12_is_a_lower_bound_on_the_constant():
    size, cosine = torch.meshgrid(
        torch.linspace(0.1, 2, 30).double(), torch.linspace(0, 0.9, 30).double(), indexing="ij"
    )
    gap = rank_one.second_order_constant(size, cosine) - guarantees.published_bound(size, cosine)
    assert gap.amin() >= -1e-12
    assert gap.amax() > 0.01


def test_the_threshold_of_a_ball():
    # ε = 0.8 has c = 0.6; a ball of no radius allows every δ < 1, and one up to the origin none.
    torch.testing.assert_close(guarantees.ball_threshold(of(0.0, 0.8, 1.0)), of(1.0, 0.75**0.5, 0.0))


def test_thresholds_of_a_ball_are_ordered():
    eps = torch.linspace(0.05, 0.99, 40, dtype=torch.float64)
    critical, weaker = guarantees.ball_threshold(eps), guarantees.published_ball_threshold(eps)
    minimum = guarantees.published_ball_minimum(eps)
    exact = of(*(guarantees.ball_minimum(float(e), 4_001) for e in eps))
    assert (critical <= minimum + 1e-12).all()
    assert (minimum <= exact + 1e-6).all()
    known = ~weaker.isnan()
    assert torch.equal(known, eps <= guarantees.GOLDEN)
    assert (weaker[known] < critical[known]).all()


def test_the_minimum_of_theorem_12_is_continuous_at_the_seam():
    seam = (3**0.5 / 2) ** 0.5
    near = guarantees.published_ball_minimum(of(seam - 1e-9, seam + 1e-9))
    torch.testing.assert_close(near, of(3**0.5 - 1, 3**0.5 - 1), atol=1e-8, rtol=0)


def test_theorem_4():
    assert guarantees.published_ball_threshold(of(0.6)).item() == pytest.approx(math.sqrt(0.55))


def test_sufficient_levels_at_one_half():
    found = guarantees.sufficient_levels(of(0.5))
    assert found["headline"].item() == pytest.approx(0.25)
    assert found["ball"].item() == pytest.approx((4 / 7) ** 2)
    assert found["printed"].item() == pytest.approx(0.5 * guarantees.GOLDEN**2)
    allowed = found["repaired"].item() * 3
    eps = math.sqrt(allowed)
    assert eps**2 / (2 * (1 - eps)) == pytest.approx(0.75)


@pytest.mark.parametrize("delta", [0.6, 0.9])
def test_the_search_finds_the_sharp_level(delta):
    level, share = guarantees.search_level(delta, 200)
    assert level == pytest.approx(rank_one.sharp_level(of(delta)).item(), rel=1e-5)
    assert share > 0


def test_nothing_is_found_below_one_half():
    level, share = guarantees.search_level(0.45, 100)
    assert level == math.inf
    assert share == 0
