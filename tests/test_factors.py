"""Factors, and the starts from which methods begin."""

import pytest
import torch

from lowrank_core.errors import ArgumentError
from lowrank_core.factors import (
    Factors,
    balanced_start,
    coupled_start,
    gaussian_start,
    imbalanced_start,
    pad_columns,
    rank_limited_start,
    rotated_start,
)

ROUNDING = 1e-14
SEEDS = [0, 3]
STARTS = {
    "gaussian": lambda seeds: gaussian_start(8, 3, 0.1, seeds),
    "rank-limited": lambda seeds: rank_limited_start(8, 3, 2, 0.1, seeds),
    "imbalanced": lambda seeds: imbalanced_start(8, 6, 3, 0.1, 1 / 3, seeds),
    "balanced": lambda seeds: balanced_start(8, 3, 0.1, seeds),
    "rotated": lambda seeds: rotated_start(8, 3, 0.1, seeds),
    "coupled": lambda seeds: coupled_start(8, 6, 3, 0.1, seeds),
}


def sides(factors):
    return [side for side in factors if side is not None]


def test_products():
    left, right = torch.randn(2, 4, 3), torch.randn(2, 5, 3)
    assert torch.equal(Factors(left).product(), left @ left.mT)
    assert torch.equal(Factors(left, right).product(), left @ right.mT)
    assert Factors(left).symmetric
    assert not Factors(left, right).symmetric
    assert (Factors(left).batch, Factors(left).search_rank) == (2, 3)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("side", [0, 1])
def test_finite_sees_every_entry_of_both_sides(bad, side):
    factors = Factors(torch.ones(3, 4, 2), torch.ones(3, 5, 2))
    factors[side][1, -1, -1] = bad
    assert factors.finite().tolist() == [True, False, True]
    if side == 0:
        assert Factors(factors.left).finite().tolist() == [True, False, True]


def test_where_picks_whole_trajectories():
    ones, twos = (Factors(torch.full((2, 3, 1), v), torch.full((2, 4, 1), v)) for v in (1.0, 2.0))
    mask = torch.tensor([True, False])
    for other in (twos, 2.0):
        picked = ones.where(mask, other)
        assert [side[:, 0, 0].tolist() for side in picked] == [[1.0, 2.0], [1.0, 2.0]]
    assert Factors(ones.left).where(mask, 2.0).right is None


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_starts_do_not_depend_on_batch_or_order(start):
    for side, alone in zip(sides(start(SEEDS)), sides(start(SEEDS[1:])), strict=True):
        assert torch.equal(side[1], alone[0])
        assert not torch.equal(side[0], side[1])


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_starts_are_float64(start):
    assert {side.dtype for side in sides(start(SEEDS))} == {torch.float64}


@pytest.mark.parametrize(("n", "k"), [(400, 1), (400, 100), (200, 200)])
def test_the_norm_of_a_start_is_alpha_times_one_plus_root_aspect(n, k):
    norms = torch.linalg.matrix_norm(gaussian_start(n, k, 0.01, range(4)).left, ord=2)
    assert norms.numpy() == pytest.approx(0.01 * (1 + (k / n) ** 0.5), rel=0.1)


def test_a_larger_search_rank_extends_a_start():
    small, large = (gaussian_start(8, k, 0.1, SEEDS).left for k in (2, 5))
    assert torch.equal(large[:, :, :2], small)


def test_rank_limited_start_has_the_rank_and_the_spectrum_of_its_core():
    limited = rank_limited_start(8, 5, 2, 0.1, SEEDS).left
    core = gaussian_start(8, 2, 0.1, SEEDS).left
    spectrum = torch.linalg.svdvals(limited)
    assert limited.shape == (2, 8, 5)
    assert (spectrum[:, :2] - torch.linalg.svdvals(core)).abs().max() < ROUNDING
    assert spectrum[:, 2:].max() < ROUNDING


def test_imbalanced_start_scales_its_sides():
    equal, third = (imbalanced_start(8, 6, 3, 0.1, ratio, SEEDS) for ratio in (1.0, 1 / 3))
    assert torch.equal(equal.left, third.left)
    assert (third.right - equal.right / 3).abs().max() < ROUNDING
    assert equal.right.shape == (2, 6, 3)


def test_equal_scales_are_not_balanced_but_balanced_is():
    def imbalance(f):
        return (f.left.mT @ f.left - f.right.mT @ f.right).norm(dim=(1, 2))

    assert imbalance(imbalanced_start(8, 8, 3, 1.0, 1.0, SEEDS)).min() > 0.1
    balanced = balanced_start(8, 3, 1.0, SEEDS)
    assert not imbalance(balanced).any()
    assert balanced.left.data_ptr() != balanced.right.data_ptr()


def test_padding_appends_zero_columns():
    padded = pad_columns(torch.ones(2, 3, 1), 4)
    assert padded.tolist() == [[[1.0, 0.0, 0.0, 0.0]] * 3] * 2


def test_a_rotated_start_is_balanced_and_not_symmetric():
    left, right = rotated_start(12, 4, 0.5, SEEDS)
    assert (left.mT @ left - right.mT @ right).abs().max() < ROUNDING
    assert (left - right).norm(dim=(1, 2)).min() > 0.1
    assert torch.equal(left, gaussian_start(12, 4, 0.5, SEEDS).left)


@pytest.mark.parametrize(("n1", "n2", "k"), [(8, 6, 3), (5, 9, 12), (6, 6, 6)])
def test_the_coupled_start_is_balanced_and_has_nothing_else_in_common(n1, n2, k):
    start = coupled_start(n1, n2, k, 0.1, SEEDS)
    assert start.left.shape == (len(SEEDS), n1, k)
    assert start.right.shape == (len(SEEDS), n2, k)
    assert (start.left.mT @ start.left - start.right.mT @ start.right).abs().max() < ROUNDING
    rows = min(n1, n2)
    assert (start.left[:, :rows] - start.right[:, :rows]).abs().max() > 1e-3


def test_the_entries_of_the_coupled_start_have_the_stated_size():
    """‖F₀‖_F² = ‖A‖_F² has mean k·q·α²/q."""
    start = coupled_start(40, 30, 20, 0.1, range(20))
    assert start.left.square().sum((1, 2)).mean() == pytest.approx(20 * 0.1**2, rel=0.05)


def test_rescaling_sets_the_operator_norm_of_the_stack():
    pair = coupled_start(8, 6, 3, 0.1, SEEDS)
    for norm in (0.1, torch.tensor([1e-3, 5.0], dtype=torch.float64)):
        scaled = pair.rescaled(norm)
        size = torch.linalg.matrix_norm(torch.cat([scaled.left, scaled.right], dim=1), ord=2)
        assert (size / norm - 1).abs().max() < ROUNDING
        assert (scaled.left * pair.right[:, :1, :1] - pair.left * scaled.right[:, :1, :1]).abs().max() < 1e-13
    alone = Factors(pair.left).rescaled(3.0)
    assert alone.right is None
    assert (torch.linalg.matrix_norm(alone.left, ord=2) / 3 - 1).abs().max() < ROUNDING


def test_zero_cannot_be_rescaled():
    with pytest.raises(ArgumentError, match="cannot be rescaled"):
        Factors(torch.zeros(2, 3, 1)).rescaled(1.0)
