"""The landscape of the factored objective: gradient, Hessian, and its spectrum modulo the symmetry of the factors.

The objective is that of the literature on landscapes,

    f(X) = ½‖A(XXᵀ) − b‖²    or    f(U, V) = ½‖A(UVᵀ) − b‖² + (μ/4)‖UᵀU − VᵀV‖_F²,

with the operator's weight in the norm. For symmetric factors it is *twice* the loss that `Problem.gradient`
returns, so ∇f = 2GX with G = A*(A(XXᵀ) − b); for a pair of factors and μ = 0 the two agree. With E = XXᵀ − M* and
H = A*A,

    ∇²f(X)[V, V] = 2⟨G, VVᵀ⟩ + ⟨XVᵀ + VXᵀ, H(XVᵀ + VXᵀ)⟩.

The objective does not change along X ↦ XQ, Q orthogonal, and for μ = 0 along (U, V) ↦ (UP, VP⁻ᵀ), P invertible.
At a critical point the Hessian vanishes on the tangent space of that orbit, whatever the point, so eigenvalues are
taken on its orthogonal complement, and null directions that remain there are counted apart.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from lowrank_core import inputs
from lowrank_core.errors import require
from lowrank_core.factors import Factors
from lowrank_core.problem import Problem

LARGEST_HESSIAN = 2000


class Spectrum(NamedTuple):
    """Eigenvalues of the Hessian on the complement of the orbit; B points with d variables each.

    Attributes:
        values: smallest first, (B, d); the last `symmetries` of each row belong to the orbit and are inf.
        symmetries: the dimension of the orbit, (B,).
        null: how many of the values are zero within the tolerance, (B,).
    """

    values: torch.Tensor
    symmetries: torch.Tensor
    null: torch.Tensor

    @property
    def smallest(self) -> torch.Tensor:
        """The smallest eigenvalue, (B,)."""
        return self.values[:, 0]


class Stationarity(NamedTuple):
    """How far a point is from a second-order point: ‖∇f‖_F and −λ_min(∇²f) clipped at zero, (B,) each."""

    gradient: torch.Tensor
    curvature: torch.Tensor


def gradient(problem: Problem, factors: Factors, balance: float = 0.0) -> Factors:
    """∇f in the shape of the factors.

    Args:
        balance: μ ≥ 0, the weight of the balancing regulariser; for a pair of factors only.

    Raises:
        ArgumentError: a loss other than ℓ2, factors that do not fit the problem, μ for symmetric factors, μ < 0.
    """
    _check(problem, factors, balance)
    _, slope = problem.slope(factors, with_value=False)
    return _apply(slope, factors, _imbalance(factors), balance)


def hessian_product(problem: Problem, factors: Factors, direction: Factors, balance: float = 0.0) -> Factors:
    """∇²f applied to a direction of the shape of the factors; arguments and errors as for `gradient`."""
    _check(problem, factors, balance)
    _, slope = problem.slope(factors, with_value=False)
    return _hessian_product(problem, factors, direction, slope, balance)


def hessian(problem: Problem, factors: Factors, balance: float = 0.0) -> torch.Tensor:
    """∇²f as a matrix, (B, d, d), d the number of entries of X, row by row, or of U and then V.

    Raises:
        ArgumentError: as for `gradient`, and d above 2000.
    """
    _check(problem, factors, balance)
    sides = [side for side in factors if side is not None]
    sizes = [side[0].numel() for side in sides]
    require(
        sum(sizes) <= LARGEST_HESSIAN,
        "factors",
        f"{sum(sizes)} variables",
        f"the full Hessian is for at most {LARGEST_HESSIAN}",
        "use hessian_product with an iterative eigensolver",
    )
    _, slope = problem.slope(factors, with_value=False)
    columns = []
    for row in torch.eye(sum(sizes), dtype=sides[0].dtype, device=sides[0].device):
        parts = [
            part.reshape(side.shape[1:]).expand_as(side)
            for part, side in zip(row.split(sizes), sides, strict=True)
        ]
        product = _hessian_product(problem, factors, Factors(*parts), slope, balance)
        columns.append(_flat(product))
    return torch.stack(columns, dim=-1)


def spectrum(problem: Problem, factors: Factors, balance: float = 0.0, tolerance: float = 1e-9) -> Spectrum:
    """Eigenvalues of ∇²f modulo the symmetry of the factors, with the count of the null directions left.

    Args:
        tolerance: relative to the largest eigenvalue in magnitude: what counts as zero, and below which relative
            size a singular value of the orbit's tangent space does.

    Raises:
        ArgumentError: as for `hessian`, and a tolerance outside [0, 1).
    """
    found = inputs.number("tolerance", tolerance)
    require(0 <= found < 1, "tolerance", tolerance, "it is relative, and below one", "use e.g. 1e-9")
    matrix = hessian(problem, factors, balance)
    tangents = orbit_tangents(factors, balance)
    left, sizes, _ = torch.linalg.svd(tangents, full_matrices=False)
    kept = sizes > tolerance * sizes.amax(dim=1, keepdim=True).clamp(min=torch.finfo(sizes.dtype).tiny)
    onto = (left * kept[:, None, :]) @ left.mT
    off = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device) - onto
    scale = torch.linalg.matrix_norm(matrix, ord=2)
    # The orbit is lifted above all other eigenvalues, where it can be cut off by its dimension.
    lifted = off @ matrix @ off + (4 * scale + 1)[:, None, None] * onto
    values = torch.linalg.eigvalsh(0.5 * (lifted + lifted.mT))
    symmetries = kept.sum(dim=1)
    position = torch.arange(values.shape[1], device=values.device)
    values = torch.where(position < values.shape[1] - symmetries[:, None], values, torch.inf)
    null = (values.abs() <= tolerance * scale[:, None]).sum(dim=1)
    return Spectrum(values, symmetries, null)


def orbit_tangents(factors: Factors, balance: float = 0.0) -> torch.Tensor:
    """Tangents of the orbit at the factors, as columns: (B, d, k(k−1)/2), or (B, d, k²) for a pair and μ = 0.

    They span the tangent space; they are dependent where the factors have deficient rank, and for k = 1 and an
    orthogonal symmetry there are none, which is one zero column.
    """
    left, right = factors
    k = factors.search_rank
    units = torch.eye(k * k, dtype=left.dtype, device=left.device).reshape(k * k, k, k)
    if right is not None and balance == 0:
        columns = [torch.cat([(left @ u).flatten(1), (-right @ u.mT).flatten(1)], dim=1) for u in units]
        return torch.stack(columns, dim=-1)
    stacked = factors.stacked()
    rotations = [units[i * k + j] - units[j * k + i] for i in range(k) for j in range(i)]
    return torch.stack([(stacked @ u).flatten(1) for u in rotations or [0 * units[0]]], dim=-1)


def stationarity(problem: Problem, factors: Factors, balance: float = 0.0) -> Stationarity:
    """The smallest (ε_g, ε_H) with which the factors are a near-second-order point; errors as for `hessian`."""
    slope = _flat(gradient(problem, factors, balance)).norm(dim=1)
    lowest = torch.linalg.eigvalsh(hessian(problem, factors, balance))[:, 0]
    return Stationarity(slope, (-lowest).clamp(min=0.0))


def near_second_order(
    problem: Problem,
    factors: Factors,
    gradient_tolerance: float,
    curvature_tolerance: float,
    balance: float = 0.0,
) -> torch.Tensor:
    """Whether ‖∇f‖_F ≤ ε_g and ∇²f ⪰ −ε_H I, (B,) bool.

    Raises:
        ArgumentError: as for `hessian`, and negative tolerances.
    """
    for name, value in (
        ("gradient_tolerance", gradient_tolerance),
        ("curvature_tolerance", curvature_tolerance),
    ):
        require(inputs.number(name, value) >= 0, name, value, "a tolerance is not negative", "use >= 0")
    found = stationarity(problem, factors, balance)
    return (found.gradient <= gradient_tolerance) & (found.curvature <= curvature_tolerance)


def _check(problem: Problem, factors: Factors, balance: float) -> None:
    require(
        problem.loss == "l2",
        "problem.loss",
        problem.loss,
        "the landscape of a loss with kinks has no Hessian",
        'use loss="l2"',
    )
    require(
        inputs.number("balance", balance) >= 0,
        "balance",
        balance,
        "the weight μ of a regulariser is not negative",
        "use >= 0",
    )
    require(
        balance == 0 or not factors.symmetric,
        "balance",
        balance,
        "a single factor X has nothing to balance",
        "use balance=0, or a pair of factors",
    )
    require(
        not factors.symmetric or problem.operator.symmetric,
        "problem.operator",
        problem.operator,
        "XXᵀ needs symmetric measurement matrices",
        "use sensing.gaussian_symmetric or sensing.certified, or a pair of factors",
    )


def _imbalance(factors: Factors) -> torch.Tensor | None:
    left, right = factors
    return None if right is None else left.mT @ left - right.mT @ right


def _apply(slope: torch.Tensor, at: Factors, gap: torch.Tensor | None, balance: float) -> Factors:
    left, right = at
    if right is None or gap is None:
        return Factors(2 * slope @ left)
    return Factors(slope @ right + balance * left @ gap, slope.mT @ left - balance * right @ gap)


def _hessian_product(
    problem: Problem, factors: Factors, direction: Factors, slope: torch.Tensor, balance: float
) -> Factors:
    (left, right), (d_left, d_right) = factors, direction
    other, d_other = (left, d_left) if right is None or d_right is None else (right, d_right)
    change = left @ d_other.mT + d_left @ other.mT
    turned = problem.operator.normal_map(change)
    d_gap = None
    if right is not None and d_right is not None:
        half = left.mT @ d_left - right.mT @ d_right
        d_gap = half + half.mT
    fixed = _apply(slope, direction, _imbalance(factors), balance)
    moved = _apply(turned, factors, d_gap, balance)
    return Factors(
        fixed.left + moved.left,
        None if fixed.right is None or moved.right is None else fixed.right + moved.right,
    )


def _flat(factors: Factors) -> torch.Tensor:
    return torch.cat([side.flatten(1) for side in factors if side is not None], dim=1)
