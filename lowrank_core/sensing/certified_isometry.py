"""Measurement operators whose A*A is given, so that their restricted isometry constant is known and not guessed.

The constant of a random ensemble cannot be computed: it is a supremum over all matrices of low rank. An operator
with A*A = (1 + δ)I − 2δΠ, Π an orthogonal projector, has ‖A(M)‖² between (1 − δ)‖M‖² and (1 + δ)‖M‖² for *every* M,
and attains both ends. So δ bounds the constant of every order, and it is the constant of order q as soon as the
range of Π holds a matrix of rank q or less (and another one lies in its complement).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lowrank_core import inputs
from lowrank_core.device import resolve_device, resolve_dtype
from lowrank_core.errors import require, require_finite
from lowrank_core.randomness import normal
from lowrank_core.recipe import recorded
from lowrank_core.sensing.dense import Dense, Packing

NO_DELTA = "a restricted isometry constant lies in [0, 1)"


def certified(directions: torch.Tensor, delta: float | torch.Tensor, symmetric: bool = True) -> Dense:
    """The operator with A*A = (1 + δ)I − 2δΠ, Π the projector on the span of the given matrices; weight 1.

    Args:
        directions: (B, q, n1, n2), linearly independent; symmetric matrices if `symmetric`.
        delta: δ in [0, 1), one number or (B,).
        symmetric: whether it acts on symmetric matrices only, through their p = n(n+1)/2 coordinates.

    Raises:
        ArgumentError: δ outside [0, 1), directions that are dependent, of the wrong shape, or not symmetric where
            they should be.
    """
    directions = inputs.tensor("directions", directions)
    inputs.flag("symmetric", symmetric)
    require(
        directions.ndim == 4 and directions.shape[1] >= 1,
        "directions",
        tuple(directions.shape),
        "the projector is given by at least one matrix for each trajectory",
        "give (B, q, n1, n2) with q >= 1",
    )
    require_finite("directions", directions)
    batch, count, n1, n2 = directions.shape
    delta = inputs.between("delta", delta, 0, 1, NO_DELTA, "[)").to(directions)
    require(
        delta.shape in ((), (batch,)),
        "delta",
        tuple(delta.shape),
        f"there are {batch} trajectories",
        f"use a number below 1, or {batch} of them",
    )
    coordinates = _coordinates(directions.flatten(0, 1), symmetric).unflatten(0, (batch, count))
    basis, upper = torch.linalg.qr(coordinates.mT)
    pivots = upper.diagonal(dim1=-2, dim2=-1).abs()
    require(
        count <= basis.shape[1] and bool((pivots > 1e-12 * pivots.amax()).all()),
        "directions",
        f"{count} matrices",
        "they are linearly dependent, and the rank of the projector would depend on rounding",
        "leave the dependent ones out",
    )
    # The symmetric root of A*A, which is diagonal in the same basis.
    high, low = (1 + delta).sqrt().expand(batch), (1 - delta).sqrt().expand(batch)
    identity = torch.eye(basis.shape[1], dtype=basis.dtype, device=basis.device)
    root = high[:, None, None] * identity - (high - low)[:, None, None] * (basis @ basis.mT)
    return Dense(root, (n1, n2), symmetric, weight=1.0)


@recorded
def random_certified(
    n: int,
    delta: float | torch.Tensor,
    count: int,
    seeds: Sequence[int],
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float64",
) -> Dense:
    """`certified` on symmetric matrices of order n with `count` random (Gaussian) directions for each seed.

    Raises:
        ArgumentError: as for `certified`, and a count that leaves the projector or its complement empty.
    """
    n, count = inputs.whole("n", n, 1), inputs.whole("count", count)
    p = n * (n + 1) // 2
    require(
        1 <= count < p,
        "count",
        count,
        f"both eigenvalues 1 ± δ must occur on the {p} coordinates",
        f"use 1 to {p - 1}",
    )
    drawn = normal(
        seeds, "sensing directions", count, n, n, dtype=resolve_dtype(dtype), device=resolve_device(device)
    )
    return certified(0.5 * (drawn + drawn.mT), delta)


def from_normal(normal_matrix: torch.Tensor, shape: tuple[int, int], symmetric: bool = True) -> Dense:
    """The operator whose A*A is a given positive semidefinite matrix; weight 1, measurements through its root.

    Args:
        normal_matrix: A*A in the coordinates of `Dense`, (q, q) shared or (B, q, q).
        shape: (n1, n2).

    Raises:
        ArgumentError: a matrix that does not fit the shape, is not finite or not symmetric, or has a negative
            eigenvalue beyond rounding.
    """
    normal_matrix = inputs.tensor("normal_matrix", normal_matrix)
    n1, n2 = inputs.shape("shape", shape)
    inputs.flag("symmetric", symmetric)
    width = n1 * (n1 + 1) // 2 if symmetric else n1 * n2
    require(
        normal_matrix.ndim in (2, 3)
        and normal_matrix.numel() > 0
        and normal_matrix.shape[-2:] == (width, width),
        "normal_matrix",
        tuple(normal_matrix.shape),
        f"on {n1} × {n2} matrices A*A has {width} coordinates",
        f"give ({width}, {width}) or (B, {width}, {width})",
    )
    require_finite("normal_matrix", normal_matrix)
    scale = normal_matrix.abs().amax()
    require(
        bool((normal_matrix - normal_matrix.mT).abs().amax() <= 1e-9 * scale),
        "normal_matrix",
        tuple(normal_matrix.shape),
        "A*A is symmetric, and this is not",
        "symmetrise it, or check what made it",
    )
    values, vectors = torch.linalg.eigh(normal_matrix)
    require(
        bool(values.amin() >= -1e-9 * scale),
        "normal_matrix",
        float(values.amin()),
        "A*A has no negative eigenvalue",
        "project it on the positive semidefinite matrices",
    )
    root = (vectors * values.clamp(min=0.0).sqrt()[..., None, :]) @ vectors.mT
    return Dense(root, shape, symmetric, weight=1.0)


def _coordinates(matrices: torch.Tensor, symmetric: bool) -> torch.Tensor:
    if not symmetric:
        return matrices.flatten(1)
    square = matrices.shape[-1] == matrices.shape[-2]
    require(
        square and bool((matrices - matrices.mT).abs().amax() <= 1e-12 * matrices.abs().amax()),
        "directions",
        tuple(matrices.shape),
        "they are not symmetric, and symmetry is assumed here",
        "symmetrise them, or say symmetric=False",
    )
    return Packing(matrices.shape[-1], matrices.device, matrices.dtype).pack(matrices)
