"""One iteration's two products with A in float32, around a residual in float64; every entry is read once.

Four rows of A and four trajectories at a time: sixteen sums stay in registers, and each number that is loaded
serves four products. That is faster than a matrix product, which also writes and reads what lies between the two.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch

from lowrank_core.kernels.jit import callees, jit


def follow(
    entries: torch.Tensor, change: torch.Tensor, residual: torch.Tensor, repeats: int, weight: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Add A·change to the residual, and return wAᵀ·residual.

    Args:
        entries: A, (E, m, q), float32; ensemble e serves the trajectories e·repeats … (e + 1)·repeats − 1.
        change: (B, q), float32.
        residual: (B, m), float64, overwritten.

    Returns:
        (slope (B, q) in float32, norm of A·change (B,)).
    """
    slope = torch.zeros(change.shape, dtype=torch.float32)
    moved = torch.zeros(change.shape[0], dtype=torch.float64)
    _compiled()(
        entries.contiguous().numpy(),
        change.contiguous().numpy(),
        residual.numpy(),
        repeats,
        weight,
        slope.numpy(),
        moved.numpy(),
    )
    return slope, moved.sqrt_()


@functools.cache
def _compiled() -> Any:
    callees(one_by_one, four_by_four)
    matrix = "float32[:,::1]"
    return jit(
        both,
        f"void(float32[:,:,::1], {matrix}, float64[:,::1], int64, float64, {matrix}, float64[::1])",
        "both_float32",
    )


# What follows is compiled, and plain Python to everything else.
# mypy: disallow-untyped-defs=False


def both(entries, change, residual, repeats, weight, slope, moved):
    ensembles, m, _ = entries.shape
    z = np.empty((4, 4), np.float32)
    for e in range(ensembles):
        rows, first, last = entries[e], e * repeats, (e + 1) * repeats
        whole, grouped = m - m % 4, last - repeats % 4
        for i in range(0, whole, 4):
            for b in range(first, grouped, 4):
                four_by_four(rows, change, residual, weight, slope, moved, z, i, b)
            for b in range(grouped, last):
                for row in range(i, i + 4):
                    one_by_one(rows, change, residual, weight, slope, moved, row, b)
        for row in range(whole, m):
            for b in range(first, last):
                one_by_one(rows, change, residual, weight, slope, moved, row, b)


def one_by_one(rows, change, residual, weight, slope, moved, i, b):
    a, x, g, s = rows[i], change[b], slope[b], np.float32(0)
    for j in range(a.size):
        s += a[j] * x[j]
    residual[b, i] += s
    moved[b] += s * s
    z = np.float32(weight * residual[b, i])
    for j in range(a.size):
        g[j] += z * a[j]


def four_by_four(rows, change, residual, weight, slope, moved, z, i, b):
    a0, a1, a2, a3 = rows[i], rows[i + 1], rows[i + 2], rows[i + 3]
    v0, v1, v2, v3 = change[b], change[b + 1], change[b + 2], change[b + 3]
    s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = np.float32(0)
    s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = np.float32(0)
    for j in range(a0.size):
        e0, e1, e2, e3 = a0[j], a1[j], a2[j], a3[j]
        x0, x1, x2, x3 = v0[j], v1[j], v2[j], v3[j]
        s00 += e0 * x0
        s01 += e0 * x1
        s02 += e0 * x2
        s03 += e0 * x3
        s10 += e1 * x0
        s11 += e1 * x1
        s12 += e1 * x2
        s13 += e1 * x3
        s20 += e2 * x0
        s21 += e2 * x1
        s22 += e2 * x2
        s23 += e2 * x3
        s30 += e3 * x0
        s31 += e3 * x1
        s32 += e3 * x2
        s33 += e3 * x3
    z[0, 0], z[0, 1], z[0, 2], z[0, 3] = s00, s01, s02, s03
    z[1, 0], z[1, 1], z[1, 2], z[1, 3] = s10, s11, s12, s13
    z[2, 0], z[2, 1], z[2, 2], z[2, 3] = s20, s21, s22, s23
    z[3, 0], z[3, 1], z[3, 2], z[3, 3] = s30, s31, s32, s33
    for row in range(4):
        for t in range(4):
            s = z[row, t]
            moved[b + t] += s * s
            residual[b + t, i + row] += s
            z[row, t] = weight * residual[b + t, i + row]
    g0, g1, g2, g3 = slope[b], slope[b + 1], slope[b + 2], slope[b + 3]
    z00, z01, z02, z03 = z[0, 0], z[0, 1], z[0, 2], z[0, 3]
    z10, z11, z12, z13 = z[1, 0], z[1, 1], z[1, 2], z[1, 3]
    z20, z21, z22, z23 = z[2, 0], z[2, 1], z[2, 2], z[2, 3]
    z30, z31, z32, z33 = z[3, 0], z[3, 1], z[3, 2], z[3, 3]
    for j in range(a0.size):
        e0, e1, e2, e3 = a0[j], a1[j], a2[j], a3[j]
        g0[j] += z00 * e0 + z10 * e1 + z20 * e2 + z30 * e3
        g1[j] += z01 * e0 + z11 * e1 + z21 * e2 + z31 * e3
        g2[j] += z02 * e0 + z12 * e1 + z22 * e2 + z32 * e3
        g3[j] += z03 * e0 + z13 * e1 + z23 * e2 + z33 * e3
