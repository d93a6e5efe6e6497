"""The threshold, its relatives, and the bound on δ that a spurious pair implies."""

import math

import pytest
import torch

from lowrank_core.analysis import sharp_threshold as sharp
from lowrank_core.analysis.planted import planted
from lowrank_core.errors import ArgumentError
from lowrank_core.randomness import normal


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((1, 1), 0.5),
        ((4, 1), 2 / 3),
        ((4, 4), 0.5),
        ((9, 4), 3 / 5),
        ((3, 2, 5), 1 / (1 + math.sqrt(2 / 3))),
        ((3, 2, 4), 1 / (1 + math.sqrt(1 / 2))),
        ((3, 2, 3), 1.0),
        ((3, 2, 50), 1 / (1 + math.sqrt(2 / 3))),
    ],
)
def test_threshold(arguments, expected):
    assert sharp.threshold(*arguments) == pytest.approx(expected)


def test_the_threshold_lies_between_the_published_bounds_and_falls_with_n():
    for true_rank in range(1, 5):
        for rank in range(true_rank, 12):
            exact = sharp.threshold(rank, true_rank)
            assert 0.5 <= exact <= sharp.published_necessary(rank, true_rank) + 1e-15
            sizes = [sharp.threshold(rank, true_rank, n) for n in range(rank, rank + true_rank + 1)]
            assert sizes == sorted(sizes, reverse=True)
            assert sizes[-1] == exact


@pytest.mark.parametrize("ranks", [(1, 1), (3, 2), (9, 4)])
def test_psi_meets_delta_at_the_threshold_and_solves_its_equation(ranks):
    ratio, delta = ranks[0] / ranks[1], sharp.threshold(*ranks)
    assert float(sharp.psi(delta, ratio)) == pytest.approx(delta)
    assert float(sharp.psi(delta - 0.01, ratio)) > delta - 0.01
    grid = torch.linspace(0, 0.99, 12, dtype=torch.float64)
    psi = sharp.psi(grid, ratio)
    torch.testing.assert_close(psi.square() + (1 + grid) / math.sqrt(ratio) * psi, torch.ones_like(psi))


@pytest.mark.parametrize(
    ("ranks", "j"), [((1, 1), 1), ((2, 1), 1), ((3, 2), 2), ((3, 2), 1), ((4, 3), 2), ((5, 5), 5)]
)
def test_a_planted_pair_attains_the_threshold(ranks, j):
    delta = sharp.threshold(*ranks, ranks[0] + j)
    case = planted(*ranks, delta, [0], j)
    z = case.problem.truth.left * case.problem.truth.spectrum[:, None, :].sqrt()
    assert float(sharp.smallest_constant_bound(case.point.left, z)) == pytest.approx(delta)


def test_no_random_pair_falls_below_the_threshold():
    for n, rank, true_rank in ((2, 1, 1), (4, 3, 2), (6, 3, 2), (5, 2, 2)):
        x, z = normal(range(500), "x", n, rank), normal(range(500), "z", n, true_rank)
        for scale in (0.5, 1.0, 2.0):
            found = sharp.smallest_constant_bound(scale * x, z)
            assert float(found.min()) >= sharp.threshold(rank, true_rank, n) - 1e-12
            assert float(found.max()) <= 1


def test_rank_one_is_the_published_closed_form():
    # Zhang, Sojoudi & Lavaei (2019), Theorem 12, in the ratio of norms and the angle.
    ratio, angle = 0.8, 1.1
    x = ratio * torch.tensor([[[math.cos(angle)], [math.sin(angle)]]], dtype=torch.float64)
    z = torch.tensor([[[1.0], [0.0]]], dtype=torch.float64)
    size = math.sqrt((ratio**2 - 1) ** 2 + 2 * (ratio * math.sin(angle)) ** 2)
    alpha, beta = sharp.invariants(x, z)
    assert float(alpha) == pytest.approx(math.sin(angle) ** 2 / size)
    assert float(beta) == pytest.approx(ratio**2 / size)


def test_invariants_of_edge_cases():
    x = torch.zeros(1, 3, 2, dtype=torch.float64)
    x[0, 0, 0] = 1.0
    z = torch.eye(3, 1, dtype=torch.float64)[None] * 2
    assert [float(v) for v in sharp.invariants(x, z)] == [0.0, 0.0]
    wide = torch.eye(2, 3, dtype=torch.float64)[None]
    assert float(sharp.invariants(wide, torch.ones(1, 2, 1, dtype=torch.float64)).beta) == 0.0


@pytest.mark.parametrize(
    ("attempt", "named"),
    [
        (lambda: sharp.threshold(1, 2), "search_rank, true_rank"),
        (lambda: sharp.threshold(2, 0), "search_rank, true_rank"),
        (lambda: sharp.threshold(3, 2, 1), "n"),
        (lambda: sharp.psi(1.0, 2.0), "delta"),
        (lambda: sharp.psi(0.5, 0.5), "ratio"),
        (lambda: sharp.invariants(torch.eye(2)[None], torch.eye(2)[None]), "x, z"),
        (lambda: planted(1, 2, 0.5, [0]), "search_rank, true_rank"),
        (lambda: planted(2, 2, 0.5, [0], planted_rank=3), "planted_rank"),
        (lambda: planted(2, 2, 1.0, [0]), "delta"),
        (lambda: planted(2, 2, 0.5, [0], extra=-1), "extra"),
    ],
)
def test_bad_input_is_named(attempt, named):
    with pytest.raises(ArgumentError, match=named):
        attempt()
