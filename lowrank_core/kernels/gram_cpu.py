"""Gradients of the ℓ2 loss through A*A on the CPU: only the upper triangle of the matrix is read, and once.

Each entry serves its row and its column while it is there, four rows at a time, and all vectors that share a matrix
use those rows while they are in the nearest cache.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch

from lowrank_core.kernels import dense_cpu
from lowrank_core.kernels.dense_cpu import SHORT_ROW
from lowrank_core.kernels.dense_loop_cpu import coordinates, multiply, pull_both, pull_full
from lowrank_core.kernels.jit import callees, jit

NEAREST = 64
"""Order of H up to which it stays in the nearest cache, with GROUP trajectories beside it that run all their
iterations before others begin. No product of large matrices is faster than that."""
GROUP = 16


def product(matrix: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """H v for symmetric H.

    Args:
        matrix: (E, q, q), of which the lower triangles are not read.
        vectors: v, (B, q); matrix e serves the vectors e·B/E … (e + 1)·B/E − 1.
    """
    out = torch.zeros_like(vectors, memory_format=torch.contiguous_format)
    _product()(matrix.contiguous().numpy(), vectors.contiguous().numpy(), out.numpy())
    return out


def descend(
    left: torch.Tensor,
    right: torch.Tensor | None,
    matrix: torch.Tensor,
    target: torch.Tensor,
    packed: bool,
    eta: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The factors after T iterations of gradient descent with the slope Hv − c, in one compiled loop.

    Args:
        left: X or F, (B, n1, k).
        right: G, (B, n2, k), or None.
        matrix: H, (E, q, q); ensembles serve trajectories as in `product`.
        target: c, (B, q).
        packed: whether the coordinates are those of symmetric matrices.
        eta: η_t, (T, B).
    """
    given = [each.contiguous().numpy() for each in (matrix, target, eta)]
    # Without G, one of no rows.
    f, g = (
        factor.clone(memory_format=torch.contiguous_format)
        for factor in (left, left[:, :0] if right is None else right)
    )
    together = GROUP if matrix.shape[1] <= NEAREST else left.shape[0] // matrix.shape[0]
    _descent()(*given, packed, right is None, together, f.numpy(), g.numpy())
    return f, None if right is None else g


@functools.cache
def _product() -> Any:
    _helpers()
    return jit(
        symmetric_product, "void(float64[:,:,::1], float64[:,::1], float64[:,::1])", "symmetric_product"
    )


@functools.cache
def _descent() -> Any:
    _helpers()
    matrices, batches = "float64[:,::1]", "float64[:,:,::1]"
    return jit(
        steepest,
        f"void({batches}, {matrices}, {matrices}, boolean, boolean, int64, {batches}, {batches})",
        "gram_steepest",
    )


@functools.cache
def _helpers() -> None:
    dense_cpu.helpers()
    callees(multiply, pull_full, coordinates, pull_both, symmetric_product, short_product, shift_one)


# What follows is compiled, and plain Python to everything else.
# mypy: disallow-untyped-defs=False


def symmetric_product(matrix, vectors, out):
    ensembles, q, _ = matrix.shape
    repeats = vectors.shape[0] // ensembles
    if q <= SHORT_ROW:
        short_product(matrix, vectors, out)
        return
    for e in range(ensembles):
        h = matrix[e]
        for i in range(0, q - q % 4, 4):
            # Views that begin behind the diagonal: with an offset in the index the loop would not be vectorised.
            h0, h1, h2, h3 = h[i, i + 4 :], h[i + 1, i + 4 :], h[i + 2, i + 4 :], h[i + 3, i + 4 :]
            for b in range(e * repeats, (e + 1) * repeats):
                x, g = vectors[b, i + 4 :], out[b, i + 4 :]
                x0, x1, x2, x3 = vectors[b, i], vectors[b, i + 1], vectors[b, i + 2], vectors[b, i + 3]
                s0 = s1 = s2 = s3 = 0.0
                for j in range(x.shape[0]):
                    s0 += h0[j] * x[j]
                    s1 += h1[j] * x[j]
                    s2 += h2[j] * x[j]
                    s3 += h3[j] * x[j]
                    g[j] += h0[j] * x0 + h1[j] * x1 + h2[j] * x2 + h3[j] * x3
                out[b, i] += s0
                out[b, i + 1] += s1
                out[b, i + 2] += s2
                out[b, i + 3] += s3
        # What is left: the blocks on the diagonal, the last of them smaller.
        for b in range(e * repeats, (e + 1) * repeats):
            for i in range(q):
                out[b, i] += h[i, i] * vectors[b, i]
                for j in range(i + 1, min(i - i % 4 + 4, q)):
                    out[b, i] += h[i, j] * vectors[b, j]
                    out[b, j] += h[i, j] * vectors[b, i]


def short_product(matrix, vectors, out):
    ensembles, q, _ = matrix.shape
    for b in range(vectors.shape[0]):
        e = b * ensembles // vectors.shape[0]
        for i in range(q):
            total = 0.0
            for j in range(q):
                total += matrix[e, j, i] * vectors[b, j] if j < i else matrix[e, i, j] * vectors[b, j]
            out[b, i] += total


def steepest(matrix, target, eta, packed, symmetric, together, left, right):
    repeats, q = left.shape[0] // matrix.shape[0], matrix.shape[1]
    # One ensemble after the other, so that one matrix alone has to fit the cache.
    for e in range(matrix.shape[0]):
        for first in range(e * repeats, (e + 1) * repeats, together):
            last = min(first + together, (e + 1) * repeats)
            h, c, f, g = matrix[e : e + 1], target[first:last], left[first:last], right[first:last]
            v, slope = np.empty(c.shape), np.empty(c.shape)
            d_f, d_g = np.empty(f.shape), np.empty(g.shape)
            for t in range(eta.shape[0]):
                coordinates(f, f if symmetric else g, v, packed)
                for b in range(last - first):
                    for j in range(q):
                        slope[b, j] = -c[b, j]
                symmetric_product(h, v, slope)
                pull_both(slope, f, g, d_f, d_g, packed, symmetric)
                for b in range(last - first):
                    shift_one(f, b, -eta[t, first + b], d_f)
                    shift_one(g, b, -eta[t, first + b], d_g)


def shift_one(x, b, step, direction):
    for i in range(x.shape[1]):
        for a in range(x.shape[2]):
            x[b, i, a] += step * direction[b, i, a]
