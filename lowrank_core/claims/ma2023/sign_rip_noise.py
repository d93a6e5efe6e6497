"""How far the sub-gradient at a fixed matrix is from its mean, where Gaussian noise is larger than the matrix."""

from __future__ import annotations

import math

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.sign_rip import CLEAN, PAIRINGS, scaling
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, each, edge, refused, scales
from lowrank_core.claims.ma2023.sign_rip_deviation import PILOT, gaussian_pairings, mean_deviations
from lowrank_core.noise import Gaussian

PAGE = Page("chapters/ma2023/sign-rip")

BELOW = 0.2
"""The largest ‖X‖_F/ν that counts as below the noise: there 1/φ is a power of it up to 2 %."""

ZETA = Criterion(
    "exponent in ‖X‖_F, for ‖X‖_F ≪ ν", 0.97, 1.03, of_prediction=True, width=PILOT.format(0.007, 0.006)
)
LAW = Criterion(
    "δ φ √m, mean over ‖X‖_F",
    0.92,
    1.08,
    of_prediction=True,
    width=PILOT.format("2.0 %", "2.0 %"),
)


@PAGE.claim(
    "ma2023.sign-rip-gaussian-noise",
    "Under Gaussian noise the deviation is that of no noise, times √(1 + ν²/‖X‖_F²)",
    ZETA,
    LAW,
    reference="Theorem 11 (p. 13), an upper bound; the exact law at a fixed matrix is derived here",
    states="prop-sign-rip-zeta",
    origin="ours",
    kind="rate",
    control="errors above the noise, where the deviation does not depend on ‖X‖_F (exponent); φ without noise "
    "(constant)",
    sizes=scales(
        n=each(12, 16, 20),
        k=2,
        m=each(1_000, 2_000, 8_000),
        ratios=each((0.02, 0.05, 0.2), (0.02, 0.05, 0.1, 0.2), (0.005, 0.02, 0.05, 0.1, 0.2)),
        matrices=each(32, 16, 16),
    ),
    edges=(
        edge("k = 1", k=1),
        edge("k = n", k=12),
        edge("n = 8", n=8, k=1, matrices=96),
        edge("errors far below the noise", ratios=(1e-6, 1e-4, 1e-2)),
        refused("k ≤ n", "no matrix has a larger rank", k=13),
        refused("‖X‖_F ≪ ν", "beyond the noise the deviation does not depend on ‖X‖_F", ratios=(1.0, 2.0)),
    ),
    uses=("ma2023.scaling-function-proof",),
    discrepancy="Theorem 11 bounds the supremum over X with ‖X‖_F ≥ ζ as well, and asks for m ≳ ν²nk/(ζ²δ²) up to "
    "logarithms. What is measured is a fixed X, averaged over {matrices:.0f} of them.",
)
def sign_rip_gaussian_noise(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(s.k <= s.n, "k ≤ n", s.k)
    setting.assume(max(s.ratios) <= BELOW, "‖X‖_F ≪ ν", s.ratios)
    above = tuple(5 / ratio for ratio in s.ratios)

    def deviations(ratios: tuple[float, ...]) -> torch.Tensor:
        """δ_k(X) of unit X under noise of standard deviation 1/ratio, (pairings, S, ratios)."""
        return mean_deviations(setting, s.n, s.m, (s.k,), [Gaussian(1 / ratio) for ratio in ratios])[..., 0]

    below, beyond, mean = deviations(s.ratios), deviations(above), gaussian_pairings(s.n, (s.k,))
    one = torch.ones((), dtype=torch.float64)
    phi = torch.stack([scaling(one, Gaussian(1 / ratio)) for ratio in s.ratios]).to(setting.device)
    slope = float(rates.scaling_exponent(s.ratios, 1 / phi.cpu()[None]))
    root = math.sqrt(s.m)
    evidence = Evidence(
        notes={"matrices": float(s.matrices)},
        curves={
            "‖X‖_F/ν": (s.ratios, above),
            "below": below,
            "above": beyond,
            "law": {over: float(mean[over]) / root for over in PAIRINGS},
        },
    )
    for i, over in enumerate(PAIRINGS):
        evidence.found(ZETA, rates.scaling_exponent(s.ratios, below[i]), over, predicted=slope)
        evidence.broken(ZETA, rates.scaling_exponent(above, beyond[i]), over, predicted=slope)
        for add, factor in ((evidence.found, phi), (evidence.broken, CLEAN)):
            add(LAW, (below[i] * factor).mean(dim=1) * root, over, predicted=float(mean[over]))
    return evidence
