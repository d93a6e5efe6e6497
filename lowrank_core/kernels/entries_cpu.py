"""Fused gradient of sampled entries on the CPU: two rows of the factors for each entry, nothing of n × n."""

from __future__ import annotations

import functools
from typing import Any

import torch

from lowrank_core.kernels.dense_cpu import helpers, sign
from lowrank_core.kernels.jit import jit
from lowrank_core.loss import Loss


def symmetric(
    rows: torch.Tensor, columns: torch.Tensor, x: torch.Tensor, y: torch.Tensor, weight: float, loss: Loss
) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss and A*(z)X at XXᵀ; diagonal entries are measured as they are, others times √2.

    Args:
        rows, columns: of the entries, (E, m), int64; ensemble e serves the trajectories e·B/E … (e + 1)·B/E − 1.
        x: X, (B, n, k).
        y: (B, m).

    Returns:
        (loss of the measurements (B,), A*(z)X (B, n, k)).
    """
    value, out = x.new_empty(x.shape[0]), x.new_empty(x.shape)
    given = [each.contiguous().numpy() for each in (rows, columns, x, y)]
    _symmetric()(*given, weight, loss == "l1", value.numpy(), out.numpy())
    return value, out


def pair(
    rows: torch.Tensor,
    columns: torch.Tensor,
    left: torch.Tensor,
    right: torch.Tensor,
    y: torch.Tensor,
    weight: float,
    loss: Loss,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Loss, A*(z)G and A*(z)ᵀF at FGᵀ for entries measured as they are.

    Args:
        rows, columns: as in `symmetric`.
        left, right: F, (B, n1, k), and G, (B, n2, k).
        y: (B, m).

    Returns:
        (loss (B,), A*(z)G (B, n1, k), A*(z)ᵀF (B, n2, k)).
    """
    value, d_left, d_right = (
        left.new_empty(left.shape[0]),
        left.new_empty(left.shape),
        right.new_empty(right.shape),
    )
    given = [each.contiguous().numpy() for each in (rows, columns, left, right, y)]
    _pair()(*given, weight, loss == "l1", value.numpy(), d_left.numpy(), d_right.numpy())
    return value, d_left, d_right


@functools.cache
def _symmetric() -> Any:
    helpers()
    return jit(
        gradient_symmetric,
        "void(int64[:,::1], int64[:,::1], float64[:,:,::1], float64[:,::1], float64, boolean, float64[::1], "
        "float64[:,:,::1])",
        "entries_symmetric",
    )


@functools.cache
def _pair() -> Any:
    helpers()
    return jit(
        gradient_pair,
        "void(int64[:,::1], int64[:,::1], float64[:,:,::1], float64[:,:,::1], float64[:,::1], float64, boolean, "
        "float64[::1], float64[:,:,::1], float64[:,:,::1])",
        "entries_pair",
    )


# What follows is compiled, and plain Python to everything else. Rows of the factors are indexed in place: they are
# so short that a view would cost more than the product of two.
# mypy: disallow-untyped-defs=False


def gradient_symmetric(rows, columns, x, y, weight, absolute, value, out):
    ensembles, m = rows.shape
    batch, _, k = x.shape
    root2 = 2.0**0.5
    for b in range(batch):
        e = b // (batch // ensembles)
        factor, gradient, observed = x[b], out[b], y[b]
        gradient[:] = 0.0
        loss = 0.0
        for t in range(m):
            i, j = rows[e, t], columns[e, t]
            product = 0.0
            for c in range(k):
                product += factor[i, c] * factor[j, c]
            size = 1.0 if i == j else root2
            r = size * product - observed[t]
            loss += abs(r) if absolute else 0.5 * r * r
            # Half for each of the two places; on the diagonal both are the same.
            z = 0.5 * weight * size * (sign(r) if absolute else r)
            for c in range(k):
                gradient[i, c] += z * factor[j, c]
                gradient[j, c] += z * factor[i, c]
        value[b] = weight * loss


def gradient_pair(rows, columns, left, right, y, weight, absolute, value, out_left, out_right):
    ensembles, m = rows.shape
    batch, _, k = left.shape
    for b in range(batch):
        e = b // (batch // ensembles)
        f, g, d_f, d_g, observed = left[b], right[b], out_left[b], out_right[b], y[b]
        d_f[:] = 0.0
        d_g[:] = 0.0
        loss = 0.0
        for t in range(m):
            i, j = rows[e, t], columns[e, t]
            r = -observed[t]
            for c in range(k):
                r += f[i, c] * g[j, c]
            loss += abs(r) if absolute else 0.5 * r * r
            z = weight * (sign(r) if absolute else r)
            for c in range(k):
                d_f[i, c] += z * g[j, c]
                d_g[j, c] += z * f[i, c]
        value[b] = weight * loss
