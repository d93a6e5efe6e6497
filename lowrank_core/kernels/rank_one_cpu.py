"""Fused gradient of rank-one measurements aᵢᵀFGᵀbᵢ on the CPU: every vector is read once, nothing else of size m.

The vectors of four measurements at a time stay in the nearest cache between their two uses: Fᵀaᵢ for the residual,
and the residual's share of the gradient afterwards. The factors are turned on their side, so that both inner loops
run along them.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch

from lowrank_core.kernels import dense_cpu
from lowrank_core.kernels.dense_cpu import sign
from lowrank_core.kernels.jit import callees, jit
from lowrank_core.loss import Loss


def symmetric(
    vectors: torch.Tensor, x: torch.Tensor, y: torch.Tensor, weight: float, loss: Loss, centred: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss and A*(z)X at XXᵀ for aᵢaᵢᵀ, or for aᵢaᵢᵀ − I if centred.

    Args:
        vectors: aᵢ, (E, m, n); ensemble e serves the trajectories e·B/E … (e + 1)·B/E − 1.
        x: X, (B, n, k).
        y: (B, m).

    Returns:
        (loss of the measurements (B,), A*(z)X (B, n, k)).
    """
    value, out = x.new_empty(x.shape[0]), torch.zeros_like(x.mT, memory_format=torch.contiguous_format)
    given = [each.contiguous().numpy() for each in (vectors, x.mT, y)]
    _symmetric()(*given, weight, loss == "l1", centred, value.numpy(), out.numpy())
    return value, out.mT


def pair(
    first: torch.Tensor,
    second: torch.Tensor,
    left: torch.Tensor,
    right: torch.Tensor,
    y: torch.Tensor,
    weight: float,
    loss: Loss,
    centred: bool,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Loss, A*(z)G and A*(z)ᵀF at FGᵀ for aᵢbᵢᵀ, or for aᵢbᵢᵀ − I if centred.

    Args:
        first, second: aᵢ, (E, m, n1), and bᵢ, (E, m, n2); ensembles serve trajectories as in `symmetric`.
        left, right: F, (B, n1, k), and G, (B, n2, k).
        y: (B, m).

    Returns:
        (loss (B,), A*(z)G (B, n1, k), A*(z)ᵀF (B, n2, k)).
    """
    value = left.new_empty(left.shape[0])
    d_left, d_right = (torch.zeros_like(f.mT, memory_format=torch.contiguous_format) for f in (left, right))
    given = [each.contiguous().numpy() for each in (first, second, left.mT, right.mT, y)]
    _pair()(*given, weight, loss == "l1", centred, value.numpy(), d_left.numpy(), d_right.numpy())
    return value, d_left.mT, d_right.mT


@functools.cache
def _symmetric() -> Any:
    _helpers()
    batches = "float64[:,:,::1]"
    return jit(
        gradient_symmetric,
        f"void({batches}, {batches}, float64[:,::1], float64, boolean, boolean, float64[::1], {batches})",
        "rank_one_symmetric",
    )


@functools.cache
def _pair() -> Any:
    _helpers()
    batches = "float64[:,:,::1]"
    return jit(
        gradient_pair,
        f"void({batches}, {batches}, {batches}, {batches}, float64[:,::1], float64, boolean, boolean, "
        f"float64[::1], {batches}, {batches})",
        "rank_one_pair",
    )


@functools.cache
def _helpers() -> None:
    dense_cpu.helpers()
    callees(see, residuals, add, inner, finish)


# What follows is compiled, and plain Python to everything else.
# mypy: disallow-untyped-defs=False


def see(a, i, factor, seen):
    """seen[c] ← ⟨a row, column c⟩ for the four rows from i on; beyond the last one, that one again."""
    last = a.shape[0] - 1
    i1, i2, i3 = min(i + 1, last), min(i + 2, last), min(i + 3, last)
    for c in range(factor.shape[0]):
        s0 = s1 = s2 = s3 = 0.0
        for j in range(factor.shape[1]):
            s0 += a[i, j] * factor[c, j]
            s1 += a[i1, j] * factor[c, j]
            s2 += a[i2, j] * factor[c, j]
            s3 += a[i3, j] * factor[c, j]
        seen[c, 0], seen[c, 1], seen[c, 2], seen[c, 3] = s0, s1, s2, s3


def residuals(u, v, y, i, shift, absolute, z):
    """z ← the derivatives of the loss at four residuals, up to the weight; their part of the loss is returned."""
    last = y.shape[0] - 1
    for row in range(4):
        z[row] = -shift - y[min(i + row, last)]
    for c in range(u.shape[0]):
        for row in range(4):
            z[row] += u[c, row] * v[c, row]
    for row in range(last + 1 - i, 4):
        z[row] = 0.0
    if not absolute:
        return 0.5 * (z[0] * z[0] + z[1] * z[1] + z[2] * z[2] + z[3] * z[3])
    total = abs(z[0]) + abs(z[1]) + abs(z[2]) + abs(z[3])
    for row in range(4):
        z[row] = sign(z[row])
    return total


def add(a, i, seen, z, out):
    """out[c] += Σ z·seen[c]·a over the same four rows."""
    last = a.shape[0] - 1
    i1, i2, i3 = min(i + 1, last), min(i + 2, last), min(i + 3, last)
    for c in range(out.shape[0]):
        w0, w1, w2, w3 = z[0] * seen[c, 0], z[1] * seen[c, 1], z[2] * seen[c, 2], z[3] * seen[c, 3]
        for j in range(out.shape[1]):
            out[c, j] += w0 * a[i, j] + w1 * a[i1, j] + w2 * a[i2, j] + w3 * a[i3, j]


def inner(left, right):
    total = 0.0
    for c in range(left.shape[0]):
        for j in range(left.shape[1]):
            total += left[c, j] * right[c, j]
    return total


def finish(out, weight, pull, factor):
    """out ← weight·(out − pull·factor)."""
    for c in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[c, j] = weight * (out[c, j] - pull * factor[c, j])


def gradient_symmetric(vectors, x, y, weight, absolute, centred, value, out):
    seen, z = np.empty((x.shape[1], 4)), np.empty(4)
    repeats = x.shape[0] // vectors.shape[0]
    for t in range(x.shape[0]):
        a, factor, observed, gradient = vectors[t // repeats], x[t], y[t], out[t]
        shift = inner(factor, factor) if centred else 0.0
        loss = pull = 0.0
        for i in range(0, a.shape[0], 4):
            see(a, i, factor, seen)
            loss += residuals(seen, seen, observed, i, shift, absolute, z)
            pull += z[0] + z[1] + z[2] + z[3]
            add(a, i, seen, z, gradient)
        value[t] = weight * loss
        finish(gradient, weight, pull if centred else 0.0, factor)


def gradient_pair(first, second, left, right, y, weight, absolute, centred, value, out_left, out_right):
    u, v, z = np.empty((left.shape[1], 4)), np.empty((left.shape[1], 4)), np.empty(4)
    repeats = left.shape[0] // first.shape[0]
    for t in range(left.shape[0]):
        a, b, f, g, observed = first[t // repeats], second[t // repeats], left[t], right[t], y[t]
        shift = inner(f, g) if centred else 0.0
        loss = pull = 0.0
        for i in range(0, a.shape[0], 4):
            see(a, i, f, u)
            see(b, i, g, v)
            loss += residuals(u, v, observed, i, shift, absolute, z)
            pull += z[0] + z[1] + z[2] + z[3]
            add(a, i, v, z, out_left[t])
            add(b, i, u, z, out_right[t])
        value[t] = weight * loss
        # Centred measurements are square, so that each factor fits the other's gradient.
        finish(out_left[t], weight, pull if centred else 0.0, g if centred else f)
        finish(out_right[t], weight, pull if centred else 0.0, f if centred else g)
