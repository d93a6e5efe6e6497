"""What the claims on ScaledGD share: truths of several condition numbers side by side, and starts near them.

Trajectories stand in the order seed, then variant; `by_variant` takes them apart again.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lowrank_core.claims.grammar import Setting
from lowrank_core.factors import Factors
from lowrank_core.randomness import normal
from lowrank_core.sensing import Dense
from lowrank_core.sensing.certified import certified
from lowrank_core.truth import Truth, geometric_spectrum, rectangular

ROUNDING = 1e-8
"""Bounds are followed down to this multiple of σ_r, far above rounding."""


def truths(setting: Setting, n1: int, n2: int, rank: int, kappas: Sequence[float]) -> Truth:
    """A rectangular truth in a random basis, σ_r = 1, for each seed and each condition number given."""
    spectrum = torch.tensor([geometric_spectrum(rank, kappa) for kappa in kappas], dtype=torch.float64)
    seeds = [seed for seed in setting.seeds for _ in kappas]
    spectra = spectrum.repeat(len(setting.seeds), 1).to(setting.device)
    return rectangular(n1, n2, spectra, seeds, basis="random", device=setting.device)


def near_truth(truth: Truth, radius: float) -> Factors:
    """Balanced factors of the truth plus a Gaussian perturbation that weighs radius·σ_r in the metric of `dist`.

    So dist ≤ radius·σ_r, as Q = I already shows.
    """
    (n1, n2), rank = truth.shape, truth.rank
    drawn = normal(truth.seeds, "perturbation", n1 + n2, rank, device=truth.spectrum.device)
    drawn = drawn / torch.linalg.matrix_norm(drawn)[:, None, None]
    drawn = radius * truth.spectrum[:, -1, None, None] * drawn / truth.spectrum.sqrt()[:, None, :]
    left, right = truth.roots
    return Factors(left + drawn[:, :n1], right + drawn[:, n1:])


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


def by_variant(values: torch.Tensor, names: Sequence[str]) -> dict[str, torch.Tensor]:
    """Variant -> one value per seed, from values in the order seed, variant."""
    return dict(zip(names, values.reshape(-1, len(names)).unbind(dim=1), strict=True))


def largest_over_bound(
    values: torch.Tensor, steps: torch.Tensor, at_start: float, rate: float
) -> torch.Tensor:
    """max over t of values (B, R) / (at_start·rate^t), as long as that bound exceeds `ROUNDING`, (B,)."""
    bound = at_start * rate ** steps.to(torch.float64)
    return torch.where(bound > ROUNDING, values / bound, 0.0).amax(dim=1)


def largest_step(values: torch.Tensor) -> torch.Tensor:
    """max of v_{t+1}/v_t over the records, which are every step, as long as v_t exceeds `ROUNDING`; (B, R) ->
    (B,)."""
    before, after = values[:, :-1], values[:, 1:]
    return torch.where(before > ROUNDING, after / before, 0.0).amax(dim=1)
