"""Gradient descent on the population loss as one compiled loop, all of it in the nearest cache.

With M* diagonal in the coordinates of the run, the step X ← X − η(XXᵀ − M*)X needs XᵀX only, a k × k matrix, and
that of a pair, F ← F − η(FGᵀ − M*)G, needs FᵀF and GᵀG. Each instruction serves a group of trajectories
(`kernels.lanes`), and what happens to one of them does not depend, not by a single bit, on the others.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch.nn.functional import pad

from lowrank_core.kernels import lanes
from lowrank_core.kernels.jit import jit

WIDEST_ALONE = 32


def pays(batch: int, k: int) -> bool:
    """Whether the loop beats library products: always, but for few trajectories of many columns.

    Then most entries of each vector are idle, and the products are large enough for a library to do them well.
    """
    return batch >= 4 or k <= WIDEST_ALONE


def descend(
    left: torch.Tensor, right: torch.Tensor | None, spectrum: torch.Tensor, eta: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The factors after T iterations of gradient descent on the ℓ2 population loss.

    Args:
        left: X or F, (B, n1, k).
        right: G, (B, n2, k), or None.
        spectrum: the diagonal of M*, (B, min(n1, n2)).
        eta: η_t, (T, B).
    """
    alone, together = _compiled()
    # Rows of zeros stay zero, so the shorter factor may have as many rows as the longer one.
    rows = max(factor.shape[1] for factor in (left, right) if factor is not None)
    x = _iterates(left, rows)
    y = x if right is None else _iterates(right, rows)
    gram = torch.empty(2, *x.shape[3:4], *x.shape[3:], dtype=x.dtype)
    arrays = x, y, gram[0], gram[1], _grouped(pad(spectrum, (0, rows - spectrum.shape[1]))), _grouped(eta.T)
    (alone if right is None else together)(*(array.numpy() for array in arrays))
    steps = eta.shape[0]
    return _last(x, steps, left), None if right is None else _last(y, steps, right)


def _grouped(values: torch.Tensor) -> torch.Tensor:
    """(B, ...) -> (groups, ..., lanes), the last group filled up with zeros, which stand still."""
    filled = torch.cat([values, values.new_zeros(-values.shape[0] % lanes.length(), *values.shape[1:])])
    return filled.unflatten(0, (-1, lanes.length())).movedim(1, -1).contiguous()


def _iterates(factor: torch.Tensor, rows: int) -> torch.Tensor:
    """(B, n, k) -> (groups, 2, rows, k, lanes), with room for the iterate that comes next."""
    grouped = _grouped(pad(factor, (0, 0, 0, rows - factor.shape[1])))
    return torch.stack([grouped, grouped], dim=1)


def _last(iterates: torch.Tensor, steps: int, like: torch.Tensor) -> torch.Tensor:
    flat = iterates[:, steps % 2].movedim(-1, 1).flatten(0, 1)
    return flat[: like.shape[0], : like.shape[1]].contiguous()


@functools.cache
def _compiled() -> tuple[Any, Any]:
    lanes.teach()
    iterates, other = "float64[:,:,:,:,::1]", "float64[:,:,::1]"
    signature = f"void({iterates}, {iterates}, {other}, {other}, {other}, {other})"
    return jit(symmetric, signature, "symmetric_population"), jit(pair, signature, "pair_population")


def symmetric(x, y, gram, unused, spectrum, eta):  # type: ignore[no-untyped-def]
    for group in range(x.shape[0]):
        for t in range(eta.shape[1]):
            lanes.gram_of(gram, x, group, t)
            lanes.step_of(gram, x, x, spectrum, eta, group, t)


def pair(x, y, gram_x, gram_y, spectrum, eta):  # type: ignore[no-untyped-def]
    for group in range(x.shape[0]):
        for t in range(eta.shape[1]):
            lanes.gram_of(gram_x, x, group, t)
            lanes.gram_of(gram_y, y, group, t)
            lanes.step_of(gram_y, x, y, spectrum, eta, group, t)
            lanes.step_of(gram_x, y, x, spectrum, eta, group, t)
