"""Asymmetric gradient descent is linear, at a rate set by the imbalance of its start: the experiments."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.imbalance import local_rate, slow_modes
from lowrank_core.analysis.statistics import Pooled, pooled
from lowrank_core.claims.experiments.descents import (
    FLOOR,
    OVER,
    asymmetric_run,
    descent_fit,
    per_step,
    resized,
    scaled_start,
    symmetric_run,
)
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, each, edge, refused, scales
from lowrank_core.claims.standing import RANK
from lowrank_core.claims.xiong2024.slowdown import LOCAL_STEPS, RATE
from lowrank_core.factors import Factors
from lowrank_core.solve import ErrorBelow, Trajectory
from lowrank_core.truth import Truth, rectangular

PAGE = Page("chapters/xiong2024/asymmetric-linear", full=64)

EXPONENT = "exponent of the rate in α²"


DEFINITE = "ΠΔ₀Π ≻ 0 on the range of Π"
SMALL_START = "α² ≤ σ_r/100"
STABLE = "ησ₁ < 1"


def scale_sweep(
    setting: Setting, k: int, alphas: Sequence[float], m: int | None = None, effort: float | None = None
) -> list[Trajectory]:
    """One run for each start scale, to the floor or for a time proportional to α⁻², that of the imbalance."""
    effort, floor = effort or setting.sizes.effort, ErrorBelow(FLOOR)
    return [
        asymmetric_run(setting, scaled_start(setting, k, alpha), m, steps=int(effort / alpha**2), stop=floor)
        for alpha in alphas
    ]


def late_rates(runs: Sequence[Trajectory]) -> torch.Tensor:
    """d log err / dT on the last 40 % of each descent, (B, number of runs)."""
    return torch.stack([descent_fit(run, 0.4).rate for run in runs], dim=1)


def squares(alphas: Sequence[float]) -> list[float]:
    return [alpha**2 for alpha in alphas]


def named(alphas: Sequence[float], columns: torch.Tensor) -> dict[str, torch.Tensor]:
    """Columns (B, len(alphas)) by the scale they belong to."""
    return {f"α = {alpha:g}": columns[:, i] for i, alpha in enumerate(alphas)}


@PAGE.claim(
    "xiong2024.asymmetric-exact-rank",
    "With k = r asymmetric gradient descent is linear, at a rate that forgets a small start",
    Criterion(
        RATE,
        0.99,
        1.01,
        of_prediction=True,
        width="of order ‖Δ₀‖/(2σ_r): α²/2 or so, up to 0.3 % at α = 1/20",
    ),
    reference="introduction, for k = r; the rate and its conditions are new",
    origin="sharpened",
    known="restated",
    kind="rate",
    control="k = r: k = r + 1; r < max(n₁, n₂): n₁ = n₂ = r; the step: one beyond 2/(2σ₁ + σ_r)",
    sizes=scales(
        n1=each(20, 40, 100),
        n2=each(16, 30, 80),
        spectrum=each((1.0,), (2.0, 1.0), (3.0, 2.0, 1.0)),
        alphas=each((0.05, 0.02), (0.05, 0.02, 0.01, 0.005), (0.05, 0.02, 0.01, 0.001)),
        eta=each(0.1, 0.1, 0.05),
        effort=each(15.0, 15.0, 30.0),
    ),
    edges=(
        edge("n₂ = r", n1=12, n2=2, spectrum=(2.0, 1.0)),
        edge("equal singular values", spectrum=(1.0, 1.0)),
        edge("κ = 10", spectrum=(1.0, 0.1), alphas=(0.02, 0.01)),
        edge("nearly the largest step", spectrum=(2.0, 1.0), eta=0.38),
        edge("a tiny start", alphas=(0.05, 0.002)),
        refused("r < max(n₁, n₂)", "with n₁ = n₂ = r the rate is 2 ln(1 − 2ησ_r)", n1=1, n2=1),
        refused(LOCAL_STEPS, "the mode of σ₁ is slower", spectrum=(2.0, 1.0), eta=0.45),
        refused(SMALL_START, "the imbalance then changes the rate", alphas=(0.5,)),
    ),
    waives=(RANK,),
    uses=("xiong2024.local-rate",),
)
def asymmetric_exact_rank(setting: Setting) -> Evidence:
    s, r = setting.sizes, len(setting.sizes.spectrum)
    limit = 2 / (2 * s.spectrum[0] + s.spectrum[-1])
    setting.assume(max(s.n1, s.n2) > r, "r < max(n₁, n₂)")
    setting.assume(s.eta <= limit, LOCAL_STEPS)
    setting.assume(max(s.alphas) ** 2 <= s.spectrum[-1] / 100, SMALL_START)
    largest = s.alphas[:1]
    beyond = resized(setting, eta=(limit + 1 / s.spectrum[0]) / 2)
    dropped = {"k = r + 1": (setting, r + 1), "n₁ = n₂ = r": (resized(setting, n1=r, n2=r), r)}
    dropped["step too large"] = beyond, r
    found = named(s.alphas, late_rates(scale_sweep(setting, r, s.alphas)))
    control = {name: late_rates(scale_sweep(one, k, largest))[:, 0] for name, (one, k) in dropped.items()}
    steps = dict.fromkeys((*found, *control), s.eta) | {"step too large": beyond.sizes.eta}
    return Evidence(
        measured={RATE: found},
        predicted={RATE: {name: 2 * math.log(1 - eta * s.spectrum[-1]) for name, eta in steps.items()}},
        control={RATE: control},
    )


FROM_LIMIT = Criterion(
    "rate / rate predicted from the limit",
    0.995,
    1.02,
    width="modes near the slowest, up to 0.9 % each; pilots: 1 to 1.006",
)
FROM_START = Criterion(
    "rate / rate predicted from the smallest start",
    0.99,
    1.03,
    width="finite α; 48 pilot seeds: 0.999 to 1.010",
)
RATIO = Criterion(
    "residual ratio, exponential / power law", high=0.01, width="1 separates the laws; pilots up to 10⁻⁴"
)


@PAGE.claim(
    "xiong2024.imbalance-sets-the-rate",
    "With k > r the rate is linear and proportional to α²",
    Criterion(EXPONENT, 0.97, 1.08, width="α up to 1/2; 48 pilot seeds at either scale: 0.996 to 1.035"),
    FROM_LIMIT,
    FROM_START,
    RATIO,
    reference="abstract: linear, at a rate that depends on the start scale; its value is new",
    origin="sharpened",
    known="restated",
    kind="rate",
    control="Δ₀ ≻ 0: no imbalance, G₀ = F₀ on the square problem; k > r: k = r",
    sizes=scales(
        n1=each(40, 40, 100),
        n2=each(40, 40, 100),
        spectrum=each((1.0,), (2.0, 1.0), (3.0, 2.0, 1.0)),
        k=each(3, 5, 8),
        alphas=each((0.4, 0.2, 0.1), (0.5, 0.35, 0.25, 0.18, 0.1), (0.5, 0.25, 0.1, 0.05)),
        eta=0.1,
        effort=600.0,
    ),
    edges=(
        edge("k = r + 1", k=2, alphas=(0.2, 0.1)),
        edge("equal singular values", spectrum=(1.0, 1.0), k=4, alphas=(0.2, 0.1)),
        edge("κ = 3", spectrum=(1.5, 0.5), k=4, alphas=(0.2, 0.1)),
        edge("a larger step", eta=0.3, alphas=(0.2, 0.1)),
        edge("n₁ ≠ n₂", n1=60, n2=30, k=4, alphas=(0.2, 0.1)),
        refused(OVER, "no direction is free", k=1),
        refused(RANK, "with n₂ = r the modes of F alone are not seen", n2=1),
        refused(STABLE, "the step need not be stable", eta=1.2),
        refused(DEFINITE, "where F̃ is nearly square, Δ₀ has negative eigenvalues", k=30),
    ),
    uses=("xiong2024.local-rate", "xiong2024.interlacing", "xiong2024.drift-identity"),
)
def imbalance_sets_the_rate(setting: Setting) -> Evidence:
    s, r = setting.sizes, len(setting.sizes.spectrum)
    modes, truth = definite_modes(setting, s.alphas[-1])
    # Long enough for the slowest seed to come to the floor: its error falls by e^{−80}.
    effort = 40 * s.alphas[-1] ** 2 / (s.eta * float(modes.min()))
    runs = scale_sweep(setting, s.k, s.alphas, effort=effort)
    found = late_rates(runs)
    limit = torch.stack([local_rate(run.factors).cpu() for run in runs], dim=1)
    swept = scale_sweep(setting, r, s.alphas)
    exact = late_rates(swept)
    square = resized(setting, n2=s.n1)
    left = scaled_start(square, s.k, s.alphas[0]).left
    balanced = asymmetric_run(square, Factors(left, left.clone()), steps=int(s.effort / s.alphas[0] ** 2))
    return Evidence(
        measured={
            EXPONENT: rates.scaling_exponent(squares(s.alphas), found),
            FROM_LIMIT: named(s.alphas, found / per_step(s.eta, limit)),
            FROM_START: found[:, -1] / per_step(s.eta, modes[:, 0]),
            RATIO: {
                f"α = {a:g}": descent_fit(run, 0.5).rss_ratio for a, run in zip(s.alphas, runs, strict=True)
            },
        },
        predicted={
            EXPONENT: 1,
            FROM_LIMIT: 1,
            FROM_START: 1,
        },
        control={
            EXPONENT: {"k = r": rates.scaling_exponent(squares(s.alphas), exact)},
            # From G₀ = F₀ the factors reached predict a rate, as any do, and it does not come.
            FROM_START: {"k = r": exact[:, -1] / per_step(s.eta, modes[:, 0])},
            FROM_LIMIT: {
                "G₀ = F₀": descent_fit(balanced, 0.4).rate / per_step(s.eta, local_rate(balanced.factors))
            },
            RATIO: {"G₀ = F₀": descent_fit(balanced, 0.5).rss_ratio},
        },
        curves={
            "runs": dict(zip((f"α = {a:g}" for a in s.alphas), runs, strict=True)),
            "balanced": balanced,
            "rates": found,
            "exact": exact,
            "predicted": torch.stack(
                [per_step(s.eta, slow_modes(scaled_start(setting, s.k, a), truth)[:, 0]) for a in s.alphas],
                dim=1,
            ),
        },
    )


def definite_modes(setting: Setting, alpha: float) -> tuple[torch.Tensor, Truth]:
    """The eigenvalues of ΠΔ₀Π on the range of Π, (B, k − r), all positive, and the truth.

    Raises:
        OutsideHypotheses: some are not, or there are none.
    """
    s = setting.sizes
    setting.assume(s.k > len(s.spectrum), OVER)
    setting.assume(s.eta * s.spectrum[0] < 1, STABLE)
    truth = rectangular(s.n1, s.n2, s.spectrum, setting.seeds)
    modes = slow_modes(scaled_start(setting, s.k, alpha), truth)
    setting.assume(bool((modes > 0).all()), DEFINITE)
    return modes, truth


LOG_RATIO = Criterion(
    "log₁₀ of the residual ratio, exponential / power law",
    high=-1,
    pooled="median",
    width="0 separates the laws; pilot medians below −4",
)


@PAGE.claim(
    "xiong2024.imbalance-sets-the-rate-sensing",
    "Under Gaussian sensing the rate is linear and proportional to α², too",
    Criterion(
        EXPONENT,
        0.85,
        1.2,
        pooled="median",
        width="32 pilot seeds at n = 10: median 1.00, deviation of a seed 0.09, so four of a median of 8",
    ),
    LOG_RATIO,
    reference="abstract, under a restricted isometry property",
    origin="paper",
    known="restated",
    kind="rate",
    control="k > r: k = r, for the exponent; two factors: the symmetric method on the same truth, for linearity",
    seeds={"smoke": 8, "book": 12},
    sizes=scales(
        n=each(10, 12, 50),
        n1=each(10, 12, 50),
        n2=each(10, 12, 50),
        m=each(90, 130, 2_000),
        spectrum=each((1.0,), (1.0,), (2.0, 1.5, 1.0)),
        k=each(2, 3, 5),
        alphas=each((0.5, 0.25), (0.6, 0.4, 0.27), (0.6, 0.4, 0.27)),
        eta=each(0.2, 0.2, 0.1),
        effort=each(1600.0, 1600.0, 3200.0),
        steps=each(3_000, 6_000, 20_000),
    ),
    edges=(
        edge("equal singular values", spectrum=(1.0, 1.0), k=3),
        edge("n₁ ≠ n₂", n1=10, n2=12, m=100),
        refused(OVER, "with k = r the rate does not depend on α", k=1),
        refused("k(n₁ + n₂ − k) < m < n₁n₂", "every matrix is determined", m=100),
        refused("k(n₁ + n₂ − k) < m < n₁n₂", "the measurements need not determine the minimiser", m=30),
    ),
    fit="illustrates",
    discrepancy="Under sensing the constant of the rate is not that of the population: at α = {smallest α:g} "
    "the rate is {slowest of the population rate:.2f} to {fastest of the population rate:.2f} times the "
    "population's. The exponent in α² agrees with one.",
)
def imbalance_sets_the_rate_sensing(setting: Setting) -> Evidence:
    s, r = setting.sizes, len(setting.sizes.spectrum)
    setting.assume(s.k > r, OVER)
    setting.assume(s.k * (s.n1 + s.n2 - s.k) < s.m < s.n1 * s.n2, "k(n₁ + n₂ − k) < m < n₁n₂")
    truth = rectangular(s.n1, s.n2, s.spectrum, setting.seeds)
    runs = scale_sweep(setting, s.k, s.alphas, s.m)
    found, exact = late_rates(runs), late_rates(scale_sweep(setting, r, s.alphas, s.m))
    population = per_step(s.eta, slow_modes(scaled_start(setting, s.k, s.alphas[-1]), truth)[:, 0])
    # The symmetric method gets measurements of the same fraction of its n(n + 1)/2 unknowns.
    share = s.m * (s.n + 1) // (2 * s.n)
    symmetric = symmetric_run(setting, Factors(scaled_start(setting, s.k, s.alphas[0]).left), share)

    def exponent(of: torch.Tensor) -> Pooled:
        return pooled(torch.median, rates.scaling_exponent(squares(s.alphas), of))

    def ratio(run: Trajectory) -> Pooled:
        return pooled(torch.median, descent_fit(run, 0.5).rss_ratio.log10())

    return Evidence(
        measured={
            EXPONENT: exponent(found),
            LOG_RATIO: {f"α = {a:g}": ratio(run) for a, run in zip(s.alphas, runs, strict=True)},
        },
        predicted={EXPONENT: 1},
        control={EXPONENT: {"k = r": exponent(exact)}, LOG_RATIO: {"symmetric": ratio(symmetric)}},
        notes={
            "smallest exponent of a seed": float(rates.scaling_exponent(squares(s.alphas), found).min()),
            "largest exponent of a seed": float(rates.scaling_exponent(squares(s.alphas), found).max()),
            "smallest α": s.alphas[-1],
            "slowest of the population rate": float((found[:, -1] / population).min()),
            "fastest of the population rate": float((found[:, -1] / population).max()),
            "measurements m": float(s.m),
            "unknowns n₁n₂": float(s.n1 * s.n2),
            "degrees of freedom of rank k": float(s.k * (s.n1 + s.n2 - s.k)),
        },
        curves={
            "runs": dict(zip((f"α = {a:g}" for a in s.alphas), runs, strict=True)),
            "symmetric": symmetric,
        },
    )


FINAL = Criterion("final error, asymmetric / symmetric", high=1e-6, width="the floor is reached: 10⁻²⁴")
CROSSING = Criterion(
    "crossover time × λ_min(ΠΔ₀Π)",
    2.0,
    4.0,
    width="(x/sinh x)² = (k − r)/100 at x = λτ + ln 3 if one mode is slow: 3.4 to 2.3; more if several are",
)


@PAGE.claim(
    "xiong2024.symmetric-against-asymmetric",
    "On the same problem the asymmetric method overtakes the symmetric one",
    FINAL,
    CROSSING,
    reference="abstract, for the two rates; the crossover is new",
    kind="ordering",
    control="Δ₀ ≻ 0: a balanced start G₀ = F₀ = X₀, for which the two methods are the same",
    sizes=scales(
        n=each(40, 50, 50),
        n1=each(40, 50, 50),
        n2=each(40, 50, 50),
        spectrum=each((1.0,), (2.0, 1.0), (3.0, 2.0, 1.0)),
        k=each(3, 5, 8),
        alphas=each((0.4, 0.2), (0.5, 0.3, 0.18), (0.5, 0.3, 0.18, 0.1)),
        eta=each(0.1, 0.1, 0.05),
        effort=each(1200.0, 1200.0, 4800.0),
    ),
    edges=(
        edge("k = r + 1", k=2, alphas=(0.3,)),
        edge("equal singular values", spectrum=(1.0, 1.0), k=4, alphas=(0.3,)),
        edge("κ = 3", spectrum=(1.5, 0.5), k=4, alphas=(0.2,)),
        refused(OVER, "both are linear", k=1),
        refused(DEFINITE, "the signs of the modes differ", k=30),
        refused("n − r ≥ 38", "more starts miss the window", n=20, n1=20, n2=20),
        refused(STABLE, "the step need not be stable", eta=1.2),
        refused("k − r ≤ 5", "among many modes the slowest weighs less", n=60, n1=60, n2=60, k=7),
    ),
    uses=("xiong2024.symmetric-lower-bound", "xiong2024.imbalance-sets-the-rate"),
)
def symmetric_against_asymmetric(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(s.n - len(s.spectrum) >= 38, "n − r ≥ 38")
    final, crossing, pairs = {}, {}, {}
    for alpha in s.alphas:
        slowest = definite_modes(setting, alpha)[0][:, 0]
        setting.assume(s.k - len(s.spectrum) <= 5, "k − r ≤ 5")
        name, steps = f"α = {alpha:g}", int(s.effort / alpha**2)
        start = scaled_start(setting, s.k, alpha)
        asymmetric = asymmetric_run(setting, start, steps=steps)
        symmetric = symmetric_run(setting, Factors(start.left), steps=steps)
        pairs[name] = symmetric, asymmetric
        ratio = asymmetric.error / symmetric.error
        final[name] = ratio[:, -1]
        crossing[name] = s.eta * crossover(asymmetric.steps, ratio) * slowest
    twin = asymmetric_run(setting, Factors(start.left, start.left.clone()), steps=steps)
    twin_ratio = twin.error / symmetric.error
    return Evidence(
        measured={FINAL: final, CROSSING: crossing},
        control={
            FINAL: {"G₀ = F₀": twin_ratio[:, -1]},
            # It has not come by the end of the run, in the units of the imbalance that was dropped.
            CROSSING: {"G₀ = F₀": s.eta * crossover(twin.steps, twin_ratio) * slowest},
        },
        curves={"pairs": pairs},
    )


def crossover(steps: torch.Tensor, ratio: torch.Tensor, level: float = 0.01) -> torch.Tensor:
    """The recorded iteration after which the ratio (B, R) stays below `level`, else the last one, (B,)."""
    above = torch.where(ratio >= level, steps, 0).amax(dim=1)
    return torch.where(steps > above[:, None], steps, steps[-1]).amin(dim=1).to(torch.float64)
