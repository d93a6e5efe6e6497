"""Fused gradient of dense measurements on CUDA: every stored entry is read once from the device's memory.

Each program takes a share of the rows, a few at a time. It walks along them for the residuals and once more for
the gradient, while they are still in a cache, and adds to a gradient of its own; the shares are summed in a fixed
order afterwards. Nothing is added by several programs at once, so that a result does not change from run to run.

What is known of this kernel: Triton's interpreter runs it against the sums it stands for, and it compiles for
compute capability 9.0 with at most 8 bytes of registers spilled. It has not run on a device yet, and its speed is
not known; `FEWEST_PRODUCT` and the sizes of the tiles are arithmetic on paper.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import torch

from lowrank_core.loss import Loss

if TYPE_CHECKING:
    import triton.language as tl

FEWEST_PRODUCT = 8
"""From as many trajectories to an ensemble on, a matrix product is left to do the work."""
MOST_ROWS = 4
MOST_RUNS = 4
TILE = 4096
"""Products that a program holds at a time."""
WARPS = 8


def slope(
    entries: torch.Tensor, coordinates: torch.Tensor, y: torch.Tensor, repeats: int, weight: float, loss: Loss
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of the residuals A v − y and the slopes Aᵀz, z its derivative at the residual, one pass over A.

    Args:
        entries: A, (E, m, q), float64, float32 or bfloat16; ensemble e serves the trajectories e·repeats …
            (e + 1)·repeats − 1.
        coordinates: v, (B, q), B = E·repeats, float64 or float32; every sum is in this dtype.
        y: (B, m), in the dtype of v.

    Returns:
        (loss (B,), slope (B, q)).
    """
    entries, v, y = entries.contiguous(), coordinates.contiguous(), y.contiguous()
    ensembles, m, q = entries.shape
    processors, cache = _machine(v.device)
    runs = min(_power(repeats), MOST_RUNS)
    rows = min(_power(m), MOST_ROWS)
    shares = max(1, min(processors // ensembles, -(-m // rows)))
    while rows > 1 and 2 * shares * ensembles * rows * q * entries.itemsize > cache:
        rows //= 2
    values, slopes = v.new_zeros(shares, v.shape[0]), v.new_zeros(shares, *v.shape)
    with torch.cuda.device_of(v):
        _fused()[shares, ensembles](
            *(entries, v, y, values, slopes, m, q, repeats),
            ABSOLUTE=loss == "l1",
            ROWS=rows,
            RUNS=runs,
            BLOCK=min(_power(q), TILE // (rows * runs)),
            num_warps=WARPS,
            enable_fp_fusion=True,
        )
    # The weight enters here, since Triton would round a Python float to float32.
    half = weight if loss == "l1" else 0.5 * weight
    return half * values.sum(dim=0), weight * slopes.sum(dim=0)


def _power(count: int) -> int:
    """The smallest power of two that is not below `count`."""
    return 1 << (count - 1).bit_length()


def _machine(device: torch.device) -> tuple[int, int]:
    """Processors and bytes of the shared cache; without a device, which is in the interpreter, a toy of either."""
    if device.type == "cpu":
        return 3, 2**12
    properties = torch.cuda.get_device_properties(device)
    return properties.multi_processor_count, properties.L2_cache_size


@functools.cache
def _fused() -> Any:
    global tl
    import triton
    import triton.language as tl

    return triton.jit(fused)


# What follows is compiled.
# mypy: disallow-untyped-defs=False


def fused(
    entries,
    v,
    y,
    values,
    slopes,
    m,
    q,
    repeats,
    ABSOLUTE: tl.constexpr,
    ROWS: tl.constexpr,
    RUNS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    share, ensemble = tl.program_id(0), tl.program_id(1)
    shares, batch = tl.num_programs(0), tl.num_programs(1) * repeats
    # Rows, trajectories and columns are the three axes of everything. Offsets pass 2³¹ for large ensembles.
    columns = tl.arange(0, BLOCK)[None, None, :]
    for begin in range(share * ROWS, m, shares * ROWS):
        row = (begin + tl.arange(0, ROWS))[:, None, None]
        a_rows = entries + (ensemble.to(tl.int64) * m + row) * q
        for first in range(0, repeats, RUNS):
            own = (first + tl.arange(0, RUNS))[None, :, None]
            run = (ensemble * repeats + own).to(tl.int64)
            there = (row < m) & (own < repeats)
            products = tl.zeros((ROWS, RUNS, BLOCK), v.dtype.element_ty)
            for start in range(0, q, BLOCK):
                j = start + columns
                a = tl.load(a_rows + j, mask=(row < m) & (j < q), other=0.0).to(v.dtype.element_ty)
                products += a * tl.load(v + run * q + j, mask=(own < repeats) & (j < q), other=0.0)
            seen = tl.sum(products, axis=2, keep_dims=True)
            z = seen - tl.load(y + run * m + row, mask=there, other=0.0)
            at = values + share * batch + run
            loss = tl.sum(tl.abs(z) if ABSOLUTE else z * z, axis=0, keep_dims=True)
            tl.store(at, tl.load(at, mask=own < repeats) + loss, mask=own < repeats)
            if ABSOLUTE:
                # NaN stays: a diverged trajectory must not stand still.
                z = tl.where(z > 0, 1.0, tl.where(z < 0, -1.0, z))
            for start in range(0, q, BLOCK):
                j = start + columns
                mask = (own < repeats) & (j < q)
                a = tl.load(a_rows + j, mask=(row < m) & (j < q), other=0.0).to(v.dtype.element_ty)
                at_slope = slopes + (share * batch + run) * q + j
                added = tl.sum(z * a, axis=0, keep_dims=True)
                tl.store(at_slope, tl.load(at_slope, mask=mask) + added, mask=mask)
            # What one thread has stored, another one may load next.
            tl.debug_barrier()
