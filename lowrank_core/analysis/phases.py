"""Signal, residual and what lies between them along a symmetric run (Ma & Fattahi 2023, JMLR p. 15).

With M* = VΣVᵀ the factor splits into X = VS + V⊥E: the signal S = VᵀX, (r, k), and the residual E. The residual
splits further into F = E P_S, in the row space of the signal, and G = E(I − P_S), which no signal direction feeds.
`OBSERVABLES` are these quantities for `solve`, name -> f(problem, factors) -> (B,) or (B, r); norms are spectral.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch

from lowrank_core.errors import require
from lowrank_core.factors import Factors
from lowrank_core.problem import Problem


class Parts(NamedTuple):
    """The decomposition of X.

    Attributes:
        signal: S = VᵀX, (B, r, k).
        residual: V⊥E, (B, n, k), which has the Gram matrices and norms of E without a choice of V⊥.
        inside: V⊥F with F = E P_S, (B, n, k), P_S the projector on the row space of S.
        outside: V⊥G with G = E(I − P_S), (B, n, k).
    """

    signal: torch.Tensor
    residual: torch.Tensor
    inside: torch.Tensor
    outside: torch.Tensor


def parts(problem: Problem, factors: Factors) -> Parts:
    """Split the factor of a symmetric run.

    Raises:
        ArgumentError: a pair of factors (F, G), which has no single signal; factors that do not fit the truth, or
            of another batch.
    """
    require(
        factors.symmetric,
        "factors",
        "a pair (F, G)",
        "signal and residual are those of one factor X",
        "use a symmetric start",
    )
    basis = problem.truth.left
    require(
        factors.left.ndim == 3 and factors.left.shape[:2] == basis.shape[:2],
        "factors.left",
        tuple(factors.left.shape),
        f"this truth splits factors of shape ({basis.shape[0]}, {basis.shape[1]}, k)",
        "use the factors of a run on this problem",
    )
    signal = basis.mT @ factors.left
    residual = factors.left - basis @ signal
    # Scaling its rows keeps the row space of S, and saves the directions that are still 1e-10 of the learnt ones.
    length = signal.norm(dim=-1, keepdim=True)
    _, singular, rows = torch.linalg.svd(torch.where(length > 0, signal / length, 0.0), full_matrices=False)
    rows = torch.where((singular > 1e-14 * singular[:, :1])[..., None], rows, 0.0)
    outside = residual - residual @ rows.mT @ rows
    # Once more: where F is much larger than G, the difference has kept some of it.
    outside = outside - outside @ rows.mT @ rows
    return Parts(signal, residual, residual @ rows.mT @ rows, outside)


def signal_error(problem: Problem, factors: Factors) -> torch.Tensor:
    """‖Σ − SSᵀ‖, (B,)."""
    signal = parts(problem, factors).signal
    return torch.linalg.matrix_norm(torch.diag_embed(problem.truth.spectrum) - signal @ signal.mT, ord=2)


def cross(problem: Problem, factors: Factors) -> torch.Tensor:
    """‖SEᵀ‖, (B,)."""
    split = parts(problem, factors)
    return torch.linalg.svdvals(split.signal @ split.residual.mT)[:, 0]


def residual(problem: Problem, factors: Factors) -> torch.Tensor:
    """‖EEᵀ‖, (B,)."""
    return _gram_norm(parts(problem, factors).residual)


def inside(problem: Problem, factors: Factors) -> torch.Tensor:
    """‖FFᵀ‖, (B,)."""
    return _gram_norm(parts(problem, factors).inside)


def outside(problem: Problem, factors: Factors) -> torch.Tensor:
    """‖GGᵀ‖, (B,)."""
    return _gram_norm(parts(problem, factors).outside)


def signal_eigenvalues(problem: Problem, factors: Factors) -> torch.Tensor:
    """Eigenvalues of SSᵀ, largest first, (B, min(r, k))."""
    return torch.linalg.svdvals(parts(problem, factors).signal).square()


OBSERVABLES: dict[str, Callable[[Problem, Factors], torch.Tensor]] = {
    "‖Σ − SSᵀ‖": signal_error,
    "‖SEᵀ‖": cross,
    "‖EEᵀ‖": residual,
    "‖FFᵀ‖": inside,
    "‖GGᵀ‖": outside,
    "eigenvalues of SSᵀ": signal_eigenvalues,
}


def _gram_norm(factor: torch.Tensor) -> torch.Tensor:
    return torch.linalg.eigvalsh(factor.mT @ factor)[:, -1].clamp(min=0.0)
