"""A pair of factors: what an unbalanced start costs, and what rebalancing buys and costs."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from lowrank_core.claims.experiments.landscapes import arrival
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.claims.zhang2025.race.contest import ETA, TRUE_RANK, Entrant, race, reached_error
from lowrank_core.factors import Factors, adjoint_start, imbalanced_start
from lowrank_core.methods import (
    BalancedGradientDescent,
    GradientDescent,
    Method,
    RebalancedGradientDescent,
    ResidualBelow,
)
from lowrank_core.problem import Problem, observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import certified, gaussian
from lowrank_core.truth import rectangular

PAGE = Page("chapters/zhang2025/which-method")


def contest(setting: Setting, kappa: float) -> Problem:
    """m Gaussian measurements of an n₁ × n₂ truth of rank two with singular values 1 and 1/κ in random bases."""
    s, seeds, device = setting.sizes, setting.seeds, setting.device
    truth = rectangular(s.n1, s.n2, [1.0, 1 / kappa], seeds, basis="random", device=device)
    return observe(truth, gaussian(s.n1, s.n2, s.m, seeds, device=device))


def near_isometry(setting: Setting) -> Problem:
    """A truth with singular values 1, 1 seen through (1 + δ)I − 2δΠ, Π random of half the full rank."""
    s, seeds, device = setting.sizes, setting.seeds, setting.device
    truth = rectangular(s.n1, s.n2, [1.0, 1.0], seeds, basis="random", device=device)
    directions = normal(seeds, "sensing directions", s.n1 * s.n2 // 2, s.n1, s.n2, device=device)
    return observe(truth, certified(directions, s.delta, symmetric=False))


STRETCH = Criterion(
    "iterations from (sF, G/s) / from (F, G)",
    0.88,
    1.08,
    of_prediction=True,
    width="the start's own error, which depends on s; 30 pilot seeds: 0.94 to 1.00, sd 0.008",
)


@PAGE.claim(
    "zhang2025.race-unbalanced-start",
    "An unbalanced start (sF, G/s) costs a factor like s⁴ without the balancing regulariser, like s² with it",
    STRETCH,
    reference="exponents derived here",
    states="prop-which-unbalanced",
    origin="ours",
    kind="rate",
    control="both factors are scaled up, (sF, sG): long, but balanced",
    sizes=scales(n1=each(12, 12, 30), n2=each(10, 10, 25), delta=0.02, s=2.0, cap=200, every=1),
    edges=(
        edge("a larger imbalance", s=3.0),
        edge("a smaller constant", delta=0.001),
        edge("n₂ = k + 1", n1=4, n2=3),
    ),
)
def unbalanced_start(setting: Setting) -> Evidence:
    s = setting.sizes
    problem = near_isometry(setting)
    left, right = adjoint_start(problem.operator, problem.observations, TRUE_RANK)
    assert right is not None

    def growth(make: Callable[[float], Method], power: int, start: Factors) -> torch.Tensor:
        plain = arrival(race(problem, Entrant(make(ETA), Factors(left, right)), s.cap, s.every))
        cap = int(2 * s.cap * s.s**power)
        return arrival(race(problem, Entrant(make(ETA / s.s**2), start), cap, s.every)) / plain

    unbalanced, long = Factors(s.s * left, right / s.s), Factors(s.s * left, s.s * right)
    evidence = Evidence()
    for name, make, power in (
        ("without regulariser", GradientDescent, 4),
        ("with regulariser", BalancedGradientDescent, 2),
    ):
        predicted = math.log(1 - ETA) / math.log(1 - ETA / s.s**power)
        evidence.found(STRETCH, growth(make, power, unbalanced), name, predicted=predicted)
    evidence.broken(STRETCH, growth(GradientDescent, 4, long), "without regulariser")
    return evidence


END = Criterion("log₁₀ error at the end", high=-10, width="the accuracy asked for")
PRICE = Criterion(
    "exponent of the iterations in κ",
    1.62,
    2.38,
    width="κ is 4 at most; 20 pilot seeds to κ = 3: 1.74 to 2.03, sd 0.07",
)


@PAGE.claim(
    "zhang2025.race-rebalancing",
    "Rebalancing makes a pair of factors fast for k > r, at a price of κ² iterations",
    END,
    PRICE,
    reference="the step is Xiong, Ding & Du (2024); the price is derived here",
    states="prop-which-rebalancing",
    origin="ours",
    kind="rate",
    control="the step is left out (first criterion); exact rank, no step, spectral start (second)",
    sizes=scales(
        n1=each(14, 18, 30),
        n2=each(12, 16, 25),
        m=each(160, 270, 700),
        alphas=(0.2, 0.1),
        kappas=each((1, 3), (1, 4), (1, 4)),
        cap=1_000,
    ),
    edges=(
        edge("small α", alphas=(0.2, 0.01), kappas=(1, 3)),
        refused("α ≤ 0.2", "without the step the imbalance of a large start is enough", alphas=(1.0, 0.5)),
    ),
    uses=("xiong2024.rebalanced-rate-sensing",),
    fit="illustrates",
)
def rebalancing(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(max(s.alphas) <= 0.2, "α ≤ 0.2")
    problems = {kappa: contest(setting, kappa) for kappa in s.kappas}

    def start(alpha: float) -> Factors:
        return imbalanced_start(s.n1, s.n2, 2 * TRUE_RANK, alpha, 1 / 3, setting.seeds, setting.device)

    def stepped(kappa: int) -> Method:
        return RebalancedGradientDescent(0.4 / kappa, ResidualBelow(0.03 / kappa))

    def exponent(times: list[torch.Tensor]) -> torch.Tensor:
        return (times[-1] / times[0]).log() / math.log(s.kappas[-1])

    evidence = Evidence(predicted={PRICE: 2.0})
    for add, key, method in (
        (evidence.found, "with", stepped(1)),
        (evidence.broken, "without", GradientDescent(0.4)),
    ):
        runs = {at(α=α): race(problems[1], Entrant(method, start(α)), s.cap, 10) for α in s.alphas}
        add(END, {name: reached_error(run) for name, run in runs.items()})
        evidence.curves[key] = runs
    costs, exact = [], []
    for kappa, problem in problems.items():
        entrant = Entrant(stepped(kappa), start(s.alphas[0]))
        costs.append(arrival(race(problem, entrant, s.cap * kappa**2, 10 * kappa)))
        near = Entrant(GradientDescent(ETA), adjoint_start(problem.operator, problem.observations, TRUE_RANK))
        exact.append(arrival(race(problem, near, s.cap * kappa, 5 * kappa)))
    evidence.found(PRICE, exponent(costs))
    evidence.broken(PRICE, exponent(exact), "k = r")
    return evidence
