"""Packed symmetric matrices: an isometry, and the same operator as the explicit sum over full matrices."""

import pytest
import torch

from lowrank_core.randomness import normal
from lowrank_core.sensing import gaussian_symmetric
from lowrank_core.sensing.dense import Packing

EXACT = 1e-15
ROUNDING = 1e-13
SEEDS = [0, 1, 2]
SIZES = [1, 2, 5, 12]


def packing(n):
    return Packing(n, torch.device("cpu"), torch.float64)


def symmetric_matrices(n):
    matrix = normal(SEEDS, "test matrix", n, n)
    return matrix + matrix.mT


def full_matrices(entries, n):
    """A_i written out: diagonal coordinates as they are, off-diagonal ones over √2, (..., n, n)."""
    full = torch.zeros(*entries.shape[:-1], n, n, dtype=torch.float64)
    coordinates = iter(entries.unbind(-1))
    for i in range(n):
        for j in range(i, n):
            full[..., i, j] = full[..., j, i] = next(coordinates) * (1.0 if i == j else 0.5**0.5)
    return full


@pytest.mark.parametrize("n", SIZES)
def test_packing_is_an_isometry(n):
    matrix = symmetric_matrices(n)
    packed = packing(n).pack(matrix)
    assert packed.shape == (3, n * (n + 1) // 2)
    assert (packed.norm(dim=1) / matrix.norm(dim=(1, 2)) - 1).abs().max() <= EXACT


def test_weights_are_root_two_to_the_last_digits():
    packed = packing(2).pack(torch.ones(1, 2, 2, dtype=torch.float64))[0]
    assert packed.tolist() == pytest.approx([1.0, 2**0.5, 1.0], rel=EXACT)


@pytest.mark.parametrize("n", SIZES)
def test_unpacking_undoes_packing(n):
    matrix, pack = symmetric_matrices(n), packing(n)
    assert ((pack.unpack(pack.pack(matrix)) - matrix).abs() <= EXACT * matrix.abs()).all()


@pytest.mark.parametrize("n", SIZES)
def test_packing_undoes_unpacking(n):
    coordinates, pack = normal(SEEDS, "test z", n * (n + 1) // 2), packing(n)
    assert ((pack.pack(pack.unpack(coordinates)) - coordinates).abs() <= EXACT * coordinates.abs()).all()


def test_packing_sees_the_symmetric_part_only():
    matrix = normal(SEEDS, "test matrix", 4, 4)
    assert packing(4).pack(matrix - matrix.mT).abs().max() == 0


@pytest.mark.parametrize("shared", [False, True], ids=["batched", "shared"])
@pytest.mark.parametrize("m", [6, 7, 8, 9])
@pytest.mark.parametrize("n", [1, 4])
def test_packed_operator_equals_the_explicit_sums(n, m, shared):
    operator = gaussian_symmetric(n, m, SEEDS, shared)
    full = full_matrices(operator.entries, n).expand(3, m, n, n)
    matrix, z = symmetric_matrices(n), normal(SEEDS, "test z", m)
    measured = torch.einsum("bmij,bij->bm", full, matrix)
    summed = torch.einsum("bm,bmij->bij", z, full)
    assert (operator.forward(matrix) - measured).abs().max() < ROUNDING * measured.abs().max()
    assert (operator.adjoint(z) - summed).abs().max() < ROUNDING * summed.abs().max()
