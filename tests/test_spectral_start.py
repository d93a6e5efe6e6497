"""The spectral start, which sees the signs of the observations only."""

import numpy as np
import pytest
import torch

from lowrank_core.errors import ArgumentError
from lowrank_core.factors import spectral_start
from lowrank_core.methods import Subgradient
from lowrank_core.noise import Outliers
from lowrank_core.problem import observe
from lowrank_core.sensing import Identity, gaussian, gaussian_symmetric
from lowrank_core.solver import solve
from lowrank_core.steps import Geometric, Normalised
from lowrank_core.truth import psd

ROUNDING = 1e-13
SEEDS = [0, 1]
N, M = 6, 60
SPECTRUM = [2.0, 1.0]
PHI = (2 / np.pi) ** 0.5


def problem_with(noise=None, n=N, m=M, seeds=SEEDS, shared=False):
    operator = gaussian_symmetric(n, m, seeds, shared)
    return observe(psd(n, SPECTRUM, seeds, "random"), operator, "l1", noise, seeds)


def start_of(problem, k=3, scale=0.5):
    return spectral_start(problem.operator, problem.observations, k, scale)


def signed_mean(problem, i):
    """(1/m) Σ sign(yⱼ) Aⱼ of trajectory i, from the measurement matrices one by one."""
    operator, y = problem.operator, problem.observations
    total = np.zeros(operator.shape)
    for j, row in enumerate(torch.eye(operator.m, dtype=torch.float64)):
        total += np.sign(float(y[i, j])) * operator.adjoint(row.expand(len(y), -1))[i].numpy()
    return total / operator.m


@pytest.mark.parametrize("shared", [False, True], ids=["own", "shared"])
@pytest.mark.parametrize("noise", [None, Outliers(0.3)], ids=["clean", "outliers"])
@pytest.mark.parametrize("k", [1, 2, N])
def test_algorithm_2_by_hand(k, noise, shared):
    problem = problem_with(noise, shared=shared)
    left, right = start_of(problem, k, 0.5)
    assert right is None
    assert left.shape == (2, N, k)
    for i in range(len(SEEDS)):
        values, vectors = np.linalg.eigh(signed_mean(problem, i))
        kept = np.argsort(values)[::-1][:k]
        columns = 0.5 * vectors[:, kept] * np.sqrt(np.maximum(values[kept], 0))
        # An eigenvector is known up to its sign.
        assert np.abs(left[i].numpy() @ left[i].numpy().T - columns @ columns.T).max() < ROUNDING
        for found, expected in zip(left[i].numpy().T, columns.T, strict=True):
            assert min(np.abs(found - expected).max(), np.abs(found + expected).max()) < ROUNDING


def test_a_larger_search_rank_extends_a_start():
    problem = problem_with()
    assert torch.equal(start_of(problem, 5).left[:, :, :2], start_of(problem, 2).left)


def test_about_half_of_the_columns_are_clipped():
    n, seeds = 20, range(8)
    left = start_of(problem_with(n=n, m=500, seeds=seeds), n, 1.0).left
    ranks = (left.norm(dim=1) > 0).sum(dim=1)
    assert ranks.min() >= n // 2 - 3
    assert ranks.max() <= n // 2 + 3
    # The columns that are kept come first, and the others are zero to the last digit.
    for columns, rank in zip(left, ranks.tolist(), strict=True):
        assert torch.linalg.matrix_rank(columns) == rank
        assert not columns[:, rank:].any()


def test_clipped_columns_stay_zero():
    problem = problem_with()
    start = start_of(problem, N)
    run = solve(problem, Subgradient(Normalised(Geometric(0.1, 0.99))), start, 30)
    zero = start.left.norm(dim=1) == 0
    assert zero.any(dim=1).all()
    assert not run.factors.left.mT[zero].any()


@pytest.mark.parametrize("scale", [1.0, 1e-3])
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_it_points_at_the_truth_on_many_measurements_whatever_its_size(size, scale):
    # ‖X₀X₀ᵀ − α²φM*/‖M*‖_F‖ ≤ 2α²φδ (Lemma 33 of Ma & Fattahi), with φ = √(2/π) and δ of order √(n/m).
    m = 40_000
    truth = psd(5, [2.0 * size, 1.0 * size], SEEDS, "random")
    problem = observe(truth, gaussian_symmetric(5, m, SEEDS), "l1")
    target = PHI * truth.matrix / truth.matrix.norm(dim=(1, 2), keepdim=True)
    start = start_of(problem, 2, scale).product()
    gap = torch.linalg.matrix_norm(start / scale**2 - target, ord=2)
    assert gap.max() < 2 * PHI * (5 / m) ** 0.5
    # A bound that a start of another size would break.
    assert 5 * gap.max() < torch.linalg.matrix_norm(target, ord=2).min()


def test_only_signs_enter():
    problem = problem_with(Outliers(0.3, 10.0))
    outliers = Outliers(0.3, 10.0).sample(SEEDS, M)
    grosser = problem.observations + (outliers != 0) * problem.observations * 1e6
    assert torch.equal(spectral_start(problem.operator, grosser, 3, 0.5).left, start_of(problem).left)
    # Where the observations themselves entered, as in the usual spectral start, all would be different.
    assert (problem.operator.adjoint(grosser) - problem.operator.adjoint(problem.observations)).norm() > 1e3


def test_outliers_of_any_size_that_keep_their_signs_change_nothing():
    # Outliers large against the measurements decide the signs alone, so their size no longer matters.
    starts = [start_of(problem_with(Outliers(0.3, scale))).left for scale in (1e6, 1e12)]
    assert torch.equal(*starts)
    assert not torch.equal(starts[0], start_of(problem_with()).left)


def test_alpha_scales():
    problem = problem_with()
    assert (start_of(problem, 3, 0.5).left - 500 * start_of(problem, 3, 1e-3).left).abs().max() < ROUNDING


def test_starts_belong_to_seeds_whatever_the_batch():
    both, alone = start_of(problem_with()), start_of(problem_with(seeds=SEEDS[1:]))
    assert (both.product()[1] - alone.product()[0]).abs().max() < ROUNDING
    assert (both.product()[0] - both.product()[1]).norm() > 0.1


def test_observations_without_a_sign_give_a_start_that_is_refused():
    problem = problem_with()
    start = spectral_start(problem.operator, torch.zeros_like(problem.observations), 3, 1.0)
    with pytest.raises(ArgumentError, match=r"start = 'a trajectory with all factors zero.*gaussian_start"):
        problem.check_start(start)


@pytest.mark.parametrize("operator", [gaussian(N, N, M, SEEDS), Identity(N, 4)], ids=repr)
def test_operators_that_are_not_symmetric_are_refused(operator):
    with pytest.raises(ArgumentError, match=r"operator = .*symmetric.*Fix: use sensing\.gaussian_symmetric"):
        spectral_start(operator, torch.ones(2, operator.m, dtype=torch.float64), 2, 1.0)


@pytest.mark.cuda
def test_cuda_agrees_with_the_cpu():
    problem = problem_with(Outliers(0.3))
    cuda = gaussian_symmetric(N, M, SEEDS, device="cuda")
    start = spectral_start(cuda, problem.observations.cuda(), 3, 0.5)
    assert start.left.device.type == "cuda"
    assert (start.product().cpu() - start_of(problem).product()).abs().max() < ROUNDING
