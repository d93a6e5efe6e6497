"""Seeds that repeat share one ensemble, and nothing but the cost tells the difference."""

import pytest
import torch

from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors, gaussian_start, imbalanced_start
from lowrank_core.methods import GradientDescent, Subgradient
from lowrank_core.noise import Outliers
from lowrank_core.problem import observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import Dense, gaussian, gaussian_symmetric
from lowrank_core.solver import solve
from lowrank_core.steps import Geometric, Normalised
from lowrank_core.truth import psd, rectangular

ADJOINT = 1e-14
ROUNDING = 1e-13
N1, N2, M = 6, 5, 40
MAKES = {
    "symmetric": lambda seeds, shared=False: gaussian_symmetric(N1, M, seeds, shared),
    "rectangular": lambda seeds, shared=False: gaussian(N1, N2, M, seeds, shared),
}
# seeds -> the seeds of the ensembles that are stored
STORED = {
    (0, 0, 0, 1, 1, 1): [0, 1],
    (7, 7): [7],
    (4, 4, 2, 2, 4, 4): [4, 2, 4],
    (0, 0, 1): [0, 0, 1],
    (0, 1, 1): [0, 1, 1],
    (0, 1, 0, 1): [0, 1, 0, 1],
    (3,): [3],
}
SEEDS = [0, 0, 0, 1, 1, 1]


@pytest.fixture(params=MAKES.values(), ids=MAKES)
def make(request):
    return request.param


@pytest.fixture(params=STORED, ids=str)
def seeds(request):
    return list(request.param)


def test_what_is_stored(make, seeds):
    operator, stored = make(seeds), STORED[tuple(seeds)]
    assert operator.batch == len(seeds)
    assert operator.entries.shape[0] == len(stored)
    for entries, seed in zip(operator.entries, stored, strict=True):
        assert torch.equal(entries, make([seed]).entries[0])


def test_every_trajectory_sees_the_ensemble_of_its_seed(make, seeds):
    operator = make(seeds)
    # Inputs of their own, so that no trajectory could stand in for another.
    numbers = range(100, 100 + len(seeds))
    matrix, z = normal(numbers, "test matrix", *operator.shape), normal(numbers, "test z", M)
    measured, summed = operator.forward(matrix), operator.adjoint(z)
    for i, seed in enumerate(seeds):
        alone = make([seed])
        expected = alone.forward(matrix[i : i + 1])[0], alone.adjoint(z[i : i + 1])[0]
        for found, wanted in zip((measured[i], summed[i]), expected, strict=True):
            assert (found - wanted).abs().max() < ROUNDING * wanted.abs().max()


def test_forward_and_adjoint_stay_adjoint(make, seeds):
    assert make(seeds).adjoint_defect() <= ADJOINT


@pytest.mark.parametrize(
    ("loss", "method"),
    [("l2", GradientDescent(0.05)), ("l1", Subgradient(Normalised(Geometric(0.1, 0.98))))],
    ids=["l2", "l1"],
)
def test_runs_with_repeated_seeds_equal_separate_runs(loss, method):
    scales = [0.1, 0.5, 1.0] * 2

    def run(seeds, scales):
        problem = observe(
            psd(N1, [2.0, 1.0], seeds, "random"), gaussian_symmetric(N1, M, seeds), loss, Outliers(0.1), seeds
        )
        left = (
            gaussian_start(N1, 3, 1.0, seeds).left * torch.tensor(scales, dtype=torch.float64)[:, None, None]
        )
        return solve(problem, method, Factors(left), 100)

    together = run(SEEDS, scales)
    assert together.recipe["problem"]["seeds"] == SEEDS
    for i, (seed, scale) in enumerate(zip(SEEDS, scales, strict=True)):
        alone = run([seed], [scale])
        assert together.error[i].numpy() == pytest.approx(alone.error[0].numpy(), rel=1e-10)
        assert together.loss[i].numpy() == pytest.approx(alone.loss[0].numpy(), rel=1e-10)
    assert (together.error[0] - together.error[1]).abs().max() > 1e-3


def test_asymmetric_runs_with_repeated_seeds_equal_separate_runs():
    etas = [0.02, 0.05, 0.1] * 2

    def run(seeds, etas):
        problem = observe(rectangular(N1, N2, [2.0, 1.0], seeds), gaussian(N1, N2, M, seeds))
        start = imbalanced_start(N1, N2, 3, 0.5, 1 / 3, seeds)
        return solve(problem, GradientDescent(torch.tensor(etas, dtype=torch.float64)), start, 100)

    together = run(SEEDS, etas)
    for i, (seed, eta) in enumerate(zip(SEEDS, etas, strict=True)):
        assert together.error[i].numpy() == pytest.approx(run([seed], [eta]).error[0].numpy(), rel=1e-10)


def test_a_shared_ensemble_is_that_of_the_first_seed_however_seeds_repeat(make):
    operator = make([4, 4, 2, 2], shared=True)
    assert operator.batch is None
    assert torch.equal(operator.entries, make([4]).entries[0])
    assert operator.forward(torch.zeros(3, *operator.shape, dtype=torch.float64)).shape == (3, M)


def test_the_batch_counts_trajectories_not_ensembles(make):
    operator = make(SEEDS)
    for batch in (2, 3, 5, 12):
        with pytest.raises(ArgumentError, match=r"one ensemble for each of 6 trajectories.*use a batch of 6"):
            operator.adjoint(torch.zeros(batch, M, dtype=torch.float64))


@pytest.mark.parametrize(
    ("shape", "repeats"), [((2, M, 21), 0), ((2, M, 21), -1), ((M, 21), 2)], ids=["none", "fewer", "shared"]
)
def test_repeats_that_make_no_sense_are_refused(shape, repeats):
    with pytest.raises(ArgumentError, match=rf"repeats = {repeats}: .*Fix: use >= 1 for \(B, m, q\)"):
        Dense(torch.ones(shape, dtype=torch.float64), (N1, N1), True, repeats)


def test_more_measurements_extend_an_ensemble():
    # A sweep over m then compares nested ensembles, and differs by the added measurements alone.
    few, many = (gaussian_symmetric(N1, m, [3, 5]).entries for m in (M, 3 * M))
    assert torch.equal(many[:, :M], few)
    few, many = (gaussian(N1, N2, m, [3, 5]).entries for m in (M, 3 * M))
    assert torch.equal(many[:, :M], few)


@pytest.mark.cuda
def test_repeats_on_cuda():
    matrix = normal(range(6), "test matrix", N1, N1)
    z = normal(range(6), "test z", M)
    cpu, cuda = (gaussian_symmetric(N1, M, SEEDS, device=device) for device in ("cpu", "cuda"))
    assert (cpu.forward(matrix) - cuda.forward(matrix.cuda()).cpu()).abs().max() < 1e-12
    assert (cpu.adjoint(z) - cuda.adjoint(z.cuda()).cpu()).abs().max() < 1e-12
