"""The two losses of the residual A(M) − y: ℓ2 (half the weighted sum of squares) and ℓ1 (weighted sum)."""

from __future__ import annotations

from typing import Literal

import torch

from lowrank_core.errors import ArgumentError

Loss = Literal["l2", "l1"]


def check_loss(loss: str) -> None:
    """Refuse, with an ArgumentError, what is not the name of a loss."""
    # By identity of type first: an array would compare entry by entry.
    if not isinstance(loss, str) or loss not in ("l2", "l1"):
        raise ArgumentError("loss", loss, "unknown loss", 'use "l2" or "l1"')


def value(residual: torch.Tensor, weight: float, loss: Loss) -> torch.Tensor:
    """(w/2) Σ rᵢ² for ℓ2, w Σ |rᵢ| for ℓ1; residual (B, m) -> (B,)."""
    check_loss(loss)
    if loss == "l2":
        return 0.5 * weight * residual.square().sum(dim=-1)
    return weight * residual.abs().sum(dim=-1)


def dual(residual: torch.Tensor, weight: float, loss: Loss) -> torch.Tensor:
    """The derivative of the loss with respect to the residual, sign(0) = 0 for ℓ1: (B, m) -> (B, m)."""
    check_loss(loss)
    if loss == "l2":
        return weight * residual
    # torch.sign(NaN) is 0: a diverged trajectory would stand still and look as if it had finished.
    return weight * torch.where(residual.isnan(), residual, torch.sign(residual))
