"""Sampled entries of a matrix (matrix completion): m of them, chosen uniformly and without replacement."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch

from lowrank_core import inputs, kernels
from lowrank_core.device import resolve_device, resolve_dtype
from lowrank_core.errors import UnseenWarning, require
from lowrank_core.kernels import entries_cpu
from lowrank_core.loss import Loss
from lowrank_core.randomness import draw
from lowrank_core.recipe import recorded
from lowrank_core.sensing.dense import Packing
from lowrank_core.sensing.operator import MeasurementOperator
from lowrank_core.sensing.repeats import stored

NAMED = 5
"""So many rows or columns that nobody saw are named in a warning."""


class Entries(MeasurementOperator):
    """Measurements Mᵢⱼ at given places; or, of symmetric matrices, Mᵢᵢ and √2·Mᵢⱼ at places i ≤ j.

    The measurement matrices are part of an orthonormal basis, so that A*A is the projector on what is seen, and
    with places drawn uniformly among the q there are, E[A*A] = (m/q) I; the weight is q/m. In the symmetric case
    q = n(n+1)/2 and both triangles are seen together; √2 gives the two their share of the Frobenius norm.

    A matrix with few entries, such as e₁e₁ᵀ, is missed by most draws: recovery needs an incoherent truth, for which
    `truth.psd` and `truth.rectangular` take basis="random".

    Of a row or column without a single entry the data say nothing: gradients there are zero, and what is predicted
    is the start's. An `UnseenWarning` names such rows and columns when the operator is made, and `covered` marks
    what is predicted from data, for `torch.where(operator.covered, run.factors.product(), torch.nan)`.

    Args:
        places: increasing integers, (m,) shared by all trajectories or (E, m), one ensemble each: i·n2 + j for the
            rectangular matrices, the position of (i, j) in the upper triangle, row by row, for symmetric ones (the
            coordinates of `Dense`).
        shape: (n1, n2).
        symmetric: whether both triangles are seen together, as XXᵀ needs.
        repeats: how many trajectories in a row share each of E ensembles.

    Raises:
        ArgumentError: sides that are not positive or not square though symmetric, places that are none, not
            integers, not increasing, or not in the matrix; bad repeats.
    """

    rows: torch.Tensor
    columns: torch.Tensor

    def __init__(
        self,
        places: torch.Tensor,
        shape: tuple[int, int],
        symmetric: bool,
        repeats: int = 1,
        dtype: str | torch.dtype = "float64",
    ) -> None:
        inputs.flag("symmetric", symmetric)
        shape = inputs.shape("shape", shape)
        self.size = _size(shape, symmetric)
        repeats = inputs.whole("repeats", repeats)
        places = inputs.integers("places", places)
        require(
            places.ndim in (1, 2) and min(places.shape) >= 1,
            "places",
            tuple(places.shape),
            "places are numbered, and there is at least one",
            "give integers (m,) or (E, m) with m >= 1",
        )
        require(
            bool((places.diff(dim=-1) > 0).all() and (places >= 0).all() and (places < self.size).all()),
            "places",
            f"tensor of shape {tuple(places.shape)}",
            f"they must increase, and lie between 0 and {self.size - 1}",
            "sort them, and leave out what is double",
        )
        require(
            repeats == 1 or (repeats > 1 and places.ndim == 2),
            "repeats",
            repeats,
            "an ensemble of a batch serves at least one trajectory, and a shared one serves all anyway",
            "use >= 1 for (E, m) places, 1 for (m,)",
        )
        n1, n2 = shape
        self.shape, self.symmetric, self.m = shape, symmetric, places.shape[-1]
        self.weight = self.size / self.m
        self.batch = places.shape[0] * repeats if places.ndim == 2 else None
        self.device, self.dtype = places.device, resolve_dtype(dtype)
        # A copy: rows and columns, which are computed once, would not follow changes of what was given.
        self.places = (places if places.ndim == 2 else places[None]).clone(
            memory_format=torch.contiguous_format
        )
        if symmetric:
            self._packing = Packing(n1, self.device, self.dtype)
            rows, columns = torch.triu_indices(n1, n1, device=self.device)[:, self.places]
        else:
            rows, columns = self.places // n2, self.places % n2
        self._store(rows=rows, columns=columns)
        self._warn()

    def __repr__(self) -> str:
        kind = "symmetric" if self.symmetric else "rectangular"
        return f"Entries({kind}, shape={self.shape}, m={self.m}, batch={self.batch})"

    @property
    def covered(self) -> torch.Tensor:
        """Where row and column both have an entry that is measured: (B, n1, n2) bool, B = 1 if one set serves all.

        Elsewhere a prediction is the start's. Here it may still be poor, if there are few entries.
        """
        rows, columns = self._seen()
        covered = rows[:, :, None] & columns[:, None, :]
        return covered.repeat_interleave((self.batch or 1) // covered.shape[0], dim=0)

    def _seen(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Which rows and which columns have a measured entry: (E, n1) and (E, n2)."""
        rows, columns = (
            torch.zeros(len(index), n, dtype=torch.bool, device=self.device).scatter(1, index, True)
            for index, n in ((self.rows, self.shape[0]), (self.columns, self.shape[1]))
        )
        return (rows | columns, rows | columns) if self.symmetric else (rows, columns)

    def _warn(self) -> None:
        seen = dict(zip(("rows", "columns"), self._seen(), strict=True))
        if all(bool(each.all()) for each in seen.values()):
            return
        lost = ~torch.cat(list(seen.values()), dim=1).all(dim=1)
        first = int(lost.nonzero()[0])
        missed = {name: (~each[first]).nonzero().flatten().tolist() for name, each in seen.items()}
        if self.symmetric:
            missed = {"rows and columns": missed["rows"]}
        words = " and ".join(f"{name} {_listed(which)}" for name, which in missed.items() if which)
        sets = (
            ""
            if len(lost) == 1
            else f" of set {first}, the first of {int(lost.sum())} such sets of {len(lost)}"
        )
        warnings.warn(
            f"no measured entry lies in {words}{sets}: what is predicted there is the start's and not the data's; "
            "`covered` marks the rest",
            UnseenWarning,
            stacklevel=3,
        )

    def forward(self, matrix: torch.Tensor) -> torch.Tensor:
        self.check_matrix(matrix)
        coordinates = self._packing.pack(matrix) if self.symmetric else matrix.flatten(1)
        return coordinates.gather(1, self._for_each(matrix))

    def adjoint(self, z: torch.Tensor) -> torch.Tensor:
        self.check_measurements(z)
        coordinates = z.new_zeros(z.shape[0], self.size).scatter(1, self._for_each(z), z)
        return self._packing.unpack(coordinates) if self.symmetric else coordinates.unflatten(1, self.shape)

    def gradient(
        self,
        left: torch.Tensor,
        right: torch.Tensor | None,
        y: torch.Tensor,
        loss: Loss,
        with_value: bool = True,
    ) -> tuple[torch.Tensor | None, torch.Tensor, torch.Tensor | None]:
        self.check_point(left, right, y, loss, with_value)
        if self.symmetric != (right is None) or not kernels.compiled(left, right, y):
            return super().gradient(left, right, y, loss, with_value)
        if right is None:
            value, d_left = entries_cpu.symmetric(self.rows, self.columns, left, y, self.weight, loss)
            return (0.5 * value if with_value else None), d_left, None
        value, d_left, d_right = entries_cpu.pair(self.rows, self.columns, left, right, y, self.weight, loss)
        return (value if with_value else None), d_left, d_right

    def _for_each(self, tensor: torch.Tensor) -> torch.Tensor:
        """The places of each trajectory, (B, m)."""
        return self.places.repeat_interleave(tensor.shape[0] // self.places.shape[0], dim=0)


@recorded
def sampled_symmetric(
    n: int,
    m: int,
    seeds: Sequence[int],
    shared: bool = False,
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float64",
) -> Entries:
    """m of the n(n+1)/2 entries of a symmetric matrix of order n per seed.

    Seeds that repeat, each equally often and in a row, share one stored ensemble; more entries extend it.

    Args:
        shared: draw one ensemble, from the first seed, for all trajectories.

    Raises:
        ArgumentError: n < 1, m < 1, or more entries than there are.
    """
    return _sampled((n, n), m, seeds, shared, device, dtype, symmetric=True)


@recorded
def sampled(
    n1: int,
    n2: int,
    m: int,
    seeds: Sequence[int],
    shared: bool = False,
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float64",
) -> Entries:
    """m of the n1·n2 entries of a matrix per seed; see `sampled_symmetric`."""
    return _sampled((n1, n2), m, seeds, shared, device, dtype, symmetric=False)


def _sampled(
    shape: tuple[int, int],
    m: int,
    seeds: Sequence[int],
    shared: bool,
    device: str | torch.device,
    dtype: str | torch.dtype,
    symmetric: bool,
) -> Entries:
    m, shape = inputs.whole("m", m), inputs.sides(shape, symmetric)
    size = _size(shape, symmetric)
    require(1 <= m <= size, "m", m, f"there are {size} entries to choose from", f"use 1 <= m <= {size}")
    chosen, repeats = stored(seeds, shared)
    order = draw(chosen, "sensing entries", (size,), lambda rng, shape: rng.permutation(*shape)).long()
    # Sorted, so that the entries of one row come together.
    places = order[:, :m].sort(dim=1).values.to(resolve_device(device))
    return Entries(places[0] if shared else places, shape, symmetric, repeats, dtype)


def _listed(indices: list[int]) -> str:
    more = len(indices) - NAMED
    return ", ".join(map(str, indices[:NAMED])) + (f" and {more} more" if more > 0 else "")


def _size(shape: tuple[int, int], symmetric: bool) -> int:
    """How many places there are."""
    require(
        not symmetric or shape[0] == shape[1],
        "shape",
        shape,
        "symmetric matrices are square",
        "use n1 = n2, or symmetric=False",
    )
    return shape[0] * (shape[0] + 1) // 2 if symmetric else shape[0] * shape[1]
