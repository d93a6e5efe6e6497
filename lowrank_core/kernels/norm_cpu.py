"""Operator norms of small matrices on the CPU, for the loops and for whole batches.

A library reduces a matrix to a tridiagonal one and then finds all eigenvalues; the norm needs the outermost alone.
Here they are bracketed by their rows and halved in on: T − xI and T + xI are definite, of opposite signs, exactly
where x is above the norm, which pivots without any exchange decide to the last digits.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch

from lowrank_core.kernels.jit import callees, jit


def operator_norm(matrix: torch.Tensor) -> torch.Tensor:
    """Largest absolute eigenvalue of each symmetric matrix, (B, n, n) -> (B,); NaN where it is not finite."""
    out = torch.empty(matrix.shape[0], dtype=torch.float64)
    _norms()(matrix.contiguous().numpy(), out.numpy())
    return out


@functools.cache
def _norms() -> Any:
    helpers()
    return jit(norms, "void(float64[:,:,::1], float64[::1])", "norms")


@functools.cache
def helpers() -> None:
    """Let compiled code call the plain functions below."""
    callees(reaches, outermost, reduce, norm_of_symmetric, embed, room)


# What follows is compiled, and plain Python to everything else.
# mypy: disallow-untyped-defs=False


def norms(matrix, out):
    space = room(matrix.shape[1], matrix.shape[2], True)
    for b in range(matrix.shape[0]):
        space[4:] = matrix[b]
        out[b] = norm_of_symmetric(space)


def room(n1, n2, symmetric):
    """Four rows of working space, and below them the symmetric matrix itself."""
    n = n1 if symmetric else n1 + n2
    return np.zeros((4 + n, n))


def embed(matrix, square):
    """The symmetric matrix [0 S; Sᵀ 0], whose outermost eigenvalues are ±‖S‖."""
    n1, n2 = matrix.shape
    square[:] = 0.0
    for i in range(n1):
        for j in range(n2):
            square[i, n1 + j] = square[n1 + j, i] = matrix[i, j]


def norm_of_symmetric(space):
    """The norm of the matrix in `space`, which is overwritten; see `room`."""
    a = space[4:]
    size = lost = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[0]):
            x = abs(a[i, j])
            size = max(size, x)
            lost += 0.0 * x
    if lost != 0.0:
        return np.nan
    if size == 0.0:
        return 0.0
    # Of size one, so that no square below can overflow, and none that counts can underflow.
    for i in range(a.shape[0]):
        for j in range(a.shape[0]):
            a[i, j] /= size
    reduce(a, space[0], space[1], space[2], space[3])
    return size * outermost(space[0], space[1])


def reduce(a, d, e, v, w):
    """The diagonal d and the squared off-diagonal e of a tridiagonal matrix similar to a, by reflections."""
    n = a.shape[0]
    for k in range(n - 1):
        d[k] = a[k, k]
        m = n - k - 1
        row = a[k, k + 1 :]
        head, tail = row[0], 0.0
        for j in range(1, m):
            tail += row[j] * row[j]
        e[k] = head * head + tail
        if tail == 0.0:
            continue
        length = e[k] ** 0.5
        for j in range(m):
            v[j] = row[j]
            w[j] = 0.0
        v[0] += length if head > 0.0 else -length
        for i in range(m):
            below, share = a[k + 1 + i, k + 1 :], v[i]
            for j in range(m):
                w[j] += share * below[j]
        beta, overlap = 1.0 / (length * (length + abs(head))), 0.0
        for j in range(m):
            overlap += v[j] * w[j]
        half = 0.5 * beta * overlap
        for j in range(m):
            w[j] = beta * (w[j] - half * v[j])
        for i in range(m):
            below, first, second = a[k + 1 + i, k + 1 :], v[i], w[i]
            for j in range(m):
                below[j] -= first * w[j] + second * v[j]
    d[n - 1] = a[n - 1, n - 1]


def outermost(d, e):
    """The largest absolute eigenvalue of a tridiagonal matrix: a row is no longer, and sums to no less."""
    low = high = left = 0.0
    for i in range(d.size):
        right = e[i] if i + 1 < d.size else 0.0
        low = max(low, (d[i] * d[i] + left + right) ** 0.5)
        high = max(high, abs(d[i]) + left**0.5 + right**0.5)
        left = right
    middle = 0.5 * (low + high)
    while low < middle < high:
        if reaches(d, e, middle):
            low = middle
        else:
            high = middle
        middle = 0.5 * (low + high)
    return middle


def reaches(d, e, x):
    """Whether some eigenvalue is at least x in absolute value."""
    p, q = x - d[0], x + d[0]
    for i in range(1, d.size):
        if p <= 0.0 or q <= 0.0:
            return True
        p, q = x - d[i] - e[i - 1] / p, x + d[i] - e[i - 1] / q
    return p <= 0.0 or q <= 0.0
