"""Gradient descent on the population loss as one kernel on CUDA: a program for each trajectory, for all iterations.

With M* diagonal in the coordinates of the run, the step X ← X − η(XXᵀ − M*)X needs XᵀX only, and that of a pair,
F ← F − η(FGᵀ − M*)G, needs FᵀF and GᵀG. The state stays in the program's registers from the first iteration to the
last, and what happens to a trajectory does not depend, not by a single bit, on the others.

What is known of this kernel: Triton's interpreter runs it against the steps it stands for, and it compiles for
compute capability 9.0 without a spilled register. It has not run on a device yet, and its speed is not known.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import pad

if TYPE_CHECKING:
    import triton.language as tl

MOST_ROWS = 256
LARGEST = 2**13
"""Products n·k·k of one step, sizes rounded up to powers of two, that a program can hold."""


def pays(n: int, k: int) -> bool:
    """Whether the state of a trajectory, with at most n rows, and its products fit into one program."""
    return n <= MOST_ROWS and _power(n) * _power(k) ** 2 <= LARGEST


def warps(rows: int, columns: int) -> int:
    """Groups of 32 threads that share the products of one step, sizes being powers of two."""
    return max(1, min(8, rows * columns**2 // 256))


def descend(
    left: torch.Tensor, right: torch.Tensor | None, spectrum: torch.Tensor, eta: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The factors after T iterations of gradient descent on the ℓ2 population loss.

    Args:
        left: X or F, (B, n1, k), float64 or float32, and so are the others.
        right: G, (B, n2, k), or None.
        spectrum: the diagonal of M*, (B, min(n1, n2)).
        eta: η_t, (T, B).
    """
    # Rows of zeros stay zero, so the shorter factor may have as many rows as the longer one.
    rows = max(factor.shape[1] for factor in (left, right) if factor is not None)
    batch, _, k = left.shape
    x = _filled(left, rows)
    y = x if right is None else _filled(right, rows)
    diagonal = pad(spectrum, (0, rows - spectrum.shape[1])).contiguous()
    sizes = _power(rows), _power(k)
    with torch.cuda.device_of(left):
        _loop()[batch,](
            *(x, y, diagonal, eta.contiguous(), rows, k, eta.shape[0], batch),
            PAIR=right is not None,
            ROWS=sizes[0],
            COLUMNS=sizes[1],
            num_warps=warps(*sizes),
            enable_fp_fusion=True,
        )
    return x[:, : left.shape[1]], None if right is None else y[:, : right.shape[1]]


def _filled(factor: torch.Tensor, rows: int) -> torch.Tensor:
    """A copy with rows of zeros below, for the kernel to overwrite."""
    return torch.cat([factor, factor.new_zeros(len(factor), rows - factor.shape[1], factor.shape[2])], dim=1)


def _power(count: int) -> int:
    """The smallest power of two that is not below `count`."""
    return 1 << (count - 1).bit_length()


@functools.cache
def _loop() -> Any:
    global tl
    import triton
    import triton.language as tl

    return triton.jit(loop)


# What follows is compiled.
# mypy: disallow-untyped-defs=False


def loop(
    left,
    right,
    spectrum,
    eta,
    n,
    k,
    steps,
    batch,
    PAIR: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    run = tl.program_id(0).to(tl.int64)
    row, column = tl.arange(0, ROWS)[:, None], tl.arange(0, COLUMNS)[None, :]
    there = (row < n) & (column < k)
    place = (run * n + row) * k + column
    f = tl.load(left + place, mask=there, other=0.0)
    d = tl.load(spectrum + run * n + row, mask=row < n, other=0.0)
    if PAIR:
        g = tl.load(right + place, mask=there, other=0.0)
        for t in range(steps):
            step = tl.load(eta + t * batch + run)
            ff = tl.sum(f[:, :, None] * f[:, None, :], axis=0)
            gg = tl.sum(g[:, :, None] * g[:, None, :], axis=0)
            # Gram matrices are symmetric: their rows serve as columns.
            moved = tl.sum(f[:, None, :] * gg[None, :, :], axis=2) - d * g
            g -= step * (tl.sum(g[:, None, :] * ff[None, :, :], axis=2) - d * f)
            f -= step * moved
        tl.store(right + place, g, mask=there)
    else:
        for t in range(steps):
            step = tl.load(eta + t * batch + run)
            ff = tl.sum(f[:, :, None] * f[:, None, :], axis=0)
            f -= step * (tl.sum(f[:, None, :] * ff[None, :, :], axis=2) - d * f)
    tl.store(left + place, f, mask=there)
