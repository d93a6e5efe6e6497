"""Devices, dtypes and threads: an explicit choice is kept or refused, never silently downgraded."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import torch

from lowrank_core.errors import ArgumentError, require

DTYPES = {"float64": torch.float64, "float32": torch.float32}


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """The torch device that `device` names; "auto" takes CUDA where there is one and the CPU otherwise.

    Raises:
        ArgumentError: the name is unknown, or CUDA is asked for where torch sees no CUDA device.
    """
    if isinstance(device, str) and device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        # torch takes numbers, and nothing at all, for the accelerator that is current.
        if not isinstance(device, str | torch.device):
            raise TypeError
        chosen = torch.device(device)
    except (RuntimeError, TypeError):
        raise ArgumentError("device", device, "unknown device", 'use "auto", "cpu" or "cuda"') from None
    require(
        chosen.type in ("cpu", "cuda"),
        "device",
        device,
        "device not supported",
        'use "auto", "cpu" or "cuda"',
    )
    if chosen.type == "cpu":
        # Without its index: torch holds "cpu" and "cpu:0" unequal.
        return torch.device("cpu")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    require(
        (chosen.index or 0) < count,
        "device",
        str(device),
        f"this torch ({torch.__version__}) sees {count} CUDA devices",
        'use device="cpu", or "auto" to take CUDA only where it exists',
    )
    # With its index: tensors carry one, and torch holds "cuda" and "cuda:0" unequal.
    return torch.device("cuda", torch.cuda.current_device() if chosen.index is None else chosen.index)


def resolve_dtype(dtype: str | torch.dtype = "float64") -> torch.dtype:
    """The torch dtype that `dtype` names: float64 (the default everywhere) or float32.

    Raises:
        ArgumentError: any other dtype.
    """
    chosen = DTYPES.get(dtype) if isinstance(dtype, str) else dtype
    if not isinstance(chosen, torch.dtype) or chosen not in DTYPES.values():
        raise ArgumentError("dtype", dtype, "dtype not supported", 'use "float64" or "float32"')
    return chosen


def device_class(device: torch.device) -> str:
    """What results may depend on: "cpu", or "cuda" with the model of the card."""
    if device.type == "cpu":
        return "cpu"
    return f"cuda ({torch.cuda.get_device_name(device)})"


def threads() -> dict[str, int | str | None]:
    """How many threads torch uses, how many cores there are, and what the environment asks for."""
    return {
        "torch": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS"),
    }


@contextlib.contextmanager
def single_thread() -> Iterator[None]:
    """One torch thread inside the block: small batched products lose more to waiting than they gain."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
