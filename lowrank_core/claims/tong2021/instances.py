"""Starts near the truth in the distance of ScaledGD."""

from __future__ import annotations

import torch

from lowrank_core.factors import Factors
from lowrank_core.randomness import normal
from lowrank_core.truth import Truth


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
