"""The spectral start of the sub-gradient method, from the signs of the measurements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.sign_rip import deviation, largest_pairing, scaling
from lowrank_core.analysis.statistics import pooled
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, each, edge, refused, scales
from lowrank_core.claims.ma2023.sign_rip import unit
from lowrank_core.claims.ma2023.subgradient import sensing, spectral
from lowrank_core.linalg import operator_norm
from lowrank_core.noise import Outliers

PAGE = Page("chapters/ma2023/sign-rip")


START_RATIO = Criterion("‖U₀U₀ᵀ − α²φM*/‖M*‖_F‖ / (2α²φδ)", high=1.0, width="the inequality itself")
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
    kinds: tuple[Outliers | None, ...] = (None, noise)
    found = {
        "clean" if law is None else f"p = {s.p:g}": [start_quality(setting, m, law) for m in s.ms]
        for law in kinds
    }
    control = [start_quality(setting, m, noise, robust=False) for m in s.ms]

    def series(per_m: Sequence[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]) -> tuple[Any, ...]:
        ratios, gaps, overlaps = (torch.stack(values, dim=1) for values in zip(*per_m, strict=True))
        return ratios.amax(dim=1), pooled(torch.mean, rates.scaling_exponent(s.ms, gaps)), overlaps[:, -1]

    names = (START_RATIO, START_SLOPE, OVERLAP)
    return Evidence(
        measured={
            name: {kind: series(runs)[i] for kind, runs in found.items()} for i, name in enumerate(names)
        },
        predicted={START_SLOPE: -0.5},
        control={name: {"y": series(control)[i]} for i, name in enumerate(names)},
        notes={"overlap of random directions": r / s.n},
        curves={
            "m": s.ms,
            "deviation": {kind: torch.stack([q[1] for q in runs], dim=1) for kind, runs in found.items()},
            "overlap": {kind: torch.stack([q[2] for q in runs], dim=1) for kind, runs in found.items()},
            "control": torch.stack([q[2] for q in control], dim=1),
        },
    )


def start_quality(
    setting: Setting, m: int, noise: Outliers | None, robust: bool = True
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """‖U₀U₀ᵀ/α² − φM*/‖M*‖_F‖ over its bound and as it is, and the overlap of the eigenvectors, (S,) each.

    The ratio is that of the worst search rank; the other two are those of the largest.
    """
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
    return gaps.amax(dim=0) / (2 * phi * delta), gaps[-1], overlap
