"""Named random streams, drawn on the CPU: the same numbers for any batch, order, dtype or device.

A stream is keyed by (seed, name) through SHA-256, so "sensing" and "start" of one seed are independent, and
drawing one never shifts the other. Within a batch every seed has a stream of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch

from lowrank_core import inputs
from lowrank_core.errors import ArgumentError, require

Draw = Callable[[np.random.Generator, Sequence[int]], np.ndarray]


def stream(seed: int, name: str) -> np.random.Generator:
    """The random generator (Philox, 128-bit key) of one seed and one name.

    Raises:
        ArgumentError: `seed` is negative or no integer, or `name` is empty.
    """
    seed = inputs.seed("seed", seed)
    name = inputs.text("name", name, 'a stream needs a name that says what is drawn, e.g. "sensing"')
    key = hashlib.sha256(f"{seed}/{name}".encode()).digest()[:16]
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key, "little")))


def draw(
    seeds: Iterable[int],
    name: str,
    shape: Sequence[int],
    law: Draw,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str = "cpu",
) -> torch.Tensor:
    """One draw of `law` per seed, stacked: (B, *shape). Drawn in float64, then cast and moved."""

    def fill(rng: np.random.Generator, part: np.ndarray) -> None:
        part[0] = law(rng, tuple(shape))

    return _stacked(seeds, name, shape, fill).to(dtype=dtype, device=device)


def normal(
    seeds: Iterable[int],
    name: str,
    *shape: int,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str = "cpu",
) -> torch.Tensor:
    """Independent N(0, 1) entries: (B, *shape), one named stream per seed."""

    def fill(rng: np.random.Generator, part: np.ndarray) -> None:
        rng.standard_normal(out=part)

    return _stacked(seeds, name, shape, fill).to(dtype=dtype, device=device)


def orthonormal(
    seeds: Iterable[int],
    name: str,
    n: int,
    r: int,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str = "cpu",
) -> torch.Tensor:
    """Haar-distributed orthonormal columns: (B, n, r).

    Raises:
        ArgumentError: n or r below one, r above n.
    """
    n, r = inputs.whole("n", n, 1), inputs.whole("r", r, 1)
    require(r <= n, "r", r, f"there are at most {n} orthonormal columns of length {n}", f"use r <= {n}")
    # The signs of R make the QR factor Haar; without them the law depends on the LAPACK at hand.
    q, upper = torch.linalg.qr(normal(seeds, name, n, r))
    signs = torch.sgn(torch.diagonal(upper, dim1=-2, dim2=-1))
    return (q * signs[:, None, :]).to(dtype=dtype, device=device)


def _stacked(
    seeds: Iterable[int],
    name: str,
    shape: Sequence[int],
    fill: Callable[[np.random.Generator, np.ndarray], None],
) -> torch.Tensor:
    """(B, *shape) in float64, each part (1, *shape) filled where it lies: ensembles are large, and copies slow."""
    chosen = inputs.seeds("seeds", seeds)
    shape = [inputs.whole("shape", side, 0) for side in shape]
    try:
        samples = np.empty((len(chosen), *shape))
    except (MemoryError, ValueError):
        raise ArgumentError(
            "shape",
            (len(chosen), *shape),
            "numbers so many do not fit into this machine's memory",
            "use fewer seeds, measurements or rows",
        ) from None
    for i, seed in enumerate(chosen):
        fill(stream(seed, name), samples[i : i + 1])
    return torch.from_numpy(samples)
