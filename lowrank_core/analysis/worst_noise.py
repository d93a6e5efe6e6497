"""Noise that makes a given point second-order: the adversary of a bound on the error under noise.

For a point, a truth and A*A = (1 + δ)I − 2δΠ, every G that vanishes on the columns of the point and keeps the
Hessian positive semidefinite is A*(residual) for the noise with A*(w) = HE − G. To keep the noise small, G
copies HE off the columns as far as the Hessian allows: what pulls down is cut at a level, and the level is
found by bisection.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import torch

from lowrank_core import inputs
from lowrank_core.analysis import landscape
from lowrank_core.factors import Factors
from lowrank_core.problem import Problem
from lowrank_core.sensing.operator import MeasurementOperator


class Attack(NamedTuple):
    """A point made second-order, B of them.

    Attributes:
        problem: the observations with the noise in them.
        error: ‖XXᵀ − M*‖_F, (B,).
        noise: ‖A*(w)‖, the operator norm, (B,).
        stationarity: what is left of the gradient and of negative curvature.
    """

    problem: Problem
    error: torch.Tensor
    noise: torch.Tensor
    stationarity: landscape.Stationarity


def attack(
    problem: Problem,
    point: Factors,
    delta: torch.Tensor,
    balance: float = 0.0,
    curvature: bool = True,
    rounds: int = 30,
) -> Attack:
    """Noise for noiseless observations under which the point is second-order.

    Args:
        problem: a truth seen without noise through `sensing.certified` of constant δ.
        point: X, or a pair (U, V), balanced if μ > 0.
        delta: δ in [0, 1), (B,).
        balance: μ.
        curvature: whether the Hessian is to be positive semidefinite; without it only the gradient vanishes.
        rounds: of the bisection.

    Raises:
        ArgumentError: δ outside [0, 1), rounds that are no integer or negative, and as for `landscape.gradient`.
    """
    delta = inputs.between("delta", delta, 0, 1, "a restricted isometry constant lies in [0, 1)", "[)")
    rounds = inputs.whole("rounds", rounds, 0)
    operator, factors = problem.operator, point
    error = factors.product() - problem.truth.matrix
    image = operator.normal_map(error)
    off_left = off_columns(factors.left)
    target = off_left @ image @ (off_left if factors.right is None else off_columns(factors.right))

    def observed(slope: torch.Tensor) -> Problem:
        seen = operator.forward(factors.product()) - preimage(operator, slope, delta)
        return dataclasses.replace(problem, observations=seen.contiguous())

    high = torch.linalg.matrix_norm(target, ord=2)
    low = torch.zeros_like(high)
    if not curvature:
        low = high
    for _ in range(rounds if curvature else 0):
        level = 0.5 * (low + high)
        found = landscape.stationarity(observed(_cut(target, level, factors.symmetric)), factors, balance)
        allowed = found.curvature <= 1e-12 * (1 + high)
        low, high = torch.where(allowed, level, low), torch.where(allowed, high, level)
    # The Hessian is affine in G and has no negative curvature at G = 0, so a part of this G will do as well.
    slope = _cut(target, low, factors.symmetric)
    parts = torch.linspace(0, 1, 21, dtype=slope.dtype, device=slope.device)[:, None, None, None]
    noise, best = torch.linalg.matrix_norm(image - parts * slope, ord=2).min(dim=0)
    slope = parts[best, 0] * slope
    noisy = observed(slope)
    return Attack(
        noisy,
        torch.linalg.matrix_norm(error),
        noise,
        landscape.stationarity(noisy, factors, balance),
    )


def preimage(operator: MeasurementOperator, matrix: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
    """The z = A H⁻¹(M) for which A*(z) = M, (B, m), where the eigenvalues of H = A*A are 1 ± δ, (B,)."""
    # H² − 2H + (1 − δ²)I = 0.
    return operator.forward((2 * matrix - operator.normal_map(matrix)) / (1 - delta.square())[:, None, None])


def off_columns(factor: torch.Tensor) -> torch.Tensor:
    """The projector on the complement of the columns of a factor, (B, n, k) -> (B, n, n)."""
    left, sizes, _ = torch.linalg.svd(factor, full_matrices=False)
    basis = left * (sizes > 1e-10 * sizes[:, :1])[:, None, :]
    return torch.eye(factor.shape[1], dtype=factor.dtype, device=factor.device) - basis @ basis.mT


def _cut(target: torch.Tensor, level: torch.Tensor, symmetric: bool) -> torch.Tensor:
    """Eigenvalues not below −level, or singular values not above it."""
    if symmetric:
        values, vectors = torch.linalg.eigh(0.5 * (target + target.mT))
        return (vectors * torch.maximum(values, -level[:, None])[:, None, :]) @ vectors.mT
    left, values, right = torch.linalg.svd(target, full_matrices=False)
    return (left * torch.minimum(values, level[:, None])[:, None, :]) @ right
