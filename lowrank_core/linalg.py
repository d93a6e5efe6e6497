"""Norms of batches of matrices."""

from __future__ import annotations

import torch

from lowrank_core import inputs, kernels
from lowrank_core.errors import require
from lowrank_core.kernels import norm_cpu


def operator_norm(matrix: torch.Tensor, symmetric: bool = False) -> torch.Tensor:
    """Largest singular value of each matrix, (..., n1, n2) -> (...); NaN where it is not finite.

    >>> operator_norm(torch.diag(torch.tensor([1.0, -3.0]))[None]).tolist()
    [3.0]

    Args:
        symmetric: whether each matrix is, (B, n, n); then a compiled kernel may be used.

    Raises:
        ArgumentError: no tensor of float64 or float32, or of another shape.
    """
    inputs.flag("symmetric", symmetric)
    require(
        isinstance(matrix, torch.Tensor) and matrix.is_floating_point() and matrix.dtype.itemsize >= 4,
        "matrix",
        getattr(matrix, "dtype", matrix),
        "it is no tensor of float64 or float32",
        "use torch.as_tensor(array), in float64",
    )
    require(
        matrix.ndim >= 2 and (not symmetric or (matrix.ndim == 3 and matrix.shape[1] == matrix.shape[2])),
        "matrix",
        tuple(matrix.shape),
        "a batch of symmetric matrices is (B, n, n)",
        "add the batch axis, or leave out symmetric=True",
    )
    if symmetric and kernels.compiled(matrix):
        return norm_cpu.operator_norm(matrix)
    finite = torch.isfinite(matrix).all(dim=-1).all(dim=-1)
    # LAPACK refuses NaN, and one diverged trajectory must not end the run of the others.
    safe = torch.where(finite[..., None, None], matrix, 0.0)
    norm = (
        torch.linalg.eigvalsh(safe).abs().amax(dim=-1) if symmetric else torch.linalg.matrix_norm(safe, ord=2)
    )
    return torch.where(finite, norm, torch.nan)
