"""Descent on dense measurements as one compiled loop: no dispatch and no allocation between iterations.

Trajectories that share an ensemble run all their iterations before those of the next ensemble begin, so that the
entries of one ensemble alone have to fit the cache.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from lowrank_core.kernels import dense_cpu, norm_cpu
from lowrank_core.kernels.dense_cpu import fused, pack, pull
from lowrank_core.kernels.dense_line_cpu import products
from lowrank_core.kernels.jit import callees, jit
from lowrank_core.kernels.norm_cpu import embed, norm_of_symmetric, room
from lowrank_core.loss import Loss
from lowrank_core.steps import Look

POLISHES = 2


def pays(entries: torch.Tensor) -> bool:
    """Whether the loop, with one thread for each ensemble, leaves none idle that a single step would use."""
    threads = torch.get_num_threads()
    return entries.shape[0] >= threads or entries.nbytes < dense_cpu.SMALLEST_SPLIT


def descend(
    left: torch.Tensor,
    right: torch.Tensor | None,
    entries: torch.Tensor,
    y: torch.Tensor,
    repeats: int,
    weight: float,
    packed: bool,
    eta: torch.Tensor,
    look: Look,
    loss: Loss,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The factors after T iterations of (sub)gradient descent.

    Args:
        left: X or F, (B, n1, k).
        right: G, (B, n2, k), or None.
        entries: A, (E, m, q), stored as for `dense_cpu.slope`; ensemble e serves the trajectories e·repeats …
            (e + 1)·repeats − 1.
        y: (B, m).
        packed: whether the entries are packed coordinates of symmetric matrices.
        eta: η_t, (T, B), to be multiplied with what the rule looks at.
    """
    kernel, steps = _compiled(steepest, 1, entries.dtype), eta.contiguous().numpy()
    f, g = _both(left, right)
    fixed = dense_cpu.numbers(entries), y.contiguous().numpy(), repeats, weight, packed, right is None
    _each(
        entries, lambda ensemble: kernel(ensemble, *fixed, steps, *look, loss == "l1", f.numpy(), g.numpy())
    )
    return f, None if right is None else g


def conjugate(
    left: torch.Tensor,
    right: torch.Tensor | None,
    entries: torch.Tensor,
    y: torch.Tensor,
    repeats: int,
    weight: float,
    packed: bool,
    gradient: torch.Tensor,
    direction: torch.Tensor,
    steps: int,
) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor, torch.Tensor]:
    """The factors, the gradient and the direction after `steps` iterations of `methods.ConjugateGradient`.

    Args:
        gradient, direction: those of the iteration before, (B, n1 + n2, k), F over G; the rest is as for `descend`.
    """
    kernel = _compiled(conjugates, 3, entries.dtype)
    sides = [left.shape[1], gradient.shape[1] - left.shape[1]]
    pairs = [_both(left, right), _both(*gradient.split(sides, dim=1)), _both(*direction.split(sides, dim=1))]
    fixed = dense_cpu.numbers(entries), y.contiguous().numpy(), repeats, weight, packed, right is None
    moving = [factor.numpy() for pair in pairs for factor in pair]
    _each(entries, lambda ensemble: kernel(ensemble, *fixed, steps, *moving))
    (f, g), last, way = pairs
    return f, None if right is None else g, torch.cat(last, dim=1), torch.cat(way, dim=1)


def _both(left: torch.Tensor, right: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Copies to be written on; without G, one of no rows."""
    right = left[:, :0] if right is None else right
    copies = (factor.clone(memory_format=torch.contiguous_format) for factor in (left, right))
    first, second = copies
    return first, second


def _each(entries: torch.Tensor, run: Callable[[int], None]) -> None:
    threads = min(torch.get_num_threads(), entries.shape[0])
    if threads == 1:
        for ensemble in range(entries.shape[0]):
            run(ensemble)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(run, range(entries.shape[0])))


@functools.cache
def _compiled(kernel: Callable[..., None], pairs: int, dtype: torch.dtype) -> Any:
    dense_cpu.helpers()
    norm_cpu.helpers()
    callees(products, multiply, pull_full, coordinates, pull_both, unpack, step_size, slope_norm)
    callees(turn, renew, shift, inner, first_minimum, largest_root, miss)
    stored, steps = dense_cpu.STORED[dtype], "int64"
    if kernel is steepest:
        steps = "float64[:,::1], boolean, boolean, int64, float64, boolean"
    fixed = f"int64, {stored}[:,:,::1], float64[:,::1], int64, float64, boolean, boolean, {steps}"
    return jit(kernel, f"void({fixed}{', float64[:,:,::1]' * 2 * pairs})", f"{kernel.__name__}_{stored}")


# What follows is compiled, and plain Python to everything else.
# mypy: disallow-untyped-defs=False


def steepest(
    ensemble,
    entries,
    y,
    repeats,
    weight,
    packed,
    symmetric,
    eta,
    times_loss,
    over_gradient,
    norms,
    minimum,
    absolute,
    left,
    right,
):
    first, last = ensemble * repeats, (ensemble + 1) * repeats
    rows, seen, f, g = entries[ensemble : ensemble + 1], y[first:last], left[first:last], right[first:last]
    v, slope = np.empty((repeats, rows.shape[2])), np.empty((repeats, rows.shape[2]))
    value, d_f, d_g = np.empty(repeats), np.empty(f.shape), np.empty(g.shape)
    half, norm, space = 0.5 if symmetric else 1.0, 0.0, room(f.shape[1], g.shape[1], packed)
    for t in range(eta.shape[0]):
        coordinates(f, f if symmetric else g, v, packed)
        slope[:], value[:] = 0.0, 0.0
        fused(rows, v, seen, repeats, weight, absolute, 0, rows.shape[1], value, slope)
        pull_both(slope, f, g, d_f, d_g, packed, symmetric)
        for b in range(repeats):
            squared = inner(d_f[b], d_f[b]) + inner(d_g[b], d_g[b])
            if norms > 0:
                norm = slope_norm(slope[b], f.shape[1], g.shape[1], packed, space)
            excess = half * value[b] - minimum
            size = eta[t, first + b] * step_size(times_loss, over_gradient, norms, excess, squared, norm)
            shift(f[b], -size, d_f[b])
            shift(g[b], -size, d_g[b])


def step_size(times_loss, over_gradient, norms, excess, squared, norm):
    """What `steps.Look` stands for; NaN stays, wherever it comes from."""
    size = 1.0
    if times_loss:
        size = 0.0 if excess < 0.0 else excess
    if over_gradient:
        size = size / squared if squared > 0.0 else 0.0
    for _ in range(norms):
        size = size / norm if norm > 0.0 else 0.0
    return size


def slope_norm(slope, n1, n2, packed, space):
    """The operator norm of a slope in coordinates; see `norm_cpu.room`."""
    square = space[4:]
    if packed:
        unpack(slope, square)
    else:
        embed(slope.reshape(n1, n2), square)
    return norm_of_symmetric(space)


def unpack(packed, square):
    """The symmetric matrix with these coordinates."""
    half, place = 0.5**0.5, 0
    for i in range(square.shape[0]):
        square[i, i] = packed[place]
        for j in range(i + 1, square.shape[0]):
            square[i, j] = square[j, i] = half * packed[place + j - i]
        place += square.shape[0] - i


def conjugates(
    ensemble, entries, y, repeats, weight, packed, symmetric, steps, left, right, last_f, last_g, way_f, way_g
):
    first, last = ensemble * repeats, (ensemble + 1) * repeats
    rows, seen, f, g = entries[ensemble : ensemble + 1], y[first:last], left[first:last], right[first:last]
    old_f, old_g, p, q = last_f[first:last], last_g[first:last], way_f[first:last], way_g[first:last]
    shape = (repeats, rows.shape[2])
    v, slope, tangent, bend = np.empty(shape), np.empty(shape), np.empty(shape), np.empty(shape)
    value, d_f, d_g = np.empty(repeats), np.empty(f.shape), np.empty(g.shape)
    unit_f, unit_g, squares = np.empty(f.shape), np.empty(g.shape), np.empty((3, repeats))
    half = 0.5 if symmetric else 1.0
    for _ in range(steps):
        coordinates(f, f if symmetric else g, v, packed)
        slope[:] = 0.0
        fused(rows, v, seen, repeats, weight, False, 0, rows.shape[1], value, slope)
        pull_both(slope, f, g, d_f, d_g, packed, symmetric)
        for b in range(repeats):
            turn(d_f[b], d_g[b], old_f[b], old_g[b], p[b], q[b])
            # Of length one in the search, whose quartic would underflow near zero.
            length = (inner(p[b], p[b]) + inner(q[b], q[b])) ** 0.5
            unit_f[b], unit_g[b] = 0.0, 0.0
            if length != 0.0:
                shift(unit_f[b], 1 / length, p[b])
                shift(unit_g[b], 1 / length, q[b])
        coordinates(f, unit_f if symmetric else unit_g, tangent, packed)
        coordinates(unit_f, f if symmetric else g, v, packed)
        coordinates(unit_f, unit_f if symmetric else unit_g, bend, packed)
        shift(tangent, 1.0, v)
        squares[:] = 0.0
        products(rows, tangent, bend, repeats, squares[0], squares[1], squares[2])
        for b in range(repeats):
            scale = 0.5 * half * weight
            alpha = first_minimum(
                inner(d_f[b], unit_f[b]) + inner(d_g[b], unit_g[b]),
                scale * squares[0, b] + half * inner(slope[b : b + 1], bend[b : b + 1]),
                2 * scale * squares[1, b],
                scale * squares[2, b],
            )
            shift(f[b], alpha, unit_f[b])
            shift(g[b], alpha, unit_g[b])


def turn(d_f, d_g, old_f, old_g, p, q):
    """The next direction in p and q, and the gradient where the old one was; as `methods.conjugate_gradient`."""
    squared, last = inner(d_f, d_f) + inner(d_g, d_g), inner(old_f, old_f) + inner(old_g, old_g)
    overlap = inner(d_f, old_f) + inner(d_g, old_g)
    # The comparison is written such that NaN stays: a trajectory that is lost must not stand still.
    beta = 0.0 if last == 0.0 or squared - overlap < 0.0 else (squared - overlap) / last
    if beta * (inner(d_f, p) + inner(d_g, q)) > 0.5 * squared:
        beta = 0.0
    renew(d_f, old_f, p, beta)
    renew(d_g, old_g, q, beta)


def renew(new, old, way, beta):
    for i in range(new.shape[0]):
        for a in range(new.shape[1]):
            way[i, a] = beta * way[i, a] - new[i, a]
            old[i, a] = new[i, a]


def shift(x, step, direction):
    """x ← x + step·direction."""
    for i in range(x.shape[0]):
        for a in range(x.shape[1]):
            x[i, a] += step * direction[i, a]


def inner(x, y):
    total = 0.0
    for i in range(x.shape[0]):
        for a in range(x.shape[1]):
            total += x[i, a] * y[i, a]
    return total


def first_minimum(linear, quadratic, cubic, quartic):
    """For one trajectory what `methods.conjugate_gradient.first_minimum` is for all of them."""
    if linear >= 0.0:
        return 0.0
    b, c, e = 2 * quadratic, 3 * cubic, 4 * quartic
    near, best = largest_root(b / linear, c / linear, e / linear), 0.0
    if near > 0.0:
        best = 1 / near
    if quadratic < 0.0 and e > 0.0:
        far = largest_root(c / e, b / e, linear / e)
        if far > 0.0 and (best == 0.0 or miss(far, linear, b, c, e) < miss(best, linear, b, c, e)):
            best = far
    return best


def miss(x, d, b, c, e):
    """How far the derivative is from zero, next to its terms."""
    return abs(((e * x + c) * x + b) * x + d) / (((e * x + abs(c)) * x + abs(b)) * x + abs(d))


def largest_root(b, c, e):
    size = max(abs(b), max(abs(c) ** 0.5, abs(e) ** (1 / 3)))
    if size == 0.0:
        return 0.0
    b, c, e = b / size, c / size**2, e / size**3
    p, q = c - b**2 / 3, 2 * b**3 / 27 - b * c / 3 + e
    discriminant = q**2 / 4 + p**3 / 27
    if discriminant > 0.0:
        outer = (abs(q) / 2 + discriminant**0.5) ** (1 / 3)
        outer = -outer if q > 0.0 else outer
        x = outer - (p / (3 * outer) if outer != 0.0 else 0.0)
    else:
        radius = max(-p / 3, 0.0) ** 0.5
        cosine = -q / (2 * radius**3) if radius > 0.0 else 1.0
        x = 2 * radius * np.cos(np.arccos(min(max(cosine, -1.0), 1.0)) / 3)
    x -= b / 3
    for _ in range(POLISHES):
        rise = (3 * x + 2 * b) * x + c
        if rise > 0.0:
            x -= (((x + b) * x + c) * x + e) / rise
    return size * x


def coordinates(f, g, out, packed):
    """out ← FGᵀ, or the packed coordinates of its symmetric part."""
    if packed:
        pack(f, g, out)
    else:
        multiply(f, g, out)


def pull_both(slope, f, g, d_f, d_g, packed, symmetric):
    """d_f ← SG and d_g ← SᵀF, or d_f ← SX alone."""
    if not packed:
        pull_full(slope, f, g, d_f, d_g)
    elif symmetric:
        pull(slope, f, d_f)
    else:
        pull(slope, g, d_f)
        pull(slope, f, d_g)


def multiply(f, g, out):
    """out ← the entries of FGᵀ, row by row."""
    n1, n2, k = f.shape[1], g.shape[1], f.shape[2]
    columns = np.empty((k, n2))
    for b in range(f.shape[0]):
        for a in range(k):
            for j in range(n2):
                columns[a, j] = g[b, j, a]
        for i in range(n1):
            row = out[b, i * n2 : (i + 1) * n2]
            row[:] = 0.0
            for a in range(k):
                weight, column = f[b, i, a], columns[a]
                for j in range(n2):
                    row[j] += weight * column[j]


def pull_full(slope, f, g, d_f, d_g):
    """d_f ← SG and d_g ← SᵀF, S row by row in `slope`."""
    n1, n2, k = f.shape[1], g.shape[1], f.shape[2]
    columns, changes = np.empty((k, n2)), np.empty((k, n2))
    for b in range(f.shape[0]):
        for a in range(k):
            for j in range(n2):
                columns[a, j] = g[b, j, a]
        changes[:] = 0.0
        for i in range(n1):
            row = slope[b, i * n2 : (i + 1) * n2]
            for a in range(k):
                weight, column, change = f[b, i, a], columns[a], changes[a]
                total = 0.0
                for j in range(n2):
                    total += row[j] * column[j]
                    change[j] += weight * row[j]
                d_f[b, i, a] = total
        for a in range(k):
            for j in range(n2):
                d_g[b, j, a] = changes[a, j]
