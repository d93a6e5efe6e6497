"""Fewer iterations: what an exact line search along conjugate directions saves."""

from __future__ import annotations

import math

import torch

from lowrank_core.claims.engine.reference import recovery
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.factors import adjoint_start
from lowrank_core.methods import ConjugateGradient, GradientDescent, Method
from lowrank_core.solver import ErrorBelow, solve

PAGE = Page("chapters/engine/how-fast")

EXPONENT = Criterion(
    "exponent of the iterations in κ, from κ = 1 to 100",
    high=0.75,
    width="between 1/2 and 1; 40 pilot seeds: 0.37 to 0.64",
)
SAVED = Criterion(
    "iterations of gradient descent / of conjugate gradients", low=8.0, width="40 pilot seeds: 14 to 54"
)


@PAGE.claim(
    "engine.conjugate-gradients-need-fewer",
    "Conjugate gradients pay for the condition number with a smaller power than gradient descent",
    EXPONENT,
    SAVED,
    reference="derived here: near the truth the loss is a quadratic function, whose theory gives the exponent",
    states="prop-fast-cg",
    origin="ours",
    kind="ordering",
    control="gradient descent (first criterion); κ = 1 (second)",
    sizes=scales(n=each(12, 24, 48), r=each(4, 6, 6), m=each(400, 1_000, 2_600), eta=0.4),
    edges=(edge("r = 2", r=2), refused("r ≥ 2", "one singular value has no condition number", r=1)),
    fit="illustrates",
)
def conjugate_gradients_need_fewer(setting: Setting) -> Evidence:
    s, kappas = setting.sizes, (1, 10, 100)
    setting.assume(s.r >= 2, "r ≥ 2")

    def count(kappa: int, method: Method, cap: int, every: int) -> torch.Tensor:
        spectrum = [kappa ** (-i / (s.r - 1)) for i in range(s.r)]
        problem = recovery(setting, s.m, spectrum)
        start = adjoint_start(problem.operator, problem.observations, s.r, symmetric=True)
        goal = ErrorBelow(1e-16 * float(problem.truth.spectrum[0].square().sum()))
        run = solve(problem, method, start, cap, record=range(0, cap + 1, every), stop=goal)
        return torch.where(run.reached_at >= 0, run.reached_at.double(), math.inf)

    conjugate = {kappa: count(kappa, ConjugateGradient(), 2_000, 1) for kappa in kappas}
    plain = {
        kappa: count(kappa, GradientDescent(s.eta), 400 * kappa, max(1, kappa // 10)) for kappa in kappas
    }
    evidence = Evidence(
        predicted={EXPONENT: 0.5},
        curves={
            "kappas": kappas,
            "iterations": {
                "gradient descent": torch.stack(list(plain.values()), dim=1),
                "conjugate gradients": torch.stack(list(conjugate.values()), dim=1),
            },
        },
    )

    def exponent(counts: dict[int, torch.Tensor]) -> torch.Tensor:
        return (counts[100] / counts[1]).log10() / 2

    evidence.found(EXPONENT, exponent(conjugate))
    evidence.broken(EXPONENT, exponent(plain), "gradient descent")
    evidence.found(SAVED, plain[100] / conjugate[100], at(κ=100))
    evidence.broken(SAVED, plain[1] / conjugate[1], at(κ=1))
    return evidence
