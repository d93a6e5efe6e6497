"""Curvatures of the population loss, ½‖FGᵀ − M*‖², at the minimisers a rebalancing step leads to (derived here).

Near a minimiser one step of gradient descent multiplies the error by 1 − η·L with L(E) = FFᵀE + EGGᵀ. Where neither
factor fills its rows, the smallest nonzero eigenvalue μ of L is the smaller of those of FᵀF and GᵀG, see
`imbalance.local_rate`; the largest is ‖F‖² + ‖G‖². All functions take numbers or tensors, squares β² > 0.
"""

from __future__ import annotations

import torch

Real = float | torch.Tensor


def slowest_near_truth(square: Real, sigma: Real) -> torch.Tensor:
    """μ = min(β², σ_r²/β²) after a step near the truth: FᵀF = β²I, and GᵀG has the eigenvalues σ_i²/β²."""
    square, sigma = _double(square), _double(sigma)
    return torch.minimum(square, sigma.square() / square)


def fastest_near_truth(square: Real, sigma: Real) -> torch.Tensor:
    """β² + σ₁²/β², the largest eigenvalue after a step near the truth."""
    square, sigma = _double(square), _double(sigma)
    return square + sigma.square() / square


def slowest_from_start(square: Real, sigma: Real) -> torch.Tensor:
    """μ₀ after a step at a small start, where the flow keeps FᵀF − GᵀG = β²I: min(β², g²), g²(g² + β²) = σ_r²."""
    square, sigma = _double(square), _double(sigma)
    return torch.minimum(square, ((square.square() + 4 * sigma.square()).sqrt() - square) / 2)


def fastest_from_start(square: Real, sigma: Real) -> torch.Tensor:
    """√(β⁴ + 4σ₁²), the largest eigenvalue after a step at a small start."""
    return (_double(square).square() + 4 * _double(sigma).square()).sqrt()


def _double(value: Real) -> torch.Tensor:
    return torch.as_tensor(value, dtype=torch.float64)
