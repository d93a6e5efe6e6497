"""Compiled inner loops behind `sensing` and `solve`. Nothing else imports them, and nothing needs them.

They are chosen at run time by what is installed and where the tensors live, and they compute what the torch code
computes, up to the order of its sums. `using("torch")` switches them off, which is what tests and benchmarks
compare with.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec

import torch

from lowrank_core.errors import require

CHOICES = ("auto", "torch")
_chosen = ["auto"]


@contextmanager
def using(choice: str) -> Iterator[None]:
    """Compiled kernels where they apply ("auto", the default), or none at all ("torch"), inside the block.

    Raises:
        ArgumentError: an unknown choice.
    """
    require(choice in CHOICES, "choice", choice, "no such kernels", f"use one of {', '.join(CHOICES)}")
    _chosen.append(choice)
    try:
        yield
    finally:
        _chosen.pop()


def compiled(tensor: torch.Tensor) -> bool:
    """Whether the compiled CPU kernels serve a tensor: numba is there, it is a CPU's, in float64, without grad."""
    return (
        _chosen[-1] == "auto"
        and tensor.device.type == "cpu"
        and tensor.dtype == torch.float64
        and not (tensor.requires_grad and torch.is_grad_enabled())
        and find_spec("numba") is not None
    )


def on_device(tensor: torch.Tensor) -> bool:
    """Whether the CUDA kernels serve a tensor: triton is there, it lives on a CUDA device, without grad."""
    return (
        _chosen[-1] == "auto"
        and tensor.device.type == "cuda"
        and tensor.dtype in (torch.float64, torch.float32)
        and not (tensor.requires_grad and torch.is_grad_enabled())
        and find_spec("triton") is not None
    )


def report() -> dict[str, str]:
    """Which kernels serve which work here, and why: for `doctor`."""
    devices = ("CPU", "CUDA") if torch.cuda.is_available() else ("CPU",)
    if _chosen[-1] == "torch":
        return dict.fromkeys(devices, "torch, because compiled kernels are switched off")
    return {device: _served(device) for device in devices}


def _served(device: str) -> str:
    name, extra = ("numba", " (pip install lowrank-core[fast])") if device == "CPU" else ("triton", "")
    if find_spec(name) is None:
        return f"torch, because {name} is not installed{extra}"
    loops = "population loop" if device == "CPU" else "population loop, recorded steps"
    return f"{name} {import_module(name).__version__}: fused dense gradient, {loops}; torch for the rest"
