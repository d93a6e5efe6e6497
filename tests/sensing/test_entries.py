"""Sampled entries: the projector on what is seen, its weight, and the sparse gradient against the dense one."""

import itertools

import pytest
import torch

from lowrank_core import kernels
from lowrank_core.errors import ArgumentError, UnseenWarning
from lowrank_core.factors import gaussian_start, imbalanced_start
from lowrank_core.methods import GradientDescent
from lowrank_core.problem import observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import Entries, sampled, sampled_symmetric
from lowrank_core.solver import solve
from lowrank_core.truth import psd, rectangular

# Most matrices here are so small that a set of places leaves rows out.
pytestmark = pytest.mark.filterwarnings("ignore::lowrank_core.errors.UnseenWarning")
ROUNDING = 1e-13
MAKES = {
    "symmetric": lambda m, seeds, shared=False: sampled_symmetric(5, m, seeds, shared),
    "rectangular": lambda m, seeds, shared=False: sampled(5, 4, m, seeds, shared),
}
CASES = [("symmetric", False), ("symmetric", True), ("rectangular", True)]


def matrix_entries(operator, matrix, b):
    """What trajectory b measures of its matrix, one entry after the other."""
    e = b * operator.places.shape[0] // matrix.shape[0]
    for i, j in zip(operator.rows[e].tolist(), operator.columns[e].tolist(), strict=True):
        if not operator.symmetric:
            yield matrix[b, i, j]
        else:
            yield matrix[b, i, i] if i == j else (matrix[b, i, j] + matrix[b, j, i]) / 2**0.5


def measured(operator, matrix):
    return torch.stack(
        [torch.stack(list(matrix_entries(operator, matrix, b))) for b in range(matrix.shape[0])]
    )


@pytest.mark.parametrize("shared", [False, True], ids=["batched", "shared"])
@pytest.mark.parametrize("kind", MAKES)
def test_it_measures_entries_and_the_adjoint_puts_them_back(kind, shared):
    operator = MAKES[kind](9, [3, 3, 1, 1], shared)
    matrix = normal(range(4), "test matrix", *operator.shape)
    assert (operator.forward(matrix) - measured(operator, matrix)).abs().max() < 1e-15
    assert operator.adjoint_defect() <= 1e-14
    z = normal(range(4), "test z", 9)
    assert (operator.forward(operator.adjoint(z)) - z).abs().max() < 1e-15
    assert operator.places.shape[0] == (1 if shared else 2)


@pytest.mark.parametrize("kind", MAKES)
def test_all_entries_make_the_identity(kind):
    size = {"symmetric": 15, "rectangular": 20}[kind]
    operator = MAKES[kind](size, [0, 1])
    matrix = normal([0, 1], "test matrix", *operator.shape)
    matrix = matrix + matrix.mT if operator.symmetric else matrix
    assert operator.weight == 1.0
    assert (operator.normal_map(matrix) - matrix).abs().max() < 1e-14
    assert operator.forward(matrix).square().sum(1).tolist() == pytest.approx(
        matrix.square().sum((1, 2)).tolist(), rel=ROUNDING
    )


@pytest.mark.parametrize(("shape", "symmetric", "size"), [((3, 3), True, 6), ((3, 2), False, 6)])
@pytest.mark.parametrize("m", [1, 2, 5])
def test_the_weighted_normal_operator_is_the_identity_on_average(shape, symmetric, size, m):
    subsets = torch.tensor(list(itertools.combinations(range(size), m)))
    matrix = normal([0], "test matrix", *shape)
    matrix = matrix + matrix.mT if symmetric else matrix
    mean = Entries(subsets, shape, symmetric).normal_map(matrix.expand(len(subsets), -1, -1)).mean(dim=0)
    assert (mean - matrix[0]).abs().max() < 1e-14


@pytest.mark.parametrize("choice", kernels.CHOICES)
@pytest.mark.parametrize("loss", ["l2", "l1"])
@pytest.mark.parametrize(("kind", "pair"), CASES)
def test_the_gradient_is_that_of_the_loss_entry_by_entry(kind, pair, loss, choice):
    for m, batch, shared in itertools.product((8, 9, 10, 11), (1, 2, 17), (False, True)):
        seeds = range(batch)
        operator = MAKES[kind](m, seeds, shared)
        n1, n2 = operator.shape
        left, right = normal(seeds, "left", n1, 3), normal(seeds, "right", n2, 3) if pair else None
        y = normal(seeds, "test y", m)
        with kernels.using(choice):
            value, *found = operator.gradient(left, right, y, loss)
            without = operator.gradient(left, right, y, loss, with_value=False)
        variables = [left.requires_grad_()] + ([right.requires_grad_()] if pair else [])
        residual = measured(operator, left @ (right if pair else left).mT) - y
        expected = residual.square().sum(1) / 2 if loss == "l2" else residual.abs().sum(1)
        expected = operator.weight * expected * (1.0 if pair else 0.5)
        assert (value - expected).abs().max() < ROUNDING * expected.abs().max()
        for each, wanted in zip(found, torch.autograd.grad(expected.sum(), variables), strict=False):
            assert (each - wanted).norm() < ROUNDING * wanted.norm()
        assert (found[1] is None) is not pair
        assert without[0] is None
        assert torch.equal(without[1], found[0])


@pytest.mark.parametrize("choice", kernels.CHOICES)
def test_nan_stays_in_its_trajectory_and_spreads_there(choice):
    operator = sampled(4, 3, 12, [0, 1])
    left, right, y = normal([0, 1], "l", 4, 2), normal([0, 1], "r", 3, 2), normal([0, 1], "y", 12)
    left[0] = torch.nan
    with kernels.using(choice):
        value, d_left, d_right = operator.gradient(left, right, y, "l1")
    for each in (value, d_left, d_right):
        assert each[0].isnan().all()
        assert not each[1].isnan().any()


@pytest.mark.parametrize("kind", MAKES)
def test_places_belong_to_seeds_and_more_of_them_extend_a_sample(kind):
    few, many = MAKES[kind](4, [7, 9]), MAKES[kind](11, [7, 9])
    for i in range(2):
        assert set(few.places[i].tolist()) < set(many.places[i].tolist())
    assert torch.equal(few.places[1], MAKES[kind](4, [9]).places[0])
    assert not torch.equal(many.places[0], many.places[1])
    assert torch.equal(MAKES[kind](4, [7, 9], True).places[0], few.places[0])


def test_gradient_descent_completes_matrices():
    seeds = [0, 1]
    problem = observe(psd(8, [1.0], seeds, "random"), sampled_symmetric(8, 30, seeds))
    run = solve(problem, GradientDescent(0.2), gaussian_start(8, 1, 0.1, seeds), 1500)
    assert (run.error[:, -1] < 1e-20).all()
    problem = observe(rectangular(8, 7, [1.0], seeds, "random"), sampled(8, 7, 45, seeds))
    run = solve(problem, GradientDescent(0.2), imbalanced_start(8, 7, 1, 0.1, 1.0, seeds), 1500)
    assert (run.error[:, -1] < 1e-20).all()


def test_bad_arguments():
    for m in (0, 16):
        with pytest.raises(ArgumentError, match=rf"m = {m}.*15 entries.*1 <= m <= 15"):
            sampled_symmetric(5, m, [0])
    with pytest.raises(ArgumentError, match=r"m = 21.*20 entries"):
        sampled(5, 4, 21, [0])
    with pytest.raises(ArgumentError, match=r"n1 = 0: .*n1 >= 1"):
        sampled(0, 4, 1, [0])
    with pytest.raises(ArgumentError, match=r"shape = \(3, 2\).*square"):
        Entries(torch.tensor([0]), (3, 2), symmetric=True)
    for places in ([1, 1], [2, 1], [-1, 0], [0, 6]):
        with pytest.raises(ArgumentError, match=r"must increase, and lie between 0 and 5"):
            Entries(torch.tensor(places), (3, 2), symmetric=False)
    for places in (torch.tensor([1.0]), torch.empty(0, dtype=torch.long)):
        with pytest.raises(ArgumentError, match=r"no integers|give integers"):
            Entries(places, (3, 2), symmetric=False)
    for places, repeats in ((torch.tensor([1]), 2), (torch.tensor([[1]]), 0)):
        with pytest.raises(ArgumentError, match=rf"repeats = {repeats}"):
            Entries(places, (3, 2), symmetric=False, repeats=repeats)
    with pytest.raises(ArgumentError, match="use a batch of 2"):
        sampled(3, 2, 4, [0, 1]).gradient(
            *(torch.ones(3, n, 1).double() for n in (3, 2)), torch.ones(3, 4), "l2"
        )


def test_repr_names_the_kind_and_the_sizes():
    assert repr(sampled(3, 4, 5, [0])) == "Entries(rectangular, shape=(3, 4), m=5, batch=1)"
    assert repr(sampled_symmetric(3, 5, [0], True)) == "Entries(symmetric, shape=(3, 3), m=5, batch=None)"


@pytest.mark.cuda
def test_entries_on_cuda():
    cpu, cuda = (sampled_symmetric(5, 9, [0, 1], device=device) for device in ("cpu", "cuda"))
    left, y = normal([0, 1], "left", 5, 2), normal([0, 1], "y", 9)
    expected, found = cpu.gradient(left, None, y, "l2"), cuda.gradient(left.cuda(), None, y.cuda(), "l2")
    assert (found[1].cpu() - expected[1]).norm() < 1e-12 * expected[1].norm()


def places(kept, n2):
    return torch.tensor(sorted(i * n2 + j for i, j in kept))


def test_rows_and_columns_that_no_entry_sees_are_named():
    kept = [(i, j) for i in (0, 2) for j in (0, 1, 3)]
    with pytest.warns(UnseenWarning, match=r"in rows 1 and columns 2, 4: .*start's and not the data's"):
        operator = Entries(places(kept, 5), (3, 5), symmetric=False)
    marked = torch.zeros(1, 3, 5, dtype=torch.bool)
    for i, j in kept:
        marked[0, i, j] = True
    assert torch.equal(operator.covered, marked)


def test_of_many_the_first_are_named_and_of_several_sets_the_first_one():
    full, few = torch.arange(20), torch.arange(20) * 10
    with pytest.warns(
        UnseenWarning, match=r"columns 1, 2, 3, 4, 5 and 4 more of set 1, the first of 1 such sets of 2"
    ):
        Entries(torch.stack([torch.arange(20) * 10 + torch.arange(20) % 10, few]), (20, 10), symmetric=False)
    with pytest.warns(UnseenWarning, match=r"in rows 2, 3, 4, 5, 6 and 13 more: "):
        Entries(full, (20, 10), symmetric=False)


def test_a_symmetric_matrix_is_seen_from_both_sides():
    rows, columns = torch.triu_indices(4, 4)
    seen = (columns == 3) & (rows != 1)
    with pytest.warns(UnseenWarning, match="in rows and columns 1: "):
        operator = Entries(seen.nonzero().flatten(), (4, 4), symmetric=True)
    assert (~operator.covered[0]).nonzero().tolist() == [
        [0, 1],
        [1, 0],
        [1, 1],
        [1, 2],
        [1, 3],
        [2, 1],
        [3, 1],
    ]


@pytest.mark.filterwarnings("error")
def test_where_every_row_and_column_is_seen_nothing_is_said():
    operator = sampled(6, 5, 24, [0, 0, 1, 1])
    assert operator.covered.shape == (4, 6, 5)
    assert operator.covered.all()
    assert sampled_symmetric(6, 18, [0, 1], shared=True).covered.shape == (1, 6, 6)


def test_what_is_predicted_where_nothing_is_seen_is_the_start():
    seeds = [0, 1]
    kept = [(i, j) for i in range(6) for j in range(5) if i != 4 and j != 2]
    operator = Entries(places(kept, 5), (6, 5), symmetric=False)
    problem = observe(rectangular(6, 5, [1.0], seeds, "random"), operator)
    start = imbalanced_start(6, 5, 1, 0.1, 1.0, seeds)
    run = solve(problem, GradientDescent(0.2), start, 2000)
    assert torch.equal(run.factors.left[:, 4], start.left[:, 4])
    assert torch.equal(run.factors.right[:, 2], start.right[:, 2])
    error = (run.factors.product() - problem.truth.matrix).abs()
    assert error[operator.covered.expand(2, 6, 5)].max() < 1e-6
    assert error[~operator.covered.expand(2, 6, 5)].max() > 0.1
