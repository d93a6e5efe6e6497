"""Rank-one measurements against the matrices written out, and their mean against exact Gaussian moments."""

import itertools

import pytest
import torch

from lowrank_core import kernels
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import gaussian_start, imbalanced_start
from lowrank_core.methods import GradientDescent
from lowrank_core.problem import observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import RankOne, rank_one, rank_one_symmetric
from lowrank_core.solver import solve
from lowrank_core.truth import psd, rectangular

ADJOINT = 1e-14
ROUNDING = 1e-13
KINDS = {
    "symmetric": lambda m, seeds, shared=False: rank_one_symmetric(5, m, seeds, shared=shared),
    "centred": lambda m, seeds, shared=False: rank_one_symmetric(5, m, seeds, centred=True, shared=shared),
    "rectangular": lambda m, seeds, shared=False: rank_one(5, 4, m, seeds, shared),
}
# Symmetric measurements serve pairs of factors as well.
CASES = [
    ("symmetric", False),
    ("symmetric", True),
    ("centred", False),
    ("centred", True),
    ("rectangular", True),
]


def written_out(operator, batch):
    """The measurement matrices, (B, m, n1, n2)."""
    full = torch.einsum("emi,emj->emij", operator.first, operator.second)
    if operator.centred:
        full = full - torch.eye(operator.shape[0], dtype=torch.float64)
    return full.repeat_interleave(batch // full.shape[0], dim=0)


def factors_for(operator, pair, seeds, k=3):
    n1, n2 = operator.shape
    return normal(seeds, "test left", n1, k), normal(seeds, "test right", n2, k) if pair else None


@pytest.mark.parametrize("shared", [False, True], ids=["batched", "shared"])
@pytest.mark.parametrize("kind", KINDS)
def test_forward_and_adjoint_are_the_explicit_sums(kind, shared):
    seeds = [3, 3, 1, 1]
    operator = KINDS[kind](7, seeds, shared)
    full = written_out(operator, 4)
    matrix, z = normal(range(4), "test matrix", *operator.shape), normal(range(4), "test z", 7)
    measured = torch.einsum("bmij,bij->bm", full, matrix)
    summed = torch.einsum("bm,bmij->bij", z, full)
    assert (operator.forward(matrix) - measured).abs().max() < ROUNDING * measured.abs().max()
    assert (operator.adjoint(z) - summed).abs().max() < ROUNDING * summed.abs().max()
    assert operator.adjoint_defect() <= ADJOINT
    left, right = factors_for(operator, True, range(4))
    gap = operator.forward_factors(left, right) - operator.forward(left @ right.mT)
    assert gap.abs().max() < ROUNDING * measured.abs().max() * 10


@pytest.mark.parametrize("choice", kernels.CHOICES)
@pytest.mark.parametrize("loss", ["l2", "l1"])
@pytest.mark.parametrize(("kind", "pair"), CASES)
def test_the_gradient_is_that_of_the_loss_written_out(kind, pair, loss, choice):
    for m, batch, shared in itertools.product((8, 9, 10, 11), (1, 2, 5, 17), (False, True)):
        seeds = range(batch)
        operator = KINDS[kind](m, seeds, shared)
        left, right = factors_for(operator, pair, seeds)
        y = normal(seeds, "test y", m)
        with kernels.using(choice):
            value, *found = operator.gradient(left, right, y, loss)
            without = operator.gradient(left, right, y, loss, with_value=False)
        variables = [left.requires_grad_()] + ([right.requires_grad_()] if pair else [])
        product = left @ (right if pair else left).mT
        residual = torch.einsum("bmij,bij->bm", written_out(operator, batch), product) - y
        expected = residual.square().sum(1) / 2 if loss == "l2" else residual.abs().sum(1)
        expected = operator.weight * expected * (1.0 if pair else 0.5)
        assert (value - expected).abs().max() < ROUNDING * expected.abs().max()
        for each, wanted in zip(found, torch.autograd.grad(expected.sum(), variables), strict=False):
            assert (each - wanted).norm() < ROUNDING * wanted.norm()
        assert (found[1] is None) is not pair
        assert without[0] is None
        assert torch.equal(without[1], found[0])


@pytest.mark.parametrize("choice", kernels.CHOICES)
def test_a_trajectory_does_not_see_its_neighbours(choice):
    seeds = [4, 4, 2, 2]
    operator = rank_one_symmetric(6, 9, seeds, centred=True)
    assert operator.first.shape[0] == 2
    left, y = normal(range(4), "test left", 6, 2), normal(range(4), "test y", 9)
    left[1, 0, 0] = torch.nan
    with kernels.using(choice):
        value, together, _ = operator.gradient(left, None, y, "l1")
        assert together[1].isnan().all()
        for i in (0, 2, 3):
            alone = rank_one_symmetric(6, 9, [seeds[i]], centred=True)
            one, gradient, _ = alone.gradient(left[i : i + 1], None, y[i : i + 1], "l1")
            assert (together[i] - gradient[0]).norm() < ROUNDING * gradient.norm()
            assert float(value[i]) == pytest.approx(float(one), rel=ROUNDING)


def design(n):
    """Points with the average of a standard Gaussian for all polynomials of degree below six in each coordinate.

    The three-point Gauss–Hermite rule, weights 1/6, 2/3 and 1/6, with points repeated instead of weighted.
    """
    nodes = torch.tensor([-(3.0**0.5), 0.0, 0.0, 0.0, 0.0, 3.0**0.5], dtype=torch.float64)
    return torch.cartesian_prod(*[nodes] * n)


def test_the_mean_of_the_symmetric_ensemble_has_a_bias_of_half_the_trace():
    matrix = normal([0], "test matrix", 3, 3)
    matrix = matrix + matrix.mT
    trace = matrix.diagonal(dim1=1, dim2=2).sum() / 2
    mean = RankOne(design(3)).normal_map(matrix)
    assert (mean - matrix - trace * torch.eye(3, dtype=torch.float64)).abs().max() < 1e-12
    assert trace.abs() > 0.1


def test_the_centred_and_the_rectangular_ensembles_are_unbiased():
    matrix = normal([0], "test matrix", 3, 3)
    matrix = matrix + matrix.mT
    assert (RankOne(design(3), centred=True).normal_map(matrix) - matrix).abs().max() < 1e-12
    both = design(4)
    matrix = normal([0], "test matrix", 1, 3)
    assert (RankOne(both[:, :1], both[:, 1:]).normal_map(matrix) - matrix).abs().max() < 1e-12


def test_vectors_belong_to_seeds_and_more_measurements_extend_them():
    for make in (lambda *a: rank_one_symmetric(4, *a).first, lambda *a: rank_one(3, 4, *a).second):
        few, many = make(5, [7, 9]), make(11, [7, 9])
        assert torch.equal(many[:, :5], few)
        assert torch.equal(few[1], make(5, [9])[0])
        assert not torch.equal(few[0], few[1])
    both = rank_one(4, 4, 5, [7])
    assert not torch.equal(both.first, both.second)
    shared = rank_one_symmetric(4, 5, [7, 9], shared=True)
    assert shared.batch is None
    assert torch.equal(shared.first, rank_one_symmetric(4, 5, [7]).first)


def test_gradient_descent_recovers_from_centred_and_from_rectangular_measurements():
    seeds = [0, 1]
    problem = observe(psd(6, [1.0], seeds, "random"), rank_one_symmetric(6, 150, seeds, centred=True))
    run = solve(problem, GradientDescent(0.1), gaussian_start(6, 1, 0.3, seeds), 2000)
    assert (run.error[:, -1] < 1e-20).all()
    problem = observe(rectangular(6, 5, [1.0], seeds), rank_one(6, 5, 150, seeds))
    run = solve(problem, GradientDescent(0.1), imbalanced_start(6, 5, 1, 0.3, 1.0, seeds), 2000)
    assert (run.error[:, -1] < 1e-20).all()


def test_float32_stays_float32():
    operator = rank_one_symmetric(4, 6, [0], dtype="float32")
    left = normal([0], "test left", 4, 2, dtype=torch.float32)
    value, gradient, _ = operator.gradient(left, None, torch.zeros(1, 6), "l2")
    assert value.dtype == gradient.dtype == torch.float32
    exact = rank_one_symmetric(4, 6, [0]).gradient(left.double(), None, torch.zeros(1, 6).double(), "l2")[1]
    assert (gradient - exact).norm() < 1e-5 * exact.norm()


def test_bad_arguments():
    good = torch.ones(6, 3, dtype=torch.float64)
    for m, n in ((0, 3), (3, 0)):
        with pytest.raises(ArgumentError, match=r"= 0: .*use an integer . >= 1"):
            rank_one_symmetric(n, m, [0])
    with pytest.raises(ArgumentError, match=r"second = \(5, 3\).*as many first as second"):
        RankOne(good, good[:5])
    with pytest.raises(ArgumentError, match=r"first = .*NaN or inf"):
        RankOne(good * torch.inf)
    with pytest.raises(ArgumentError, match=r"centred = True.*leave out the second"):
        RankOne(good, good, centred=True)
    for vectors, repeats in ((good, 2), (good[None], 0)):
        with pytest.raises(ArgumentError, match=rf"repeats = {repeats}"):
            RankOne(vectors, repeats=repeats)
    operator = rank_one_symmetric(3, 6, [0, 1])
    with pytest.raises(ArgumentError, match=r"use a batch of 2"):
        operator.gradient(torch.ones(3, 3, 1).double(), None, torch.ones(3, 6).double(), "l2")
    problem = observe(psd(4, [1.0], [0]), rank_one(4, 4, 9, [0]))
    with pytest.raises(ArgumentError, match="symmetric measurement matrices"):
        solve(problem, GradientDescent(0.1), gaussian_start(4, 1, 0.1, [0]), 1)


def test_repr_names_the_kind_and_the_sizes():
    assert repr(rank_one(3, 4, 5, [0])) == "RankOne(rectangular, shape=(3, 4), m=5, batch=1)"
    assert repr(rank_one_symmetric(3, 5, [0])) == "RankOne(symmetric, shape=(3, 3), m=5, batch=1)"
    assert repr(rank_one_symmetric(3, 5, [0], True)) == "RankOne(centred, shape=(3, 3), m=5, batch=1)"


@pytest.mark.cuda
def test_rank_one_on_cuda():
    for kind, pair in CASES:
        cpu = KINDS[kind](9, [0, 0, 1, 1])
        second = None if cpu.symmetric else cpu.second.cuda()
        cuda = RankOne(cpu.first.cuda(), second, cpu.centred, repeats=2)
        left, right = factors_for(cpu, pair, range(4))
        y = normal(range(4), "test y", 9)
        expected = cpu.gradient(left, right, y, "l2")
        found = cuda.gradient(left.cuda(), right.cuda() if pair else None, y.cuda(), "l2")
        for each, wanted in zip(found, expected, strict=True):
            assert each is wanted is None or (each.cpu() - wanted).norm() < 1e-12 * wanted.norm()
