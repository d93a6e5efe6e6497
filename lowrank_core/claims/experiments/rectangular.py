"""Rectangular truths of several condition numbers side by side, and operators that are hard for them."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from lowrank_core.claims.grammar import Sweep, Variant, at
from lowrank_core.randomness import normal
from lowrank_core.sensing import Dense
from lowrank_core.sensing.certified_isometry import certified
from lowrank_core.truth import Truth, geometric_spectrum, rectangular


def truths(sweep: Sweep, n1: int, n2: int, rank: int) -> Truth:
    """A rectangular truth in a random basis, σ_r = 1, for each trajectory of a sweep over κ."""
    spectra = [geometric_spectrum(rank, kappa) for kappa in sweep.column("κ", ndim=1).tolist()]
    device = sweep.setting.device
    values = torch.tensor(spectra, dtype=torch.float64, device=device)
    return rectangular(n1, n2, values, sweep.seeds, basis="random", device=device)


def hard_operator(truth: Truth, delta: torch.Tensor) -> Dense:
    """A*A = (1 + δ)I − 2δΠ with Π on two or three matrices of rank one: δ is the constant of order 2r exactly.

    The leading and the last singular pair of the truth are among them, which a spectral start depends on (one pair
    if r = 1); and one with Gaussian vectors.
    """
    (n1, n2), seeds = truth.shape, truth.seeds
    pairs = [truth.left[:, :, i, None] @ truth.right[:, :, i, None].mT for i in sorted({0, truth.rank - 1})]
    column = normal(seeds, "direction left", n1, 1, device=delta.device)
    row = normal(seeds, "direction right", 1, n2, device=delta.device)
    return certified(torch.stack([*pairs, column @ row], dim=1), delta, symmetric=False)


def beside(first: Variant, found: Mapping[Variant, torch.Tensor]) -> dict[Variant, torch.Tensor]:
    """The same under names with another in front: "κ = 1" beside "η = 0.5" is "η = 0.5, κ = 1"."""
    return {
        at(f"{first}, {second}", **first.numbers, **second.numbers): values
        for second, values in found.items()
    }
