"""The compiled operator norm against numpy's eigenvalues and singular values."""

from importlib.util import find_spec

import numpy as np
import pytest
import torch

from lowrank_core import kernels
from lowrank_core.kernels import norm_cpu
from lowrank_core.linalg import operator_norm
from lowrank_core.randomness import normal, orthonormal

pytestmark = pytest.mark.skipif(find_spec("numba") is None, reason="these kernels need numba")
ROUNDING = 1e-12


def expected(matrix):
    return np.array([np.linalg.norm(each, 2) for each in matrix.numpy()])


def rotated(spectrum):
    """Symmetric matrices with these eigenvalues, five of them."""
    basis = orthonormal(range(5), "test basis", len(spectrum), len(spectrum))
    matrix = basis * torch.tensor(spectrum, dtype=torch.float64) @ basis.mT
    return (matrix + matrix.mT) / 2


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 9, 20, 33])
def test_random(n):
    matrix = normal(range(6), "test matrix", n, n)
    matrix = matrix + matrix.mT
    assert norm_cpu.operator_norm(matrix).numpy() == pytest.approx(expected(matrix), rel=ROUNDING)


@pytest.mark.parametrize(
    "spectrum",
    [
        [1.0] * 7,
        [1.0, 1.0 - 1e-9, 1.0 - 2e-9, -1.0, -1.0 + 1e-12, 0.3],
        [2.0, -2.0, 2.0, -2.0],
        [-3.0, 1e-8, 1e-16, 0.0, 0.0],
        [0.0, 0.0, 5.0, 0.0],
        [0.5**i for i in range(12)],
        [1e-20, -1e-10, 1.0],
    ],
    ids=["identity", "clustered", "signs", "deficient", "rank one", "graded", "far apart"],
)
def test_spectra(spectrum):
    matrix = rotated(spectrum)
    largest = max(map(abs, spectrum))
    assert norm_cpu.operator_norm(matrix).numpy() == pytest.approx(largest, rel=ROUNDING)


@pytest.mark.parametrize(
    "rows",
    [
        [[0.0]],
        [[-2.5]],
        [[0.0, 0.0], [0.0, 0.0]],
        [[0.0, 3.0], [3.0, 0.0]],
        [[1.0, 2.0], [2.0, -4.0]],
        [[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]],
        [[1.0, 0.0, 0.0], [0.0, -7.0, 0.0], [0.0, 0.0, 2.0]],
        [[0.0, -1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 0.5]],
    ],
    ids=str,
)
def test_tiny(rows):
    matrix = torch.tensor([rows], dtype=torch.float64)
    found = norm_cpu.operator_norm(matrix).numpy()
    assert found == pytest.approx(expected(matrix), rel=ROUNDING, abs=0.0)


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e-30, 1e30, 1e160, 1e300])
def test_scales(scale):
    matrix = rotated([1.0, -0.9, 0.5, 1e-3])
    assert norm_cpu.operator_norm(scale * matrix).numpy() == pytest.approx(scale, rel=ROUNDING)


def test_the_smallest_number():
    matrix = torch.full((1, 2, 2), 5e-324, dtype=torch.float64)
    assert norm_cpu.operator_norm(matrix).item() == 1e-323


@pytest.mark.parametrize("lost", [torch.nan, torch.inf, -torch.inf])
def test_what_is_not_finite_is_nan_and_alone(lost):
    matrix = rotated([1.0, 0.5, -3.0])
    alone = norm_cpu.operator_norm(matrix)
    matrix[2, 1, 0] = matrix[2, 0, 1] = lost
    found = norm_cpu.operator_norm(matrix)
    assert found[2].isnan()
    assert torch.equal(found[[0, 1, 3, 4]], alone[[0, 1, 3, 4]])


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (5, 3), (4, 4)], ids=str)
def test_a_rectangle_as_part_of_a_symmetric_matrix(shape):
    matrix = normal(range(3), "test rectangle", *shape)
    for each, norm in zip(matrix.numpy(), expected(matrix), strict=True):
        space = norm_cpu.room(*shape, False)
        norm_cpu.embed(each, space[4:])
        assert norm_cpu.norm_of_symmetric(space) == pytest.approx(norm, rel=ROUNDING)


def test_with_and_without_kernels():
    matrix = rotated([1.0, 0.5, -3.0, 0.0])
    matrix[1] = torch.nan
    with kernels.using("torch"):
        slow = operator_norm(matrix, symmetric=True)
    assert operator_norm(matrix, symmetric=True).numpy() == pytest.approx(
        slow.numpy(), rel=ROUNDING, nan_ok=True
    )
