"""How far dense measurements go along a line: one pass over the entries for both of its coefficients."""

from __future__ import annotations

import functools
from typing import Any

import torch

from lowrank_core.kernels import dense_cpu
from lowrank_core.kernels.dense_cpu import wide
from lowrank_core.kernels.jit import jit


def along(
    entries: torch.Tensor, tangent: torch.Tensor, bend: torch.Tensor, repeats: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """‖Au‖², ⟨Au, Av⟩ and ‖Av‖², each (B,).

    Args:
        entries: A, (E, m, q), stored as for `dense_cpu.slope`; ensemble e serves the trajectories e·repeats …
            (e + 1)·repeats − 1.
        tangent, bend: u and v, (B, q).
    """
    out = torch.zeros(3, tangent.shape[0], dtype=torch.float64)
    _compiled(entries.dtype)(
        dense_cpu.numbers(entries),
        tangent.contiguous().numpy(),
        bend.contiguous().numpy(),
        repeats,
        *(row.numpy() for row in out),
    )
    return out[0], out[1], out[2]


@functools.cache
def _compiled(dtype: torch.dtype) -> Any:
    dense_cpu.helpers()
    stored, row = dense_cpu.STORED[dtype], "float64[::1]"
    return jit(
        products,
        f"void({stored}[:,:,::1], float64[:,::1], float64[:,::1], int64, {row}, {row}, {row})",
        f"line_{stored}",
    )


# What follows is compiled, and plain Python to everything else.
# mypy: disallow-untyped-defs=False


def products(entries, tangent, bend, repeats, first, mixed, second):
    ensembles, m, q = entries.shape
    for e in range(ensembles):
        rows = entries[e]
        for i in range(0, m - m % 4, 4):
            a0, a1, a2, a3 = rows[i], rows[i + 1], rows[i + 2], rows[i + 3]
            for b in range(e * repeats, (e + 1) * repeats):
                u, v = tangent[b], bend[b]
                s0 = s1 = s2 = s3 = t0 = t1 = t2 = t3 = 0.0
                for j in range(q):
                    e0, e1, e2, e3 = wide(a0[j]), wide(a1[j]), wide(a2[j]), wide(a3[j])
                    s0 += e0 * u[j]
                    s1 += e1 * u[j]
                    s2 += e2 * u[j]
                    s3 += e3 * u[j]
                    t0 += e0 * v[j]
                    t1 += e1 * v[j]
                    t2 += e2 * v[j]
                    t3 += e3 * v[j]
                first[b] += s0 * s0 + s1 * s1 + s2 * s2 + s3 * s3
                mixed[b] += s0 * t0 + s1 * t1 + s2 * t2 + s3 * t3
                second[b] += t0 * t0 + t1 * t1 + t2 * t2 + t3 * t3
        for i in range(m - m % 4, m):
            for b in range(e * repeats, (e + 1) * repeats):
                s = t = 0.0
                for j in range(q):
                    s += wide(rows[i, j]) * tangent[b, j]
                    t += wide(rows[i, j]) * bend[b, j]
                first[b] += s * s
                mixed[b] += s * t
                second[b] += t * t
