"""Fewer iterations: what an exact line search along conjugate directions saves."""

from __future__ import annotations

import math

import torch

from lowrank_core.claims.claim import Criterion, Evidence, Setting
from lowrank_core.claims.engine.runs import CHAPTER, SEEDS, recovery
from lowrank_core.claims.grammar import each, scales
from lowrank_core.claims.registry import claim
from lowrank_core.factors import adjoint_start
from lowrank_core.methods import ConjugateGradient, GradientDescent, Method
from lowrank_core.solve import ErrorBelow, solve

EXPONENT = "exponent of the iterations in κ, from κ = 1 to 100"
SAVED = "iterations of gradient descent / of conjugate gradients"


@claim(
    id="engine.conjugate-gradients-need-fewer",
    title="Conjugate gradients need about the square root of the iterations that gradient descent needs",
    reference="derived here: near the truth the loss is a quadratic function, whose theory gives the exponent",
    statement=r"""From the spectral start with $r=k$, the iterations of conjugate gradients with an exact line
search to a relative error of $10^{-8}$ grow about like $\sqrt\kappa$, those of gradient descent about like
$\kappa$; at $\kappa=100$ gradient descent takes at least twelve times as many.""",
    origin="ours",
    kind="rate",
    criteria=(Criterion(EXPONENT, 0.35, 0.7), Criterion(SAVED, low=12.0)),
    control="gradient descent (first criterion); κ = 1 (second)",
    breaks=(EXPONENT, SAVED),
    seeds=SEEDS,
    sizes=scales(n=each(12, 24, 48), r=each(4, 6, 6), m=each(400, 1_000, 2_600), eta=0.4),
    chapter=CHAPTER,
    fit="illustrates",
)
def conjugate_gradients_need_fewer(setting: Setting) -> Evidence:
    s, kappas = setting.sizes, (1, 10, 100)

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
    exponents = [(each[100] / each[1]).log10() / 2 for each in (conjugate, plain)]
    return Evidence(
        measured={EXPONENT: exponents[0], SAVED: {"κ = 100": plain[100] / conjugate[100]}},
        control={
            EXPONENT: {"gradient descent": exponents[1]},
            SAVED: {"κ = 1": plain[1] / conjugate[1]},
        },
        predicted={EXPONENT: 0.5},
        curves={
            "kappas": kappas,
            "iterations": {
                "gradient descent": torch.stack(list(plain.values()), dim=1),
                "conjugate gradients": torch.stack(list(conjugate.values()), dim=1),
            },
        },
    )
