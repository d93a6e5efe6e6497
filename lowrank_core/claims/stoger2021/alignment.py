"""The spectral phase, and what over-parameterisation does for alignment."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.alignment import largest_angle, leading_columns
from lowrank_core.analysis.crossings import falls_below
from lowrank_core.analysis.statistics import Pooled, pooled
from lowrank_core.claims.experiments.small_starts import descent
from lowrank_core.claims.grammar import (
    Criterion,
    Evidence,
    Page,
    Setting,
    Sweep,
    Variant,
    each,
    edge,
    refused,
    scales,
)
from lowrank_core.factors import Factors, gaussian_start, pad_columns
from lowrank_core.linalg import operator_norm
from lowrank_core.problem import Problem, observe
from lowrank_core.sensing import gaussian_symmetric
from lowrank_core.truth import psd

PAGE = Page("chapters/wind2023/spectral-alignment", book=10)


RATIO = "σ_{r+1}/σ_r of A*A(M*), mean"


def _problem(setting: Setting, seeds: Sequence[int]) -> Problem:
    s, device = setting.sizes, setting.device
    return observe(
        psd(s.n, s.spectrum, seeds, device=device), gaussian_symmetric(s.n, s.m, seeds, device=device)
    )


def _by_scale(setting: Setting, scales: Sequence[float]) -> tuple[Sweep, Problem, Factors]:
    """One ensemble and one direction of the start per seed, and a trajectory for every scale."""
    sweep, s = Sweep(setting, α=scales), setting.sizes
    start = gaussian_start(s.n, s.k, 1.0, sweep.seeds, setting.device)
    # Rounded to single precision, α is off by at most 6e-8 of itself.
    start = start.rescaled(sweep.column(ndim=1).float())
    return sweep, _problem(setting, sweep.seeds), start


def _iterations(setting: Setting, phi: float, scale: float) -> int:
    """φ t₁ in iterations, t₁ = ln(1/α)/σ₁ the time in which the flow learns the first direction."""
    s = setting.sizes
    return round(phi * math.log(1 / scale) / s.spectrum[0] / s.eta)


def _spectral(problem: Problem) -> tuple[torch.Tensor, torch.Tensor]:
    """Eigenvalues, largest first, and eigenvectors of the spectral estimate A*A(M*)."""
    values, vectors = torch.linalg.eigh(problem.operator.normal_map(problem.truth.matrix))
    return values.flip(-1), vectors.flip(-1)


SLOPE = Criterion(
    "slope of ln(gap) on ln(α²(1 + ηλ₁)^{2T})", 0.96, 1.05, width="finite α: 1.001 to 1.031 on 50 pilot seeds"
)
GAP = Criterion(
    "relative gap to the power method, smallest α",
    high=1e-3,
    width="of the order α at φ = ½: at most 1.6e-6 on 50 pilot seeds",
)


@PAGE.claim(
    "stoger2021.spectral-phase",
    "A small start is first the power method on A*A(M*)",
    SLOPE,
    GAP,
    reference="abstract for the spectral phase; the exponent of the gap is derived",
    states="prop-align-phase",
    kind="rate",
    control="a time beyond the phase, φ = 1.5, where the gap is of order one at every α",
    sizes=scales(
        n=each(12, 24, 48),
        spectrum=(1.0, 0.7),
        k=each(6, 24, 48),
        m=each(200, 400, 1600),
        eta=0.05,
        scales=each((1e-4, 1e-6), (1e-3, 1e-4, 1e-5, 1e-6), (1e-4, 1e-5, 1e-6, 1e-7)),
        phi=0.5,
        late=1.5,
    ),
    edges=(
        edge("r = 1", spectrum=(1.0,)),
        edge("k = r, the fewest columns", k=2, scales=(1e-6, 1e-8)),
        edge("k = n", k=12),
        edge("equal values", spectrum=(1.0, 1.0)),
        edge("κ = 100", spectrum=(1.0, 0.01)),
        edge("an early time", phi=0.2),
        edge("a large step", eta=0.4),
        edge("fewer measurements than the 78 unknowns", m=60),
        refused("r < min(n₁, n₂)", "no noise directions", n=2, k=2),
        refused("k ≥ r", "the truth is out of reach", k=1),
        refused("η‖A*A(M*)‖ ≤ 1", "a negative eigenvalue need not decay", eta=1.2),
    ),
    fit="illustrates",
)
def spectral_phase(setting: Setting) -> Evidence:
    s = setting.sizes
    sweep, problem, start = _by_scale(setting, s.scales)
    values, vectors = _spectral(problem)
    setting.assume(s.eta * float(values.abs().max()) <= 1, "η‖A*A(M*)‖ ≤ 1")
    # Per scale, the whole number of iterations that φt₁ is rounded to.
    ran = {phi: [_iterations(setting, phi, scale) for scale in s.scales] for phi in (s.phi, s.late)}
    record = sorted({t for counts in ran.values() for t in counts})
    run = descent(
        problem,
        start,
        s.eta,
        record[-1] * s.eta,
        record=record,
        observables={"factors": lambda _, factors: factors.left},
    )

    def gap(variant: Variant, t: int) -> torch.Tensor:
        """The relative gap after t iterations from one scale, (S,)."""
        power = vectors @ ((1 + s.eta * values)[..., None] ** t * (vectors.mT @ start.left))
        left_out = run.observed["factors"][:, int((run.steps == t).nonzero())] - power
        return sweep.split(operator_norm(left_out) / operator_norm(power))[variant]

    gaps = {
        phi: torch.stack([gap(v, t) for v, t in zip(sweep.variants, counts, strict=True)], dim=1)
        for phi, counts in ran.items()
    }
    logarithm = sweep.split(torch.log1p(s.eta * values[:, 0]))[sweep.variants[0]]
    growth = logarithm / (s.eta * s.spectrum[0])

    def slope(phi: float) -> torch.Tensor:
        counts = torch.tensor(ran[phi], dtype=torch.float64)
        order = 2 * (torch.tensor(s.scales, dtype=torch.float64).log() + logarithm[:, None] * counts)
        every = torch.ones_like(order, dtype=torch.bool)
        return rates.line_fit(order, gaps[phi].log(), every).slope

    return Evidence(
        measured={SLOPE: slope(s.phi), GAP: gaps[s.phi][:, -1]},
        predicted={SLOPE: 1},
        control={SLOPE: slope(s.late), GAP: gaps[s.late][:, -1]},
        notes={"rate of growth / σ₁": float(growth.mean()), RATIO: ratio(values, s.spectrum)},
        curves={"scales": s.scales, "gaps": gaps, "growth": growth},
    )


def ratio(values: torch.Tensor, spectrum: Sequence[float]) -> float:
    """σ_{r+1}/σ_r of the spectral estimate: 0 with all entries observed, and small where theorems apply."""
    found = values.abs().sort(dim=-1, descending=True).values
    return float((found[:, len(spectrum)] / found[:, len(spectrum) - 1]).mean())


CLOSER = Criterion(
    "largest angle(α/10) / angle(α) to the estimate's space, at φ",
    high=0.95,
    width="0.36 to 0.63 on 50 pilot seeds, 0.84 at smoke scale",
)
PLATEAU = Criterion(
    "angle to the truth / angle between the two spaces, at φ",
    0.9,
    1.1,
    width="what is left at finite α: 0.944 to 1.012 on 50 pilot seeds",
)
CLOSEST = Criterion(
    "closest the path comes to the estimate's space / angle between the two spaces",
    high=0.3,
    width="at most 0.143 on 50 pilot seeds, at the largest α",
)
ARRIVED = Criterion(
    "angle to the truth / angle between the two spaces, at the end",
    high=0.05,
    width="at most 0.001 on 50 pilot seeds, at the smallest α",
)


@PAGE.claim(
    "stoger2021.angle-to-the-spectral-estimate",
    "The columns first turn to the spectral estimate, not to the truth",
    CLOSER,
    PLATEAU,
    CLOSEST,
    ARRIVED,
    reference="abstract for the spectral phase; the angles as in figures of later work, restated",
    states="prop-align-angles",
    origin="paper",
    known="restated",
    kind="ordering",
    control="after the phase instead of in it; for the closest approach, a large start, α = 1; for the arrival, "
    "in the phase instead of after it",
    sizes=scales(
        n=each(12, 24, 48),
        spectrum=(1.0, 0.7),
        k=each(12, 24, 48),
        m=each(300, 600, 1600),
        eta=each(0.1, 0.05, 0.05),
        scales=each((1e-5, 1e-6, 1e-7), (1e-4, 1e-5, 1e-6, 1e-7), (1e-4, 1e-5, 1e-6, 1e-7)),
        phi=0.8,
        end=1.75,
        every=each(20, 20, 10),
    ),
    edges=(
        edge("r = 1", spectrum=(1.0,)),
        edge("a small last value, with the measurements that it needs", spectrum=(1.0, 0.4), m=3_000),
        edge("k = n/2", k=6),
    ),
    fit="illustrates",
    uses=("stoger2021.spectral-phase",),
)
def angle_to_the_spectral_estimate(setting: Setting) -> Evidence:
    s, large = setting.sizes, 1.0
    scales = (*s.scales, large)
    sweep, problem, start = _by_scale(setting, scales)
    values, vectors = _spectral(problem)
    rank = len(s.spectrum)
    estimate = vectors[..., :rank]

    def angles(_: Problem, factors: Factors) -> torch.Tensor:
        reached = leading_columns(factors.left, rank)
        return torch.stack(
            [largest_angle(estimate, reached), largest_angle(problem.truth.left, reached)], dim=1
        )

    end = _iterations(setting, s.end * s.spectrum[0] / s.spectrum[-1], min(s.scales))
    when = [_iterations(setting, s.phi, scale) for scale in s.scales]
    run = descent(
        problem,
        start,
        s.eta,
        end * s.eta,
        record=torch.cat([torch.tensor(when), torch.arange(0, end, s.every)]),
        observables={"angles": angles},
    )
    shape = (len(setting.seeds), len(scales))
    apart = largest_angle(problem.truth.left, estimate).reshape(shape)[:, 0]
    to_estimate, to_truth = run.observed["angles"].reshape(*shape, -1, 2).unbind(dim=-1)
    places = [int((run.steps == t).nonzero()) for t in when]

    def at_phi(series: torch.Tensor) -> torch.Tensor:
        return torch.stack([series[:, i, place] for i, place in enumerate(places)], dim=1)

    def closer(angle: torch.Tensor) -> torch.Tensor:
        """The largest ratio of the angle to that of the next larger α, (B,)."""
        return (angle[:, 1:] / angle[:, :-1]).amax(dim=1)

    near, far = at_phi(to_estimate), at_phi(to_truth) / apart[:, None]
    closest, arrived = to_estimate.amin(dim=-1) / apart[:, None], to_truth[..., -1] / apart[:, None]

    *small, one = sweep.variants
    evidence = Evidence(
        predicted={PLATEAU: 1},
        notes={RATIO: ratio(values, s.spectrum)},
        curves={
            "time": run.steps * s.eta,
            "scales": scales,
            "estimate": to_estimate,
            "truth": to_truth,
            "apart": apart,
        },
    )
    evidence.found(CLOSER, closer(near))
    evidence.broken(CLOSER, closer(to_estimate[:, :-1, -1]), "after the phase")
    # The largest α is not small enough to rest at the angle between the spaces.
    evidence.found(PLATEAU, dict(zip(small[1:], far.T[1:], strict=True)))
    evidence.broken(PLATEAU, arrived[:, -2], "after the phase")
    evidence.found(CLOSEST, dict(zip(small, closest.T[:-1], strict=True)))
    evidence.broken(CLOSEST, closest[:, -1], one)
    evidence.found(ARRIVED, dict(zip(small, arrived.T[:-1], strict=True)))
    evidence.broken(ARRIVED, far[:, -1], "in the phase")
    return evidence


TIME = Criterion(
    "0.9 quantile of the time to error 0.1, many columns / r columns",
    high=0.93,
    width="0.77 to 0.87 on 50 pilot seeds",
)
MISALIGNED = Criterion(
    "0.9 quantile of the misalignment, many columns / r columns",
    high=0.25,
    width="at most 0.07 on 50 pilot seeds",
)
MEDIAN = Criterion(
    "median of the time to error 0.1, many columns / r columns",
    0.87,
    1.0,
    width="0.903 to 0.959 on 50 pilot seeds",
    uncontrolled="that the typical start gains little is what any number of columns shows",
)
MECHANISM = Criterion(
    "σ̄_r × slope of the time on ln(1/δ), r columns, within the ensembles",
    0.8,
    1.25,
    width="the row learnt last is not exactly an eigenvector: 0.84 to 1.26 in 24 single ensembles",
    pooled="least squares within the ensembles",
)


@PAGE.claim(
    "stoger2021.over-parameterisation-and-alignment",
    "More columns make bad starts rare",
    TIME,
    MISALIGNED,
    MEDIAN,
    MECHANISM,
    reference="abstract: alignment is more prominent for over-parameterised models; quantiles and slope derived",
    states="prop-align-width",
    kind="ordering",
    control="columns enough already: 12r columns against half as many; for the slope, the length of the first row",
    seeds={"smoke": 6, "book": 8, "full": 20},
    sizes=scales(
        n=each(12, 24, 24),
        spectrum=(1.0, 0.7),
        ks=each((2, 8, 12), (2, 12, 24), (2, 12, 24)),
        m=each(200, 400, 400),
        alpha=1e-4,
        eta=0.1,
        steps=each(400, 360, 360),
        every=each(8, 8, 4),
        draws=each(40, 80, 200),
    ),
    fit="illustrates",
    uses=("stoger2021.spectral-phase",),
)
def over_parameterisation_and_alignment(setting: Setting) -> Evidence:
    s, rank = setting.sizes, len(setting.sizes.spectrum)
    # One ensemble per seed, and in it many starts, each at every search rank: columns are added, never redrawn.
    draws = [seed * s.draws + draw for seed in setting.seeds for draw in range(s.draws)]
    problem = _problem(setting, [seed for seed in setting.seeds for _ in range(s.draws * len(s.ks))])
    starts = [
        pad_columns(gaussian_start(s.n, k, s.alpha * math.sqrt(s.n / k), draws, setting.device).left, s.n)
        for k in s.ks
    ]
    start = Factors(torch.stack(starts, dim=1).flatten(0, 1))
    shape = (len(setting.seeds), s.draws, len(s.ks))
    run = descent(problem, start, s.eta, s.steps * s.eta, record=torch.arange(s.steps // 5, s.steps, s.every))
    times = (s.eta * falls_below(run.steps, run.operator_error, 0.1)).reshape(shape)
    seen = torch.linalg.svdvals(problem.truth.left.mT @ start.left)[:, -1]
    misaligned = (operator_norm(start.left) / seen).reshape(shape)

    values, vectors = _spectral(problem)
    rate = math.log1p(s.eta * s.spectrum[-1]) / s.eta
    rows = torch.linalg.qr((vectors[..., :rank].mT @ start.left).mT, mode="r").R
    lengths = rows.diagonal(dim1=-2, dim2=-1).abs().reshape(*shape, rank)

    def slope(row: int) -> Pooled:
        """σ̄_r × the least-squares slope of the time on ln(1/δ) at k = r, both less their ensemble's means."""

        def within(reached: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
            x, y = (v - v.mean(dim=1, keepdim=True) for v in (-length.log(), reached))
            return rate * (x * y).sum() / x.square().sum()

        return pooled(within, times[:, :, 0], lengths[:, :, 0, row])

    def upper(drawn: torch.Tensor) -> torch.Tensor:
        return drawn.quantile(0.9, dim=1)

    evidence = Evidence(
        predicted={MECHANISM: 1},
        notes={RATIO: ratio(values, s.spectrum)},
        curves={"ks": s.ks, "times": times, "misaligned": misaligned, "rate": rate, "lengths": lengths},
    )
    for quantity, drawn in ((TIME, upper(times)), (MISALIGNED, upper(misaligned))):
        fewest, enough, most = drawn.unbind(dim=1)
        evidence.found(quantity, most / fewest)
        evidence.broken(quantity, most / enough)
    typical = times.median(dim=1).values
    evidence.found(MEDIAN, typical[:, 2] / typical[:, 0])
    # One number: δ is only about the row that grows last, and a single ensemble scatters.
    evidence.found(MECHANISM, slope(rank - 1))
    evidence.broken(MECHANISM, slope(0))
    return evidence
