"""Compiled inner loops behind `sensing` and `solve`. Nothing else imports them, and nothing needs them.

They are chosen at run time by what is installed and where the tensors live, and they compute what the torch code
computes, up to the order of its sums. `using("torch")` switches them off, for tests and benchmarks to compare with.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
    """Whether the compiled kernels serve a tensor: with numba, on the CPU, in float64, without autograd."""
    return (
        _chosen[-1] == "auto"
        and tensor.device.type == "cpu"
        and tensor.dtype == torch.float64
        and not (tensor.requires_grad and torch.is_grad_enabled())
        and find_spec("numba") is not None
    )


def report() -> dict[str, str]:
    """Which kernels serve which work here, and why: for `doctor`."""
    if _chosen[-1] == "torch":
        return {"CPU": "torch, because compiled kernels are switched off"}
    if find_spec("numba") is None:
        return {"CPU": "torch, because numba is not installed (pip install lowrank-core[fast])"}
    import numba

    served = "dense, rank-one, entry and Gram gradients; loops of gradient descent and conjugate gradients"
    return {"CPU": f"numba {numba.__version__}: {served}; torch for the rest"}
