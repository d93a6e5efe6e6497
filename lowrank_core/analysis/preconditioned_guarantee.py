"""The guarantee of PrecGD with its constants, and points at a given level of its objective.

Zhang, Fattahi & Zhang, "Preconditioned Gradient Descent for Overparameterized Nonconvex Burer–Monteiro
Factorization with Global Optimality Certification" (JMLR 24, 2023): Theorem 4, Corollary 5, Proposition 10 and
Lemma 24, for f(X) = ½‖A(XXᵀ − M*)‖² with A*A between μ = 1 − δ and L = 1 + δ.
"""

from __future__ import annotations

import torch

from lowrank_core.analysis import landscape
from lowrank_core.factors import Factors, pad_columns
from lowrank_core.problem import Problem
from lowrank_core.randomness import normal

BISECTIONS = 60


def value(problem: Problem, factors: Factors) -> torch.Tensor:
    """f = ½‖A(XXᵀ − M*)‖², twice the loss of the solvers, (B,)."""
    loss, _, _ = problem.gradient(factors)
    assert loss is not None
    return 2 * loss


def lemma_radius(delta: float) -> float:
    """The level of f in Lemma 24, for λ_{r*}(M*) = 1, μ = 1 − δ and L = 1 + δ."""
    mu, smooth = 1 - delta, 1 + delta
    return mu / (2 * (1 + smooth / mu))


def step_and_progress(delta: float, extra: int) -> tuple[float, float]:
    """(α, ατ) of Theorem 4 with α = 1/ℓ, for the damping ‖∇f(X)(XᵀX)^{−1/2}‖_F and r − r* = `extra`.

    Corollary 5 gives the constants of the damping, C_lb = μ/√2 and C_ub = 2L.
    """
    mu, smooth = 1 - delta, 1 + delta
    low, high = mu / 2**0.5, 2 * smooth
    ell = 4 * smooth + (2 * smooth + 8 * smooth**2) / low + 4 * smooth**3 / low**2
    spread = 1 + 2**0.5 + (smooth + mu) / (smooth * mu) ** 0.5 * extra**0.5
    return 1 / ell, mu**2 / (2 * smooth) / (1 + high * spread) / ell


def certificate(problem: Problem, factors: Factors, delta: float, with_rank: bool = True) -> torch.Tensor:
    """½‖X‖_F ε_g + ½‖X*‖_F² ε_H + 2‖∇²φ‖‖X*‖_F² λ_min(XᵀX), Proposition 10, (B,).

    Args:
        delta: ‖∇²φ‖ = 1 + δ.
        with_rank: whether the last term is there.
    """
    found = landscape.stationarity(problem, factors)
    size = problem.truth.spectrum.sum(dim=1)
    least = torch.linalg.svdvals(factors.left)[:, -1].square()
    if factors.search_rank > factors.left.shape[1]:
        least = torch.zeros_like(least)
    bound = 0.5 * torch.linalg.matrix_norm(factors.left) * found.gradient + 0.5 * size * found.curvature
    return bound + 2 * (1 + delta) * size * least if with_rank else bound


def padded_truth(problem: Problem, search_rank: int) -> torch.Tensor:
    """A factor of M* with zero columns up to the search rank, (B, n, r)."""
    return pad_columns(problem.truth.roots[0], search_rank)


def at_level(problem: Problem, base: torch.Tensor, direction: torch.Tensor, level: torch.Tensor) -> Factors:
    """base + s·direction with the largest s ≤ 1 found for which f is at most `level`, (B,), by bisection."""

    def moved(scale: torch.Tensor) -> Factors:
        return Factors(base + scale[:, None, None] * direction)

    low, high = torch.zeros_like(level), torch.ones_like(level)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        inside = value(problem, moved(middle)) <= level
        low, high = torch.where(inside, middle, low), torch.where(inside, high, middle)
    return moved(low)


def off_signal(problem: Problem, columns: int) -> torch.Tensor:
    """Gaussian columns orthogonal to the range of M*, (B, n, columns); another draw for each trajectory of a
    seed."""
    truth = problem.truth
    drawn = distinct(problem, "columns beyond the rank", truth.shape[0], columns)
    return drawn - truth.left @ (truth.left.mT @ drawn)


def distinct(problem: Problem, name: str, *shape: int) -> torch.Tensor:
    """Gaussian draws, (B, *shape), that differ between the trajectories of one seed, which stand in a row."""
    seeds = problem.truth.seeds
    unique = list(dict.fromkeys(seeds))
    each = len(seeds) // len(unique)
    return normal(unique, name, each, *shape, device=problem.operator.device).flatten(0, 1)
