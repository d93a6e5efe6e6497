"""How far gradient descent from a small start moves the imbalance while it learns the signal (derived here)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from lowrank_core.analysis.imbalance import imbalance
from lowrank_core.errors import require
from lowrank_core.factors import Factors
from lowrank_core.truth import Truth


def signal_share(start: Factors, truth: Truth) -> torch.Tensor:
    """Σ f fᵀ − g gᵀ over the signal rows f of UᵀF and g of VᵀG: their part of the imbalance, (B, k, k) float64.

    Raises:
        ArgumentError: symmetric factors, which have no imbalance.
    """
    return imbalance(signal_rows(start, truth))


def signal_rows(start: Factors, truth: Truth) -> Factors:
    """UᵀF and VᵀG, each (B, r, k).

    Raises:
        ArgumentError: symmetric factors.
    """
    require(
        start.right is not None,
        "factors",
        "symmetric factors X",
        "the signal rows are those of a pair (F, G)",
        "use asymmetric factors",
    )
    assert start.right is not None
    return Factors(truth.left.mT @ start.left, truth.right.mT @ start.right)


def signal_drift(unit: Factors, truth: Truth, eta: float, alphas: Sequence[float]) -> torch.Tensor:
    """Drift of Δ/α² beyond that at the first scale, for a truth with equal singular values σ.

    While a signal row (f, g) is small, f + g grows by 1 + ησ per step and f − g shrinks by 1 − ησ, so its share
    f fᵀ − g gᵀ of Δ shrinks by 1 − η²σ². Learning it takes log(1/α)/log(1 + ησ) steps and a constant: the share
    is multiplied by α^γ, γ ≈ ησ, and a constant.

    Args:
        unit: the start at α = 1.
        eta: step, with ησ < 1.
        alphas: scales of the start.

    Returns:
        (B, len(alphas), k, k) float64, zero at the first scale.

    Raises:
        ArgumentError: symmetric factors.
    """
    load = eta * float(truth.spectrum[0, 0])
    gamma = -math.log1p(-(load**2)) / math.log1p(load)
    share = signal_share(unit, truth)
    kept = torch.as_tensor(alphas, dtype=share.dtype, device=share.device) ** gamma
    return share[:, None] * (kept - kept[0])[:, None, None]
