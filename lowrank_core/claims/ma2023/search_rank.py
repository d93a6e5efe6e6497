"""What the search rank costs under gross outliers: time, accuracy and measurements.

A tenth of the measurements is grossly wrong throughout, and the step is the geometric normalised one, eq. (10).
What such a schedule can learn depends on its budget η/(1 − ρ) alone, so the claims declare ρ and a `margin`, the
multiple of the smallest budget with which the population would learn the truth, and η follows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from lowrank_core import artefacts
from lowrank_core.analysis import phases
from lowrank_core.analysis.crossings import falls_below
from lowrank_core.analysis.statistics import Pooled, pooled
from lowrank_core.analysis.typical import median, typical, typical_size
from lowrank_core.budget import smallest_budget
from lowrank_core.claims.grammar import (
    Criterion,
    Evidence,
    Page,
    Setting,
    Sweep,
    Variant,
    at,
    each,
    edge,
    refused,
    scales,
)
from lowrank_core.claims.ma2023 import subgradient
from lowrank_core.factors import Factors
from lowrank_core.noise import Outliers
from lowrank_core.problem import Problem
from lowrank_core.solver import Trajectory

PAGE = Page("chapters/ma2023/search-rank", book=20, full=60, smoke=12)

OUTLIERS = Outliers(0.1)
Start = Callable[[Problem, int, float], Factors]
LEARNING = list(range(0, 100, 2))
"""Iterations to record while the truth is being learnt."""

SMOKE: dict[str, Any] = {"n": 10, "spectrum": (1.0,), "m": 300, "ratio": 0.97, "margin": 2.0}
CLEAN: dict[str, Any] = {"n": 16, "spectrum": (1.0, 1.0, 1.0), "m": 800, "ratio": 0.97, "margin": 2.0}
PAPER: dict[str, Any] = {"n": 20, "spectrum": (10.0, 5.0, 1.0), "m": 500, "ratio": 0.989, "margin": 1.6}


def between(smoke: dict[str, Any], larger: dict[str, Any]) -> dict[str, each]:
    """The sizes of the smoke scale, and those of the two larger ones."""
    return {name: each(smoke[name], larger[name], larger[name]) for name in smoke}


def eta_for(setting: Setting, alpha: float) -> float:
    """η whose budget is `margin` times the smallest one for this start, for the setting's ρ."""
    s = setting.sizes
    # Half, because η is the paper's here and the package's in `budget`.
    return (1 - s.ratio) * s.margin * smallest_budget(s.spectrum, alpha) / 2


def trials(setting: Setting, variants: Mapping[str, tuple[int, float, float]]) -> Sweep:
    """A sweep over variants label -> (search rank k, scale α of the start, η)."""
    ks, alphas, etas = zip(*variants.values(), strict=True)
    return Sweep(setting, list(variants), k=ks, α=alphas, η=etas)


def outlier_run(sweep: Sweep, start: Start, m: int | None = None, **options: Any) -> Trajectory:
    """All variants (k, α, η) of the sweep, on the same measurements of each seed."""
    s = sweep.setting.sizes
    problem = subgradient.sensing(sweep.setting, m or s.m, OUTLIERS)
    left = start(problem, s.n, 1.0).left
    # Both starts with k columns are the first k columns of the start with n.
    kept = torch.arange(s.n, device=left.device) < sweep.column("k")
    # α and η are rounded to single precision, as in the stored runs.
    alpha, eta = (sweep.column(name).float().double() for name in ("α", "η"))
    step = subgradient.geometric(eta.flatten(), s.ratio)
    return subgradient.run(problem, Factors(left * (kept * alpha)), step, s.steps, **options)


def iterations_to(run: Trajectory, level: float | torch.Tensor) -> torch.Tensor:
    """When ‖XXᵀ − M*‖_F first falls below `level`, a number or (B,); between records, (B,); inf if never."""
    return falls_below(run.steps, run.error.sqrt(), level)


def stacked(values: Mapping[Variant, torch.Tensor], variants: Sequence[Variant]) -> torch.Tensor:
    """The (S, ...) of these variants side by side, (S, V, ...)."""
    return torch.stack([values[variant] for variant in variants], dim=1)


def spaced(steps: int, count: int = 100) -> torch.Tensor:
    """About `count` evenly spaced iterations, to draw a curve with."""
    return torch.linspace(0, steps, count + 1).round().long().unique()


def unfed(problem: Problem, factors: Factors) -> torch.Tensor:
    """‖G‖_F², of the part of the residual that no signal direction feeds, (B,)."""
    return phases.parts(problem, factors).outside.square().sum(dim=(-2, -1))


DIFFERENCE = Criterion(
    "largest difference between the final errors of two search ranks",
    high=1e-4,
    width="20 pilot seeds: 1e-8 and below; α = 1: 5e-3 and above",
)
TIME = Criterion(
    "iterations to the level, k / n",
    0.8,
    1.25,
    width="pilots of 12 to 20 seeds: 0.99 to 1.11, s.d. 0.02 (book) to 0.05 (smoke)",
    pooled="median over the seeds",
)
GROWN = Criterion(
    "growth of ‖G‖², k / n",
    0.2,
    4,
    width="pilots of 12 to 20 seeds: 0.8 to 1.4, with a few single columns of a fifth",
    pooled="median over the seeds",
)


@PAGE.claim(
    "ma2023.search-rank-independence",
    "A larger search rank costs no time and next to no accuracy",
    DIFFERENCE,
    TIME,
    GROWN,
    reference="Property 1 (p. 4, of simulations), Corollaries 23 and 28; the growth of the residual is new",
    states=("rank-independence", "prop-rank-alike"),
    origin="ours",
    kind="ordering",
    control="for the errors, the small start: α = 1, with the same steps; else the same scale of start "
    "for every k: α / 10⁴ for k = r + 1",
    sizes=scales(
        **between(SMOKE, CLEAN),
        ks=each((3, 5, 10), (4, 8, 16), (4, 5, 6, 8, 10, 12, 16)),
        alpha=each(1e-10, 1e-8, 1e-8),
        steps=each(700, 850, 850),
        level=0.3,
    ),
    fit="illustrates",
    discrepancy="The bound of the corollaries does not contain r', and is not in doubt; the final error "
    "itself is not quite independent of it. From a random start of given α its median for k = n is {final "
    "error, k = n / k = r + 1 (median):.2g} times that for k = r + 1, since the residual begins with "
    "{extra columns, k = n / k = r + 1:.0f} times as many columns.",
)
def search_rank_independence(setting: Setting) -> Evidence:
    s = setting.sizes
    eta = eta_for(setting, s.alpha)
    few, count = s.ks[0], len(s.ks)
    variants = {f"k = {k}": (k, s.alpha, eta) for k in s.ks} | {
        f"k = {few}, α / 10⁴": (few, s.alpha / 1e4, eta),
        f"k = {few}, α = 1": (few, 1.0, eta),
        "k = n, α = 1": (s.n, 1.0, eta),
    }
    sweep = trials(setting, variants)
    small, smaller, large = sweep.variants[:count], sweep.variants[count], sweep.variants[count + 1 :]
    fewest, full = small[0], small[-1]
    run = outlier_run(
        sweep,
        subgradient.random,
        record=LEARNING + list(range(100, s.steps + 1, 10)),
        observables={"G": unfed},
    )
    curves, free = sweep.split(run.error.sqrt()), sweep.split(run.observed["G"])
    errors = {variant: curve[:, -1] for variant, curve in curves.items()}
    growth = {variant: found[:, -1] / found[:, 0] for variant, found in free.items()}
    times = iterations_to(run, s.level)
    # A run that never learns the truth takes at least all of its iterations.
    learnt, at_least = sweep.split(times), sweep.split(times.clamp(max=s.steps))

    def spread(variants: Sequence[Variant]) -> torch.Tensor:
        values = stacked(errors, variants)
        return values.amax(dim=1) - values.amin(dim=1)

    evidence = Evidence(
        predicted={TIME: 1.0, GROWN: 1.0},
        notes={
            "growth of ‖G‖² at k = n (median)": float(median(growth[full])),
            "final error, k = n / k = r + 1 (median)": float(median(errors[full] / errors[fewest])),
            "extra columns, k = n / k = r + 1": (s.n - len(s.spectrum)) / (few - len(s.spectrum)),
            "final error at k = n (median)": float(median(errors[full])),
            "final error at k = n, α = 1 (median)": float(median(errors[large[-1]])),
        },
        curves={
            "steps": run.steps,
            "errors": {variant: curves[variant] for variant in small},
            "residual": {variant: free[variant] for variant in small},
        },
    )
    evidence.found(DIFFERENCE, spread(small))
    evidence.broken(DIFFERENCE, spread(large), at(α=1))
    for variant in small[:-1]:
        evidence.found(TIME, typical(learnt[variant] / learnt[full]), variant)
        evidence.found(GROWN, typical_size(growth[variant] / growth[full]), variant)
    evidence.broken(TIME, typical(at_least[smaller] / at_least[full]), smaller)
    evidence.broken(GROWN, typical_size(growth[smaller] / growth[full]), smaller)
    return evidence


FACTOR = Criterion(
    "measurements needed at k = n / at k = r + 1",
    1.01,
    1.35,
    width="pilots of 64 to 128 seeds: 1.07 to 1.18, s.d. 0.02",
    pooled="geometric mean over the seeds, on the same data",
)


@PAGE.claim(
    "ma2023.search-rank-success",
    "A larger search rank needs somewhat more measurements",
    FACTOR,
    reference="Corollary 28, where the number of measurements does not contain r'; the price is measured "
    "here",
    states="prop-rank-price",
    origin="ours",
    kind="ordering",
    control="a start of order one, α = 1, with the same steps",
    seeds={"smoke": 80, "book": 64, "full": 400},
    sizes=scales(
        n=each(10, 16, 16),
        spectrum=each((1.0,), (1.0,), (1.0, 1.0, 1.0)),
        ratio=0.97,
        margin=2.4,
        # Evenly spaced in the logarithm, from few enough for none to recover to enough for all.
        ms=each((18, 24, 31, 41, 54), (28, 35, 44, 55, 69, 86), (60, 66, 73, 81, 89, 98, 109, 120, 132, 147)),
        alpha=each(1e-6, 1e-6, 1e-8),
        steps=each(250, 250, 350),
        recovered=0.1,
    ),
    uses=("ma2023.search-rank-independence",),
    fit="illustrates",
    discrepancy="The bound on m does not contain r', and is not in doubt. The number of measurements "
    "needed does, somewhat: on the same data k = n needs {factor:.2f} times as many as k = r + 1.",
)
def search_rank_success(setting: Setting) -> Evidence:
    s = setting.sizes
    eta, few = eta_for(setting, s.alpha), len(s.spectrum) + 1
    sweep = trials(
        setting,
        {
            "k = r + 1": (few, s.alpha, eta),
            "k = n": (s.n, s.alpha, eta),
            "k = r + 1, α = 1": (few, 1.0, eta),
            "k = n, α = 1": (s.n, 1.0, eta),
        },
    )
    few_columns, all_columns, *large = sweep.variants
    runs = [outlier_run(sweep, subgradient.random, m, record=[s.steps]) for m in s.ms]
    recovered = sweep.split(
        torch.stack([subgradient.final(run) < s.recovered for run in runs], dim=-1).double()
    )
    # The area between two curves of success over log m is the mean distance of their thresholds in log m.
    spacing = math.log(s.ms[-1] / s.ms[0]) / (len(s.ms) - 1)

    def price(few: Variant, all: Variant) -> Pooled:
        lost = (recovered[few] - recovered[all]).sum(dim=-1)
        return pooled(lambda sums: (spacing * sums.mean()).exp(), lost)

    shares = {variant: found.mean(dim=0) for variant, found in recovered.items()}
    factor = price(few_columns, all_columns)
    evidence = Evidence(
        notes={
            "factor": factor.value,
            "recovered at k = r + 1 alone": float((recovered[few_columns] > recovered[all_columns]).sum()),
            "recovered at k = n alone": float((recovered[all_columns] > recovered[few_columns]).sum()),
            "share recovered at the fewest measurements, k = r + 1": float(shares[few_columns][0]),
            "share recovered at the most measurements, k = n": float(shares[all_columns][-1]),
        },
        curves={"ms": list(s.ms), "shares": shares},
    )
    evidence.found(FACTOR, factor)
    evidence.broken(FACTOR, price(*large), at(α=1))
    return evidence


ROUNDING = Criterion("final error", high=1e-13, width="rounding: 40 pilot runs at 5e-15 and below")


@PAGE.claim(
    "ma2023.exact-rank-has-no-floor",
    "With k = r there is no floor at all",
    ROUNDING,
    reference="no counterpart; Corollary 28 bounds the error by a power of α for every r' ≥ r",
    states="rank-exact",
    origin="ours",
    kind="ordering",
    control="one extra column: k = r + 1",
    seeds={"smoke": 3, "book": 10},
    sizes=scales(
        **between(SMOKE | {"ratio": 0.95}, CLEAN | {"ratio": 0.965}),
        alphas=each((1e-2, 1e-3), (1e-2, 1e-4, 1e-6, 1e-8), (1e-2, 1e-3, 1e-4, 1e-6, 1e-8)),
        steps=each(700, 950, 1000),
    ),
    edges=(
        edge("r = 3", spectrum=(1.0, 1.0, 1.0), m=500),
        edge("n = r + 1", n=2, m=60),
        edge("a tiny start", alphas=(1e-12,)),
        refused("r ≤ 3", "the spectral start may miss a direction", spectrum=(1.0,) * 9),
        refused("equal eigenvalues", "the spectral start may miss the small one", spectrum=(10.0, 1.0)),
    ),
    fit="illustrates",
    discrepancy="With k = r the error falls to rounding ({largest final error, k = r:.1g} at most), with "
    "k = r + 1 it stops at a floor ({smallest final error, k = r + 1:.1g} at least). Figure 1a of the "
    "paper shows nearly the same final error for both, as it does here with an α so small that every "
    "floor is tiny. The theorem, an upper bound, is not in doubt.",
)
def exact_rank_has_no_floor(setting: Setting) -> Evidence:
    s, r = setting.sizes, len(setting.sizes.spectrum)
    setting.assume(r <= 3, "r ≤ 3", r)
    setting.assume(len(set(s.spectrum)) == 1, "equal eigenvalues", s.spectrum)
    variants = {
        f"k = {name}, α = {alpha:g}": (k, alpha, eta_for(setting, alpha))
        for name, k in (("r", r), ("r + 1", r + 1))
        for alpha in s.alphas
    }
    sweep = trials(setting, variants)
    run = outlier_run(sweep, subgradient.spectral)
    last = sweep.split(subgradient.final(run))
    exact = {variant: error for variant, error in last.items() if variant.numbers["k"] == r}
    over = {variant: error for variant, error in last.items() if variant not in exact}
    evidence = Evidence(
        notes={
            "largest final error, k = r": max(float(error.max()) for error in exact.values()),
            "smallest final error, k = r + 1": min(float(error.min()) for error in over.values()),
        },
        curves={"steps": run.steps, "errors": sweep.split(run.error.sqrt())},
    )
    evidence.found(ROUNDING, {at(α=variant.numbers["α"]): error for variant, error in exact.items()})
    evidence.broken(ROUNDING, over)
    return evidence


FINAL = Criterion(
    "final error (median)",
    high=1e-10,
    width="8 pilot seeds: 1e-12, interval to 2e-11",
    pooled="median over the seeds",
)
APART = Criterion(
    "error of the slowest k when that of k = r is 1e-10, over 1e-10",
    high=4.0,
    width="the same curve up to its wiggle: pilots at 1e-9 and 1e-10 of 0.7 to 1",
    pooled="median over the seeds",
)


@PAGE.claim(
    "ma2023.paper-search-ranks",
    "Figure 1a: at a tiny α all search ranks share one curve, down to 1e-10 and below",
    FINAL,
    APART,
    reference="Property 1 (p. 4, of simulations) and Figure 1a; α, η and ρ are not given there",
    states=("rank-independence", "prop-rank-figure-1a"),
    origin="paper",
    known="read",
    kind="ordering",
    control="a larger start, α = 1e-10, with its own steps: the floors of k > r rise out of the rounding "
    "error",
    seeds={"smoke": 5, "book": 8, "full": 20},
    sizes=scales(
        **between(SMOKE, PAPER),
        ks=each((1, 2, 10), (3, 4, 10, 20), (3, 4, 10, 20)),
        alpha=each(1e-12, 1e-18, 1e-18),
        larger=each(1e-3, 1e-10, 1e-10),
        steps=each(1100, 3400, 3600),
    ),
    uses=("ma2023.exact-rank-has-no-floor",),
    fit="illustrates",
)
def paper_search_ranks(setting: Setting) -> Evidence:
    s = setting.sizes
    eta, eta_larger = eta_for(setting, s.alpha), eta_for(setting, s.larger)
    variants = {f"k = {k}": (k, s.alpha, eta) for k in s.ks} | {
        f"k = r, α = {s.larger:g}": (len(s.spectrum), s.larger, eta_larger),
        f"k = n, α = {s.larger:g}": (s.n, s.larger, eta_larger),
    }
    sweep = trials(setting, variants)
    *tiny, exact_larger, full_larger = sweep.variants
    run = outlier_run(sweep, subgradient.spectral, record=spaced(s.steps))
    curves = sweep.split(run.error.sqrt())
    last = {variant: curve[:, -1] for variant, curve in curves.items()}
    shown = {variant: curves[variant] for variant in tiny}

    def apart(exact: Variant, others: Sequence[Variant]) -> torch.Tensor:
        """The highest of these curves when that of the exact rank first falls below 1e-10, (S,)."""
        when = (curves[exact] < 1e-10).to(torch.int8).argmax(dim=-1)
        return stacked(curves, others).amax(dim=1).gather(-1, when[:, None])[:, 0] / 1e-10

    evidence = Evidence(
        notes={
            "share of the runs with a final error above 1e-6": float(
                (stacked(last, tiny) > 1e-6).double().mean()
            )
        },
        curves={
            "steps": run.steps,
            "errors": shown,
            "larger": curves[full_larger],
            "stored": {name: artefacts.band(run.steps, error) for name, error in shown.items()},
        },
    )
    evidence.found(FINAL, {variant: typical_size(last[variant]) for variant in tiny})
    evidence.broken(FINAL, typical_size(last[full_larger]), full_larger)
    evidence.found(APART, typical_size(apart(tiny[0], tiny)))
    evidence.broken(APART, typical_size(apart(exact_larger, [full_larger])), full_larger)
    return evidence
