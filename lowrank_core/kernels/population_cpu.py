"""Gradient descent on the population loss as one compiled loop, all seeds of a group in step.

With M* diagonal in the coordinates of the run, the step X ← X − η(XXᵀ − M*)X needs XᵀX only, a k × k matrix, and that
of a pair, F ← F − η(FGᵀ − M*)G, needs FᵀF and GᵀG. The seeds of a group are neighbours in memory, so that one
instruction serves several of them, and the state of a group stays in the cache for all iterations.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch

LARGEST_GROUP = 64
"""Seeds that run in step: more of them would leave the second-level cache, fewer leave instructions half empty."""


def descend(
    left: torch.Tensor, right: torch.Tensor | None, spectrum: torch.Tensor, eta: torch.Tensor, steps: int
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The factors after `steps` iterations of gradient descent on the ℓ2 population loss.

    Args:
        left: X or F, (B, n1, k).
        right: G, (B, n2, k), or None.
        spectrum: the diagonal of M*, (B, min(n1, n2)).
        eta: η, (B,).
    """
    symmetric, pair = _compiled()
    results = []
    for begin in range(0, left.shape[0], LARGEST_GROUP):
        group = slice(begin, begin + LARGEST_GROUP)
        x, s, e = (_lanes(values[group]) for values in (left, spectrum, eta))
        y = x if right is None else _lanes(right[group])
        if right is None:
            symmetric(x, s, e, steps)
        else:
            pair(x, y, s, e, steps)
        results.append((x, y))
    first, second = (
        torch.cat([torch.from_numpy(each).movedim(-1, 0) for each in side])
        for side in zip(*results, strict=True)
    )
    return first.contiguous(), None if right is None else second.contiguous()


def _lanes(values: torch.Tensor) -> Any:
    return values.movedim(0, -1).contiguous().numpy()


@functools.cache
def _compiled() -> tuple[Callable[..., Any], Callable[..., Any]]:
    import numba
    import numpy as np

    options = {"fastmath": {"contract", "nsz", "reassoc"}, "boundscheck": False, "nogil": True, "cache": True}

    @numba.njit(**options)
    def gram_of(x, gram):  # type: ignore[no-untyped-def]
        """XᵀX of every lane; four rows at a time, because each look at the sum costs as much as a product."""
        n, k, lanes = x.shape
        for a in range(k):
            for b in range(a, k):
                g = gram[a, b]
                g[:] = 0.0
                for i in range(0, n - n % 4, 4):
                    p0, p1, p2, p3 = x[i, a], x[i + 1, a], x[i + 2, a], x[i + 3, a]
                    q0, q1, q2, q3 = x[i, b], x[i + 1, b], x[i + 2, b], x[i + 3, b]
                    for s in range(lanes):
                        g[s] += p0[s] * q0[s] + p1[s] * q1[s] + p2[s] * q2[s] + p3[s] * q3[s]
                for i in range(n - n % 4, n):
                    p0, q0 = x[i, a], x[i, b]
                    for s in range(lanes):
                        g[s] += p0[s] * q0[s]
        for a in range(k):
            for b in range(a):
                gram[a, b] = gram[b, a]

    @numba.njit(**options)
    def change_of(row, x, gram):  # type: ignore[no-untyped-def]
        """row ← row − x·gram for one row x of the factor."""
        k, lanes = x.shape
        for a in range(k):
            r = row[a]
            for b in range(0, k - k % 4, 4):
                p0, p1, p2, p3 = x[b], x[b + 1], x[b + 2], x[b + 3]
                g0, g1, g2, g3 = gram[a, b], gram[a, b + 1], gram[a, b + 2], gram[a, b + 3]
                for s in range(lanes):
                    r[s] -= p0[s] * g0[s] + p1[s] * g1[s] + p2[s] * g2[s] + p3[s] * g3[s]
            for b in range(k - k % 4, k):
                p0, g0 = x[b], gram[a, b]
                for s in range(lanes):
                    r[s] -= p0[s] * g0[s]

    @numba.njit(**options)
    def pulled(row, other, spectrum, i):  # type: ignore[no-untyped-def]
        """row ← σᵢ·(row i of the other factor), zero beyond the diagonal."""
        k, lanes = row.shape
        if i >= spectrum.shape[0]:
            row[:] = 0.0
            return
        weight = spectrum[i]
        for a in range(k):
            for s in range(lanes):
                row[a, s] = weight[s] * other[i, a, s]

    @numba.njit(**options)
    def moved(x, row, eta):  # type: ignore[no-untyped-def]
        k, lanes = x.shape
        for a in range(k):
            for s in range(lanes):
                x[a, s] += eta[s] * row[a, s]

    @numba.njit(**options)
    def symmetric(x, spectrum, eta, steps):  # type: ignore[no-untyped-def]
        n, k, lanes = x.shape
        gram, row = np.empty((k, k, lanes)), np.empty((k, lanes))
        for _ in range(steps):
            gram_of(x, gram)
            for i in range(n):
                pulled(row, x, spectrum, i)
                change_of(row, x[i], gram)
                moved(x[i], row, eta)

    @numba.njit(**options)
    def pair(x, y, spectrum, eta, steps):  # type: ignore[no-untyped-def]
        n1, k, lanes = x.shape
        n2 = y.shape[0]
        gram_x, gram_y = np.empty((k, k, lanes)), np.empty((k, k, lanes))
        row_x, row_y = np.empty((k, lanes)), np.empty((k, lanes))
        for _ in range(steps):
            gram_of(x, gram_x)
            gram_of(y, gram_y)
            # Row i of each factor sees row i of the other, as it was before the step.
            for i in range(max(n1, n2)):
                if i < n1:
                    pulled(row_x, y, spectrum, i)
                    change_of(row_x, x[i], gram_y)
                if i < n2:
                    pulled(row_y, x, spectrum, i)
                    change_of(row_y, y[i], gram_x)
                    moved(y[i], row_y, eta)
                if i < n1:
                    moved(x[i], row_x, eta)

    return symmetric, pair
