"""How far normalised geometric steps reach, and which of them to take.

With the step η ρᵗ/‖Q_t‖ the whole run can move by a *budget* of R = η/(1 − ρ) only. Too small a budget ends before
the smallest eigenvalue of the truth is learnt; too large a one lets the noise grow long after it is. Everything
here is in the units of `Normalised(Geometric(eta, ratio))`; the η of Ma & Fattahi (2023), and so their R, is half
of it, because their objective is twice the one here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch

from lowrank_core import inputs
from lowrank_core.analysis.sign_rip import scaling
from lowrank_core.errors import require
from lowrank_core.factors import SMALLEST_SCALE

if TYPE_CHECKING:
    from lowrank_core.noise import Noise

ROUNDING = 1e-16


class Recommendation(NamedTuple):
    """Values for `Normalised(Geometric(eta, ratio))` and the number of iterations, all to be used as they are.

    Attributes:
        eta: η; twice the η of the paper.
        ratio: ρ = 1 − η/R.
        steps: T, after which ρᵀ is below double precision.
    """

    eta: float
    ratio: float
    steps: int

    @property
    def budget(self) -> float:
        """R = η/(1 − ρ); twice that of the paper."""
        return self.eta / (1 - self.ratio)


def smallest_budget(spectrum: Sequence[float], alpha: float) -> float:
    """R below which the expected loss is not minimised from a start of size α, as η → 0 (derived here).

    While σ_i is the largest eigenvalue not yet learnt, ‖Δ‖ = σ_i and a direction j grows by ρᵗη σ_j/σ_i per step,
    in the logarithm. Direction i has log(√σ_i/α) to go, less what it has gained while the larger ones were learnt.
    If α is far below √σ_r this is log(√σ₁/α)·(1 + Σ_{i≥2} (1 − σ_i/σ_{i−1})): successive ratios matter, not κ.

    Args:
        spectrum: the nonzero eigenvalues, largest first.
        alpha: size of the start in the directions of the truth.

    Raises:
        ArgumentError: a spectrum that is empty, unsorted or not positive, α not in (0, √σ_r).
    """
    spectrum = inputs.spectrum("spectrum", spectrum)
    alpha = inputs.number("alpha", alpha)
    require(
        SMALLEST_SCALE <= alpha < math.sqrt(spectrum[-1]),
        "alpha",
        alpha,
        f"a small start lies below √σ_r = {math.sqrt(spectrum[-1]):.3g}, and not below {SMALLEST_SCALE:g}",
        "use e.g. alpha=1e-8",
    )
    gained, budget = [0.0] * len(spectrum), 0.0
    for i, current in enumerate(spectrum):
        phase = max(math.log(math.sqrt(current) / alpha) - gained[i], 0.0)
        gained = [g + phase * other / current for g, other in zip(gained, spectrum, strict=True)]
        budget += phase
    return budget


def finite_step(eta: float) -> float:
    """How much more budget steps of size η need than infinitesimal ones (derived here; exact for κ = 1).

    A step multiplies by 1 + x, not by eˣ, so a budget R buys only R·∫₀^η log(1 + x) dx/(xη) in the logarithm.

    Raises:
        ArgumentError: η outside (0, 1], where a step may overshoot what it has learnt.
    """
    eta = inputs.number("eta", eta)
    require(0 < eta <= 1, "eta", eta, "normalised steps have a size in (0, 1]", "use e.g. eta=0.6")
    points = 1000
    grid = (eta * (i + 0.5) / points for i in range(points))
    return points / sum(math.log1p(x) / x for x in grid)


def slope_norm_factor(spectrum: Sequence[float], n: int, m: int, noise: Noise | None = None) -> float:
    """‖Q‖ over the eigenvalue of E[Q] that is to grow, before anything is learnt (derived here).

    Q is φ M*/‖M*‖_F plus a matrix of the Gaussian orthogonal ensemble over √m. With θ = φσ₁/‖M*‖_F and s² = n/(2m),
    the spike θ stands at θ + s²/θ once it is above s. The r₁ spikes that the noise cannot tell from it, those
    within √(2r/m), repel each other: the largest eigenvalue of their block lies about √(2/m)(√r₁ − r₁^(−1/6))
    higher, the edge less its finite-size shift, scaled so as to vanish for r₁ = 1.

    Args:
        spectrum: the nonzero eigenvalues, largest first.
        n: order of the matrix.
        m: number of measurements.
        noise: a noise model of `lowrank_core.noise`.

    Raises:
        ArgumentError: a spectrum as above, sizes below one, or m so small that the noise of the slope hides M*.
    """
    n, m, spectrum = inputs.whole("n", n, 1), inputs.whole("m", m, 1), inputs.spectrum("spectrum", spectrum)
    r, norm = len(spectrum), math.sqrt(sum(value**2 for value in spectrum))
    phi = float(scaling(torch.tensor(norm), noise))
    spikes = [phi * value / norm for value in spectrum]
    needed = math.ceil(n / (2 * spikes[0] ** 2)) + 1
    require(
        spikes[0] ** 2 > n / (2 * m),
        "m",
        m,
        "the slope's noise hides the truth, so no step size can help",
        f"take at least {needed} measurements",
    )
    alike = sum(spikes[0] - spike <= math.sqrt(2 * r / m) for spike in spikes)
    repulsion = math.sqrt(2 / m) * (math.sqrt(alike) - alike ** (-1 / 6))
    return 1 + n / (2 * m * spikes[0] ** 2) + repulsion / spikes[0]


def recommend(
    spectrum: Sequence[float],
    alpha: float,
    n: int,
    m: int,
    noise: Noise | None = None,
    eta: float = 0.6,
    margin: float = 1.25,
) -> Recommendation:
    """(η, ρ, T) for `Normalised(Geometric(eta, ratio))` from a start of size α.

    The budget is `margin` times the smallest one for these data. That is an estimate, within about 20 %, and a
    start may be smaller than α in some direction: a margin below 1.2 is risky, one above 1.6 costs accuracy.

    >>> advice = recommend([1.0], alpha=1e-3, n=20, m=2000)
    >>> 0.9 < advice.ratio < 1
    True

    Args:
        spectrum: the nonzero eigenvalues, largest first, or a guess of them; their scale does not matter much.
        alpha: size of the start in the directions of the truth.
        n: order of the matrix.
        m: number of measurements.
        noise: a noise model of `lowrank_core.noise`, None if there is none.
        eta: η, in (0, 1].
        margin: R over the smallest R, at least 1.

    Raises:
        ArgumentError: as for the functions above, or a margin below 1.
    """
    margin = inputs.number("margin", margin)
    require(
        margin >= 1, "margin", margin, "a smaller budget ends before the truth is learnt", "use e.g. 1.25"
    )
    budget = margin * smallest_budget(spectrum, alpha) * finite_step(eta)
    ratio = 1 - eta / (budget * slope_norm_factor(spectrum, n, m, noise))
    return Recommendation(eta, ratio, math.ceil(math.log(ROUNDING) / math.log(ratio)))
