"""Asymmetric gradient descent is linear, at a rate set by the imbalance of its start: the experiments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from lowrank_core.analysis import crossings, rates
from lowrank_core.analysis.imbalance import local_rate, slow_modes
from lowrank_core.analysis.statistics import Pooled, pooled
from lowrank_core.claims.experiments import descents
from lowrank_core.claims.experiments.descents import OVER, asymmetric_run, descent_fit, per_step, scaled_start
from lowrank_core.claims.grammar import (
    Criterion,
    Evidence,
    Page,
    Setting,
    Variant,
    at,
    each,
    edge,
    refused,
    scales,
)
from lowrank_core.claims.standing import RANK
from lowrank_core.claims.xiong2024.slowdown import LOCAL_STEPS, largest_local_step, slowest_signal_rate
from lowrank_core.factors import Factors
from lowrank_core.solver import ErrorBelow, Trajectory
from lowrank_core.truth import Truth, rectangular

PAGE = Page("chapters/xiong2024/asymmetric-linear", full=64)

DEFINITE = "ΠΔ₀Π ≻ 0 on the range of Π"
SMALL_START = "α² ≤ σ_r/100"
STABLE = "ησ₁ < 1"
BEYOND_SIDES = "r < max(n₁, n₂)"
MEASUREMENTS = "k(n₁ + n₂ − k) < m < n₁n₂"


def scale_sweep(
    setting: Setting, k: int, alphas: Sequence[float], m: int | None = None, effort: float | None = None
) -> dict[Variant, Trajectory]:
    """A run for each start scale, to the floor or for a time proportional to α⁻², that of the imbalance."""
    effort, floor = effort or setting.sizes.effort, ErrorBelow(descents.FLOOR)
    return {
        at(α=alpha): asymmetric_run(
            setting, scaled_start(setting, k, alpha), m, steps=int(effort / alpha**2), stop=floor
        )
        for alpha in alphas
    }


def late_rate(run: Trajectory) -> torch.Tensor:
    """d log err / dT on the last 40 % of each descent, (B,)."""
    return descent_fit(run, 0.4).rate


def late_rates(runs: Iterable[Trajectory]) -> torch.Tensor:
    """The same of several runs side by side, (B, number of runs)."""
    return torch.stack([late_rate(run) for run in runs], dim=1)


def exponent_in_squares(alphas: Sequence[float], found: torch.Tensor) -> torch.Tensor:
    """The exponent in α² of the rates (B, len(alphas)) of each seed, (B,)."""
    return rates.scaling_exponent([alpha**2 for alpha in alphas], found)


RATE = Criterion(
    "rate per iteration",
    0.99,
    1.01,
    of_prediction=True,
    width="of order ‖Δ₀‖/(2σ_r): α²/2 or so, up to 0.3 % at α = 1/20",
)


@PAGE.claim(
    "xiong2024.asymmetric-exact-rank",
    "With k = r asymmetric gradient descent is linear, at a rate that forgets a small start",
    RATE,
    reference="introduction, for k = r; the rate and its conditions are new",
    states="asym-exact",
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
        refused(BEYOND_SIDES, "with n₁ = n₂ = r the rate is 2 ln(1 − 2ησ_r)", n1=1, n2=1),
        refused(LOCAL_STEPS, "the mode of σ₁ is slower", spectrum=(2.0, 1.0), eta=0.45),
        refused(SMALL_START, "the imbalance then changes the rate", alphas=(0.5,)),
    ),
    waives=(RANK,),
    uses=("xiong2024.local-rate",),
)
def asymmetric_exact_rank(setting: Setting) -> Evidence:
    s, r = setting.sizes, len(setting.sizes.spectrum)
    limit = largest_local_step(setting)
    setting.assume(max(s.n1, s.n2) > r, BEYOND_SIDES)
    setting.assume(s.eta <= limit, LOCAL_STEPS)
    setting.assume(max(s.alphas) ** 2 <= s.spectrum[-1] / 100, SMALL_START)
    evidence = Evidence()
    for scale, run in scale_sweep(setting, r, s.alphas).items():
        evidence.found(RATE, late_rate(run), scale, predicted=slowest_signal_rate(setting))
    dropped = {
        "k = r + 1": (setting, r + 1),
        "n₁ = n₂ = r": (descents.resized(setting, n1=r, n2=r), r),
        "step too large": (descents.resized(setting, eta=(limit + 1 / s.spectrum[0]) / 2), r),
    }
    for name, (other, k) in dropped.items():
        (run,) = scale_sweep(other, k, s.alphas[:1]).values()
        evidence.broken(RATE, late_rate(run), name, predicted=slowest_signal_rate(other))
    return evidence


EXPONENT = Criterion(
    "exponent of the rate in α²",
    0.97,
    1.08,
    width="α up to 1/2; 48 pilot seeds at either scale: 0.996 to 1.035",
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
    EXPONENT,
    FROM_LIMIT,
    FROM_START,
    RATIO,
    reference="abstract: linear, at a rate that depends on the start scale; its value is new",
    states=("asym-linear", "asym-rate"),
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
    found, exact = late_rates(runs.values()), late_rates(scale_sweep(setting, r, s.alphas).values())
    square = descents.resized(setting, n2=s.n1)
    left = scaled_start(square, s.k, s.alphas[0]).left
    balanced = asymmetric_run(square, Factors(left, left.clone()), steps=int(s.effort / s.alphas[0] ** 2))
    by_scale = [slow_modes(scaled_start(setting, s.k, alpha), truth)[:, 0] for alpha in s.alphas]

    def from_limit(run: Trajectory) -> torch.Tensor:
        return late_rate(run) / per_step(s.eta, local_rate(run.factors)).cpu()

    evidence = Evidence(
        predicted=dict.fromkeys((EXPONENT, FROM_LIMIT, FROM_START), 1),
        curves={
            "runs": runs,
            "balanced": balanced,
            "rates": found,
            "exact": exact,
            "predicted": per_step(s.eta, torch.stack(by_scale, dim=1)),
        },
    )
    evidence.found(EXPONENT, exponent_in_squares(s.alphas, found))
    evidence.broken(EXPONENT, exponent_in_squares(s.alphas, exact), "k = r")
    evidence.found(FROM_START, found[:, -1] / per_step(s.eta, modes[:, 0]))
    evidence.broken(FROM_START, exact[:, -1] / per_step(s.eta, modes[:, 0]), "k = r")
    for scale, run in runs.items():
        evidence.found(FROM_LIMIT, from_limit(run), scale)
        evidence.found(RATIO, descent_fit(run, 0.5).rss_ratio, scale)
    # From G₀ = F₀ the factors reached predict a rate, as any do, and it does not come.
    evidence.broken(FROM_LIMIT, from_limit(balanced), "G₀ = F₀")
    evidence.broken(RATIO, descent_fit(balanced, 0.5).rss_ratio, "G₀ = F₀")
    return evidence


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


MEDIAN_EXPONENT = Criterion(
    "exponent of the rate in α²",
    0.85,
    1.2,
    pooled="median",
    width="32 pilot seeds at n = 10: median 1.00, deviation of a seed 0.09, so four of a median of 8",
)
LOG_RATIO = Criterion(
    "log₁₀ of the residual ratio, exponential / power law",
    high=-1,
    pooled="median",
    width="0 separates the laws; pilot medians below −4",
)


@PAGE.claim(
    "xiong2024.imbalance-sets-the-rate-sensing",
    "Under Gaussian sensing the rate is linear and proportional to α², too",
    MEDIAN_EXPONENT,
    LOG_RATIO,
    reference="abstract, under a restricted isometry property",
    states="asym-rate-sensing",
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
        refused(MEASUREMENTS, "every matrix is determined", m=100),
        refused(MEASUREMENTS, "the measurements need not determine the minimiser", m=30),
    ),
    fit="illustrates",
    discrepancy="Under sensing the constant of the rate is not that of the population: at α = {smallest α:g} "
    "the rate is {slowest of the population rate:.2f} to {fastest of the population rate:.2f} times the "
    "population's. The exponent in α² agrees with one.",
)
def imbalance_sets_the_rate_sensing(setting: Setting) -> Evidence:
    s, r = setting.sizes, len(setting.sizes.spectrum)
    setting.assume(s.k > r, OVER)
    setting.assume(s.k * (s.n1 + s.n2 - s.k) < s.m < s.n1 * s.n2, MEASUREMENTS)
    truth = rectangular(s.n1, s.n2, s.spectrum, setting.seeds)
    runs = scale_sweep(setting, s.k, s.alphas, s.m)
    found, exact = (late_rates(x.values()) for x in (runs, scale_sweep(setting, r, s.alphas, s.m)))
    exponents = exponent_in_squares(s.alphas, found)
    population = per_step(s.eta, slow_modes(scaled_start(setting, s.k, s.alphas[-1]), truth)[:, 0])
    # The symmetric method gets measurements of the same fraction of its n(n + 1)/2 unknowns.
    share = s.m * (s.n + 1) // (2 * s.n)
    start = Factors(scaled_start(setting, s.k, s.alphas[0]).left)
    symmetric = descents.symmetric_run(setting, start, share)

    def ratio(run: Trajectory) -> Pooled:
        return pooled(torch.median, descent_fit(run, 0.5).rss_ratio.log10())

    evidence = Evidence(
        notes={
            "smallest exponent of a seed": float(exponents.min()),
            "largest exponent of a seed": float(exponents.max()),
            "smallest α": s.alphas[-1],
            "slowest of the population rate": float((found[:, -1] / population).min()),
            "fastest of the population rate": float((found[:, -1] / population).max()),
            "measurements m": float(s.m),
            "unknowns n₁n₂": float(s.n1 * s.n2),
            "degrees of freedom of rank k": float(s.k * (s.n1 + s.n2 - s.k)),
        },
        curves={"runs": runs, "symmetric": symmetric},
    )
    evidence.found(MEDIAN_EXPONENT, pooled(torch.median, exponents), predicted=1)
    evidence.broken(MEDIAN_EXPONENT, pooled(torch.median, exponent_in_squares(s.alphas, exact)), "k = r")
    evidence.found(LOG_RATIO, {scale: ratio(run) for scale, run in runs.items()})
    evidence.broken(LOG_RATIO, ratio(symmetric), "symmetric")
    return evidence


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
    states="asym-crossover",
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
    pairs: dict[Variant, tuple[Trajectory, Trajectory]] = {}
    evidence = Evidence(curves={"pairs": pairs})

    def crossing(run: Trajectory, ratio: torch.Tensor, slowest: torch.Tensor) -> torch.Tensor:
        return s.eta * crossings.stays_below(run.steps, ratio, 0.01) * slowest

    for alpha in s.alphas:
        slowest = definite_modes(setting, alpha)[0][:, 0]
        setting.assume(s.k - len(s.spectrum) <= 5, "k − r ≤ 5")
        scale, steps = at(α=alpha), int(s.effort / alpha**2)
        start = scaled_start(setting, s.k, alpha)
        asymmetric = asymmetric_run(setting, start, steps=steps)
        symmetric = descents.symmetric_run(setting, Factors(start.left), steps=steps)
        pairs[scale] = symmetric, asymmetric
        ratio = asymmetric.error / symmetric.error
        evidence.found(FINAL, ratio[:, -1], scale)
        evidence.found(CROSSING, crossing(asymmetric, ratio, slowest), scale)
    twin = asymmetric_run(setting, Factors(start.left, start.left.clone()), steps=steps)
    twin_ratio = twin.error / symmetric.error
    evidence.broken(FINAL, twin_ratio[:, -1], "G₀ = F₀")
    # It has not come by the end of the run, in the units of the imbalance that was dropped.
    evidence.broken(CROSSING, crossing(twin, twin_ratio, slowest), "G₀ = F₀")
    return evidence
