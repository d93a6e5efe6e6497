"""Compiled inner loops behind `sensing` and `solve`. Nothing else imports them, and nothing needs them.

They are chosen at run time by what is installed and where the tensors live, and they compute what the torch code
computes, up to the order of its sums. `using("torch")` switches them off, for tests and benchmarks to compare with.
The Triton kernels for CUDA pass their tests in Triton's interpreter, but no device has run them yet: until one has,
`using("triton")` has to ask for them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import torch

from lowrank_core.errors import install, require
from lowrank_core.kernels.jit import kept_in

CHOICES = ("auto", "torch", "triton")
CHOICE_VARIABLE = "LOWRANK_KERNELS"
"""Environment variable with the choice for a whole process, "auto" if it is not set."""
_chosen = [os.environ.get(CHOICE_VARIABLE, "auto")]
_INTERPRETED = os.environ.get("NUMBA_DISABLE_JIT", "0").strip() not in ("", "0")
"""Numba is told to compile nothing; its types and intrinsics, of which the kernels are made, do not work then."""


@contextmanager
def using(choice: str) -> Iterator[None]:
    """Compiled kernels where they apply ("auto", the default), none ("torch"), or Triton's as well ("triton").

    Raises:
        ArgumentError: an unknown choice.
    """
    _check(choice, "choice")
    _chosen.append(choice)
    try:
        yield
    finally:
        _chosen.pop()


def chosen() -> str:
    """The choice in force.

    Raises:
        ArgumentError: the environment names an unknown one.
    """
    if _chosen[-1] not in CHOICES:
        _check(_chosen[-1], CHOICE_VARIABLE)
    return _chosen[-1]


def compiled(*tensors: torch.Tensor | None) -> bool:
    """Whether the compiled kernels serve these tensors: with numba, on the CPU, in float64, without autograd.

    Numpy, through which they go, knows no tensor that torch only marks as negated.
    """
    return (
        chosen() != "torch"
        and not _INTERPRETED
        and all(
            each.device.type == "cpu"
            and each.dtype == torch.float64
            and not (each.requires_grad and torch.is_grad_enabled())
            and not each.is_neg()
            for each in tensors
            if each is not None
        )
        and find_spec("numba") is not None
    )


def on_device(tensor: torch.Tensor) -> bool:
    """Whether the Triton kernels serve a tensor: asked for, with triton, on a CUDA device, without autograd."""
    return (
        chosen() == "triton"
        and tensor.device.type == "cuda"
        and tensor.dtype in (torch.float64, torch.float32)
        and not (tensor.requires_grad and torch.is_grad_enabled())
        and find_spec("triton") is not None
    )


def report() -> dict[str, str]:
    """Which kernels serve which work here, and why: for `doctor`."""
    served = {"CPU": _on_cpu()}
    if served["CPU"].startswith("numba"):
        served["compiled code"] = kept_in()
    if torch.cuda.is_available():
        served["CUDA"] = (
            'torch; Triton kernels only inside kernels.using("triton"), no device has run them yet'
        )
    return served


def _check(choice: str, argument: str) -> None:
    require(choice in CHOICES, argument, choice, "no such kernels", f"use one of {', '.join(CHOICES)}")


def _on_cpu() -> str:
    if chosen() == "torch":
        return "torch, because compiled kernels are switched off"
    if find_spec("numba") is None:
        return f"torch, because numba is not installed ({install('fast')})"
    if _INTERPRETED:
        return "torch, because NUMBA_DISABLE_JIT is set"
    import numba

    served = (
        "dense, rank-one, entry and Gram gradients; loops of (sub)gradient descent and conjugate gradients"
    )
    return f"numba {numba.__version__}: {served}; torch for the rest"
