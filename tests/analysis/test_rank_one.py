"""The closed forms for rank one, against direct computations with random operators and the published bound."""

import math

import pytest
import torch

from lowrank_core.analysis import landscape, rank_one
from lowrank_core.analysis.sharp_threshold import smallest_constant_bound
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors
from lowrank_core.problem import observe
from lowrank_core.proofs.sdp import best_counterexample
from lowrank_core.randomness import normal
from lowrank_core.truth import psd

SIZE, COSINE = (
    grid.flatten()
    for grid in torch.meshgrid(
        torch.linspace(0.05, 2, 14, dtype=torch.float64),
        torch.linspace(0, 0.97, 13, dtype=torch.float64),
        indexing="ij",
    )
)


def points(size, cosine):
    ray = torch.stack([cosine.sqrt(), (1 - cosine).sqrt()], dim=-1)
    return (size.sqrt()[:, None] * ray)[..., None]


def test_distance_is_that_of_the_matrices():
    x = points(SIZE, COSINE)
    truth = torch.diag(torch.tensor([1.0, 0.0], dtype=torch.float64))
    torch.testing.assert_close(rank_one.distance(SIZE, COSINE), torch.linalg.matrix_norm(x @ x.mT - truth))


def test_the_published_bound_lies_below_and_coincides_at_right_angles():
    x = points(SIZE, COSINE)
    z = torch.tensor([[1.0], [0.0]], dtype=torch.float64).expand_as(x)
    slack = rank_one.second_order_constant(SIZE, COSINE) - smallest_constant_bound(x, z)
    assert float(slack.min()) > -1e-12
    # The printed figure has .856 against .748 at ρ = ½, φ = 55°.
    assert float(slack.max()) > 0.05
    right = (COSINE == 0) & (SIZE <= 1)
    assert float(slack[right].abs().max()) < 1e-12


def test_the_critical_constant_is_the_smallest_over_all_slopes():
    slopes = torch.linspace(0, 1, 2_001, dtype=torch.float64)[:, None] * (1 - COSINE)
    grid = rank_one.constant(SIZE, COSINE, slopes).amin(dim=0)
    critical = rank_one.critical_constant(SIZE, COSINE)
    assert float((grid - critical).min()) > -1e-12
    assert float((grid - critical).max()) < 1e-4
    below = torch.where(slopes <= rank_one.largest_slope(SIZE, COSINE), 1.0, math.inf)
    second = (below * rank_one.constant(SIZE, COSINE, slopes)).amin(dim=0)
    # The grid ends up to one step short of t₋.
    assert float((second - rank_one.second_order_constant(SIZE, COSINE)).min()) > -1e-12


@pytest.mark.parametrize("second_order", [False, True])
def test_the_worst_operator_is_what_it_says(second_order):
    slope = rank_one.best_slope(SIZE, COSINE)
    if second_order:
        slope = torch.minimum(slope, rank_one.largest_slope(SIZE, COSINE))
    delta = rank_one.constant(SIZE, COSINE, slope)
    operator, x = rank_one.worst_operator(SIZE, COSINE, slope, delta)
    spectrum = torch.linalg.svdvals(operator.entries).square()
    torch.testing.assert_close((spectrum - 1).abs().amax(dim=1), delta)
    problem = observe(psd(2, [1.0], range(len(SIZE))), operator)
    found = landscape.stationarity(problem, Factors(x))
    assert float(found.gradient.max()) < 1e-12
    assert bool((found.curvature < 1e-12).all()) is second_order
    value = problem.gradient(Factors(x))[0]
    origin = problem.observations.square().sum(dim=1) / 4
    torch.testing.assert_close(value / origin, rank_one.level(SIZE, COSINE, slope))


def test_too_small_a_constant_is_refused():
    half = torch.tensor([0.5], dtype=torch.float64)
    with pytest.raises(ArgumentError, match="critical"):
        rank_one.worst_operator(half, 0 * half, half, 0.4 + 0 * half)


def test_no_completion_of_the_image_is_worse():
    # All H with the image y of e, by adding any W ≥ 0 on the complement; scaled back to ‖H‖ = 1 + δ at most.
    size, cosine = torch.tensor(0.6, dtype=torch.float64), torch.tensor(0.3, dtype=torch.float64)
    slope, delta = torch.tensor(0.4, dtype=torch.float64), torch.tensor(0.9, dtype=torch.float64)
    worst, x = rank_one.worst_operator(size[None], cosine[None], slope[None], delta[None])
    largest = (worst.entries.mT @ worst.entries)[0]
    drop = normal([3], "completions", 200, 3, 3)[0]
    # H = H_max − K with K ⪰ 0 and Ke = 0 is every completion below (1 + δ)I.
    packing = worst._packing
    error = packing.pack(x @ x.mT - torch.diag(torch.tensor([1.0, 0.0], dtype=torch.float64)))[0]
    off = torch.eye(3, dtype=torch.float64) - torch.outer(error, error) / error.dot(error)
    others = largest - 0.05 * off @ drop @ drop.mT @ off
    point = packing.pack(x @ x.mT)[0]
    energies = torch.einsum("i,bij,j->b", point, others, point)
    assert float(energies.max()) <= float(point @ largest @ point)


def test_the_sharp_level_is_the_minimum_over_critical_points():
    delta = torch.linspace(0.5, 0.98, 25, dtype=torch.float64)
    size, cosine, slope = rank_one.sharpest_point(delta)
    torch.testing.assert_close(rank_one.constant(size, cosine, slope), delta)
    torch.testing.assert_close(rank_one.level(size, cosine, slope), rank_one.sharp_level(delta))
    torch.testing.assert_close(rank_one.largest_slope(size, cosine), slope)
    for each in delta:
        slopes = rank_one.smallest_slope(float(each), SIZE, COSINE)
        allowed = slopes < math.inf
        values = rank_one.level(SIZE[allowed], COSINE[allowed], slopes[allowed])
        assert bool((values >= rank_one.sharp_level(each) - 1e-12).all())
    assert float(rank_one.sharp_level(delta[0])) == pytest.approx(0.75)


def test_the_program_finds_the_closed_form():
    pytest.importorskip("cvxpy")
    # As printed in the paper: .856 at ρ = ½ and φ = 55°, where the bound is .748.
    angle = math.radians(55)
    x = 0.5 * torch.tensor([[math.cos(angle)], [math.sin(angle)]], dtype=torch.float64)
    found = best_counterexample(x, torch.tensor([[1.0], [0.0]], dtype=torch.float64))
    size, cosine = torch.tensor(0.25, dtype=torch.float64), torch.tensor(math.cos(angle) ** 2).double()
    closed = float(rank_one.second_order_constant(size, cosine))
    assert closed == pytest.approx(0.856, abs=5e-4)
    assert found.delta == pytest.approx(closed, abs=1e-6)
    assert found.lower == pytest.approx(closed, abs=1e-6)
