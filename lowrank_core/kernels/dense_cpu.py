"""Fused gradient of dense measurements on the CPU: every stored entry is read once.

The residual of a measurement needs its whole row, and the gradient needs the row again, weighted by that residual.
Four rows at a time stay in the nearest cache between the two uses, so the entries stream through memory once
instead of twice, and all trajectories that share an ensemble use the rows while they are there. Where few of them
do, memory would idle during the second use, so rows of middle length come six at a time, and the next six are
fetched meanwhile. Entries may be stored in less precision; every sum is in float64.
"""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from lowrank_core.kernels import prefetch
from lowrank_core.kernels.jit import callees, jit
from lowrank_core.kernels.prefetch import fetch
from lowrank_core.loss import Loss

SMALLEST_SPLIT = 2**24
"""Bytes of entries from which on their rows are split over threads: below, starting a thread costs too much."""

SHORT_ROW, SHORT_PULL = 16, 8
"""Orders of a matrix up to which its rows are too short for loops along them, in packing and in its product."""
SHORTEST_FETCHED, LONGEST_FETCHED = 2048, 2**14
"""Float64 entries of the rows that are fetched before they are read: shorter rows come from a cache anyway, and of
longer ones a second cache of 1 MiB does not hold six, v and the slope."""
LINE, STRIP = 8, 64
"""Float64 entries in a line of the caches, and those of a row that are fetched in one go."""

STORED = {torch.float64: "float64", torch.float32: "float32", torch.bfloat16: "uint16"}


def slope(
    entries: torch.Tensor, coordinates: torch.Tensor, y: torch.Tensor, repeats: int, weight: float, loss: Loss
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of the residuals A v − y and the slopes Aᵀz, z its derivative at the residual, one pass over A.

    Args:
        entries: A, (E, m, q), float64, float32 or bfloat16; ensemble e serves the trajectories e·repeats …
            (e + 1)·repeats − 1.
        coordinates: v, (B, q), B = E·repeats.
        y: (B, m).

    Returns:
        (loss (B,), slope (B, q)).
    """
    kernel = _fused(entries.dtype)
    rows = numbers(entries)
    v, observed = coordinates.contiguous().numpy(), y.contiguous().numpy()
    m = entries.shape[1]
    threads = 1 if entries.nbytes < SMALLEST_SPLIT else min(torch.get_num_threads(), m // 4 or 1)

    def part(begin: int, end: int) -> tuple[torch.Tensor, torch.Tensor]:
        value, out = torch.zeros(v.shape[0], dtype=torch.float64), torch.zeros(v.shape, dtype=torch.float64)
        kernel(rows, v, observed, repeats, weight, loss == "l1", begin, end, value.numpy(), out.numpy())
        return value, out

    if threads == 1:
        return part(0, m)
    bounds = [4 * (m * i // (4 * threads)) for i in range(threads)] + [m]
    # Started anew each time: threads that wait would not survive a fork.
    with ThreadPoolExecutor(threads) as pool:
        values, outs = zip(*pool.map(part, bounds[:-1], bounds[1:]), strict=True)
    return sum(values[1:], values[0]), sum(outs[1:], outs[0])


def packed(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Coordinates of the symmetric part of FGᵀ: (B, n, k), (B, n, k) -> (B, n(n+1)/2)."""
    n = left.shape[1]
    out = left.new_empty(left.shape[0], n * (n + 1) // 2)
    _packed()(left.contiguous().numpy(), right.contiguous().numpy(), out.numpy())
    return out


def repacked(left: torch.Tensor, right: torch.Tensor, coordinates: torch.Tensor) -> torch.Tensor:
    """What `packed` returns, written over `coordinates`, (B, n(n+1)/2); returns the change in float32."""
    change = torch.empty(coordinates.shape, dtype=torch.float32)
    _repacked()(left.contiguous().numpy(), right.contiguous().numpy(), coordinates.numpy(), change.numpy())
    return change


def pulled(coordinates: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """The symmetric matrix of the coordinates times a factor: (B, n(n+1)/2), (B, n, k) -> (B, n, k).

    The coordinates may be float32, the sums are float64.
    """
    out = torch.empty(factor.shape, dtype=torch.float64)
    _pulled(coordinates.dtype)(coordinates.contiguous().numpy(), factor.contiguous().numpy(), out.numpy())
    return out


def numbers(entries: torch.Tensor) -> Any:
    # numpy has no bfloat16.
    entries = entries.contiguous()
    return (entries.view(torch.uint16) if entries.dtype == torch.bfloat16 else entries).numpy()


@functools.cache
def _fused(dtype: torch.dtype) -> Any:
    helpers()
    stored = STORED[dtype]
    return jit(
        fused,
        f"void({stored}[:,:,::1], float64[:,::1], float64[:,::1], int64, float64, boolean, int64, int64, "
        "float64[::1], float64[:,::1])",
        f"fused_{stored}",
    )


@functools.cache
def _packed() -> Any:
    helpers()
    return jit(pack, "void(float64[:,:,::1], float64[:,:,::1], float64[:,::1])", "pack_float64")


@functools.cache
def _repacked() -> Any:
    helpers()
    return jit(
        repack, "void(float64[:,:,::1], float64[:,:,::1], float64[:,::1], float32[:,::1])", "repack_float32"
    )


@functools.cache
def _pulled(dtype: torch.dtype) -> Any:
    helpers()
    stored = STORED[dtype]
    return jit(pull, f"void({stored}[:,::1], float64[:,:,::1], float64[:,:,::1])", f"pull_{stored}")


@functools.cache
def helpers() -> None:
    """Let compiled code call the plain functions below."""
    from numba import types
    from numba.extending import overload

    def choose(entry):
        return wide_bfloat16 if entry == types.uint16 else wide_number

    overload(wide)(choose)
    prefetch.teach()
    callees(fused, sign, fetched, one_row, four_rows, six_rows, fetch_strip, four_by_four)
    callees(pack, pack_one, pack_short, turn, pull, pull_short)


# What follows is compiled, and plain Python to everything else.
# mypy: disallow-untyped-defs=False


def wide(entry):
    """A stored entry as float64."""


def wide_number(entry):
    return float(entry)


def wide_bfloat16(entry):
    # The upper half of a float32.
    return float(np.uint32(np.uint32(entry) << np.uint32(16)).view(np.float32))


def sign(x):
    # NaN stays: a diverged trajectory must not stand still.
    return x if x != x else (1.0 if x > 0 else (-1.0 if x < 0 else 0.0))


def fused(entries, v, y, repeats, weight, absolute, begin, end, value, out):
    z = np.empty((4, 4))
    for e in range(entries.shape[0]):
        rows = entries[e]
        first, last = e * repeats, (e + 1) * repeats
        start = begin
        if repeats < 4 and fetched(rows):
            start = end - (end - begin) % 6
            for i in range(begin, start, 6):
                for b in range(first, last):
                    six_rows(rows, v, y, i, b, b == last - 1, absolute, value, out)
        whole = end - (end - start) % 4
        for i in range(start, whole, 4):
            b = first
            while b + 4 <= last:
                four_by_four(rows, v, y, i, b, absolute, value, out, z)
                b += 4
            while b < last:
                four_rows(rows, v, y, i, b, absolute, value, out)
                b += 1
        for i in range(whole, end):
            for b in range(first, last):
                one_row(rows, v, y, i, b, absolute, value, out)
    half = weight if absolute else 0.5 * weight
    for b in range(v.shape[0]):
        value[b] *= half
        for j in range(v.shape[1]):
            out[b, j] *= weight


def fetched(rows):
    # Rows that do not fill whole lines were not always faster when fetched, and those in less precision never.
    q = rows.shape[1]
    return rows.itemsize == 8 and SHORTEST_FETCHED <= q <= LONGEST_FETCHED and q % LINE == 0


def one_row(rows, v, y, i, b, absolute, value, out):
    s = 0.0
    for j in range(rows.shape[1]):
        s += wide(rows[i, j]) * v[b, j]
    r = s - y[b, i]
    value[b] += abs(r) if absolute else r * r
    if absolute:
        r = sign(r)
    for j in range(rows.shape[1]):
        out[b, j] += r * wide(rows[i, j])


def four_rows(rows, v, y, i, b, absolute, value, out):
    s0 = s1 = s2 = s3 = 0.0
    for j in range(rows.shape[1]):
        x = v[b, j]
        s0 += wide(rows[i, j]) * x
        s1 += wide(rows[i + 1, j]) * x
        s2 += wide(rows[i + 2, j]) * x
        s3 += wide(rows[i + 3, j]) * x
    r0, r1, r2, r3 = s0 - y[b, i], s1 - y[b, i + 1], s2 - y[b, i + 2], s3 - y[b, i + 3]
    if absolute:
        value[b] += abs(r0) + abs(r1) + abs(r2) + abs(r3)
        r0, r1, r2, r3 = sign(r0), sign(r1), sign(r2), sign(r3)
    else:
        value[b] += r0 * r0 + r1 * r1 + r2 * r2 + r3 * r3
    for j in range(rows.shape[1]):
        out[b, j] += (
            r0 * wide(rows[i, j])
            + r1 * wide(rows[i + 1, j])
            + r2 * wide(rows[i + 2, j])
            + r3 * wide(rows[i + 3, j])
        )


def six_rows(rows, v, y, i, b, ahead, absolute, value, out):
    """As four rows; with `ahead`, those of the next block are fetched during the second loop."""
    a0, a1, a2, a3, a4, a5 = rows[i], rows[i + 1], rows[i + 2], rows[i + 3], rows[i + 4], rows[i + 5]
    x, g = v[b], out[b]
    s0 = s1 = s2 = s3 = s4 = s5 = 0.0
    for j in range(a0.size):
        s0 += wide(a0[j]) * x[j]
        s1 += wide(a1[j]) * x[j]
        s2 += wide(a2[j]) * x[j]
        s3 += wide(a3[j]) * x[j]
        s4 += wide(a4[j]) * x[j]
        s5 += wide(a5[j]) * x[j]
    r0, r1, r2 = s0 - y[b, i], s1 - y[b, i + 1], s2 - y[b, i + 2]
    r3, r4, r5 = s3 - y[b, i + 3], s4 - y[b, i + 4], s5 - y[b, i + 5]
    if absolute:
        value[b] += abs(r0) + abs(r1) + abs(r2) + abs(r3) + abs(r4) + abs(r5)
        r0, r1, r2, r3, r4, r5 = sign(r0), sign(r1), sign(r2), sign(r3), sign(r4), sign(r5)
    else:
        value[b] += r0 * r0 + r1 * r1 + r2 * r2 + r3 * r3 + r4 * r4 + r5 * r5
    strips = a0.size - a0.size % STRIP
    for begin in range(0, strips, STRIP):
        if ahead:
            fetch_strip(a0, 6 * a0.size + begin)
        for j in range(begin, begin + STRIP):
            near = r0 * wide(a0[j]) + r1 * wide(a1[j]) + r2 * wide(a2[j])
            g[j] += near + r3 * wide(a3[j]) + r4 * wide(a4[j]) + r5 * wide(a5[j])
    for j in range(strips, a0.size):
        near = r0 * wide(a0[j]) + r1 * wide(a1[j]) + r2 * wide(a2[j])
        g[j] += near + r3 * wide(a3[j]) + r4 * wide(a4[j]) + r5 * wide(a5[j])


def fetch_strip(a, begin):
    """Fetch a strip of each of six rows, `begin` entries after the beginning of the row `a` and as long as it."""
    for row in range(6):
        for line in range(0, STRIP, LINE):
            fetch(a, begin + row * a.size + line)


def four_by_four(rows, v, y, i, b, absolute, value, out, z):
    """Four rows and four trajectories: each entry that is loaded serves four products, and so does each v."""
    s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = 0.0
    s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = 0.0
    for j in range(rows.shape[1]):
        e0, e1, e2, e3 = wide(rows[i, j]), wide(rows[i + 1, j]), wide(rows[i + 2, j]), wide(rows[i + 3, j])
        x0, x1, x2, x3 = v[b, j], v[b + 1, j], v[b + 2, j], v[b + 3, j]
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
            r = z[row, t] - y[b + t, i + row]
            value[b + t] += abs(r) if absolute else r * r
            z[row, t] = sign(r) if absolute else r
    z00, z01, z02, z03 = z[0, 0], z[0, 1], z[0, 2], z[0, 3]
    z10, z11, z12, z13 = z[1, 0], z[1, 1], z[1, 2], z[1, 3]
    z20, z21, z22, z23 = z[2, 0], z[2, 1], z[2, 2], z[2, 3]
    z30, z31, z32, z33 = z[3, 0], z[3, 1], z[3, 2], z[3, 3]
    for j in range(rows.shape[1]):
        e0, e1, e2, e3 = wide(rows[i, j]), wide(rows[i + 1, j]), wide(rows[i + 2, j]), wide(rows[i + 3, j])
        out[b, j] += z00 * e0 + z10 * e1 + z20 * e2 + z30 * e3
        out[b + 1, j] += z01 * e0 + z11 * e1 + z21 * e2 + z31 * e3
        out[b + 2, j] += z02 * e0 + z12 * e1 + z22 * e2 + z32 * e3
        out[b + 3, j] += z03 * e0 + z13 * e1 + z23 * e2 + z33 * e3


def pack(left, right, out):
    batch, n, k = left.shape
    # Loops run along whichever is longer, the rows of the factors or what is left of a row of the matrix.
    if n <= SHORT_ROW or 2 * k >= n:
        for b in range(batch):
            pack_short(left, right, b, out)
        return
    f, g = np.empty((k, n)), np.empty((k, n))
    for b in range(batch):
        turn(left[b], f)
        turn(right[b], g)
        pack_one(f, g, out[b])


def repack(left, right, out, change):
    new = np.empty((1, out.shape[1]))
    for b in range(left.shape[0]):
        pack(left[b : b + 1], right[b : b + 1], new)
        old, moved = out[b], change[b]
        for j in range(old.size):
            moved[j] = new[0, j] - old[j]
            old[j] = new[0, j]


def pull_short(coordinates, factor, b, out):
    n, k = factor.shape[1:]
    half = 0.5**0.5
    for i in range(n):
        for a in range(k):
            out[b, i, a] = 0.0
    place = 0
    for i in range(n):
        diagonal = wide(coordinates[b, place])
        place += 1
        for a in range(k):
            out[b, i, a] += diagonal * factor[b, i, a]
        for j in range(i + 1, n):
            entry = half * wide(coordinates[b, place])
            place += 1
            for a in range(k):
                out[b, i, a] += entry * factor[b, j, a]
                out[b, j, a] += entry * factor[b, i, a]


def turn(factor, turned):
    # Rows of the factor side by side, for loops that run along them.
    n, k = factor.shape
    for i in range(n):
        for a in range(k):
            turned[a, i] = factor[i, a]


def pack_one(f, g, out):
    k, n = f.shape
    half = 0.5**0.5
    begin = 0
    for i in range(n):
        row = out[begin : begin + n - i]
        diagonal = 0.0
        row[:] = 0.0
        for a in range(k):
            p, q = half * f[a, i], half * g[a, i]
            diagonal += f[a, i] * g[a, i]
            x, y = f[a, i:], g[a, i:]
            for j in range(n - i):
                row[j] += p * y[j] + q * x[j]
        row[0] = diagonal
        begin += n - i


def pack_short(left, right, b, out):
    n, k = left.shape[1:]
    half = 0.5**0.5
    place = 0
    for i in range(n):
        total = 0.0
        for a in range(k):
            total += left[b, i, a] * right[b, i, a]
        out[b, place] = total
        place += 1
        for j in range(i + 1, n):
            total = 0.0
            for a in range(k):
                total += left[b, i, a] * right[b, j, a] + right[b, i, a] * left[b, j, a]
            out[b, place] = half * total
            place += 1


def pull(coordinates, factor, out):
    batch, n, k = factor.shape
    if n <= SHORT_PULL:
        for b in range(batch):
            pull_short(coordinates, factor, b, out)
        return
    x, g = np.empty((k, n)), np.empty((k, n))
    half = 0.5**0.5
    for b in range(batch):
        turn(factor[b], x)
        g[:] = 0.0
        begin = 0
        for i in range(n):
            diagonal = wide(coordinates[b, begin])
            row = coordinates[b, begin + 1 : begin + n - i]
            for a in range(k):
                column, change = x[a, i + 1 :], g[a, i + 1 :]
                own, s = half * x[a, i], 0.0
                for j in range(n - i - 1):
                    t = wide(row[j])
                    s += t * column[j]
                    change[j] += own * t
                g[a, i] += half * s + diagonal * x[a, i]
            begin += n - i
        for i in range(n):
            for a in range(k):
                out[b, i, a] = g[a, i]
