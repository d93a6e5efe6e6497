"""Descent with and without the regulariser: who rebalances, and what an unbalanced start costs."""

from __future__ import annotations

from typing import NamedTuple

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.imbalance import imbalance
from lowrank_core.analysis.statistics import pooled
from lowrank_core.claims.experiments.landscapes import arrival
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.claims.zhang2025.balancing.saddle import WEIGHT
from lowrank_core.factors import Factors, adjoint_start, imbalanced_start
from lowrank_core.methods import BalancedGradientDescent, GradientDescent, Method, ScaledGradientDescent
from lowrank_core.noise import Gaussian
from lowrank_core.problem import Problem, observe
from lowrank_core.sensing import gaussian
from lowrank_core.solver import ErrorBelow, Trajectory, log_spaced, solve
from lowrank_core.truth import geometric_spectrum, rectangular

PAGE = Page("chapters/zhang2025/balancing")


def eigenvalues(problem: Problem, factors: Factors) -> torch.Tensor:
    """Those of UᵀU − VᵀV, (B, k)."""
    return torch.linalg.eigvalsh(imbalance(factors))


LARGEST = Criterion(
    "largest ‖B(τ)‖(1/‖B(0)‖ + 2μτ/√k)", high=1.001, width="steps that are not infinitely small"
)
END = Criterion("‖B‖_F at the end", high=0.01, width="a time of 100 and more, at an exponential rate")


@PAGE.claim(
    "zhang2025.regulariser-rebalances",
    "The regulariser rebalances any start at a rate that depends on nothing",
    LARGEST,
    END,
    reference="no counterpart was read; derived here",
    states="prop-balancing-decay",
    origin="ours",
    kind="bound-upper",
    control="no regulariser in the descent: μ = 0",
    sizes=scales(
        n1=each(8, 12, 20),
        n2=each(7, 10, 16),
        m=each(45, 90, 250),
        k=each(2, 3, 4),
        spectrum=each((1.0,), (2.0, 1.0), (2.0, 1.0)),
        scales=each((3,), (3, 5), (3, 5)),
        steps=each(5_000, 12_500, 50_000),
    ),
    edges=(
        edge("k = 1", k=1),
        edge("k = n₂", k=7),
        edge("a larger imbalance", scales=(4,), steps=9_000),
        edge("few measurements", m=5),
    ),
    uses=("zhang2025.critical-points-balanced",),
)
def regulariser_rebalances(setting: Setting) -> Evidence:
    s, seeds = setting.sizes, setting.seeds
    truth = rectangular(s.n1, s.n2, s.spectrum, seeds, device=setting.device)
    operator = gaussian(s.n1, s.n2, s.m, seeds, device=setting.device)
    problem = observe(truth, operator, noise=Gaussian(0.1), seeds=seeds)

    def run(scale: float, weight: float) -> Decay:
        # Steps small enough for a statement on the flow: the Hessian is at most a few times scale².
        eta = 0.2 / scale**2
        start = imbalanced_start(s.n1, s.n2, s.k, scale, scale**-2, seeds, device=setting.device)
        method = BalancedGradientDescent(eta, weight) if weight else GradientDescent(eta)
        record = log_spaced(s.steps)[1:]
        found = solve(problem, method, start, s.steps, record=record, observables={"B": eigenvalues})
        size, time = found.observed["B"].norm(dim=2), eta * found.steps
        return Decay(time, size, 1 / (1 / size[:, :1] + 2 * WEIGHT * time / s.k**0.5))

    held = {at(f"‖U₀‖ ≈ {scale}", **{"‖U₀‖": scale}): run(scale, WEIGHT) for scale in s.scales}
    free = {f"‖U₀‖ ≈ {s.scales[0]}, μ = 0": run(s.scales[0], 0.0)}
    evidence = Evidence(curves=held | free)
    for add, runs in ((evidence.found, held), (evidence.broken, free)):
        for name, one in runs.items():
            add(LARGEST, one.largest, name)
            add(END, one.size[:, -1], name)
    return evidence


class Decay(NamedTuple):
    """The imbalance ‖B‖_F along a run, (B, R), at times ηT, (R,), and the bound of the flow, (B, R)."""

    time: torch.Tensor
    size: torch.Tensor
    ceiling: torch.Tensor

    @property
    def largest(self) -> torch.Tensor:
        """The largest ratio after the start, where it is one, (B,)."""
        return (self.size / self.ceiling)[:, 1:].amax(dim=1)


class Race:
    """Methods from the spectral start, or its rescaling, until every error is `tolerance`·‖M*‖."""

    def __init__(self, setting: Setting, condition_number: float) -> None:
        s, seeds = setting.sizes, setting.seeds
        self.sizes, self.kappa = s, condition_number
        truth = rectangular(
            s.n1, s.n2, geometric_spectrum(s.k, condition_number), seeds, device=setting.device
        )
        self.problem = observe(truth, gaussian(s.n1, s.n2, s.m, seeds, device=setting.device))
        self.start = adjoint_start(self.problem.operator, self.problem.observations, s.k)
        self.target = (s.tolerance * float(truth.spectrum[0].norm())) ** 2

    def run(self, method: str, t: float = 1.0, shrink: float | None = None) -> Trajectory:
        """The method from (tU₀, V₀/t), with η = ½/σ₁ over `shrink`, by default t², as the Hessian is t² larger."""
        assert self.start.right is not None
        eta = 0.5 / (self.kappa * (t**2 if shrink is None else shrink))
        chosen: dict[str, Method] = {
            "balancing-free": GradientDescent(eta),
            "balanced": BalancedGradientDescent(eta, WEIGHT),
            "ScaledGD": ScaledGradientDescent(0.5),
        }
        return solve(
            self.problem,
            chosen[method],
            Factors(t * self.start.left, self.start.right / t),
            self.sizes.steps,
            record=[*range(500), *range(500, self.sizes.steps, 20)],
            stop=ErrorBelow(self.target),
            observables={"imbalance": eigenvalues},
        )


RACE = {
    "n1": each(10, 16, 30),
    "n2": each(8, 14, 25),
    "m": each(75, 200, 700),
    "k": each(1, 2, 3),
    "kappas": each((1.0,), (1.0, 5.0), (1.0, 5.0)),
    "t": each(2.0, 2.0, 3.0),
    "tolerance": each(1e-6, 1e-6, 1e-8),
    "steps": each(20_000, 40_000, 200_000),
}


IMBALANCE = Criterion(
    "largest ‖UᵀU − VᵀV‖_F/σ₁ along the run", high=0.5, width="half of σ₁ counts as nearly balanced"
)
AS_MANY = Criterion(
    "iterations, balancing-free / balanced", 0.9, 1.1, width="a tenth counts as about as many"
)


@PAGE.claim(
    "zhang2025.balancing-free",
    "From a spectral start gradient descent stays balanced by itself, and the regulariser gains nothing",
    IMBALANCE,
    AS_MANY,
    reference="abstract of Ma, Li & Chi (2021)",
    states="prop-balancing-free",
    origin="paper",
    known="read",
    kind="ordering",
    control="the same start rescaled to (2U₀, V₀/2), which is not balanced",
    sizes=scales(**RACE),
    edges=(refused("m ≥ 0.89 n₁n₂", "one measurement does not tell the truth", m=1),),
    fit="illustrates",
)
def balancing_free(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(s.m >= 0.89 * s.n1 * s.n2, "m ≥ 0.89 n₁n₂")
    evidence = Evidence()
    for kappa in s.kappas:
        race, variant = Race(setting, kappa), at(κ=kappa)
        for add, start, t in (
            (evidence.found, "spectral start", 1.0),
            (evidence.broken, "rescaled", s.t),
        ):
            runs = {method: race.run(method, t) for method in ("balancing-free", "balanced")}
            free, held = (arrival(run) for run in runs.values())
            imbalances = runs["balancing-free"].observed["imbalance"].norm(dim=2)
            add(IMBALANCE, imbalances.amax(dim=1) / kappa, variant)
            add(AS_MANY, free / held, variant)
            for method, run in runs.items():
                note = f"median iterations, {method}, {start}, {variant}"
                evidence.notes[note] = float(arrival(run).median())
    return evidence


FREE = Criterion(
    "exponent of the iterations in t, balancing-free",
    3.8,
    4.25,
    width="12 pilot seeds: 3.96 to 4.12, sd 0.046",
)
HELD = Criterion(
    "exponent of the iterations in t, balanced",
    1.88,
    2.28,
    width="12 pilot seeds: 2.01 to 2.15, sd 0.045, and 1.65 on one in thirty; balancing takes time",
    pooled="median over the seeds",
)
SCALED = Criterion(
    "iterations over those from the spectral start, ScaledGD", 0.96, 1.04, width="one iteration in 25"
)


@PAGE.claim(
    "zhang2025.rescaled-start",
    "An unbalanced start costs a factor like t⁴ without the regulariser, t² with it, nothing with ScaledGD",
    FREE,
    HELD,
    SCALED,
    reference="invariance of ScaledGD: Tong, Ma & Chi (2021), JMLR p. 4; the powers of t are derived here",
    states="prop-balancing-rescaled",
    origin="ours",
    kind="rate",
    control="the step alone is divided by t², the start is the spectral one (first); no regulariser (second); no "
    "preconditioner (third)",
    sizes=scales(**RACE | {"kappas": (1.0,)}, ts=each((2.0, 3.0), (2.0, 3.0), (2.0, 3.0, 4.0))),
    edges=(edge("n₁ < n₂", n1=8, n2=10),),
    fit="illustrates",
    uses=("zhang2025.balancing-free",),
)
def rescaled_start(setting: Setting) -> Evidence:
    s = setting.sizes
    race = Race(setting, s.kappas[0])
    methods = ("balancing-free", "balanced", "ScaledGD")
    plain = {method: race.run(method) for method in methods}
    apart = {method: {t: race.run(method, t) for t in s.ts} for method in methods}
    slow = {t: race.run("balancing-free", shrink=t**2) for t in s.ts}

    def exponent(runs: dict[float, Trajectory]) -> torch.Tensor:
        return rates.scaling_exponent(s.ts, torch.stack([arrival(run) for run in runs.values()], dim=1))

    evidence = Evidence(
        notes={
            f"median iterations, {method}, t = {t:g}": float(arrival(run).median())
            for method in methods
            for t, run in ({1.0: plain[method]} | apart[method]).items()
        },
        curves={"spectral": plain, "rescaled": {method: runs[s.ts[0]] for method, runs in apart.items()}},
    )
    unbalanced = exponent(apart["balancing-free"])
    evidence.found(FREE, unbalanced, predicted=4.0)
    evidence.broken(FREE, exponent(slow), "small steps")
    evidence.found(HELD, pooled(torch.median, exponent(apart["balanced"])), predicted=2.0)
    evidence.broken(HELD, pooled(torch.median, unbalanced), "balancing-free")
    for add, method in ((evidence.found, "ScaledGD"), (evidence.broken, "balancing-free")):
        for t, run in apart[method].items():
            slowdown = arrival(run) / arrival(plain[method])
            add(SCALED, slowdown, at(f"{method}, t = {t:g}", t=t), predicted=1.0)
    return evidence
