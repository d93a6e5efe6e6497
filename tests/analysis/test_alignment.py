"""Misalignment of a start and angles between column spaces."""

import numpy as np
import pytest
import torch
from scipy.linalg import subspace_angles

from lowrank_core.analysis.alignment import largest_angle, leading_columns, misalignment
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors, gaussian_start, imbalanced_start
from lowrank_core.randomness import normal, orthonormal
from lowrank_core.truth import rectangular

SEEDS = [0, 1, 2]


def test_misalignment_by_hand():
    truth = rectangular(7, 5, [2.0, 1.0], SEEDS, "random")
    start = imbalanced_start(7, 5, 4, 0.1, 1.0, SEEDS)
    for b, value in enumerate(misalignment(truth, start).tolist()):
        f, g = start.left[b].numpy(), start.right[b].numpy()
        seen = truth.left[b].numpy().T @ f + truth.right[b].numpy().T @ g
        size = np.linalg.norm(np.vstack([f, g]), 2)
        expected = np.sqrt(2) * size / np.linalg.svd(seen, compute_uv=False)[1]
        assert value == pytest.approx(expected, rel=1e-12)


def test_a_start_along_the_truth_has_the_least_misalignment():
    truth = rectangular(7, 5, [2.0, 1.0], SEEDS, "random")
    assert (misalignment(truth, Factors(truth.left, truth.right)) - 1).abs().max() < 1e-12


def test_misalignment_refuses():
    truth = rectangular(7, 7, [2.0, 1.0], SEEDS)
    with pytest.raises(ArgumentError, match=r"search rank 1.*k >= 2"):
        misalignment(truth, imbalanced_start(7, 7, 1, 0.1, 1.0, SEEDS))
    with pytest.raises(ArgumentError, match="two factors"):
        misalignment(truth, gaussian_start(7, 2, 0.1, SEEDS))


def test_angles_agree_with_scipy_and_resolve_tiny_ones():
    first, second = (orthonormal(SEEDS, name, 8, 3) for name in ("a", "b"))
    for b, sine in enumerate(largest_angle(first, second).tolist()):
        expected = subspace_angles(first[b].numpy(), second[b].numpy()).max()
        assert sine == pytest.approx(np.sin(expected), abs=1e-10)
    tilted, _ = torch.linalg.qr(first + 1e-11 * normal(SEEDS, "tilt", 8, 3))
    assert 1e-12 < largest_angle(first, tilted).max() < 1e-10


def test_leading_columns_span_the_top_singular_vectors():
    truth = rectangular(7, 5, [2.0, 1.0], SEEDS, "random")
    noisy = truth.matrix + 1e-13 * normal(SEEDS, "noise", 7, 5)
    assert largest_angle(truth.left, leading_columns(noisy, 2)).max() < 1e-11
