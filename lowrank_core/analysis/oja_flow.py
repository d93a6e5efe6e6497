"""Oja's flow, which the right factor follows under gradient flow of UVᵀ where U is small and V has the length L.

It is V' = (I − VVᵀ/L²) M*ᵀM* V/L². As U = M*V/L² follows V, the product is M*P(τ). Derived here, for the stall at
the saddle U = 0, V = LY with M*Y = 0.
"""

from __future__ import annotations

import torch

from lowrank_core.truth import Truth


def projected_errors(truth: Truth, right: torch.Tensor, length: float, times: torch.Tensor) -> torch.Tensor:
    """‖M* − M*P(τ)‖_F, P(τ) the projector on the span of exp(M*ᵀM* τ/L²)V₀, (B, R).

    Args:
        truth: M*, (B, n1, n2).
        right: V₀, (B, n2, r), whose columns have the length L and are orthogonal.
        length: L.
        times: τ, (R,).
    """
    errors = []
    seen = truth.right.mT @ right
    for time in times.tolist():
        grown = torch.exp(truth.spectrum**2 * time / length**2)[:, :, None]
        span = torch.linalg.qr(right + truth.right @ ((grown - 1) * seen)).Q
        image = truth.matrix @ span
        errors.append((truth.matrix - image @ span.mT).flatten(1).norm(dim=1))
    return torch.stack(errors, dim=1)
