"""Standard scores of the sub-gradient of the ℓ1 loss against its exact law at one matrix.

For Gaussian symmetric Aᵢ and errors that are independent of them √m (Q(X) − φX/‖X‖_F) is standard Gaussian across
X, and has variance 1 − φ² along it. Derived here; the proof is in the chapter on Sign-RIP.
"""

from __future__ import annotations

import math

import torch

from lowrank_core.analysis.sign_rip import scaling, subgradient
from lowrank_core.noise import Noise
from lowrank_core.sensing import MeasurementOperator


def unit(matrix: torch.Tensor) -> torch.Tensor:
    """Matrices (..., n1, n2) over their Frobenius norms."""
    return matrix / matrix.norm(dim=(-2, -1), keepdim=True)


def scores(
    operator: MeasurementOperator, matrix: torch.Tensor, errors: torch.Tensor | None, noise: Noise | None
) -> torch.Tensor:
    """Standard scores of Q(X) against φ X/‖X‖_F, along X and across it, (2, B).

    √m (Q − φ X/‖X‖_F) has variance 1 − φ² along X; across X it is Gaussian with independent unit coordinates, so
    that its squared length is χ² with n(n+1)/2 − 1 degrees of freedom; Wilson & Hilferty make a score of it.

    Args:
        operator: of symmetric matrices.
        matrix: symmetric X ≠ 0, (B, n, n), float64.
        errors: s, (B, m); None if there are none.
        noise: the law of s, None likewise.

    Raises:
        ArgumentError: noise of which φ is not known.
    """
    direction, norm = unit(matrix), matrix.norm(dim=(-2, -1))
    phi = scaling(norm, noise)
    gap = math.sqrt(operator.m) * (subgradient(operator, matrix, errors) - phi[:, None, None] * direction)
    along = (gap * direction).sum(dim=(-2, -1))
    degrees = operator.shape[0] * (operator.shape[0] + 1) // 2 - 1
    across = ((gap.square().sum(dim=(-2, -1)) - along.square()) / degrees).clamp(min=0.0) ** (1 / 3)
    spread = 2 / (9 * degrees)
    return torch.stack([along / (1 - phi.square()).sqrt(), (across - (1 - spread)) / math.sqrt(spread)])


def overall(scores: torch.Tensor) -> torch.Tensor:
    """The largest over the cases of |Σ z|/√S, from scores (S, cases): one standard score of all seeds together."""
    return (scores.sum(dim=0) / math.sqrt(scores.shape[0])).abs().amax()
