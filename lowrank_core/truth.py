"""Ground truths: the low-rank matrix M* to be recovered, batched over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch

from lowrank_core import inputs
from lowrank_core.device import resolve_device, resolve_dtype
from lowrank_core.errors import require, require_finite, require_kind
from lowrank_core.randomness import orthonormal
from lowrank_core.recipe import recorded

Basis = Literal["eigen", "random"]
BASES: tuple[Basis, ...] = get_args(Basis)
LONGEST_SPECTRUM = 2**20
"""Of a geometric spectrum: no truth of a larger rank fits a memory."""


@dataclass(frozen=True)
class Truth:
    """M* = U diag(spectrum) Vᵀ.

    Attributes:
        left: U, (B, n1, r), orthonormal columns.
        right: V, (B, n2, r), orthonormal columns.
        spectrum: (B, r), positive, largest first.
        basis: "eigen" if U and V are the first r coordinate vectors, "random" if they are Haar draws.
        seeds: the seeds of the batch.
        symmetric: whether M* is positive semidefinite, U = V.

    Raises:
        ArgumentError: shapes that do not fit together, columns that are not orthonormal, a spectrum that is not
            positive and sorted, seeds that are not integers, one for each of B, U ≠ V although symmetric.
    """

    left: torch.Tensor
    right: torch.Tensor
    spectrum: torch.Tensor
    basis: Basis
    seeds: tuple[int, ...]
    symmetric: bool = False

    def __post_init__(self) -> None:
        for name in ("left", "right", "spectrum"):
            object.__setattr__(self, name, inputs.tensor(name, getattr(self, name)))
        inputs.choice("basis", self.basis, BASES, "unknown basis")
        inputs.flag("symmetric", self.symmetric)
        shape = tuple(self.spectrum.shape)
        require(
            len(shape) == 2 and min(shape) >= 1,
            "spectrum",
            shape,
            "the spectrum has the wrong shape",
            "give (B, r), one row per seed",
        )
        require_finite("spectrum", self.spectrum)
        require(
            bool((self.spectrum > 0).all() and (self.spectrum.diff(dim=1) <= 0).all()),
            "spectrum",
            self.spectrum[0].tolist(),
            "the nonzero spectrum must be positive and sorted, largest first",
            "sort it in descending order and leave the zeros out",
        )
        for name, side in (("left", self.left), ("right", self.right)):
            require(
                side.ndim == 3 and tuple(side.shape[::2]) == shape,
                name,
                tuple(side.shape),
                f"a spectrum of shape {shape} needs singular vectors of shape ({shape[0]}, n, {shape[1]})",
                "give one column for each singular value of each seed",
            )
            require_kind(name, side, self.spectrum.dtype, self.spectrum.device, "the spectrum lives")
            gap = side.mT @ side - torch.eye(shape[1], dtype=side.dtype, device=side.device)
            require(
                bool(gap.abs().max() <= 1e4 * torch.finfo(side.dtype).eps),
                name,
                f"columns whose products are off by up to {float(gap.abs().max()):.2g}",
                "singular vectors are orthonormal",
                "take them from torch.linalg.svd, or from torch.linalg.qr",
            )
        object.__setattr__(self, "seeds", tuple(inputs.seeds("seeds", self.seeds, shape[0])))
        require(
            not self.symmetric or torch.equal(self.left, self.right),
            "symmetric",
            True,
            "a positive semidefinite truth has the same vectors on both sides",
            "give the same tensor for left and right, or symmetric=False",
        )

    @property
    def batch(self) -> int:
        """How many truths there are."""
        return self.spectrum.shape[0]

    @property
    def rank(self) -> int:
        """The rank of each."""
        return self.spectrum.shape[1]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of each."""
        return self.left.shape[1], self.right.shape[1]

    @property
    def matrix(self) -> torch.Tensor:
        """M*, (B, n1, n2)."""
        return (self.left * self.spectrum[:, None, :]) @ self.right.mT

    @property
    def roots(self) -> tuple[torch.Tensor, torch.Tensor]:
        """U√S and V√S, balanced factors of M*, (B, n1, r) and (B, n2, r)."""
        root = self.spectrum.sqrt()[:, None, :]
        return self.left * root, self.right * root

    @property
    def condition_number(self) -> torch.Tensor:
        """κ = σ₁/σ_r, (B,)."""
        return self.spectrum[:, 0] / self.spectrum[:, -1]


@recorded
def psd(
    n: int,
    spectrum: Sequence[float] | torch.Tensor,
    seeds: Sequence[int],
    basis: Basis = "eigen",
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float64",
) -> Truth:
    """A positive semidefinite truth of order n with the given nonzero eigenvalues, one per seed.

    With basis="eigen" it is diag(spectrum, 0, ..., 0), which loses nothing for rotation-invariant starts
    and ensembles and keeps tiny starts free of rounding leaks; "random" rotates it by a Haar draw.

    >>> psd(3, [2.0, 1.0], seeds=[0]).matrix[0].diag().tolist()
    [2.0, 1.0, 0.0]

    Args:
        spectrum: (r,) or (B, r), positive, largest first.

    Raises:
        ArgumentError: an empty, unsorted or non-positive spectrum, more than n eigenvalues, unknown basis.
    """
    return _truth(n, n, spectrum, seeds, basis, device, dtype, symmetric=True)


@recorded
def rectangular(
    n1: int,
    n2: int,
    spectrum: Sequence[float] | torch.Tensor,
    seeds: Sequence[int],
    basis: Basis = "eigen",
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float64",
) -> Truth:
    """A rectangular n1 × n2 truth with the given nonzero singular values; arguments as for `psd`."""
    return _truth(n1, n2, spectrum, seeds, basis, device, dtype, symmetric=False)


def geometric_spectrum(rank: int, condition_number: float) -> list[float]:
    """`rank` values from κ down to 1 in equal ratios, so that σ_r = 1 whatever the condition number.

    Raises:
        ArgumentError: rank < 1 or condition number < 1.
    """
    rank = inputs.whole("rank", rank)
    require(
        1 <= rank <= LONGEST_SPECTRUM,
        "rank",
        rank,
        "a truth has rank at least one, and fits into a memory",
        f"use rank >= 1, at most {LONGEST_SPECTRUM}",
    )
    condition_number = inputs.number("condition_number", condition_number)
    require(
        condition_number >= 1,
        "condition_number",
        condition_number,
        "κ = σ₁/σ_r is at least one",
        "use a value >= 1",
    )
    return [condition_number ** ((rank - 1 - i) / max(rank - 1, 1)) for i in range(rank)]


def _truth(
    n1: int,
    n2: int,
    spectrum: Sequence[float] | torch.Tensor,
    seeds: Sequence[int],
    basis: Basis,
    device: str | torch.device,
    dtype: str | torch.dtype,
    symmetric: bool,
) -> Truth:
    n1, n2 = inputs.sides((n1, n2), symmetric)
    device, dtype = resolve_device(device), resolve_dtype(dtype)
    seeds = inputs.seeds("seeds", seeds)
    values = inputs.tensor("spectrum", spectrum).to(dtype=dtype, device=device)
    if values.ndim == 1:
        values = values.expand(len(seeds), -1)
    require(
        values.ndim == 2 and values.shape[0] == len(seeds) and values.shape[1] >= 1,
        "spectrum",
        tuple(values.shape),
        f"the spectrum has the wrong shape for {len(seeds)} seeds",
        "give (r,) values for all seeds alike, or (B, r) with one row per seed",
    )
    rank = values.shape[1]
    require(
        rank <= min(n1, n2),
        "spectrum",
        f"{rank} values",
        f"a {n1} × {n2} matrix has rank at most {min(n1, n2)}",
        "give fewer values or a larger n",
    )
    inputs.choice("basis", basis, BASES, "unknown basis")

    def columns(n: int, name: str) -> torch.Tensor:
        if basis == "random":
            return orthonormal(seeds, name, n, rank, dtype, device)
        return torch.eye(n, rank, dtype=dtype, device=device).expand(len(seeds), -1, -1)

    left = columns(n1, "truth left")
    right = left if symmetric else columns(n2, "truth right")
    return Truth(left, right, values, basis, tuple(seeds), symmetric)
