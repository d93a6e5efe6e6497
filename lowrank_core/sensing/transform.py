"""A fast structured operator: random signs, a permutation, a 2-D cosine transform, and m of its coefficients.

Matrix-free: one application costs two products with n × n matrices instead of m·n² multiplications, and nothing of
size m × n² is stored, so that n beyond 100 reaches the sizes where restricted isometry constants are small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from lowrank_core import inputs
from lowrank_core.device import resolve_device, resolve_dtype
from lowrank_core.errors import require
from lowrank_core.randomness import draw
from lowrank_core.recipe import recorded
from lowrank_core.sensing.operator import MeasurementOperator


class Transform(MeasurementOperator):
    """A(M) = m coefficients of the 2-D DCT of M with its entries shuffled and their signs flipped at random.

    The full transform is orthogonal, so A Aᵀ = I_m and, over the choice of coefficients, E[A*A] = (m/n₁n₂)·I; the
    weight is n₁n₂/m. Not for the symmetric parametrisation, because the measurement matrices are not symmetric.

    Args:
        n1, n2: matrix sides.
        m: number of coefficients, at most n1·n2; with m = n1·n2, A*A is the identity.
        seeds: one set of signs, permutation and coefficients per seed.
        device, dtype: where and in what the operator lives.

    Raises:
        ArgumentError: m outside 1..n1·n2, sides below one.
    """

    symmetric = False

    @recorded
    def __init__(
        self,
        n1: int,
        n2: int,
        m: int,
        seeds: Sequence[int],
        device: str | torch.device = "cpu",
        dtype: str | torch.dtype = "float64",
    ) -> None:
        n1, n2 = inputs.whole("n1", n1, 1), inputs.whole("n2", n2, 1)
        m, seeds = inputs.whole("m", m), inputs.seeds("seeds", seeds)
        size = n1 * n2
        require(
            1 <= m <= size, "m", m, f"there are {size} coefficients to choose from", f"use 1 <= m <= {size}"
        )
        self.shape, self.m, self.weight = (n1, n2), m, size / m
        self.batch = len(seeds)
        self.device, self.dtype = resolve_device(device), resolve_dtype(dtype)

        def permutation(name: str) -> torch.Tensor:
            return draw(seeds, name, (size,), lambda rng, shape: rng.permutation(*shape)).long()

        signs = draw(seeds, "sensing signs", (size,), lambda rng, shape: rng.choice([-1.0, 1.0], shape))
        self._signs = signs.to(self.device, self.dtype)
        self._places = permutation("sensing permutation").to(self.device)
        # Sorted, so that reading the coefficients runs forward through memory.
        self._kept = permutation("sensing coefficients")[:, :m].sort(dim=1).values.to(self.device)
        self._rows, self._columns = (_cosines(n).to(self.device, self.dtype) for n in (n1, n2))

    def __repr__(self) -> str:
        return f"Transform(shape={self.shape}, m={self.m}, batch={self.batch})"

    def forward(self, matrix: torch.Tensor) -> torch.Tensor:
        self.check_matrix(matrix)
        shuffled = (matrix.flatten(1) * self._signs).gather(1, self._places).unflatten(1, self.shape)
        return (self._rows @ shuffled @ self._columns.mT).flatten(1).gather(1, self._kept)

    def adjoint(self, z: torch.Tensor) -> torch.Tensor:
        self.check_measurements(z)
        spread = torch.zeros_like(self._signs).scatter(1, self._kept, z)
        shuffled = self._rows.mT @ spread.unflatten(1, self.shape) @ self._columns
        back = torch.zeros_like(self._signs).scatter(1, self._places, shuffled.flatten(1))
        return (back * self._signs).unflatten(1, self.shape)


def _cosines(n: int) -> torch.Tensor:
    """The orthogonal matrix of the discrete cosine transform of type II, (n, n)."""
    grid = torch.arange(n, dtype=torch.float64)
    cosines = torch.cos(math.pi / n * torch.outer(grid, grid + 0.5)) * math.sqrt(2 / n)
    cosines[0] /= math.sqrt(2)
    return cosines
