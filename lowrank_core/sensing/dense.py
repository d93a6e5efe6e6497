"""Dense Gaussian measurement operators, stored packed where the measurement matrices are symmetric.

A symmetric Aᵢ is stored by its p = n(n+1)/2 coordinates in an orthonormal basis of the symmetric matrices:
diagonal entries as they are, off-diagonal entries times √2. Packing is then an isometry, half the memory and
half the traffic. Gaussian entries in these coordinates are the Gaussian orthogonal ensemble (variance 1 on the
diagonal, 1/2 off it), for which E⟨A, Z⟩² = ‖Z‖_F².
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch

from lowrank_core import kernels
from lowrank_core.device import resolve_device, resolve_dtype
from lowrank_core.errors import require, require_finite
from lowrank_core.kernels import dense_cpu
from lowrank_core.loss import Loss
from lowrank_core.randomness import normal
from lowrank_core.sensing.operator import MeasurementOperator

LARGEST_FUSED = 16
"""From as many trajectories to an ensemble on, a matrix product is faster than reading the entries once."""


class Packing:
    """The isometry between symmetric n × n matrices and R^p, p = n(n+1)/2."""

    def __init__(self, n: int, device: torch.device, dtype: torch.dtype) -> None:
        rows, columns = torch.triu_indices(n, n, device=device)
        self.n, self.p = n, rows.numel()
        self._flat = rows * n + columns
        place = torch.empty(n, n, dtype=torch.long, device=device)
        place[rows, columns] = place[columns, rows] = torch.arange(self.p, device=device)
        self._place = place.flatten()
        # Built in float64 on purpose: a √2 rounded to float32 makes every gradient wrong by 3e-8.
        root2 = torch.tensor(2.0, dtype=torch.float64).sqrt()
        diagonal = rows == columns
        self._up = torch.where(diagonal, 0.5, (1 / root2).to(device)).to(dtype)
        self._down = torch.where(diagonal, 1.0, (1 / root2).to(device)).to(dtype)

    def pack(self, matrix: torch.Tensor) -> torch.Tensor:
        """Coordinates of the symmetric part: (B, n, n) -> (B, p)."""
        return (matrix + matrix.mT).flatten(1)[:, self._flat] * self._up

    def unpack(self, coordinates: torch.Tensor) -> torch.Tensor:
        """The symmetric matrix with these coordinates: (B, p) -> (B, n, n)."""
        return (coordinates * self._down)[:, self._place].unflatten(1, (self.n, self.n))


class Dense(MeasurementOperator):
    """Stored measurement matrices.

    Args:
        entries: (m, q) shared by all trajectories or (B, m, q), one ensemble each; q = n(n+1)/2 packed
            coordinates if `symmetric`, else n1·n2 entries in row-major order.
        shape: (n1, n2).
        symmetric: whether `entries` are packed symmetric coordinates.
        repeats: how many trajectories in a row share each ensemble of a (B, m, q) `entries`.
        weight: the factor of A*A; by default 1/m, as for entries of unit variance.

    Raises:
        ArgumentError: entries that do not fit the shape, no measurements, NaN or inf, bad repeats or weight.
    """

    def __init__(
        self,
        entries: torch.Tensor,
        shape: tuple[int, int],
        symmetric: bool,
        repeats: int = 1,
        weight: float | None = None,
    ) -> None:
        n1, n2 = shape
        require(
            not symmetric or n1 == n2,
            "shape",
            shape,
            "symmetric measurement matrices are square",
            "use n1 = n2, or symmetric=False",
        )
        width = n1 * (n1 + 1) // 2 if symmetric else n1 * n2
        require(
            entries.ndim in (2, 3) and entries.shape[-1] == width and entries.shape[-2] >= 1,
            "entries",
            tuple(entries.shape),
            f"{shape} measurement matrices need (m, {width}) or (B, m, {width}) entries with m >= 1",
            "check n1, n2 and m",
        )
        require_finite("entries", entries)
        require(
            repeats == 1 or (repeats > 1 and entries.ndim == 3),
            "repeats",
            repeats,
            "an ensemble of a batch serves at least one trajectory, and a shared one serves all anyway",
            "use >= 1 for (B, m, q) entries, 1 for (m, q)",
        )
        require(
            weight is None or weight > 0,
            "weight",
            weight,
            "a loss weighs its residuals positively",
            "use > 0",
        )
        self.entries, self.shape, self.symmetric = entries, shape, symmetric
        self.m = entries.shape[-2]
        self.batch = entries.shape[0] * repeats if entries.ndim == 3 else None
        self._groups = (-1, repeats)
        self.weight = 1.0 / self.m if weight is None else weight
        self.device, self.dtype = entries.device, entries.dtype
        self._packing = Packing(n1, self.device, self.dtype) if symmetric else None

    def __repr__(self) -> str:
        kind = "symmetric" if self.symmetric else "rectangular"
        return f"Dense({kind}, shape={self.shape}, m={self.m}, batch={self.batch})"

    def forward(self, matrix: torch.Tensor) -> torch.Tensor:
        self.check_matrix(matrix)
        coordinates = self._packing.pack(matrix) if self._packing else matrix.flatten(1)
        if self.batch is None:
            return coordinates @ self.entries.mT
        # Rows times Aᵀ rather than A times columns: three times as fast in MKL.
        return torch.bmm(coordinates.unflatten(0, self._groups), self.entries.mT).flatten(0, 1)

    def slope(
        self,
        left: torch.Tensor,
        right: torch.Tensor | None,
        y: torch.Tensor,
        loss: Loss,
        with_value: bool = True,
    ) -> tuple[torch.Tensor | None, torch.Tensor]:
        repeats = left.shape[0] if self.batch is None else self._groups[1]
        if not (repeats < LARGEST_FUSED and kernels.compiled(left)):
            return super().slope(left, right, y, loss, with_value)
        matrix = left @ (left if right is None else right).mT
        coordinates = self._packing.pack(matrix) if self._packing else matrix.flatten(1)
        entries = self.entries[None] if self.batch is None else self.entries
        value, out = dense_cpu.slope(entries, coordinates, y, repeats, self.weight, loss)
        return (
            0.5 * value if right is None else value,
            self._packing.unpack(out) if self._packing else out.unflatten(1, self.shape),
        )

    def adjoint(self, z: torch.Tensor) -> torch.Tensor:
        self.check_measurements(z)
        if self.batch is None:
            coordinates = z @ self.entries
        else:
            coordinates = torch.bmm(z.unflatten(0, self._groups), self.entries).flatten(0, 1)
        return self._packing.unpack(coordinates) if self._packing else coordinates.unflatten(1, self.shape)


def gaussian_symmetric(
    n: int,
    m: int,
    seeds: Sequence[int],
    shared: bool = False,
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float64",
) -> Dense:
    """m symmetric Gaussian measurement matrices of order n (Gaussian orthogonal ensemble) per seed.

    Seeds that repeat, each equally often and in a row, as in (0, 0, 1, 1), share one stored ensemble: runs that
    differ in the start or the step alone then cost one pass over A for all of them.

    Args:
        shared: draw one ensemble, from the first seed, for all trajectories.

    Raises:
        ArgumentError: m < 1 or n < 1.
    """
    return _gaussian((n, n), m, seeds, shared, device, dtype, symmetric=True)


def gaussian(
    n1: int,
    n2: int,
    m: int,
    seeds: Sequence[int],
    shared: bool = False,
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float64",
) -> Dense:
    """m rectangular measurement matrices with independent N(0, 1) entries per seed; see `gaussian_symmetric`."""
    return _gaussian((n1, n2), m, seeds, shared, device, dtype, symmetric=False)


def _gaussian(
    shape: tuple[int, int],
    m: int,
    seeds: Sequence[int],
    shared: bool,
    device: str | torch.device,
    dtype: str | torch.dtype,
    symmetric: bool,
) -> Dense:
    require(m >= 1, "m", m, "a measurement operator needs at least one measurement", "use m >= 1")
    require(min(shape) >= 1, "n", shape, "matrix sides are positive", "use n >= 1")
    width = shape[0] * (shape[0] + 1) // 2 if symmetric else shape[0] * shape[1]
    lengths = [(seed, len(list(run))) for seed, run in itertools.groupby(seeds)]
    grouped = len({length for _, length in lengths}) == 1
    repeats = lengths[0][1] if grouped and not shared else 1
    chosen = list(seeds)[:1] if shared else list(seeds)[::repeats]
    entries = normal(chosen, "sensing", m, width, dtype=resolve_dtype(dtype), device=resolve_device(device))
    return Dense(entries[0] if shared else entries, shape, symmetric, repeats)
