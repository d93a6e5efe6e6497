"""Fused gradient of dense measurements on the CPU: every stored entry is read once.

The residual of a measurement needs its whole row, and the gradient needs the row again, weighted by that residual. Four
rows at a time stay in the nearest cache between the two uses, so the entries stream through memory once instead of
twice, and all trajectories that share an ensemble use the rows while they are there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch

from lowrank_core.loss import Loss


def available() -> bool:
    """Whether numba is installed."""
    return find_spec("numba") is not None


def slope(
    entries: torch.Tensor, coordinates: torch.Tensor, y: torch.Tensor, repeats: int, weight: float, loss: Loss
) -> tuple[torch.Tensor, torch.Tensor]:
    """The residuals A v − y and the slopes Aᵀz, z the derivative of the loss at the residual, one pass over A.

    Args:
        entries: A, (E, m, q); ensemble e serves the trajectories e·repeats … (e + 1)·repeats − 1.
        coordinates: v, (B, q), B = E·repeats.
        y: (B, m).

    Returns:
        (loss (B,), slope (B, q)).
    """
    value = torch.empty(coordinates.shape[0], dtype=torch.float64)
    out = torch.zeros_like(coordinates)
    _compiled()(
        entries.numpy(),
        coordinates.numpy(),
        y.numpy(),
        repeats,
        weight,
        loss == "l1",
        value.numpy(),
        out.numpy(),
    )
    return value, out


@functools.cache
def _compiled() -> Callable[..., Any]:
    import numba

    @numba.njit(fastmath={"reassoc", "contract", "nsz"}, cache=True, nogil=True, boundscheck=False)
    def fused(a, v, y, repeats, weight, absolute, value, out):  # type: ignore[no-untyped-def]
        ensembles, m, q = a.shape
        value[:] = 0.0
        for e in range(ensembles):
            rows = a[e]
            for i in range(0, m - m % 4, 4):
                a0, a1, a2, a3 = rows[i], rows[i + 1], rows[i + 2], rows[i + 3]
                for b in range(e * repeats, (e + 1) * repeats):
                    x, g = v[b], out[b]
                    s0 = s1 = s2 = s3 = 0.0
                    for j in range(q):
                        s0 += a0[j] * x[j]
                        s1 += a1[j] * x[j]
                        s2 += a2[j] * x[j]
                        s3 += a3[j] * x[j]
                    r0, r1, r2, r3 = s0 - y[b, i], s1 - y[b, i + 1], s2 - y[b, i + 2], s3 - y[b, i + 3]
                    if absolute:
                        value[b] += abs(r0) + abs(r1) + abs(r2) + abs(r3)
                        # np.sign keeps NaN, as it has to: a diverged trajectory must not stand still.
                        r0, r1, r2, r3 = sign(r0), sign(r1), sign(r2), sign(r3)
                    else:
                        value[b] += r0 * r0 + r1 * r1 + r2 * r2 + r3 * r3
                    for j in range(q):
                        g[j] += r0 * a0[j] + r1 * a1[j] + r2 * a2[j] + r3 * a3[j]
            for i in range(m - m % 4, m):
                row = rows[i]
                for b in range(e * repeats, (e + 1) * repeats):
                    x, g = v[b], out[b]
                    s = 0.0
                    for j in range(q):
                        s += row[j] * x[j]
                    r = s - y[b, i]
                    if absolute:
                        value[b] += abs(r)
                        r = sign(r)
                    else:
                        value[b] += r * r
                    for j in range(q):
                        g[j] += r * row[j]
        scale = weight if absolute else 0.5 * weight
        for b in range(v.shape[0]):
            value[b] *= scale
            for j in range(q):
                out[b, j] *= weight

    @numba.njit(cache=True)
    def sign(x):  # type: ignore[no-untyped-def]
        return x if x != x else (1.0 if x > 0 else (-1.0 if x < 0 else 0.0))

    return fused
