"""What this machine can do at best: bytes read and arithmetic done in a second, measured, never assumed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch

SMALLEST_READ, LARGEST_READ = 2**21, 2**28
"""Bytes of the buffers that are read: data in a cache is held to the rate of that cache, the rest to memory's."""
ORDER = 1024
"""Order of the matrices that are multiplied, 2 · ORDER³ operations."""


def reading(nbytes: float) -> tuple[Callable[[], object], int]:
    """Work that reads a buffer about as large as data of `nbytes` once, and the bytes that it reads.

    Four streams with sums of their own: one running sum would wait for its additions instead of for memory.
    """
    count = reading_size(nbytes) // 8
    buffer = torch.ones(count, dtype=torch.float64)
    if find_spec("numba") is None:
        return (lambda: buffer.sum()), 8 * count
    read, array = _four_streams(), buffer.numpy()
    return (lambda: read(array)), 8 * count


def reading_size(nbytes: float) -> int:
    """Bytes of the buffer that stands for data of `nbytes`."""
    return int(min(max(nbytes, SMALLEST_READ), LARGEST_READ)) // 32 * 32


def multiplying(dtype: torch.dtype) -> tuple[Callable[[], object], int]:
    """Work that multiplies two matrices of order `ORDER`, and its operations."""
    left, out = torch.ones(2, ORDER, ORDER, dtype=dtype)
    return (lambda: torch.mm(left, left, out=out)), 2 * ORDER**3


@functools.cache
def _four_streams() -> Any:
    import numba

    @numba.njit("float64(float64[::1])", fastmath={"reassoc", "contract", "nsz"})
    def read(x):  # type: ignore[no-untyped-def]
        a = b = c = d = 0.0
        quarter = x.size // 4
        for i in range(quarter):
            a += x[i]
            b += x[quarter + i]
            c += x[2 * quarter + i]
            d += x[3 * quarter + i]
        return a + b + c + d

    return read
