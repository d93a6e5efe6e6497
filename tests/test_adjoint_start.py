"""The spectral start of least squares, against singular values computed otherwise."""

import numpy as np
import pytest
import torch

from lowrank_core.errors import ArgumentError
from lowrank_core.factors import adjoint_start
from lowrank_core.problem import observe
from lowrank_core.sensing import Identity, gaussian, gaussian_symmetric
from lowrank_core.truth import psd, rectangular

ROUNDING = 1e-12
SEEDS = [0, 1, 2]
N1, N2, M = 6, 5, 40
SPECTRUM = [2.0, 0.5]


def pair(k=3):
    problem = observe(rectangular(N1, N2, SPECTRUM, SEEDS, "random"), gaussian(N1, N2, M, SEEDS))
    return problem, adjoint_start(problem.operator, problem.observations, k)


def seen(problem, i):
    """(1/m) Σ yⱼ Aⱼ of trajectory i, from the measurement matrices one by one."""
    total = np.zeros(problem.operator.shape)
    for j, row in enumerate(torch.eye(problem.operator.m, dtype=torch.float64)):
        single = problem.operator.adjoint(row.expand(len(SEEDS), -1))[i].numpy()
        total += float(problem.observations[i, j]) * single
    return total / problem.operator.m


def test_the_pair_is_the_best_approximation_of_what_is_seen_and_balanced():
    problem, start = pair(k=3)
    for i in range(len(SEEDS)):
        u, s, vt = np.linalg.svd(seen(problem, i))
        best = u[:, :3] * s[:3] @ vt[:3]
        assert np.abs(start.product()[i].numpy() - best).max() < ROUNDING
    gap = start.left.mT @ start.left - start.right.mT @ start.right
    assert gap.abs().max() < ROUNDING


def test_the_symmetric_start_keeps_the_largest_eigenvalues_and_clips_negative_ones():
    operator = gaussian_symmetric(N1, 12, SEEDS)
    problem = observe(psd(N1, SPECTRUM, SEEDS, "random"), operator)
    start = adjoint_start(operator, problem.observations, N1, symmetric=True)
    clipped = 0
    for i in range(len(SEEDS)):
        values, vectors = np.linalg.eigh(seen(problem, i))
        positive = (vectors * values.clip(min=0)) @ vectors.T
        assert np.abs(start.product()[i].numpy() - positive).max() < ROUNDING
        clipped += int((values < 0).sum())
        assert int((start.left[i].norm(dim=0) == 0).sum()) == int((values < 0).sum())
    assert clipped > 0


@pytest.mark.parametrize("symmetric", [True, False])
def test_with_every_entry_observed_it_is_the_truth(symmetric):
    problem = observe(psd(N1, SPECTRUM, SEEDS, "random"), Identity(N1))
    start = adjoint_start(problem.operator, problem.observations, 2, symmetric)
    assert start.symmetric == symmetric
    assert (start.product() - problem.truth.matrix).abs().max() < ROUNDING


def test_it_scales_with_the_truth():
    problem, start = pair()
    larger = adjoint_start(problem.operator, 9 * problem.observations, 3)
    assert (larger.product() - 9 * start.product()).abs().max() < 9 * ROUNDING
    assert torch.allclose(larger.left.norm(dim=1), 3 * start.left.norm(dim=1))


@pytest.mark.parametrize("k", [0, N2 + 1])
def test_refuses_a_rank_out_of_range(k):
    with pytest.raises(ArgumentError, match="search rank"):
        pair(k)


def test_refuses_a_symmetric_start_from_matrices_that_are_not():
    problem, _ = pair()
    square = gaussian(N1, N1, M, SEEDS)
    with pytest.raises(ArgumentError, match="symmetric measurement matrices"):
        adjoint_start(square, problem.observations, 2, symmetric=True)
