"""Noise: the floor at which gradient descent ends, and how long it takes to reach it."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.crossings import first_record_below
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
from lowrank_core.claims.zhuo2024.blocks import BEYOND, near_start
from lowrank_core.factors import Factors
from lowrank_core.methods import GradientDescent, PreconditionedGradientDescent, ResidualNorm
from lowrank_core.problem import Problem, observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import gaussian_symmetric
from lowrank_core.solver import log_spaced, solve
from lowrank_core.truth import psd

PAGE = Page("chapters/zhang2025/noise-and-accuracy")

OVER, EXACT = "k > r", "k = r"

DAMPING = ResidualNorm(factor=0.003, power=0.0)
"""Damped steps reach the second-order point near the truth in short time."""


def noisy_problem(setting: Setting) -> Problem:
    """Gaussian sensing, every seed at every level of noise in a row: one draw of noise, scaled."""
    s, sweep = setting.sizes, Sweep(setting, σ=setting.sizes.levels)
    truth = psd(s.n, s.spectrum, sweep.seeds, device=setting.device)
    problem = observe(truth, gaussian_symmetric(s.n, s.m, sweep.seeds, device=setting.device))
    noise = sweep.column(ndim=2) * normal(sweep.seeds, "noise", s.m, device=setting.device)
    return replace(problem, observations=problem.observations + noise)


def noisy_start(setting: Setting, k: int) -> Factors:
    """The start near the truth, for every level the same."""
    s = setting.sizes
    start = near_start(setting, s.spectrum, k, s.excess, s.scatter).left
    return Factors(start.repeat_interleave(len(s.levels), dim=0))


def by_level(setting: Setting, values: torch.Tensor) -> torch.Tensor:
    """(B·levels, ...) as (B, levels, ...)."""
    return values.unflatten(0, (-1, len(setting.sizes.levels)))


def floors(setting: Setting, problem: Problem, k: int) -> torch.Tensor:
    """‖XXᵀ − M*‖_F at the second-order point near the truth, (B, levels)."""
    method = PreconditionedGradientDescent(0.3, DAMPING)
    steps = setting.sizes.polish
    run = solve(problem, method, noisy_start(setting, k), steps, record=[steps])
    return by_level(setting, run.error[:, -1].sqrt())


SLOPE = Criterion(
    "exponent of the error in σ",
    0.96,
    1.04,
    width="second order in the noise: 0.998 to 1.001 on 8 pilot seeds",
)
COST = Criterion(
    "floor of k > r / floor of k = r, largest over the levels",
    high=3.0,
    width="more columns fit more noise: 1.09 to 1.50 on 8 pilot seeds",
)


@PAGE.claim(
    "zhuo2024.noise-floor",
    "Gradient descent ends at a floor proportional to the noise, with and without excess columns",
    SLOPE,
    COST,
    reference="Theorem 4(b) (p. 8), in the order of σ",
    states="thm-noise-floor",
    origin="paper",
    known="read",
    kind="rate",
    control="descent stopped early, at a fixed number of steps, with k > r",
    sizes=scales(
        n=each(6, 10, 20),
        m=each(120, 220, 800),
        spectrum=each([1.0], [1.5, 1.0], [2.0, 1.5, 1.0]),
        k=each(2, 4, 6),
        eta=each(0.2, 0.2, 0.1),
        excess=0.05,
        scatter=0.006,
        early=each(100, 200, 400),
        polish=each(1_000, 3_000, 20_000),
        levels=each([0.01, 0.1], [0.001, 0.01, 0.1], [0.001, 0.01, 0.1]),
    ),
    edges=(
        edge("k = n", k=6),
        edge("small levels", levels=[1e-3, 1e-2]),
        refused(BEYOND, "no excess column", k=1),
        refused("r < min(n₁, n₂)", "no noise directions", n=1, k=1),
    ),
    fit="illustrates",
)
def noise_floor(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(len(s.spectrum) < s.k <= s.n, BEYOND)
    problem = noisy_problem(setting)
    found = {OVER: floors(setting, problem, s.k), EXACT: floors(setting, problem, len(s.spectrum))}
    early = solve(problem, GradientDescent(s.eta), noisy_start(setting, s.k), s.early, record=[s.early])
    stopped = by_level(setting, early.error[:, -1].sqrt())
    evidence = Evidence(
        predicted={SLOPE: 1.0}, curves={"levels": s.levels, "floors": found, "stopped": stopped}
    )
    for name, values in found.items():
        evidence.found(SLOPE, rates.scaling_exponent(s.levels, values), name)
    evidence.broken(SLOPE, rates.scaling_exponent(s.levels, stopped), "stopped early")
    evidence.found(COST, (found[OVER] / found[EXACT]).amax(dim=1))
    evidence.broken(COST, (stopped / found[EXACT]).amax(dim=1), "stopped early")
    return evidence


FLOOR = Criterion(
    "floor / κσ√(n ln n / m), operator norm",
    high=2.5,
    width="over 56 pilot seeds 0.40 to 0.90 at book scale; 1.56 at most on 12 at smoke",
)


@PAGE.claim(
    "zhuo2024.samples-and-search-rank",
    "Twice as many measurements as unknowns give the floor, for every search rank that was tried",
    FLOOR,
    reference="Theorem 4(b) (p. 8), whose sufficient number of samples grows like the square of the search rank",
    states="prop-noise-samples",
    origin="ours",
    kind="bound-upper",
    control="fewer measurements than unknowns, with k = n",
    sizes=scales(
        n=each(8, 10, 12),
        m=each(72, 110, 156),
        spectrum=each([1.0], [1.5, 1.0], [1.5, 1.0]),
        ranks=each((2, 8), (3, 4, 6, 10), (3, 4, 6, 8, 12)),
        few=each(12, 20, 24),
        excess=0.05,
        scatter=0.006,
        polish=each(700, 700, 3_000),
        levels=[0.003],
    ),
    edges=(
        edge("r = 2", spectrum=[1.5, 1.0], ranks=(3, 8)),
        edge("ten times the noise", levels=[0.03], few=8),
        refused(BEYOND, "no excess column", ranks=(1,)),
        refused("m ≥ n(n + 1)", "fewer measurements than that", m=40),
    ),
    uses=("zhuo2024.noise-floor",),
    fit="illustrates",
)
def samples_and_search_rank(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(len(s.spectrum) < min(s.ranks) and max(s.ranks) <= s.n, BEYOND)
    setting.assume(s.m >= s.n * (s.n + 1), "m ≥ n(n + 1)", s.m)
    evidence = Evidence()

    def floor(m: int, k: int, eta: float, steps: int) -> torch.Tensor:
        """‖XXᵀ − M*‖ where damped descent ends, in units of κσ√(n ln n / m), (S,)."""
        problem = noisy_problem(replace(setting, sizes=SimpleNamespace(**{**vars(s), "m": m})))
        method = PreconditionedGradientDescent(eta, DAMPING)
        run = solve(problem, method, noisy_start(setting, k), steps, record=[steps])
        size = s.levels[0] * math.sqrt(s.n * math.log(s.n) / m)
        return run.operator_error[:, -1] / (size * s.spectrum[0] / s.spectrum[-1])

    for k in s.ranks:
        evidence.found(FLOOR, floor(s.m, k, 0.3, s.polish), at(k=k))
    # Of so few measurements A*A is larger, and steps of 0.3 would not be stable.
    evidence.broken(FLOOR, floor(s.few, s.n, 0.1, 2 * s.polish), at(m=s.few, k=s.n))
    kappa = s.spectrum[0] / s.spectrum[-1]
    evidence.notes["k²κ²n/m"] = max(s.ranks) ** 2 * kappa**2 * s.n / s.m
    return evidence


STEPS = Criterion(
    "exponent of the steps to the floor in 1/σ",
    0.85,
    1.15,
    width="the finite error of the start: 1.03 to 1.07 on 8 pilot seeds",
)


@PAGE.claim(
    "zhuo2024.steps-to-floor",
    "The floor costs 1/σ steps with excess columns",
    STEPS,
    reference="Theorem 4(b) (p. 8): Θ(σ₁/ε_stat) steps",
    states="prop-noise-steps",
    origin="paper",
    known="read",
    kind="rate",
    control="no excess column, k = r, where the steps grow like log(1/σ)",
    sizes=scales(
        n=each(6, 10, 20),
        m=each(120, 220, 800),
        spectrum=each([1.0], [1.5, 1.0], [2.0, 1.5, 1.0]),
        k=each(2, 4, 6),
        eta=each(0.4, 0.2, 0.1),
        excess=0.2,
        scatter=each(0.015, 0.006, 0.006),
        steps=each(9_000, 24_000, 200_000),
        exact_steps=each(300, 500, 2_000),
        polish=each(2_000, 3_000, 20_000),
        levels=each([0.001, 0.005], [0.0006, 0.002, 0.006], [0.0001, 0.001, 0.01]),
    ),
    edges=(
        edge("k = n", k=6),
        refused(BEYOND, "without an excess column the rate is linear", k=1),
        refused("σ below the error of the start", "nothing is left to fall", levels=[0.02, 0.1]),
    ),
    uses=("zhuo2024.noise-floor",),
    fit="illustrates",
)
def steps_to_floor(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(len(s.spectrum) < s.k <= s.n, BEYOND)
    setting.assume(max(s.levels) <= s.scatter, "σ below the error of the start")
    problem = noisy_problem(setting)
    evidence = Evidence(predicted={STEPS: 1.0}, curves={"levels": s.levels, "runs": {}})
    for add, name, k, steps in (
        (evidence.found, OVER, s.k, s.steps),
        (evidence.broken, EXACT, len(s.spectrum), s.exact_steps),
    ):
        floor, start = floors(setting, problem, k), noisy_start(setting, k)
        run = solve(problem, GradientDescent(s.eta), start, steps, record=log_spaced(steps, 300))
        error = by_level(setting, run.error.sqrt())
        arrived = first_record_below(run.steps.clamp(min=1), error, 3 * floor)
        add(STEPS, rates.scaling_exponent([1 / level for level in s.levels], arrived), name)
        evidence.curves["runs"][name] = (run.steps, error, floor)
    return evidence
