"""The imbalance of asymmetric factors, and the rates read off from it."""

import pytest
import torch

from lowrank_core.analysis.imbalance import free_directions, has_slow_mode, imbalance, local_rate, slow_modes
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors, balanced_start, gaussian_start, imbalanced_start
from lowrank_core.truth import rectangular

ROUNDING = 1e-13
SEEDS = [0, 1]
START = imbalanced_start(7, 6, 4, 1.0, 0.5, SEEDS)
TRUTH = rectangular(7, 6, [2.0, 1.0], SEEDS, "random")


def test_imbalance_by_hand():
    left, right = torch.tensor([[[1.0, 2.0], [0.0, 1.0]]]), torch.tensor([[[2.0, 0.0]]])
    assert imbalance(Factors(left, right)).tolist() == [[[-3.0, 2.0], [2.0, 5.0]]]


def test_balanced_factors_have_none():
    assert not imbalance(balanced_start(5, 3, 1.0, SEEDS)).any()


def test_slow_modes_are_the_imbalance_off_the_row_space_of_the_signal():
    signal = TRUTH.left.mT @ START.left + TRUTH.right.mT @ START.right
    onto = torch.eye(4, dtype=torch.float64) - torch.linalg.pinv(signal) @ signal
    eigenvalues = torch.linalg.eigvalsh(onto @ imbalance(START) @ onto)
    for found, all_of_them in zip(slow_modes(START, TRUTH), eigenvalues, strict=True):
        nonzero = all_of_them[all_of_them.abs() > ROUNDING]
        assert found.tolist() == pytest.approx(nonzero.tolist(), rel=1e-9)


def test_local_rate_is_the_smallest_nonzero_eigenvalue_of_both_sides():
    left = torch.diag(torch.tensor([3.0, 2.0, 0.0], dtype=torch.float64))[None]
    right = torch.diag(torch.tensor([1.0, 5.0, 1e-9], dtype=torch.float64))[None]
    assert local_rate(Factors(left, right)).tolist() == pytest.approx([1.0], rel=ROUNDING)
    assert local_rate(Factors(left, right[:, :, :2] * 4)).tolist() == pytest.approx([4.0], rel=ROUNDING)


@pytest.mark.parametrize("call", [imbalance, lambda x: slow_modes(x, TRUTH)], ids=["imbalance", "slow modes"])
def test_symmetric_factors_are_refused(call):
    with pytest.raises(ArgumentError, match="only a pair"):
        call(gaussian_start(7, 4, 1.0, SEEDS))


def test_slow_modes_need_extra_rank():
    with pytest.raises(ArgumentError, match=r"search rank k = 2.*use k > r"):
        slow_modes(imbalanced_start(7, 6, 2, 1.0, 0.5, SEEDS), TRUTH)


def test_free_directions_are_orthonormal_and_blind_to_the_signal():
    free = free_directions(START, TRUTH)
    assert torch.allclose(free @ free.mT, torch.eye(2, dtype=torch.float64), rtol=0, atol=ROUNDING)
    signal = TRUTH.left.mT @ START.left + TRUTH.right.mT @ START.right
    assert (signal @ free.mT).abs().max() < ROUNDING


@pytest.mark.parametrize(("n1", "n2", "slow"), [(6, 6, True), (6, 2, False), (3, 2, False)])
def test_which_limits_have_a_slow_mode(n1, n2, slow):
    left, right = torch.zeros(1, n1, 4, dtype=torch.float64), torch.zeros(1, n2, 4, dtype=torch.float64)
    for i in range(3):
        left[0, i, i] = 1.0
    right[0, 0, 0] = right[0, 1, 1] = 1.0
    assert bool(has_slow_mode(Factors(left, right), 2)) == slow


def test_where_both_factors_fill_their_rows_the_rate_is_the_sum_of_two_modes():
    # n₁ = n₂ = 2, r = 1, k = 3: both factors have rank two, and each error is acted on by both.
    left = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 0.3, 0.0]]], dtype=torch.float64)
    right = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 0.0, 0.2]]], dtype=torch.float64)
    limit = Factors(left, right)
    assert not bool(has_slow_mode(limit, 1))
    assert float(local_rate(limit)) == pytest.approx(0.3**2 + 0.2**2)
