"""How well factors point at the truth: misalignment of a start, and angles between column spaces."""

from __future__ import annotations

import torch

from lowrank_core import inputs
from lowrank_core.errors import ArgumentError, require
from lowrank_core.factors import Factors
from lowrank_core.truth import Truth


def misalignment(truth: Truth, start: Factors) -> torch.Tensor:
    """√2 ‖[F; G]‖ / σ_r(UᵀF + VᵀG) of a start (F, G), (B,); at least one, and small is good.

    Source: Wind (2023), α_mis, as restated elsewhere. Gradient descent sees the truth through UᵀF + VᵀG alone.

    Raises:
        ArgumentError: a symmetric start, or a search rank below r.
    """
    if start.right is None:
        raise ArgumentError(
            "start", "symmetric factors X", "the misalignment is that of two factors", "use (F, G)"
        )
    require(
        start.search_rank >= truth.rank,
        "start",
        f"search rank {start.search_rank}",
        f"the truth has rank {truth.rank}, and the misalignment is infinite",
        f"use k >= {truth.rank}",
    )
    size = torch.linalg.matrix_norm(start.stacked(), ord=2)
    seen = truth.left.mT @ start.left + truth.right.mT @ start.right
    return 2**0.5 * size / torch.linalg.svdvals(seen)[:, truth.rank - 1]


def leading_columns(matrix: torch.Tensor, rank: int) -> torch.Tensor:
    """An orthonormal basis of the space of the `rank` largest left singular vectors, (B, n, rank).

    Raises:
        ArgumentError: a rank below one or above the smaller side.
    """
    rank, most = inputs.whole("rank", rank, 1), min(matrix.shape[-2:])
    require(rank <= most, "rank", rank, f"there are {most} singular vectors", f"use rank <= {most}")
    u, _, _ = torch.linalg.svd(matrix, full_matrices=False)
    return u[..., :rank]


def largest_angle(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """sin of the largest principal angle between two column spaces given by orthonormal bases (B, n, r), (B,).

    Computed from the residual (I − PPᵀ)Q and not from cosines, which cannot tell small angles from zero.

    Raises:
        ArgumentError: columns that are not orthonormal, or bases of different shapes.
    """
    for name, basis in (("first", first), ("second", second)):
        gram = basis.mT @ basis
        gap = (gram - torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)).abs().max()
        require(
            basis.shape == first.shape and bool(gap <= torch.finfo(gram.dtype).eps ** 0.5),
            name,
            f"{tuple(basis.shape)}, products of columns off by {float(gap):.2g}",
            "the angle is one between orthonormal bases of one shape",
            "take them from torch.linalg.qr, or from leading_columns",
        )
    residual = second - first @ (first.mT @ second)
    return torch.linalg.matrix_norm(residual, ord=2)
