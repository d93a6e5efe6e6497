"""The toy problem of asymmetric factorisation, one noise entry and its imbalance, checked by machine.

Each claim counts what is left of its identities in computer algebra, measures gradient descent against the flow, or
certifies its bounds by ball arithmetic; its control changes one ingredient or drops one hypothesis. The mathematics
stands in `lowrank_core.proofs`.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import log2

import torch

from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.factors import Factors
from lowrank_core.methods import GradientDescent
from lowrank_core.problem import observe
from lowrank_core.proofs import enclosure, toy, toy_drift
from lowrank_core.sensing import Identity
from lowrank_core.solver import solve
from lowrank_core.truth import rectangular

PAGE = Page("chapters/xiong2024/imbalance", full=64)

IDENTITIES = Criterion("terms left in the identities", 0, 0, exact="the identities, in symbols")

DECAY = Fraction(1, 10)
"""The weight decay of the controls."""
Run = list[tuple[float, float]]
"""Pairs (x, local exponent) along a run of the toy problem."""


DIFFERENCE = Criterion(
    "largest relative difference from the flow solved to 20 digits",
    high=1e-15,
    width="the solver keeps 20 digits",
)


@PAGE.claim(
    "xiong2024.toy-closed-form",
    "The toy problem in closed form",
    IDENTITIES,
    DIFFERENCE,
    reference="the paper has a toy problem of this kind; its closed form is derived",
    states="imb-toy-flow",
    kind="identity",
    control="no weight decay: weight 1/10; for the identities also e^{Δs} in place of e^{2Δs}",
    sizes=scales(times=each((1, 2), (1, 3), (1, 5, 20))),
    edges=(
        edge("a late time", times=(12,), seeds=2),
        edge("eight ratios from 1/4 to 2", times=(1,), seeds=8),
    ),
    certified_by=("symbolic",),
)
def toy_closed_form(setting: Setting) -> Evidence:
    times, evidence = setting.sizes.times, Evidence()
    evidence.found(IDENTITIES, sum(toy.proof_residuals().values()))
    evidence.broken(IDENTITIES, sum(toy.proof_residuals(power=1).values()), "e^{Δs}")
    evidence.broken(IDENTITIES, sum(toy.proof_residuals(decay=1).values()), "weight decay")
    evidence.found(DIFFERENCE, [toy.largest_difference(seed, times) for seed in setting.seeds])
    decayed = [toy.largest_difference(seed, times[:1], DECAY) for seed in setting.seeds]
    evidence.broken(DIFFERENCE, decayed)
    return evidence


ORDER = Criterion(
    "order of the error in η", 0.9, 1.1, width="next order in η: 0.96 to 1.007 for b₀ from 1/2 to 1"
)
GAP = Criterion(
    "largest |exponent / (−2x coth x) − 1| / (ηb₀²)",
    high=2,
    width="1.5 at c₀ = b₀, the largest; the next order in η",
)
SOLVER = Criterion("largest difference from the solver on 2 × 2 matrices", high=1e-12, width="rounding")


@PAGE.claim(
    "xiong2024.toy-gradient-descent",
    "Gradient descent follows the toy's closed form to first order",
    ORDER,
    GAP,
    SOLVER,
    reference="no counterpart in the paper",
    states="imb-toy-gd",
    kind="rate",
    control="the laws of Δ in place of those of Δ = 0, for c₀ = b₀/3; no weight decay: weight 1/10",
    sizes=scales(eta=each(0.02, 0.02, 0.005), time=each(10.0, 20.0, 50.0), until=each(4.0, 8.0, 12.0)),
    edges=(
        edge("the largest step", eta=0.05),
        edge("a small step", eta=0.002, until=2.0),
        edge("a long run", time=60.0, until=10.0),
        refused("ηb₀² ≤ 1/20", "the next order in η is no longer small", eta=0.2),
    ),
    uses=("xiong2024.toy-closed-form",),
)
def toy_gradient_descent(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(s.eta <= 0.05, "ηb₀² ≤ 1/20")
    third, *middle, _ = ratios = [Fraction(1, 3), Fraction(3, 4), Fraction(19, 20), Fraction(1)]
    names = {ratio: at(f"c₀/b₀ = {ratio}", **{"c₀/b₀": float(ratio)}) for ratio in ratios}
    starts = {names[ratio]: [floats(toy.draw(seed, ratio)) for seed in setting.seeds] for ratio in ratios}

    def order(start: tuple[float, float], decay: float = 0, balanced: bool = False) -> float:
        """The order further from one of those over two successive halvings of η."""
        errors = [toy.largest_error(*start, s.eta / 2**i, s.time, decay, balanced) for i in range(3)]
        return max(
            (log2(coarse / fine) for coarse, fine in pairwise(errors)), key=lambda found: abs(found - 1)
        )

    def gaps(drawn: list[tuple[float, float]], runs: list[Run]) -> list[float]:
        return [largest_gap(run) / (s.eta * b0**2) for (b0, _), run in zip(drawn, runs, strict=True)]

    found = {name: [toy.exponents(*b, s.eta, s.until) for b in drawn] for name, drawn in starts.items()}
    imbalanced = starts[names[third]]
    decayed = [toy.exponents(*start, s.eta, s.until, float(DECAY)) for start in imbalanced]
    # Other starts begin beyond the exponent −2.5, or never come to it.
    passes = [toy.crossing(run) for ratio in middle for run in found[names[ratio]]]
    # With x put to zero, the prediction is the exponent −2 of Δ = 0.
    unaware = [[(0.0, value) for _, value in run] for run in found[names[third]]]
    evidence = Evidence(
        predicted={ORDER: 1},
        notes={
            "smallest x where the exponent passes −2.5": min(passes),
            "largest x where the exponent passes −2.5": max(passes),
            "predicted x": toy.crossing([(x / 1000, toy.exponent(x / 1000)) for x in range(2000)]),
        },
        curves={"exponents": found, "starts": starts},
    )
    for name, drawn in starts.items():
        evidence.found(ORDER, [order(start) for start in drawn], name)
        evidence.found(GAP, gaps(drawn, found[name]), name)
    evidence.broken(ORDER, [order(start, balanced=True) for start in imbalanced], "law of Δ = 0")
    evidence.broken(ORDER, [order(start, float(DECAY)) for start in imbalanced], "weight decay")
    evidence.broken(GAP, gaps(imbalanced, unaware), "law of Δ = 0")
    evidence.broken(GAP, gaps(imbalanced, decayed), "weight decay")
    evidence.found(SOLVER, solver_difference(setting, imbalanced))
    evidence.broken(SOLVER, solver_difference(setting, imbalanced, float(DECAY)), "weight decay")
    return evidence


def floats(pair: tuple[Fraction, Fraction]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])


def largest_gap(run: Run) -> float:
    """The largest relative difference of measured exponents from −2x coth x."""
    return max(abs(value / toy.exponent(x) - 1) for x, value in run)


def solver_difference(setting: Setting, starts: list[tuple[float, float]], decay: float = 0) -> torch.Tensor:
    """How far the scalar recursion is from gradient descent on FGᵀ = diag(1, 0) with diagonal factors, (B,)."""
    s, device = setting.sizes, setting.device
    noise = torch.tensor(starts, dtype=torch.float64, device=device)
    signal = torch.full_like(noise, 0.5)
    left, right = torch.stack([signal, noise], dim=-1).unbind(1)
    run = solve(
        observe(rectangular(2, 2, (1.0,), setting.seeds, device=device), Identity(2, 2, device)),
        GradientDescent(s.eta),
        Factors(torch.diag_embed(left), torch.diag_embed(right)),
        round(s.time / s.eta),
        observables={"product": lambda _, factors: factors.product()[:, 1, 1]},
        reduce=False,
    )
    scalar = torch.tensor(
        [[b * c for b, c in toy.descend(*start, s.eta, int(run.steps[-1]), decay)] for start in starts],
        dtype=torch.float64,
    )
    return (run.observed["product"] - scalar[:, run.steps]).abs().amax(1)


UNCERTIFIED = Criterion("comparisons not certified", 0, 0)


@PAGE.claim(
    "xiong2024.toy-drift-certified",
    "The imbalance of the toy problem drifts by ηc₀²/2",
    IDENTITIES,
    UNCERTIFIED,
    reference="no counterpart in the paper",
    states="imb-toy-drift",
    kind="bound-upper",
    control="no weight decay: weight 1/10; simultaneous updates: alternating ones, from c₀ > b₀",
    sizes=scales(starts=each(1, 3, 10), steps=each(2_000, 4_000, 20_000), step="1/20"),
    edges=(
        edge("the first steps", starts=20, steps=4),
        edge("the largest step, ηb₀² up to 1", starts=5, steps=500, step="1"),
        edge("a small step", starts=2, steps=2_000, step="1/1000"),
        refused("ηb₀² ≤ 1", "Δ may change its sign", step="3"),
    ),
    certified_by=("symbolic", "ball"),
)
def toy_drift_certified(setting: Setting) -> Evidence:
    s, step = setting.sizes, Fraction(setting.sizes.step)
    setting.assume(step <= 1, "ηb₀² ≤ 1")
    starts = [toy_drift.draw(seed, s.starts, step) for seed in setting.seeds]
    coarse = [[toy_drift.certify(start, s.steps) for start in drawn] for drawn in starts]
    fine = [[toy_drift.certify(start.halved(), 2 * s.steps) for start in drawn] for drawn in starts]
    # One start per seed suffices for the controls. The weight enters as ηλ.
    first = [drawn[0] for drawn in starts]
    decayed = [toy_drift.certify(start, s.steps, DECAY * step) for start in first]
    swapped = [
        toy_drift.certify(toy_drift.Start(start.v, start.u), s.steps, alternating=True) for start in first
    ]
    ratios = [
        one.final[0] / two.final[0]
        for runs in zip(coarse, fine, strict=True)
        for one, two in zip(*runs, strict=True)
    ]
    undecided = [
        sum(run.checks - run.proved for run in (*one, *two)) for one, two in zip(coarse, fine, strict=True)
    ]
    evidence = Evidence(
        notes={
            "certified comparisons": float(sum(run.proved for drawn in (*coarse, *fine) for run in drawn)),
            "widest enclosure of a drift": float(
                max(run.final[1] - run.final[0] for drawn in coarse for run in drawn)
            ),
            "largest drift": float(max(run.final[1] for drawn in coarse for run in drawn)),
            "smallest drift with η / drift with η/2, at equal time": float(min(ratios)),
            "largest drift with η / drift with η/2, at equal time": float(max(ratios)),
            "interval arithmetic": enclosure.backend(),
        },
        curves={"history": [drawn[0].history for drawn in coarse], "starts": first},
    )
    evidence.found(IDENTITIES, sum(toy_drift.proof_residuals().values()))
    evidence.broken(IDENTITIES, sum(toy_drift.proof_residuals(alternating=True).values()))
    evidence.found(UNCERTIFIED, undecided)
    evidence.broken(UNCERTIFIED, [run.refuted for run in decayed], "weight decay")
    evidence.broken(UNCERTIFIED, [run.refuted for run in swapped], "alternating")
    return evidence
