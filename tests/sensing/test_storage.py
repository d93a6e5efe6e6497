"""Entries that are stored in less precision define another operator, to which everything else is exact."""

import pytest
import torch

from lowrank_core import kernels
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import gaussian_start
from lowrank_core.methods import GradientDescent
from lowrank_core.problem import observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import Dense, dense, gaussian, gaussian_symmetric
from lowrank_core.solver import solve
from lowrank_core.truth import psd

ROUNDING = 1e-13
ADJOINT = 1e-14
SEEDS = [0, 0, 1, 1]
LOW = {"float32": torch.float32, "bfloat16": torch.bfloat16}
MAKES = {
    "symmetric": lambda **rest: gaussian_symmetric(5, 11, SEEDS, **rest),
    "rectangular": lambda **rest: gaussian(5, 4, 11, SEEDS, **rest),
    "shared": lambda **rest: gaussian_symmetric(5, 11, SEEDS, True, **rest),
}


@pytest.fixture(params=MAKES.values(), ids=MAKES)
def make(request):
    return request.param


@pytest.fixture(params=LOW)
def storage(request):
    return request.param


@pytest.fixture(params=kernels.CHOICES)
def choice(request):
    with kernels.using(request.param):
        yield


def rounded(make, storage):
    """The same operator with its rounded entries written out in float64."""
    exact = make()
    entries = exact.entries.to(LOW[storage]).double()
    return Dense(entries, exact.shape, exact.symmetric, 2 if entries.ndim == 3 else 1)


def test_the_rounded_entries_are_what_is_stored(make, storage):
    operator = make(storage=storage)
    assert operator.entries.dtype == LOW[storage]
    assert operator.dtype == torch.float64
    assert torch.equal(operator.entries.double(), rounded(make, storage).entries)
    assert f"storage=torch.{storage}" in repr(operator)
    assert "storage" not in repr(make())


@pytest.mark.usefixtures("choice")
@pytest.mark.parametrize("block", [2**19, 100])
def test_all_arithmetic_is_float64(make, storage, block, monkeypatch):
    monkeypatch.setattr(dense, "BLOCK", block)
    operator, wanted = make(storage=storage), rounded(make, storage)
    n1, n2 = operator.shape
    left, right = normal(range(4), "left", n1, 2), normal(range(4), "right", n2, 2)
    y = normal(range(4), "y", operator.m)
    assert operator.adjoint_defect(range(4)) <= ADJOINT
    assert (operator.forward(left @ right.mT) - wanted.forward(left @ right.mT)).abs().max() < ROUNDING
    for loss in ("l2", "l1"):
        value, *gradient = operator.gradient(left, right, y, loss)
        other, *reference = wanted.gradient(left, right, y, loss)
        assert value.tolist() == pytest.approx(other.tolist(), rel=ROUNDING)
        assert all(map(lambda a, b: (a - b).norm() < ROUNDING * b.norm(), gradient, reference))


def test_storage_does_not_slow_convergence(storage):
    n, m = 12, 180

    def iterations(**rest):
        problem = observe(psd(n, [1.5, 1.0], [0], "random"), gaussian_symmetric(n, m, [0], **rest))
        error = solve(
            problem, GradientDescent(0.4), gaussian_start(n, 2, 0.5, [0]), 300, record=range(300)
        ).error[0]
        assert error[-1] < 1e-28
        return int((error < 1e-20).nonzero()[0])

    assert iterations(storage=storage) == pytest.approx(iterations(), rel=0.02)


@pytest.mark.parametrize("unknown", ["float16", "int8"])
def test_unknown_storage_is_refused(make, unknown):
    with pytest.raises(ArgumentError, match=rf"storage = '{unknown}'.*use one of float64, float32, bfloat16"):
        make(storage=unknown)


def test_storage_adds_no_precision(make):
    with pytest.raises(ArgumentError, match=r"storage = 'float64'.*no more precise"):
        make(dtype="float32", storage="float64")
