"""Sampled isometry ratios: attained, below the constant, and at it where the constant is known."""

import pytest
import torch

from lowrank_core.analysis.planted import planted
from lowrank_core.analysis.rip import sampled_rip
from lowrank_core.errors import ArgumentError
from lowrank_core.sensing import Identity, gaussian, gaussian_symmetric, random_certified

SEEDS = (1, 2)


def test_the_identity_has_constant_zero_of_every_order():
    for rank in (1, 3):
        found = sampled_rip(Identity(3, 4), rank, SEEDS)
        torch.testing.assert_close(found.low, torch.ones(2, dtype=torch.float64))
        torch.testing.assert_close(found.high, torch.ones(2, dtype=torch.float64))


def test_at_full_rank_the_search_finds_the_extreme_eigenvalues():
    found = sampled_rip(random_certified(4, 0.4, 3, SEEDS), 4, SEEDS, rounds=200)
    torch.testing.assert_close(found.low, torch.full((2,), 0.6, dtype=torch.float64))
    torch.testing.assert_close(found.high, torch.full((2,), 1.4, dtype=torch.float64))
    torch.testing.assert_close(found.scale_free, torch.full((2,), 0.4, dtype=torch.float64))


@pytest.mark.parametrize(("order", "expected"), [(3, 0.5857864), (2, 0.383)])
def test_the_planted_operator_is_nearer_to_an_isometry_on_lower_ranks(order, expected):
    # Worked out by hand for r = 2, r* = 1: of ‖Q‖² = 4 the two largest eigenvalues carry 3, so that
    # on rank two the ratios run from 1 + δ − 2δ·3/4 to 1 + δ.
    operator = planted(2, 1, 2 - 2**0.5, [0]).problem.operator
    found = sampled_rip(operator, order, SEEDS, samples=20, rounds=100)
    assert float(found.scale_free.max()) == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize(
    "make", [lambda: gaussian_symmetric(6, 30, SEEDS), lambda: gaussian(6, 5, 30, SEEDS)]
)
def test_longer_searches_and_higher_orders_find_no_less(make):
    operator = make()
    first = sampled_rip(operator, 1, SEEDS, rounds=0)
    longer = sampled_rip(operator, 1, SEEDS, rounds=20)
    higher = sampled_rip(operator, 3, SEEDS, rounds=20)
    assert (longer.delta > first.delta).all()
    assert (higher.scale_free > longer.scale_free).all()


def test_no_ratio_leaves_the_spectrum_of_a_gaussian_ensemble():
    operator = gaussian_symmetric(4, 40, SEEDS)
    found = sampled_rip(operator, 2, SEEDS, rounds=50)
    values = torch.linalg.eigvalsh(operator.entries.mT @ operator.entries / 40)
    assert (found.low >= values[:, 0] - 1e-12).all()
    assert (found.high <= values[:, -1] + 1e-12).all()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"rank": 0}, "rank"),
        ({"rank": 5}, "rank"),
        ({"rank": 1, "samples": 0}, "samples"),
        ({"rank": 1, "rounds": -1}, "rounds"),
        ({"rank": 1, "seeds": (1,)}, "seeds"),
    ],
)
def test_bad_input_is_named(arguments, named):
    with pytest.raises(ArgumentError, match=named):
        sampled_rip(gaussian_symmetric(4, 9, SEEDS), **{"seeds": SEEDS} | arguments)
