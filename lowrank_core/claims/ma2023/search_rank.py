"""What the search rank costs under gross outliers: time, accuracy and measurements.

A tenth of the measurements is grossly wrong throughout, and the step is the geometric normalised one, eq. (10).
What such a schedule can learn depends on its budget η/(1 − ρ) alone, so the claims declare ρ and a `margin`, the
multiple of the smallest budget with which the population would learn the truth, and η follows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from lowrank_core import artefacts
from lowrank_core.analysis import phases
from lowrank_core.analysis.crossings import falls_below
from lowrank_core.analysis.statistics import Pooled, pooled
from lowrank_core.budget import smallest_budget
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, each, edge, refused, scales
from lowrank_core.claims.ma2023 import subgradient
from lowrank_core.claims.ma2023.typical import median, typical, typical_size
from lowrank_core.factors import Factors
from lowrank_core.noise import Outliers
from lowrank_core.problem import Problem
from lowrank_core.solve import Trajectory

PAGE = Page("chapters/ma2023/search-rank", book=20, full=60, smoke=12)

OUTLIERS = Outliers(0.1)
Start = Callable[[Problem, int, float], Factors]
LEARNING = list(range(0, 100, 2))
"""Iterations to record while the truth is being learnt."""
Variant = tuple[int, float, float]
"""Search rank k, scale α of the start, and η."""

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


def outlier_run(
    setting: Setting, start: Start, variants: Sequence[Variant], m: int | None = None, **options: Any
) -> Trajectory:
    """All variants on the same measurements; `subgradient.split` with their number takes the results apart."""
    s, count = setting.sizes, len(variants)
    problem = subgradient.sensing(setting, m or s.m, OUTLIERS, variants=count)
    ks, alphas, etas = (torch.tensor(column) for column in zip(*variants, strict=True))
    # Both starts with k columns are the first k columns of the start with n.
    kept = torch.arange(s.n) < ks[:, None]
    scale = (kept * alphas.double()[:, None]).repeat(len(setting.seeds), 1)[:, None, :]
    left = start(problem, s.n, 1.0).left
    step = subgradient.geometric(etas.double().repeat(len(setting.seeds)), s.ratio)
    return subgradient.run(problem, Factors(left * scale.to(left)), step, s.steps, **options)


def final(run: Trajectory, variants: Sequence[Variant]) -> torch.Tensor:
    """‖XXᵀ − M*‖_F at the end, (seeds, variants)."""
    return subgradient.split(subgradient.final(run), len(variants))


def iterations_to(run: Trajectory, level: float | torch.Tensor, count: int) -> torch.Tensor:
    """When ‖XXᵀ − M*‖_F first falls below `level`, interpolated between records, (seeds, count); inf if never.

    Args:
        level: one number, or (seeds, count).
    """
    return falls_below(run.steps, subgradient.split(run.error.sqrt(), count), level)


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
    reference="Proposition 1 (p. 4), Corollaries 23 and 28; the growth of the residual is new",
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
    small = [(k, s.alpha, eta) for k in s.ks]
    large = [(s.ks[0], s.alpha / 1e4, eta), (s.ks[0], 1.0, eta), (s.n, 1.0, eta)]
    count = len(small + large)
    names = {f"k = {k}": v for v, k in enumerate(s.ks)}
    run = outlier_run(
        setting,
        subgradient.random,
        small + large,
        record=LEARNING + list(range(100, s.steps + 1, 10)),
        observables={"G": unfed},
    )
    errors = final(run, small + large)
    times = iterations_to(run, s.level, count)
    free = subgradient.split(run.observed["G"], count)
    growth = free[..., -1] / free[..., 0]

    def spread(values: torch.Tensor) -> torch.Tensor:
        return values.amax(dim=1) - values.amin(dim=1)

    def time_to_n(values: torch.Tensor, variant: int) -> Pooled:
        return typical(values[:, variant] / values[:, len(small) - 1])

    def growth_to_n(variant: int) -> Pooled:
        return typical_size(growth[:, variant] / growth[:, len(small) - 1])

    return Evidence(
        measured={
            DIFFERENCE: spread(errors[:, : len(small)]),
            TIME: {f"k = {k}": time_to_n(times, v) for v, k in enumerate(s.ks[:-1])},
            GROWN: {f"k = {k}": growth_to_n(v) for v, k in enumerate(s.ks[:-1])},
        },
        predicted={TIME: 1.0, GROWN: 1.0},
        control={
            DIFFERENCE: {"α = 1": spread(errors[:, -2:])},
            # A run that never learns the truth takes at least all of its iterations.
            TIME: {f"k = {s.ks[0]}, α / 10⁴": time_to_n(times.clamp(max=s.steps), len(small))},
            GROWN: {f"k = {s.ks[0]}, α / 10⁴": growth_to_n(len(small))},
        },
        notes={
            "growth of ‖G‖² at k = n (median)": float(median(growth[:, len(small) - 1])),
            "final error, k = n / k = r + 1 (median)": float(
                median(errors[:, len(small) - 1] / errors[:, 0])
            ),
            "extra columns, k = n / k = r + 1": (s.n - len(s.spectrum)) / (s.ks[0] - len(s.spectrum)),
            "final error at k = n (median)": float(median(errors[:, len(small) - 1])),
            "final error at k = n, α = 1 (median)": float(median(errors[:, -1])),
        },
        curves={
            "steps": run.steps,
            "errors": {name: subgradient.split(run.error.sqrt(), count)[:, v] for name, v in names.items()},
            "residual": {name: free[:, v] for name, v in names.items()},
        },
    )


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
    variants = [(few, s.alpha, eta), (s.n, s.alpha, eta), (few, 1.0, eta), (s.n, 1.0, eta)]
    recovered = torch.stack(
        [
            (
                final(outlier_run(setting, subgradient.random, variants, m, record=[s.steps]), variants)
                < s.recovered
            )
            for m in s.ms
        ],
        dim=-1,
    ).double()
    # The area between two curves of success over log m is the mean distance of their thresholds in log m.
    spacing = math.log(s.ms[-1] / s.ms[0]) / (len(s.ms) - 1)

    def price(few_columns: int) -> Pooled:
        lost = (recovered[:, few_columns] - recovered[:, few_columns + 1]).sum(dim=-1)
        return pooled(lambda sums: (spacing * sums.mean()).exp(), lost)

    shares = recovered.mean(dim=0)
    found = price(0)
    return Evidence(
        measured={FACTOR: found},
        control={FACTOR: {"α = 1": price(2)}},
        notes={
            "factor": found.value,
            "recovered at k = r + 1 alone": float((recovered[:, 0] > recovered[:, 1]).sum()),
            "recovered at k = n alone": float((recovered[:, 1] > recovered[:, 0]).sum()),
            "share recovered at the fewest measurements, k = r + 1": float(shares[0, 0]),
            "share recovered at the most measurements, k = n": float(shares[1, -1]),
        },
        curves={
            "ms": list(s.ms),
            "shares": dict(
                zip(("k = r + 1", "k = n", "k = r + 1, α = 1", "k = n, α = 1"), shares, strict=True)
            ),
        },
    )


@PAGE.claim(
    "ma2023.exact-rank-has-no-floor",
    "With k = r there is no floor at all",
    Criterion("final error", high=1e-13, width="rounding: 40 pilot runs at 5e-15 and below"),
    reference="no counterpart; Corollary 28 bounds the error by a power of α for every r' ≥ r",
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
    variants = [(k, alpha, eta_for(setting, alpha)) for k in (r, r + 1) for alpha in s.alphas]
    run = outlier_run(setting, subgradient.spectral, variants)
    exact, over = final(run, variants).split(len(s.alphas), dim=1)
    errors = subgradient.split(run.error.sqrt(), len(variants))
    return Evidence(
        measured={"final error": {f"α = {a:g}": exact[:, v] for v, a in enumerate(s.alphas)}},
        control={"final error": {f"k = r + 1, α = {a:g}": over[:, v] for v, a in enumerate(s.alphas)}},
        notes={
            "largest final error, k = r": float(exact.max()),
            "smallest final error, k = r + 1": float(over.min()),
        },
        curves={
            "steps": run.steps,
            "errors": {
                f"k = {'r' if k == r else 'r + 1'}, α = {alpha:g}": errors[:, v]
                for v, (k, alpha, _) in enumerate(variants)
            },
        },
    )


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
    reference="Proposition 1 (p. 4) and Figure 1a; α, η and ρ are not given there",
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
    tiny = [(k, s.alpha, eta_for(setting, s.alpha)) for k in s.ks]
    variants = [*tiny, *((k, s.larger, eta_for(setting, s.larger)) for k in (len(s.spectrum), s.n))]
    run = outlier_run(setting, subgradient.spectral, variants, record=spaced(s.steps))
    errors = final(run, variants)
    curves = subgradient.split(run.error.sqrt(), len(variants))
    shown = {f"k = {k}": curves[:, v] for v, k in enumerate(s.ks)}

    def apart(exact: int, others: slice) -> torch.Tensor:
        """The highest of these curves when that of the exact rank first falls below 1e-10, (S,)."""
        when = (curves[:, exact] < 1e-10).to(torch.int8).argmax(dim=-1)
        return curves[:, others].amax(dim=1).gather(-1, when[:, None])[:, 0] / 1e-10

    return Evidence(
        measured={
            FINAL: {f"k = {k}": typical_size(errors[:, v]) for v, k in enumerate(s.ks)},
            APART: typical_size(apart(0, slice(len(tiny)))),
        },
        control={
            FINAL: {f"k = n, α = {s.larger:g}": typical_size(errors[:, -1])},
            APART: {f"k = n, α = {s.larger:g}": typical_size(apart(-2, slice(len(tiny) + 1, None)))},
        },
        notes={
            "share of the runs with a final error above 1e-6": float(
                (errors[:, : len(tiny)] > 1e-6).double().mean()
            )
        },
        curves={
            "steps": run.steps,
            "errors": shown,
            "larger": curves[:, -1],
            "stored": {name: artefacts.band(run.steps, error) for name, error in shown.items()},
        },
    )


def spaced(steps: int, count: int = 100) -> torch.Tensor:
    """About `count` evenly spaced iterations, to draw a curve with."""
    return torch.linspace(0, steps, count + 1).round().long().unique()
