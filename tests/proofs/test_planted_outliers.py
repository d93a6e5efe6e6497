"""The exact example: losses by hand, both search ranks, and a search over all rank-one matrices."""

from fractions import Fraction

import numpy as np
import pytest

from lowrank_core.proofs import planted_outliers
from lowrank_core.proofs.matrices import gram

LENGTHS = (Fraction(1, 1000), Fraction(1, 100))
SEEDS = (0, 1, 9001)


def test_smallest_example_by_hand():
    example = planted_outliers.smallest()
    assert example.matrices == [[[1, 0], [0, 0]], [[0, 1], [1, 0]], [[0, 0], [0, 1]]]
    assert example.observations == [1, 0, Fraction(1, 2)]
    assert example.truth == [[1, 0], [0, 0]]
    assert example.better == [[1, 0], [0, Fraction(1, 2)]]
    assert (example.loss(example.truth), example.loss(example.better)) == (Fraction(1, 6), 0)
    assert example.gap == Fraction(1, 6)
    # |4 - 1| + 2|2·1| + |1 - 1/2| over three, at the factor (2, 1).
    assert example.loss(gram([[Fraction(2)], [Fraction(1)]])) == Fraction(15, 6)


def test_no_rank_one_matrix_beats_the_smallest_truth():
    example = planted_outliers.smallest()
    grid = [Fraction(i, 8) for i in range(-12, 13)]
    losses = [example.loss(gram([[x], [y]])) for x in grid for y in grid]
    assert min(losses) == example.loss(example.truth)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("n", [2, 4])
def test_loss_falls_with_n_columns_and_rises_with_one(seed, n):
    example = planted_outliers.draw(seed, n)
    assert planted_outliers.segment_gains(example, LENGTHS) == [example.gap] * 2
    assert example.gap > 0
    assert max(planted_outliers.rank_one_gains(example, seed, LENGTHS)) < 0


@pytest.mark.parametrize("seed", SEEDS)
def test_against_float64(seed):
    example = planted_outliers.draw(seed, 3)
    matrices = np.array(example.matrices, dtype=float)
    y = np.array(example.observations, dtype=float)
    better = np.array(example.better, dtype=float)
    assert np.linalg.eigvalsh(better)[0] > 0
    assert np.abs(np.tensordot(matrices, better) - y).max() < 1e-14
    u = np.array(example.factor, dtype=float)
    residual = np.tensordot(matrices, np.outer(u, u)) - y
    assert np.abs(residual).mean() == pytest.approx(float(example.loss(example.truth)))
    assert (np.abs(residual) > 1e-12).sum() == 2
