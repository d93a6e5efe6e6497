"""Truths, directions and flows that the claims about perturbations share.

The flow is Ḟ = (M* − FGᵀ + E)G, Ġ = (M* − FGᵀ + E)ᵀF, stopped at T = (c/σ_r) ln(σ_r/a₀²). The truth is diagonal, so
that u_⊥v_⊥ᵀ, a direction orthogonal to it, is the entry (r + 1, r + 1). All laws are derived here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from lowrank_core.analysis.closed_forms import balanced_flow
from lowrank_core.claims.grammar import Setting
from lowrank_core.factors import Factors
from lowrank_core.linalg import operator_norm
from lowrank_core.truth import Truth, rectangular


def truth_of(setting: Setting, spectrum: Sequence[float] | None = None) -> Truth:
    s = setting.sizes
    return rectangular(
        s.n1, s.n2, s.spectrum if spectrum is None else spectrum, setting.seeds, device=setting.device
    )


def unit(matrix: torch.Tensor) -> torch.Tensor:
    """Each matrix scaled to operator norm one, (B, n1, n2)."""
    return matrix / operator_norm(matrix)[:, None, None]


def entry(truth: Truth, place: int, size: float) -> torch.Tensor:
    """`size` in the diagonal entry with this index, zero elsewhere, (B, n1, n2)."""
    matrix = torch.zeros_like(truth.matrix)
    matrix[:, place, place] = size
    return matrix


def follow(truth: Truth, start: Factors, pieces: Iterable[tuple[torch.Tensor | float, float]]) -> Factors:
    """The exact flow under a piecewise constant perturbation, given as pairs (E, duration)."""
    for perturbation, duration in pieces:
        (start,) = balanced_flow(truth.matrix + perturbation, start, [duration])
    return start
