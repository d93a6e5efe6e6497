"""Bounds on the error of exact and of nearly second-order points under noise, derived in the book.

With H = A*A of restricted isometry constant δ < 1/(1 + √(r*/r)) of order r + r*, N = A*(w) symmetrised and ψ as in
`sharp_threshold.psi`, every second-order point has ‖XXᵀ − M*‖_F ≤ √(r + r*) ‖N‖/(ψ − δ), and every X of full
column rank (ψ − δ) ‖XXᵀ − M*‖_F ≤ √(r + r*) ‖N‖ + ε_g/(√2 σ_r(X)) + √r* ε_H/2, with ε_g = ‖∇f‖_F and
ε_H = (−λ_min(∇²f))₊. Here r is the search rank and r* the true one.
"""

from __future__ import annotations

import math

import torch

from lowrank_core.analysis import landscape
from lowrank_core.analysis.sharp_threshold import psi
from lowrank_core.factors import Factors
from lowrank_core.linalg import operator_norm
from lowrank_core.problem import Problem


def adjoint_noise(problem: Problem) -> torch.Tensor:
    """N = A*(w), the noise as the gradient sees it, (B, n1, n2), symmetric for a symmetric operator."""
    operator = problem.operator
    return operator.weight * operator.adjoint(problem.observations - operator.forward(problem.truth.matrix))


def second_order_bound(noise: torch.Tensor, delta: float | torch.Tensor, r: int, r_star: int) -> torch.Tensor:
    """√(r + r*) ‖N‖/(ψ − δ), (B,).

    Args:
        noise: N, symmetric, (B, n, n).
        delta: the constant of order r + r*, one number or (B,); below the threshold 1/(1 + √(r*/r)).
        r, r_star: search rank and true rank.
    """
    return math.sqrt(r + r_star) * operator_norm(noise, symmetric=True) / (psi(delta, r / r_star) - delta)


def near_second_order_sides(
    problem: Problem, factors: Factors, delta: torch.Tensor, r_star: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """(ψ − δ)‖E‖_F and √(r + r*)‖N‖ + ε_g/(√2 σ_r(X)) + √r* ε_H/2, (B,) each.

    Args:
        factors: symmetric, X of full column rank.
        delta: the constant of order r + r*, (B,).
        r_star: the true rank.

    Raises:
        ArgumentError: as for `landscape.stationarity`.
    """
    r = factors.search_rank
    error = torch.linalg.matrix_norm(factors.product() - problem.truth.matrix)
    slope, bend = landscape.stationarity(problem, factors)
    smallest = torch.linalg.svdvals(factors.left)[:, -1]
    noise = math.sqrt(r + r_star) * operator_norm(adjoint_noise(problem), symmetric=True)
    allowed = noise + slope / (math.sqrt(2) * smallest) + 0.5 * math.sqrt(r_star) * bend
    return (psi(delta, r / r_star) - delta) * error, allowed
