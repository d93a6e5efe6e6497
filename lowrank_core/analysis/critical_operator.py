"""Operators for which a given pair of factors is critical though its product is wrong.

The pair is a second-order point or a saddle. Derived here, to check what a balancing regulariser changes there.
"""

from __future__ import annotations

import torch

from lowrank_core.analysis import landscape
from lowrank_core.errors import require
from lowrank_core.factors import Factors
from lowrank_core.problem import Problem, observe
from lowrank_core.sensing import from_normal
from lowrank_core.truth import Truth


def made_critical(truth: Truth, point: Factors, size: float) -> Problem:
    """A problem without noise for which the pair is critical, with A*A positive definite.

    A*A(UVᵀ − M*) is `size` times the part of UVᵀ − M* outside both column spaces: for a small size the Hessian is
    positive semidefinite, for a large one the point is a saddle.

    Args:
        truth: M*, (B, n1, n2).
        point: (U, V) of full column rank, with fewer columns than n1 and n2.
        size: positive.

    Raises:
        ArgumentError: symmetric factors.
    """
    left, right = point
    require(
        right is not None, "point", "symmetric factors", "the slope is normal to two factors", "pass a pair"
    )
    assert right is not None
    error = left @ right.mT - truth.matrix
    slope = _off(left) @ error @ _off(right)
    e, g = error.flatten(1)[:, :, None], slope.flatten(1)[:, :, None]
    unit = e / e.norm(dim=1, keepdim=True)
    identity = torch.eye(e.shape[1], dtype=e.dtype, device=e.device)
    # ⟨g, e⟩ = ‖g‖² > 0, so this is positive definite and maps e to size·g.
    normal_matrix = identity - unit @ unit.mT + size * g @ g.mT / g.square().sum(dim=1, keepdim=True)
    return observe(truth, from_normal(normal_matrix, truth.shape, symmetric=False))


def negative_eigenvalues(problem: Problem, point: Factors, balance: float = 0.0) -> torch.Tensor:
    """How many eigenvalues of the Hessian are below −10⁻⁹ of its norm, (B,), float64.

    Raises:
        ArgumentError: as for `landscape.spectrum`.
    """
    values = landscape.spectrum(problem, point, balance).values
    finite = torch.isfinite(values)
    scale = torch.where(finite, values.abs(), 0.0).amax(dim=1, keepdim=True)
    return (finite & (values < -1e-9 * scale)).sum(dim=1).to(torch.float64)


def _off(side: torch.Tensor) -> torch.Tensor:
    basis = torch.linalg.qr(side).Q
    return torch.eye(side.shape[1], dtype=side.dtype, device=side.device) - basis @ basis.mT
