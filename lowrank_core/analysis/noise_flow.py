"""What gradient flow on two factors leaves of the noise once the signal is learnt, in closed form (derived here).

On the directions of the search space that the signal leaves free, `imbalance.free_directions`, the noise rows J of
F and J' of G obey J̇ = −JJ'ᵀJ', J̇' = −J'JᵀJ to leading order in a small start. Time is t = ηT for gradient descent.
"""

from __future__ import annotations

import math

import torch

from lowrank_core.analysis.imbalance import free_directions
from lowrank_core.errors import require
from lowrank_core.factors import Factors
from lowrank_core.truth import Truth


def noise_error(time: torch.Tensor, start: Factors, truth: Truth) -> torch.Tensor:
    """Squared error ‖JJ'ᵀ‖² of the noise rows on the free directions, (B, R).

    With S = JᵀJ and S' = J'ᵀJ' at the start, the flow keeps D = S − S', and JᵀJ obeys the Riccati equation
    Ṗ = PD + DP − 2P². Its solution leads to ‖JJ'ᵀ‖² = tr(AA') with A = (I + SK)⁻¹S, K = ∫₀ᵗ2e^{2Ds}ds, and A' the
    same of S' and −D.

    Args:
        time: (R,), positive, float64.

    Raises:
        ArgumentError: symmetric factors, or a search rank that does not exceed the rank.
    """
    free = free_directions(start, truth).mT
    assert start.right is not None
    rows = [
        factor @ free - signal @ (signal.mT @ factor @ free)
        for factor, signal in ((start.left, truth.left), (start.right, truth.right))
    ]
    grams = [side.mT @ side for side in rows]
    values, vectors = torch.linalg.eigh(grams[0] - grams[1])

    def share(gram: torch.Tensor, modes: torch.Tensor) -> torch.Tensor:
        # Where the exponential would overflow, its mode has long vanished.
        x = (2 * modes[:, None, :] * time[None, :, None]).clamp(max=600.0)
        growth = 2 * time[None, :, None] * torch.where(x.abs() > 1e-9, torch.expm1(x) / x, 1.0)
        gram = (vectors.mT @ gram @ vectors)[:, None]
        eye = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
        return torch.linalg.solve(eye + gram * growth[..., None, :], gram.expand(*growth.shape, -1))

    return (share(grams[0], values) * share(grams[1], -values).mT).sum(dim=(-2, -1))


def tilted(start: Factors, epsilon: float) -> Factors:
    """The start with G₀ multiplied by √(1 − ε); from F₀ = G₀ the imbalance becomes Δ₀ = εF₀ᵀF₀.

    Raises:
        ArgumentError: symmetric factors, or ε outside (0, 1).
    """
    require(
        start.right is not None,
        "start",
        "symmetric factors X",
        "only a pair (F, G) has an imbalance",
        "use asymmetric factors",
    )
    require(0 < epsilon < 1, "epsilon", epsilon, "the tilt lies between 0 and 1", "use e.g. 0.1")
    assert start.right is not None
    return Factors(start.left, start.right * (1 - epsilon) ** 0.5)


def tilted_shift(epsilon: float) -> float:
    """x at time zero of every mode of a `tilted` start, −½ ln(1 − ε)."""
    return -0.5 * math.log1p(-epsilon)


def tilted_noise_error(time: torch.Tensor, modes: torch.Tensor, epsilon: float) -> torch.Tensor:
    """`noise_error` of a `tilted` balanced start, whose modes decouple: Σ_j (d_j/(2 sinh x_j))², (B, R).

    Here x_j = d_j·t − ½ ln(1 − ε), the toy problem of `lowrank_core.proofs.toy` for each mode.

    Args:
        time: (R,), float64.
        modes: d_j > 0, the slow modes, (B, k − r).
    """
    x = modes[:, None, :] * time[None, :, None] + tilted_shift(epsilon)
    return (modes[:, None, :] / (2 * torch.sinh(x))).square().sum(dim=-1)


def local_exponent(time: torch.Tensor, error: torch.Tensor) -> torch.Tensor:
    """d ln error / d ln time between neighbouring records, (B, R − 1); time is (R,) or (B, R), error (B, R)."""
    return error.log().diff(dim=1) / time.log().diff(dim=-1)
