"""Dense Gaussian measurement operators, stored packed where the measurement matrices are symmetric.

A symmetric Aᵢ is stored by its p = n(n+1)/2 coordinates in an orthonormal basis of the symmetric matrices:
diagonal entries as they are, off-diagonal entries times √2. Packing is then an isometry, half the memory and
half the traffic. Gaussian entries in these coordinates are the Gaussian orthogonal ensemble (variance 1 on the
diagonal, 1/2 off it), for which E⟨A, Z⟩² = ‖Z‖_F².
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import torch

from lowrank_core import inputs, kernels
from lowrank_core import loss as losses
from lowrank_core.device import resolve_device, resolve_dtype
from lowrank_core.errors import ArgumentError, require, require_finite
from lowrank_core.kernels import (
    dense_cpu,
    dense_line_cpu,
    dense_loop_cpu,
    dense_mixed_cpu,
    dense_triton,
    graph_cuda,
)
from lowrank_core.loss import Loss
from lowrank_core.randomness import normal
from lowrank_core.recipe import recorded
from lowrank_core.sensing.operator import MeasurementOperator, pull_back
from lowrank_core.sensing.repeats import stored
from lowrank_core.steps import NO_LOOK, Look

FEWEST_PRODUCT = 96
"""From as many trajectories to an ensemble on, a matrix product is faster than reading the entries once."""
BLOCK = 2**19
"""Stored entries that are widened at a time, 4 MiB of float64."""
STORAGE = {"float64": torch.float64, "float32": torch.float32, "bfloat16": torch.bfloat16}


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
        entries: numbers, (m, q) shared by all trajectories or (B, m, q), one ensemble each; q = n(n+1)/2 packed
            coordinates if `symmetric`, else n1·n2 entries in row-major order.
        shape: (n1, n2).
        symmetric: whether `entries` are packed symmetric coordinates.
        repeats: how many trajectories in a row share each ensemble of a (B, m, q) `entries`.
        weight: the factor of A*A; by default 1/m, as for entries of unit variance.
        storage: what the entries are rounded to, "float64", "float32" or "bfloat16"; by default they stay as they
            are. The rounded entries *are* the operator, and observations are made from them. All arithmetic is in
            the dtype of the entries as given, which is the operator's.

    Raises:
        ArgumentError: entries that do not fit the shape, no measurements, NaN or inf, bad repeats or weight,
            storage that is unknown or more precise than the entries.
    """

    entries: torch.Tensor

    def __init__(
        self,
        entries: torch.Tensor,
        shape: tuple[int, int],
        symmetric: bool,
        repeats: int = 1,
        weight: float | None = None,
        storage: str | None = None,
    ) -> None:
        n1, n2 = shape = inputs.shape("shape", shape)
        inputs.flag("symmetric", symmetric)
        repeats = inputs.whole("repeats", repeats)
        entries = _entries(entries)
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
        weight = None if weight is None else inputs.number("weight", weight)
        require(
            weight is None or weight > 0,
            "weight",
            weight,
            "a loss weighs its residuals positively",
            "use > 0",
        )
        kept = (
            entries.dtype if storage is None else STORAGE.get(storage) if isinstance(storage, str) else None
        )
        require(
            kept is not None and kept.itemsize <= entries.dtype.itemsize,
            "storage",
            storage,
            f"entries in {entries.dtype} cannot be stored so",
            f"use one of {', '.join(STORAGE)}, no more precise than the entries",
        )
        self.shape, self.symmetric = shape, symmetric
        self.m = entries.shape[-2]
        self.batch = entries.shape[0] * repeats if entries.ndim == 3 else None
        self._store(entries=entries.to(kept))
        self._groups = (-1, repeats)
        self.weight = 1.0 / self.m if weight is None else weight
        self.device, self.dtype = entries.device, entries.dtype
        self._packing = Packing(n1, self.device, self.dtype) if symmetric else None
        self._lowered: dict[torch.dtype, Dense] = {}

    def __repr__(self) -> str:
        kind = "symmetric" if self.symmetric else "rectangular"
        rounded = "" if self.entries.dtype == self.dtype else f", storage={self.entries.dtype}"
        return f"Dense({kind}, shape={self.shape}, m={self.m}, batch={self.batch}{rounded})"

    def lowered(self, dtype: torch.dtype) -> Dense:
        """This operator with entries and arithmetic in another dtype, kept for the next time."""
        if dtype not in self._lowered:
            self._lowered[dtype] = Dense(
                self.entries.to(dtype), self.shape, self.symmetric, self._groups[1], self.weight
            )
        return self._lowered[dtype]

    def coordinates(self, left: torch.Tensor, right: torch.Tensor | None) -> torch.Tensor:
        """FGᵀ, or XXᵀ without `right`, as the entries see it: (B, q)."""
        self.check_factors(left, right)
        return self._coordinates(left, right)

    def _coordinates(self, left: torch.Tensor, right: torch.Tensor | None) -> torch.Tensor:
        right = left if right is None else right
        if not self._packing:
            return (left @ right.mT).flatten(1)
        if kernels.compiled(left, right):
            return dense_cpu.packed(left, right)
        return self._packing.pack(left @ right.mT)

    def change(
        self, coordinates: torch.Tensor, left: torch.Tensor, right: torch.Tensor | None
    ) -> torch.Tensor:
        """Overwrite `coordinates` with those of FGᵀ or XXᵀ; returns the change, rounded to float32: (B, q)."""
        self.check_factors(left, right)
        self._check_coordinates("coordinates", coordinates, left.shape[0])
        if self._packing and coordinates.is_contiguous() and kernels.compiled(left, right, coordinates):
            return dense_cpu.repacked(left, left if right is None else right, coordinates)
        new = self._coordinates(left, right)
        change = (new - coordinates).float()
        coordinates.copy_(new)
        return change

    def measure(self, coordinates: torch.Tensor) -> torch.Tensor:
        """The measurements of coordinates: (B, q) -> (B, m)."""
        # Rows times Aᵀ rather than A times columns: three times as fast in MKL.
        parts = [self._product(coordinates, block.mT) for _, block in self._blocks()]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def combine(self, z: torch.Tensor) -> torch.Tensor:
        """The coordinates of Σ zᵢAᵢ: (B, m) -> (B, q)."""
        parts = (self._product(z[:, rows], block) for rows, block in self._blocks())
        return functools.reduce(torch.Tensor.add_, parts)

    def follow(self, change: torch.Tensor, residual: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Add the measurements of a change of the coordinates to the residual; products in this operator's dtype.

        Args:
            change: (B, q), float32.
            residual: (B, m), float64, overwritten.

        Returns:
            (coordinates of the ℓ2 slope at the new residual (B, q), norm of what was added (B,)).
        """
        self._check_coordinates("change", change, change.shape[0])
        require(
            residual.shape == (change.shape[0], self.m) and residual.dtype == torch.float64,
            "residual",
            (tuple(residual.shape), residual.dtype),
            f"it is kept in float64, ({change.shape[0]}, {self.m}) beside a change of shape {tuple(change.shape)}",
            "use the residual of this operator",
        )
        repeats = change.shape[0] if self.batch is None else self._groups[1]
        fast = residual.is_contiguous() and change.dtype == self.dtype == self.entries.dtype == torch.float32
        if repeats < FEWEST_PRODUCT and fast and kernels.compiled(residual):
            entries = self.entries[None] if self.batch is None else self.entries
            return dense_mixed_cpu.follow(entries, change, residual, repeats, self.weight)
        image = self.measure(change.to(self.dtype))
        residual.add_(image)
        return self.combine((self.weight * residual).to(self.dtype)), image.norm(dim=1, dtype=torch.float32)

    def forward(self, matrix: torch.Tensor) -> torch.Tensor:
        self.check_matrix(matrix)
        return self.measure(self._packing.pack(matrix) if self._packing else matrix.flatten(1))

    def adjoint(self, z: torch.Tensor) -> torch.Tensor:
        self.check_measurements(z)
        return self._matrix(self.combine(z))

    def slope(
        self,
        left: torch.Tensor,
        right: torch.Tensor | None,
        y: torch.Tensor,
        loss: Loss,
        with_value: bool = True,
    ) -> tuple[torch.Tensor | None, torch.Tensor]:
        self.check_point(left, right, y, loss, with_value)
        value, slope = self._slope(left, right, y, loss)
        return value if with_value else None, self._matrix(slope)

    def gradient(
        self,
        left: torch.Tensor,
        right: torch.Tensor | None,
        y: torch.Tensor,
        loss: Loss,
        with_value: bool = True,
    ) -> tuple[torch.Tensor | None, torch.Tensor, torch.Tensor | None]:
        self.check_point(left, right, y, loss, with_value)
        value, slope = self._slope(left, right, y, loss)
        return value if with_value else None, *self.pull_back(slope, left, right)

    def descend(
        self,
        left: torch.Tensor,
        right: torch.Tensor | None,
        y: torch.Tensor,
        eta: torch.Tensor,
        look: Look = NO_LOOK,
        loss: Loss = "l2",
    ) -> tuple[torch.Tensor, torch.Tensor | None] | None:
        self.check_point(left, right, y, loss)
        self.check_table(left, eta)
        if kernels.on_device(left):
            if look != NO_LOOK or loss != "l2":
                return None
            return graph_cuda.descend(lambda f, g: self.gradient(f, g, y, "l2", False)[1:], left, right, eta)
        stored = self._looped(left, right, y)
        return None if stored is None else dense_loop_cpu.descend(left, right, *stored, eta, look, loss)

    def conjugate(
        self,
        left: torch.Tensor,
        right: torch.Tensor | None,
        y: torch.Tensor,
        gradient: torch.Tensor,
        direction: torch.Tensor,
        steps: int,
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor, torch.Tensor] | None:
        self.check_point(left, right, y)
        self.check_remembered(left, right, gradient=gradient, direction=direction)
        stored = self._looped(left, right, y)
        if stored is None:
            return None
        return dense_loop_cpu.conjugate(left, right, *stored, gradient, direction, steps)

    def _looped(
        self, left: torch.Tensor, right: torch.Tensor | None, y: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, int, float, bool] | None:
        """What the compiled loops take of this operator, or None if they do not pay."""
        repeats = left.shape[0] if self.batch is None else self._groups[1]
        entries = self.entries[None] if self.batch is None else self.entries
        served = kernels.compiled(left, right, y) and dense_loop_cpu.pays(entries)
        if repeats >= FEWEST_PRODUCT or not served:
            return None
        return entries, y, repeats, self.weight, self._packing is not None

    def along(
        self,
        left: torch.Tensor,
        right: torch.Tensor | None,
        d_left: torch.Tensor,
        d_right: torch.Tensor | None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        self.check_line(left, right, d_left, d_right)
        # Both at once, so that the entries are read once.
        if right is None or d_right is None:
            tangent, bend = 2 * self._coordinates(left, d_left), self._coordinates(d_left, None)
        else:
            tangent = self._coordinates(left, d_right) + self._coordinates(d_left, right)
            bend = self._coordinates(d_left, d_right)
        repeats = left.shape[0] if self.batch is None else self._groups[1]
        if repeats < FEWEST_PRODUCT and kernels.compiled(tangent, bend):
            entries = self.entries[None] if self.batch is None else self.entries
            return dense_line_cpu.along(entries, tangent, bend, repeats)
        a, b = self.measure(torch.stack([tangent, bend], dim=1).flatten(0, 1)).unflatten(0, (-1, 2)).unbind(1)
        return a.square().sum(dim=-1), (a * b).sum(dim=-1), b.square().sum(dim=-1)

    def pull_back(
        self, slope: torch.Tensor, left: torch.Tensor, right: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The gradient in the factors from the coordinates of the slope, (B, q), of this dtype or a lower one."""
        self._check_coordinates("slope", slope, left.shape[0])
        if not (self._packing and kernels.compiled(left, right)) or slope.requires_grad:
            return pull_back(self._matrix(slope.to(left.dtype)), left, right)
        slope = slope.float() if slope.dtype == torch.bfloat16 else slope
        if right is None:
            return dense_cpu.pulled(slope, left), None
        return dense_cpu.pulled(slope, right), dense_cpu.pulled(slope, left)

    def _slope(
        self, left: torch.Tensor, right: torch.Tensor | None, y: torch.Tensor, loss: Loss
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The loss, and the coordinates of the slope."""
        coordinates = self._coordinates(left, right)
        repeats = left.shape[0] if self.batch is None else self._groups[1]
        if repeats < FEWEST_PRODUCT and kernels.compiled(coordinates, y):
            entries = self.entries[None] if self.batch is None else self.entries
            value, slope = dense_cpu.slope(entries, coordinates, y, repeats, self.weight, loss)
        elif repeats < dense_triton.FEWEST_PRODUCT and kernels.on_device(coordinates):
            entries = self.entries[None] if self.batch is None else self.entries
            value, slope = dense_triton.slope(entries, coordinates, y, repeats, self.weight, loss)
        else:
            residual = self.measure(coordinates) - y
            value = losses.value(residual, self.weight, loss)
            slope = self.combine(losses.dual(residual, self.weight, loss))
        return 0.5 * value if right is None else value, slope

    def _check_coordinates(self, argument: str, coordinates: torch.Tensor, batch: int) -> None:
        if coordinates.shape != (batch, self.entries.shape[-1]):
            raise ArgumentError(
                argument,
                tuple(coordinates.shape),
                f"{batch} trajectories have coordinates ({batch}, {self.entries.shape[-1]}) here",
                "make them with this operator's `coordinates`",
            )
        self._check_batch(argument, coordinates)

    def _matrix(self, coordinates: torch.Tensor) -> torch.Tensor:
        return self._packing.unpack(coordinates) if self._packing else coordinates.unflatten(1, self.shape)

    def _product(self, rows: torch.Tensor, matrices: torch.Tensor) -> torch.Tensor:
        if self.batch is None:
            return rows @ matrices
        return torch.bmm(rows.unflatten(0, (matrices.shape[0], -1)), matrices).flatten(0, 1)

    def _blocks(self) -> Iterator[tuple[slice, torch.Tensor]]:
        """Measurements and their entries in the dtype of the arithmetic; a few at a time where that copies."""
        width = self.entries.shape[-1] * (1 if self.batch is None else self.entries.shape[0])
        count = self.m if self.entries.dtype == self.dtype else max(1, BLOCK // width)
        for begin in range(0, self.m, count):
            rows = slice(begin, begin + count)
            yield rows, self.entries[..., rows, :].to(self.dtype)


def _entries(entries: torch.Tensor) -> torch.Tensor:
    # Lowered operators compute in a precision that nobody gives.
    lowered = isinstance(entries, torch.Tensor) and entries.dtype in STORAGE.values()
    return entries if lowered else inputs.tensor("entries", entries)


@recorded
def gaussian_symmetric(
    n: int,
    m: int,
    seeds: Sequence[int],
    shared: bool = False,
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float64",
    storage: str | None = None,
) -> Dense:
    """m symmetric Gaussian measurement matrices of order n (Gaussian orthogonal ensemble) per seed.

    Seeds that repeat, each equally often and in a row, as in (0, 0, 1, 1), share one stored ensemble: runs that
    differ in the start or the step alone then cost one pass over A for all of them.

    >>> operator = gaussian_symmetric(5, 30, seeds=[0, 0, 1, 1])
    >>> operator.forward(torch.eye(5, dtype=torch.float64).expand(4, 5, 5)).shape
    torch.Size([4, 30])
    >>> operator.adjoint_defect() < 1e-14
    True

    Args:
        shared: draw one ensemble, from the first seed, for all trajectories.
        storage: what the entries are rounded to, as in `Dense`; by default they are not.

    Raises:
        ArgumentError: m < 1 or n < 1, unknown storage.
    """
    return _gaussian((n, n), m, seeds, shared, device, dtype, storage, symmetric=True)


@recorded
def gaussian(
    n1: int,
    n2: int,
    m: int,
    seeds: Sequence[int],
    shared: bool = False,
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float64",
    storage: str | None = None,
) -> Dense:
    """m rectangular measurement matrices with independent N(0, 1) entries per seed; see `gaussian_symmetric`."""
    return _gaussian((n1, n2), m, seeds, shared, device, dtype, storage, symmetric=False)


def _gaussian(
    shape: tuple[int, int],
    m: int,
    seeds: Sequence[int],
    shared: bool,
    device: str | torch.device,
    dtype: str | torch.dtype,
    storage: str | None,
    symmetric: bool,
) -> Dense:
    m = inputs.whole("m", m, 1)
    shape = inputs.sides(shape, symmetric)
    width = shape[0] * (shape[0] + 1) // 2 if symmetric else shape[0] * shape[1]
    chosen, repeats = stored(seeds, shared)
    entries = normal(chosen, "sensing", m, width, dtype=resolve_dtype(dtype), device=resolve_device(device))
    return Dense(entries[0] if shared else entries, shape, symmetric, repeats, storage=storage)
