"""The sub-gradient method on clean measurements: how time and error scale with the start, and the largest step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.crossings import falls_below
from lowrank_core.analysis.statistics import Pooled, pooled
from lowrank_core.claims.grammar import (
    Criterion,
    Evidence,
    Page,
    Setting,
    Sweep,
    at,
    each,
    edge,
    refused,
    scales,
)
from lowrank_core.claims.ma2023 import subgradient
from lowrank_core.claims.ma2023.expected_loss_runs import PHI2, every, first_columns, population
from lowrank_core.factors import Factors
from lowrank_core.methods import GradientDescent
from lowrank_core.noise import Gaussian
from lowrank_core.problem import Problem
from lowrank_core.solver import Trajectory, log_spaced, solve

PAGE = Page("chapters/ma2023/noiseless")

AFFINE = Criterion(
    "iterations per decade of 1/α, later / earlier decades",
    0.92,
    1.08,
    width="over 80 pilot seeds 0.96 to 1.05, deviation 0.012",
)
SAME = Criterion(
    "iterations per decade of 1/α, k = n / k = r + 1",
    0.92,
    1.08,
    width="over 80 pilot seeds 0.97 to 1.05, deviation 0.015",
)
LINEAR = Criterion(
    "iterations for a decade of error, second / first",
    high=2.0,
    width="the floor is near at the end: over 80 pilot seeds 1.03 to 1.60; 1/t gives 10",
)


@PAGE.claim(
    "ma2023.time-in-log-alpha",
    "The number of iterations is affine in log(1/α), for k = r + 1 as for k = n, and convergence is linear",
    AFFINE,
    SAME,
    LINEAR,
    reference="Theorem 22, Corollary 23 and Table 1 (JMLR pp. 8, 22–23)",
    states=("nl-recovery", "prop-time-in-log-alpha"),
    origin="sharpened",
    known="read",
    kind="rate",
    control="large starts, α = 1, 0.1 and 0.01, on the expected loss: the residual decays like 1/t",
    sizes=scales(
        n=each(8, 20, 20),
        m=each(300, 1_000, 4_000),
        spectrum=each((1.0,), (1.0, 1.0, 1.0), (1.0, 1.0, 1.0)),
        alphas=(1e-3, 1e-5, 1e-7),
        eta=0.5,
        steps=each(200, 240, 240),
        level=0.1,
        tail=each(5_000, 10_000, 30_000),
    ),
    edges=(
        edge("n = r + 1", n=2, m=60),
        edge("larger and smaller eigenvalues", spectrum=(3.0,), eta=0.2, steps=300),
        edge("r = 3 of n = 8", spectrum=(1.0, 1.0, 1.0), m=500),
        edge("smaller α", alphas=(1e-5, 1e-7, 1e-9), steps=300),
        refused("α ≤ 10⁻³", "the residual of a large start decays like 1/t", alphas=(1.0, 1e-3, 1e-5)),
        refused("ησ₁ ≤ 0.6", "the cross term lags far behind the signal", eta=1.2),
    ),
    fit="illustrates",
)
def time_in_log_alpha(setting: Setting) -> Evidence:
    s, r, count = setting.sizes, len(setting.sizes.spectrum), len(setting.sizes.alphas)
    setting.assume(max(s.alphas) <= 1e-3, "α ≤ 10⁻³", s.alphas)
    setting.assume(s.eta * s.spectrum[0] <= 0.6 + 1e-9, "ησ₁ ≤ 0.6", s.eta * s.spectrum[0])

    def both_ranks(alphas: tuple[float, ...]) -> Sweep:
        """Every α with r + 1 columns, then every α with n."""
        return Sweep(setting, k=(r + 1,) * count + (s.n,) * count, α=alphas * 2)

    def start(problem: Problem, sweep: Sweep) -> Factors:
        unit = first_columns(subgradient.random(problem, s.n, 1.0), sweep.column("k"))
        return Factors(sweep.column("α") * unit.left)

    def timings(run: Trajectory, slowest: int) -> Timings:
        """Convergence is judged from the start number `slowest`."""
        error = run.error.sqrt()
        times = falls_below(run.steps, error, s.level).unflatten(0, (-1, 2, count))
        early, late = times[..., 1] - times[..., 0], times[..., 2] - times[..., 1]
        reached = [falls_below(run.steps, error[slowest :: 2 * count], s.level / 10**i) for i in range(3)]
        return Timings(
            dict(zip(("k = r + 1", "k = n"), (late / early).unbind(dim=1), strict=True)),
            (early + late)[:, 1] / (early + late)[:, 0],
            (reached[2] - reached[1]) / (reached[1] - reached[0]),
        )

    small, large = both_ranks(s.alphas), both_ranks((1.0, 0.1, 0.01))
    problem, exact = subgradient.sensing(small.setting, s.m), population(large.setting, s.spectrum)
    step = subgradient.loss_proportional(s.eta)
    run = subgradient.run(problem, start(problem, small), step, s.steps, record=every(s.steps, 4))
    tail = solve(
        exact, GradientDescent(s.eta * PHI2), start(exact, large), s.tail, record=log_spaced(s.tail, 40)
    )
    fast, slow = timings(run, 2 * count - 1), timings(tail, count)
    evidence = Evidence(curves={"steps": run.steps, "error": run.error.sqrt().unflatten(0, (-1, 2, count))})
    evidence.found(AFFINE, fast.later, predicted=1.0)
    evidence.broken(AFFINE, slow.later["k = n"], "k = n")
    evidence.found(SAME, fast.ranks, predicted=1.0)
    evidence.broken(SAME, slow.ranks)
    evidence.found(LINEAR, fast.descent)
    evidence.broken(LINEAR, slow.descent)
    return evidence


class Timings(NamedTuple):
    """Ratios of numbers of iterations, (S,) each.

    Attributes:
        later: a later decade of 1/α over an earlier one, for each search rank.
        ranks: a decade of 1/α with k = n over one with k = r + 1.
        descent: the second decade of error over the first; 1 if convergence is linear, 10 for 1/t.
    """

    later: dict[str, torch.Tensor]
    ranks: torch.Tensor
    descent: torch.Tensor


BETA = Criterion(
    "exponent β of the final error in α",
    high=1.985,
    width="below the 1.994 or more of the control; over 60 pilot seeds 1.70 or less at m = 2000",
)
LIMIT = Criterion(
    "log–log slope of 2 − mean β in m",
    -0.59,
    -0.41,
    width="logarithms, and the spread: over three sets of 20 pilot seeds -0.51 to -0.49",
    pooled="slope of the means over the seeds",
)


@PAGE.claim(
    "ma2023.alpha-exponent",
    "With finitely many measurements the error falls more slowly than α²",
    BETA,
    LIMIT,
    reference="Corollary 23 (JMLR p. 23): exponent 2 − O(√(log(1/α) log² m · κ⁴nr²/m)), of which √(1/m) is tested",
    states=("nl-recovery", "prop-alpha-exponent"),
    origin="sharpened",
    known="read",
    kind="rate",
    control="for β: the expected loss, m = ∞, where the exponent is 2; for the slope: Gaussian noise, which sets a "
    "floor of its own",
    seeds={"smoke": 40, "book": 20, "full": 60},
    sizes=scales(
        n=each(12, 20, 20),
        k=each(12, 20, 20),
        ms=each((300, 1_200), (500, 1_000, 2_000), (500, 1_000, 2_000, 4_000, 8_000)),
        spectrum=each((1.0, 1.0), (1.0, 1.0, 1.0), (1.0, 1.0, 1.0)),
        alphas=each((1e-2, 1e-6), (1e-2, 1e-4, 1e-6), (1e-2, 1e-4, 1e-6)),
        eta=0.5,
        steps=each(200, 260, 260),
    ),
    edges=(
        edge("k = r + 1", n=20, k=4, spectrum=(1.0, 1.0, 1.0), ms=(500, 1_000), steps=260, seeds=20),
        edge("r = 3 of n = 12", spectrum=(1.0, 1.0, 1.0), ms=(400, 1_600), steps=300),
        edge("smaller α", alphas=(1e-4, 1e-7), steps=300),
        refused("k > r", "there is no floor", k=2),
        refused("α ≤ 10⁻²", "a large start ends elsewhere", alphas=(1.0, 1e-2)),
        refused("n ≥ 12", "few directions off the signal, which may all shrink", n=8, k=8),
        refused("r ≤ n/4", "few directions off the signal, which may all shrink", spectrum=(1.0,) * 11),
    ),
    fit="illustrates",
    uses=("ma2023.expected-loss-recovery",),
    discrepancy="Corollary 23 bounds the error by α^(2 − O(√(1/m))). At m = {smallest m:.0f}, the size of the "
    "paper's experiments, the exponent is {median β at the smallest m:.2f} (median over seeds, equal eigenvalues), "
    "and at m = {largest m:.0f} it is {median β at the largest m:.2f}: it is well below 2, as the O(·) "
    "allows, and the floor that the paper describes as proportional to the norm of the start is closer to "
    "what is seen there.",
)
def alpha_exponent(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(s.k > len(s.spectrum), "k > r", s.k)
    setting.assume(max(s.alphas) <= 1e-2, "α ≤ 10⁻²", s.alphas)
    setting.assume(s.n >= 12, "n ≥ 12", s.n)
    setting.assume(4 * len(s.spectrum) <= s.n, "r ≤ n/4", len(s.spectrum))

    def exponents(m: int | None, alphas: tuple[float, ...], noise: Gaussian | None = None) -> Exponents:
        sweep = Sweep(setting, α=alphas)
        problem = (
            population(sweep.setting, s.spectrum)
            if m is None
            else subgradient.sensing(sweep.setting, m, noise)
        )
        start = Factors(sweep.column() * subgradient.random(problem, s.k, 1.0).left)
        if m is None:
            run = solve(problem, GradientDescent(s.eta * PHI2), start, s.steps, record=(s.steps,))
        else:
            with subgradient.wrong_on_purpose():
                step = subgradient.loss_proportional(s.eta)
                run = subgradient.run(problem, start, step, s.steps, record=(s.steps,))
        floors = subgradient.split(subgradient.final(run), len(alphas))
        return Exponents(floors, rates.scaling_exponent(alphas, floors))

    def slope(ms: Sequence[int], betas: Sequence[torch.Tensor]) -> Pooled:
        def of_means(beta: torch.Tensor) -> torch.Tensor:
            return rates.scaling_exponent(ms, (2 - beta.mean(dim=0))[None])[0]

        return pooled(of_means, torch.stack(list(betas), dim=1))

    found = {m: exponents(m, s.alphas) for m in s.ms}
    betas = {m: one.beta for m, one in found.items()}
    evidence = Evidence(
        notes={
            "smallest m": float(s.ms[0]),
            "largest m": float(s.ms[-1]),
            "median β at the smallest m": float(betas[s.ms[0]].median()),
            "median β at the largest m": float(betas[s.ms[-1]].median()),
        },
        curves={
            "floors": {m: one.floors for m, one in found.items()},
            "alphas": s.alphas,
            "beta": betas,
        },
    )
    for m, beta in betas.items():
        evidence.found(BETA, beta, at(m=m))
    evidence.broken(BETA, exponents(None, s.alphas).beta, "m = ∞")
    evidence.found(LIMIT, slope(s.ms, list(betas.values())), predicted=-0.5)
    # The ends of both grids are enough to see that nothing depends on m.
    ends, few = (s.alphas[0], s.alphas[-1]), s.ms[:2]
    noisy = [exponents(m, ends, Gaussian(0.3)).beta for m in few]
    evidence.broken(LIMIT, slope(few, noisy), "noise")
    return evidence


class Exponents(NamedTuple):
    """Final errors, (S, α), and their exponent in α, (S,)."""

    floors: torch.Tensor
    beta: torch.Tensor


NEAR = (0.85, 0.9, 0.95, 1.05, 1.1, 1.15)
"""Steps around the threshold, in units of π/2."""
BEYOND = (1.5, 1.8, 2.2, 2.6)
"""Steps around the one at which the method overflows, in the same units."""


THRESHOLD = Criterion(
    "largest convergent step / (π/2)",
    0.9,
    1.1,
    width="φ² fluctuates by 1.5/√m of itself, 1.7 %; the steps are 5 % apart",
)
OVERFLOWING = Criterion("of the steps ησ₁ = 0.75π, 0.9π, 1.1π and 1.3π, those that overflow", 2, 2)


@PAGE.claim(
    "ma2023.step-threshold",
    "The largest step is ησ₁ = π/2",
    THRESHOLD,
    OVERFLOWING,
    reference="Theorem 22 asks for η ≲ 1/(φ̄²σ₁) (JMLR p. 22); the constant is derived here",
    states="nl-threshold",
    kind="tight",
    control="the expected loss, where the effective step is η itself and both thresholds are smaller by π/2",
    sizes=scales(
        n=each(6, 6, 20),
        m=each(8_000, 8_000, 20_000),
        spectra=each(((1.0,),), ((1.0,), (3.0, 1.5)), ((1.0,), (3.0, 1.5))),
        alpha=1e-4,
        steps=each(250, 240, 400),
    ),
    edges=(
        edge("n = r + 1", n=3, spectra=((1.0, 0.5),)),
        edge("equal eigenvalues", spectra=((1.0, 1.0, 1.0),), m=12_000),
        edge("κ = 20", spectra=((2.0, 0.1),), steps=800),
        edge("smaller α", alpha=1e-8, steps=400),
        refused("r < min(n₁, n₂)", "the standing assumption", n=1),
    ),
    fit="illustrates",
)
def step_threshold(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(all(len(spectrum) < s.n for spectrum in s.spectra), "r < min(n₁, n₂)", s.spectra)
    loads = [math.pi / 2 * share for share in NEAR + BEYOND]
    late = range(s.steps // 2, s.steps + 1, 4)
    # The threshold lies between the last step that converges and the next one.
    between = torch.tensor([0.825, *(sum(pair) / 2 for pair in pairwise(NEAR)), 1.175], dtype=torch.float64)

    shown = len(NEAR) + 2
    settled: dict[str, torch.Tensor] = {}
    evidence = Evidence(curves={"loads": loads[:shown], "settled": settled})
    sweep = Sweep(setting, load=loads)
    for spectrum in s.spectra:
        name = f"Σ = {spectrum}"
        etas = sweep.column(ndim=1) / spectrum[0]
        problem = subgradient.sensing(sweep.setting, s.m, spectrum=spectrum)
        start, step = subgradient.random(problem, s.n, s.alpha), subgradient.loss_proportional(etas)
        run = subgradient.run(problem, start, step, s.steps, record=late)
        exact = population(sweep.setting, spectrum)
        start = subgradient.random(exact, s.n, s.alpha)
        free = solve(exact, GradientDescent(etas), start, s.steps, record=late)
        for add, found in ((evidence.found, run), (evidence.broken, free)):
            # Runs beyond the threshold oscillate: the median over late iterations is what they settle to.
            typical = subgradient.split(found.error[:, 1:].median(dim=1).values.sqrt(), len(loads))
            typical = typical / math.hypot(*spectrum)
            convergent = (typical[:, : len(NEAR)] < 1e-2).int().cumprod(dim=1).sum(dim=1)
            diverged = subgradient.split(found.diverged_at >= 0, len(loads))[:, len(NEAR) :].sum(dim=1)
            add(THRESHOLD, between[convergent.cpu()], name, predicted=1.0)
            add(OVERFLOWING, diverged, name, predicted=2)
            if found is run:
                settled[name] = typical[:, :shown]
    return evidence
