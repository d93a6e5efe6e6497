"""One step of gradient descent on the population loss, as it acts on signal and residual, and its inequalities.

In the eigenbasis of the truth X = [S; E], and X₊ = X − η(XXᵀ − M*)X. The inequalities are (16) to (20) of Ma &
Fattahi (2023), Propositions 16 and 17 (JMLR pp. 17–18); the last term of (16) is derived here. What of them is
proved is in `lowrank_core.proofs.one_step_inequalities`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

VISIBLE = 1e-11
"""Norms below it are rounding, and nothing is said about them."""


class Split(NamedTuple):
    """Factors in the eigenbasis of the truth, float64, of any leading dimensions.

    Attributes:
        signal: S, (..., r, k).
        residual: E, (..., n − r, k).
        spectrum: the eigenvalues of the truth, descending, (..., r).
        eta: the step, (..., 1, 1).
    """

    signal: torch.Tensor
    residual: torch.Tensor
    spectrum: torch.Tensor
    eta: torch.Tensor

    def step(self) -> Split:
        """One step of gradient descent on the population loss."""
        s, e = self.signal, self.residual
        kernel = s.mT @ s + e.mT @ e
        forward = s + self.eta * (self.spectrum[..., None] * s - s @ kernel)
        return self._replace(signal=forward, residual=e - self.eta * e @ kernel)


class Norms(NamedTuple):
    """What the inequalities speak of: λ_min(SSᵀ), ‖SSᵀ‖, ‖Σ − SSᵀ‖, ‖SEᵀ‖ and ‖EEᵀ‖, each (...,)."""

    smallest: torch.Tensor
    largest: torch.Tensor
    gap: torch.Tensor
    cross: torch.Tensor
    residual: torch.Tensor


def norms(split: Split) -> Norms:
    """The spectral norms of a split."""
    s, e = split.signal, split.residual
    squares = torch.linalg.svdvals(s).square()
    gap = torch.diag_embed(split.spectrum) - s @ s.mT
    return Norms(
        squares[..., -1],
        squares[..., 0],
        torch.linalg.svdvals(gap)[..., 0],
        torch.linalg.svdvals(s @ e.mT)[..., 0],
        torch.linalg.svdvals(e)[..., 0].square(),
    )


def signal_bound(split: Split, extra: float) -> torch.Tensor:
    """The right side of (16) with the further term −extra·η²σ₁‖SEᵀ‖², (...,); as printed `extra` is 0."""
    before, eta, sigma = norms(split), split.eta[..., 0, 0], split.spectrum
    growth = 1 + eta * sigma[..., -1]
    bound = (growth**2 - 2 * eta * before.residual) * before.smallest - 2 * eta * growth * before.smallest**2
    return bound - extra * eta**2 * sigma[..., 0] * before.cross**2


class Violations(NamedTuple):
    """By how much (16) to (20) fail, relative to the quantity that each is about, (...,); negative if they hold."""

    signal: torch.Tensor
    error: torch.Tensor
    cross: torch.Tensor
    residual: torch.Tensor
    bounded: torch.Tensor


def violations(split: Split) -> Violations:
    """The violations of one step; (16) is taken with its further term, `extra` = 2."""
    before, after = norms(split), norms(split.step())
    eta, top = split.eta[..., 0, 0], split.spectrum[..., 0]
    lam, e = before.smallest, before.residual
    error = (1 - eta * lam) * before.gap + 5 * eta * before.cross**2
    factor = 1 - eta * lam + 2 * eta * before.gap + 2 * eta * e
    return Violations(
        (signal_bound(split, 2) - after.smallest) / lam,
        torch.where(before.gap > VISIBLE, (after.gap - error) / before.gap, -torch.inf),
        torch.where(before.cross > VISIBLE, after.cross / (factor * before.cross) - 1, -torch.inf),
        (after.residual - e + eta * e**2) / e,
        after.largest / (1.01 * top) - 1,
    )
