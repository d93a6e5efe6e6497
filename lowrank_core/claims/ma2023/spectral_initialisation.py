"""The spectral start of the sub-gradient method, from the signs of the measurements."""

from __future__ import annotations

from typing import NamedTuple

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.sign_rip import deviation, largest_pairing, scaling
from lowrank_core.analysis.sign_rip_scores import unit
from lowrank_core.analysis.statistics import pooled
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.claims.ma2023.subgradient import sensing, spectral
from lowrank_core.linalg import operator_norm
from lowrank_core.noise import Outliers

PAGE = Page("chapters/ma2023/sign-rip")


START_RATIO = Criterion("‖U₀U₀ᵀ − α²φM*/‖M*‖_F‖ / (2α²φδ±)", high=1.0, width="the inequality itself")
START_SLOPE = Criterion(
    "exponent in m of the deviation",
    -0.61,
    -0.39,
    width="over 50 pilot seeds an exponent deviates by 0.07, so the mean of 8 by 0.025",
    pooled="mean of the seeds' exponents",
)
OVERLAP = Criterion(
    "overlap of the leading eigenvectors with the truth", low=0.95, width="smallest of 98 pilot seeds 0.986"
)


@PAGE.claim(
    "ma2023.spectral-initialisation",
    "The spectral start points along the truth, and gross outliers do not turn it",
    START_RATIO,
    START_SLOPE,
    OVERLAP,
    reference="Lemma 33 (p. 34), stated there without noise; outliers and search ranks k < n are derived here",
    states="sign-rip-start",
    origin="sharpened",
    known="read",
    kind="bound-upper",
    control="y instead of sign(y) in Algorithm 2, scaled to its best",
    seeds={"smoke": 8},
    sizes=scales(
        n=each(12, 20, 20),
        spectrum=each((1.0, 1.0), (1.0, 1.0, 1.0), (1.0, 1.0, 1.0)),
        ks=each((2, 3, 6, 12), (3, 4, 10, 20), (3, 4, 10, 20)),
        ms=each(
            (500, 2_000, 8_000),
            (500, 1_000, 2_000, 4_000, 8_000),
            (500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000),
        ),
        p=0.2,
        alpha=1e-3,
    ),
    edges=(
        edge("r = k = 1", spectrum=(1.0,), ks=(1, 12)),
        edge("n = r + 1", n=3, ks=(2, 3)),
        edge("κ = 2", spectrum=(2.0, 1.0)),
        edge("most measurements outliers", p=0.7),
        refused("k ≤ n", "no start of order n has more columns", ks=(13,)),
        refused("k ≥ r", "the truth does not fit", ks=(1, 12)),
        refused("p < 1", "no measurement would be left", p=1.0),
    ),
)
def spectral_initialisation(setting: Setting) -> Evidence:
    s, r = setting.sizes, len(setting.sizes.spectrum)
    setting.assume(max(s.ks) <= s.n, "k ≤ n", s.ks)
    setting.assume(s.p < 1, "p < 1", s.p)
    noise = Outliers(s.p, 100.0)
    found = {
        "clean": start_qualities(setting, None),
        at(p=s.p): start_qualities(setting, noise),
    }
    control = start_qualities(setting, noise, robust=False)
    evidence = Evidence(
        notes={"overlap of random directions": r / s.n},
        curves={
            "m": s.ms,
            "deviation": {kind: quality.deviation for kind, quality in found.items()},
            "overlap": {kind: quality.overlap for kind, quality in found.items()},
            "control": control.overlap,
        },
    )
    for add, kinds in ((evidence.found, found), (evidence.broken, {"y": control})):
        for kind, quality in kinds.items():
            add(START_RATIO, quality.ratio.amax(dim=1), kind)
            exponents = rates.scaling_exponent(s.ms, quality.deviation)
            add(START_SLOPE, pooled(torch.mean, exponents), kind, predicted=-0.5)
            add(OVERLAP, quality.overlap[:, -1], kind)
    return evidence


class Quality(NamedTuple):
    """How good spectral starts are, (S, m), or (S,) of one m.

    Attributes:
        ratio: ‖U₀U₀ᵀ/α² − φM*/‖M*‖_F‖ over its bound, for the worst search rank.
        deviation: the same as it is, for the largest search rank.
        overlap: that of the leading eigenvectors with the truth, for the largest search rank.
    """

    ratio: torch.Tensor
    deviation: torch.Tensor
    overlap: torch.Tensor


def start_qualities(setting: Setting, noise: Outliers | None, robust: bool = True) -> Quality:
    """For every m of the setting; `robust` takes the signs of y, as Algorithm 2 does, in place of y itself."""
    per_m = [start_quality(setting, m, noise, robust) for m in setting.sizes.ms]
    return Quality(*(torch.stack(values, dim=1) for values in zip(*per_m, strict=True)))


def start_quality(setting: Setting, m: int, noise: Outliers | None, robust: bool) -> Quality:
    s, r = setting.sizes, len(setting.sizes.spectrum)
    problem = sensing(setting, m, noise, loss="l1")
    truth, operator = problem.truth.matrix, problem.operator
    errors = problem.observations - operator.forward(truth)
    phi = scaling(truth.norm(dim=(-2, -1)), noise)
    aim = phi[:, None, None] * unit(truth)
    if robust:
        starts = [spectral(problem, k, s.alpha).product() / s.alpha**2 for k in s.ks]
    else:
        values, vectors = torch.linalg.eigh(operator.adjoint(problem.observations))
        started = (vectors * values.clamp(min=0.0)[:, None, :]) @ vectors.mT
        starts = [unit(started) * (unit(started) * aim).sum(dim=(-2, -1), keepdim=True)]
    gaps = torch.stack([operator_norm(started - aim) for started in starts])
    # sign(y) is the sign that the sub-gradient takes at X = M* when s changes its sign.
    delta = largest_pairing(deviation(operator, truth, -errors, noise), 1, "symmetric Y")
    leading = torch.linalg.eigh(starts[-1]).eigenvectors[:, :, -r:]
    overlap = (problem.truth.left.mT @ leading).square().sum(dim=(-2, -1)) / r
    return Quality(gaps.amax(dim=0) / (2 * phi * delta), gaps[-1], overlap)
