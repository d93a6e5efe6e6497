"""The perturbation of the gradient flow within the signal block that gains most by turning, to first order.

Linearised at a diagonal truth with singular values σ, Ṙ_ij = −(σ_i + σ_j)(R_ij + E_ij) in the signal block, so that
xᵀR(T)x = −∫⟨W(T − t), E(t)⟩dt with W(s) = abᵀ + baᵀ, a_i = x_iσ_ie^{−σ_is}, b_i = x_ie^{−σ_is}.
Here x = (1, ..., 1)/√r. (Derived here.)
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch

from lowrank_core.errors import require


def turning_gain(sigma: torch.Tensor) -> float:
    """2∫‖Σe^{−Σs}x‖‖e^{−Σs}x‖ds: the largest |xᵀR(T)x| per unit of noise, for long T.

    Args:
        sigma: singular values, decreasing, (r,) float64.
    """
    # From far below the time of the fastest value to far beyond that of the slowest.
    decades = math.log10(float(sigma[0] / sigma[-1])) + 2
    grid = torch.logspace(-5, decades, 6001, dtype=torch.float64) / float(sigma[0])
    grid = torch.cat([grid.new_zeros(1), grid])
    decayed = torch.exp(-grid[:, None] * sigma.cpu()) / math.sqrt(len(sigma))
    product = (decayed * sigma.cpu()).norm(dim=1) * decayed.norm(dim=1)
    return 2 * float(torch.trapezoid(product, grid))


def turning_noise(
    sigma: torch.Tensor, size: float, time: float, pieces: int = 60
) -> list[tuple[torch.Tensor, float]]:
    """The E(t) that attains `turning_gain`, the polar factor of W(T − t), piece by piece in the order of time.

    Args:
        sigma: singular values, decreasing, (r,).
        size: its operator norm.
        time: how long it acts, above 0.02/σ_1, far above to attain the gain.
        pieces: how many; the last is 0.02/σ_1 long, the others evenly long on a logarithmic scale of the time that
            is left.

    Returns:
        (E, duration) with E of shape (r, r), dtype and device those of `sigma`; the durations add up to `time`.

    Raises:
        ArgumentError: `time` is not above 0.02/σ_1.
    """
    shortest = 0.02 / float(sigma[0])
    require(
        time > shortest, "time", time, f"the last piece alone takes {shortest:g}", "let it act for longer"
    )
    grid = torch.logspace(math.log10(time), math.log10(shortest), pieces, dtype=sigma.dtype)
    grid = torch.cat([grid.to(sigma), sigma.new_zeros(1)])
    grid[0] = time
    # W has rank two, or one if all singular values are equal.
    rank = 1 if bool(sigma[0] == sigma[-1]) else 2
    found = []
    for begin, end in pairwise(grid):
        b = torch.exp(-sigma * (begin + end) / 2)
        left, _, right = torch.linalg.svd(torch.outer(sigma * b, b) + torch.outer(b, sigma * b))
        found.append((size * left[:, :rank] @ right[:rank], float(begin - end)))
    return found
