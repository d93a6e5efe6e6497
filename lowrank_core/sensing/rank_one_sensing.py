"""Rank-one measurements aᵢᵀMbᵢ: m·(n1 + n2) numbers are stored and used instead of m·n1·n2.

For independent standard Gaussian aᵢ and bᵢ, E[A*A](M) = mM: the ensemble is unbiased with weight 1/m. For aᵢaᵢᵀ
(phase retrieval of a matrix, covariance sketching) it is not. Gaussian fourth moments (Isserlis) give

    E[A*A](M) = m(2M + tr(M) I) for symmetric M,

so weight 1/(2m) makes it the identity on matrices of trace zero and adds (tr(M)/2) I to the others; no weight does
better. Subtracting the mean of aᵢaᵢᵀ, which is I, removes that exactly: aᵢaᵢᵀ − I has E[A*A](M) = 2mM, and the same
weight makes it unbiased. The restricted isometry property in ℓ2 fails for all of them at m of order nr (Chen, Chi &
Goldsmith 2015), because fourth powers of Gaussians have heavy tails.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lowrank_core import inputs, kernels
from lowrank_core import loss as losses
from lowrank_core.device import resolve_device, resolve_dtype
from lowrank_core.errors import require, require_finite, require_kind
from lowrank_core.kernels import rank_one_cpu
from lowrank_core.loss import Loss
from lowrank_core.randomness import normal
from lowrank_core.recipe import recorded
from lowrank_core.sensing.operator import MeasurementOperator
from lowrank_core.sensing.repeats import stored


class RankOne(MeasurementOperator):
    """Aᵢ = aᵢbᵢᵀ with weight 1/m; or, without bᵢ, the symmetric aᵢaᵢᵀ or aᵢaᵢᵀ − I with weight 1/(2m).

    Args:
        first: aᵢ, (m, n1) shared by all trajectories or (E, m, n1), one ensemble each.
        second: bᵢ, (m, n2) or (E, m, n2), or None for the symmetric ones.
        centred: whether I is subtracted; for the symmetric ones only.
        repeats: how many trajectories in a row share each of E ensembles.

    Raises:
        ArgumentError: vectors that do not fit together, NaN or inf, no measurements, bad repeats, or centred
            measurements that are not symmetric.
    """

    first: torch.Tensor
    second: torch.Tensor

    def __init__(
        self,
        first: torch.Tensor,
        second: torch.Tensor | None = None,
        centred: bool = False,
        repeats: int = 1,
    ) -> None:
        inputs.flag("centred", centred)
        repeats = inputs.whole("repeats", repeats)
        first = inputs.tensor("first", first)
        second = None if second is None else inputs.tensor("second", second)
        for name, vectors in (("first", first), ("second", first if second is None else second)):
            require(
                vectors.ndim in (2, 3) and min(vectors.shape) >= 1 and vectors.shape[:-1] == first.shape[:-1],
                name,
                tuple(vectors.shape),
                "a rank-one measurement is given by two vectors, or by one that is taken twice",
                "give (m, n) or (E, m, n) with m, n >= 1, as many first as second ones",
            )
            require_kind(name, vectors, first.dtype, first.device, "the first vectors live")
            require_finite(name, vectors)
        require(
            second is None or not centred,
            "centred",
            centred,
            "the mean of aᵢbᵢᵀ is zero already",
            "leave it out, or leave out the second vectors",
        )
        require(
            repeats == 1 or (repeats > 1 and first.ndim == 3),
            "repeats",
            repeats,
            "an ensemble of a batch serves at least one trajectory, and a shared one serves all anyway",
            "use >= 1 for (E, m, n) vectors, 1 for (m, n)",
        )
        self.symmetric, self.centred = second is None, centred
        self.m = first.shape[-2]
        self.weight = 1.0 / (2 * self.m) if self.symmetric else 1.0 / self.m
        self.batch = first.shape[0] * repeats if first.ndim == 3 else None
        # Copies, because memory of torch's own begins at a cache line; elsewhere each load may touch two of them.
        one = _batched(first).clone(memory_format=torch.contiguous_format)
        other = one if second is None else _batched(second).clone(memory_format=torch.contiguous_format)
        self.shape = (one.shape[2], other.shape[2])
        self.device, self.dtype = first.device, first.dtype
        self._store(first=one, second=other)

    def __repr__(self) -> str:
        kind = ("centred" if self.centred else "symmetric") if self.symmetric else "rectangular"
        return f"RankOne({kind}, shape={self.shape}, m={self.m}, batch={self.batch})"

    def forward(self, matrix: torch.Tensor) -> torch.Tensor:
        self.check_matrix(matrix)
        rows = self.first[:, None] @ self._by_ensemble(matrix)
        measured = (rows * self.second[:, None]).sum(dim=-1).flatten(0, 1)
        return measured - _trace(matrix)[:, None] if self.centred else measured

    def adjoint(self, z: torch.Tensor) -> torch.Tensor:
        self.check_measurements(z)
        weighted = self.first.mT[:, None] * self._by_ensemble(z)[:, :, None]
        summed = (weighted @ self.second[:, None]).flatten(0, 1)
        if self.centred:
            summed.diagonal(dim1=-2, dim2=-1).sub_(z.sum(dim=1, keepdim=True))
        return summed

    def forward_factors(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        self.check_factors(left, right)
        return self._measured(left, right, self._seen(left, self.first), self._seen(right, self.second))

    def gradient(
        self,
        left: torch.Tensor,
        right: torch.Tensor | None,
        y: torch.Tensor,
        loss: Loss,
        with_value: bool = True,
    ) -> tuple[torch.Tensor | None, torch.Tensor, torch.Tensor | None]:
        self.check_point(left, right, y, loss, with_value)
        if right is None and not self.symmetric:
            return super().gradient(left, right, y, loss, with_value)
        if kernels.compiled(left, right, y):
            return self._fused(left, right, y, loss, with_value)
        u = self._seen(left, self.first)
        v = u if right is None else self._seen(right, self.second)
        residual = self._measured(left, left if right is None else right, u, v) - y
        z = losses.dual(residual, self.weight, loss)
        value = losses.value(residual, self.weight, loss) if with_value else None
        d_left = self._pulled(v, z, self.first, left if right is None else right)
        if right is None:
            return (None if value is None else 0.5 * value), d_left, None
        return value, d_left, self._pulled(u, z, self.second, left)

    def _fused(
        self, left: torch.Tensor, right: torch.Tensor | None, y: torch.Tensor, loss: Loss, with_value: bool
    ) -> tuple[torch.Tensor | None, torch.Tensor, torch.Tensor | None]:
        if right is None:
            value, d_left = rank_one_cpu.symmetric(self.first, left, y, self.weight, loss, self.centred)
            return (0.5 * value if with_value else None), d_left, None
        value, d_left, d_right = rank_one_cpu.pair(
            self.first, self.second, left, right, y, self.weight, loss, self.centred
        )
        return (value if with_value else None), d_left, d_right

    def _by_ensemble(self, tensor: torch.Tensor) -> torch.Tensor:
        """(B, ...) -> (E, B/E, ...)."""
        return tensor.unflatten(0, (self.first.shape[0], -1))

    def _seen(self, factor: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        """Fᵀaᵢ: (B, n, k) -> (B, k, m). Factors lie on their side: tall thin products are several times slower."""
        columns = self._by_ensemble(factor.mT).flatten(1, 2)
        return (columns @ vectors.mT).reshape(factor.shape[0], factor.shape[2], self.m)

    def _measured(
        self, left: torch.Tensor, right: torch.Tensor, u: torch.Tensor, v: torch.Tensor
    ) -> torch.Tensor:
        measured = (u * v).sum(dim=1)
        return measured - (left * right).sum(dim=(1, 2))[:, None] if self.centred else measured

    def _pulled(
        self, seen: torch.Tensor, z: torch.Tensor, vectors: torch.Tensor, factor: torch.Tensor
    ) -> torch.Tensor:
        """Σ zᵢ aᵢ seenᵢᵀ, less the part of the mean if centred: (B, k, m), (B, m) -> (B, n, k)."""
        columns = self._by_ensemble(seen * z[:, None]).flatten(1, 2)
        summed = (columns @ vectors).reshape(*seen.shape[:2], -1).mT
        return summed - z.sum(dim=1)[:, None, None] * factor if self.centred else summed


@recorded
def rank_one_symmetric(
    n: int,
    m: int,
    seeds: Sequence[int],
    centred: bool = False,
    shared: bool = False,
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float64",
) -> RankOne:
    """m measurements aᵢᵀMaᵢ per seed, less tr M if centred, with standard Gaussian aᵢ of length n.

    Seeds that repeat, each equally often and in a row, share one stored ensemble; more measurements extend it.

    Args:
        shared: draw one ensemble, from the first seed, for all trajectories.

    Raises:
        ArgumentError: m < 1 or n < 1.
    """
    return _drawn((n, n), m, seeds, shared, device, dtype, symmetric=True, centred=centred)


@recorded
def rank_one(
    n1: int,
    n2: int,
    m: int,
    seeds: Sequence[int],
    shared: bool = False,
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float64",
) -> RankOne:
    """m measurements aᵢᵀMbᵢ per seed with independent standard Gaussian vectors; see `rank_one_symmetric`."""
    return _drawn((n1, n2), m, seeds, shared, device, dtype, symmetric=False, centred=False)


def _drawn(
    shape: tuple[int, int],
    m: int,
    seeds: Sequence[int],
    shared: bool,
    device: str | torch.device,
    dtype: str | torch.dtype,
    symmetric: bool,
    centred: bool,
) -> RankOne:
    m = inputs.whole("m", m, 1)
    shape = inputs.sides(shape, symmetric)
    chosen, repeats = stored(seeds, shared)

    def vectors(name: str, n: int) -> torch.Tensor:
        drawn = normal(chosen, name, m, n, dtype=resolve_dtype(dtype), device=resolve_device(device))
        return drawn[0] if shared else drawn

    second = None if symmetric else vectors("sensing right", shape[1])
    return RankOne(vectors("sensing left", shape[0]), second, centred, repeats)


def _batched(vectors: torch.Tensor) -> torch.Tensor:
    return vectors if vectors.ndim == 3 else vectors[None]


def _trace(matrix: torch.Tensor) -> torch.Tensor:
    return matrix.diagonal(dim1=-2, dim2=-1).sum(dim=-1)
