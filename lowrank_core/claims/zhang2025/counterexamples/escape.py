"""At equality: a second-order point that is no local minimum, because the objective falls with the fourth power."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import torch

from lowrank_core.analysis.planted import planted
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, each, edge, refused, scales
from lowrank_core.claims.zhang2025.counterexamples.exact import (
    BALLS,
    ENCLOSED,
    FEW_BALLS,
    RATIONAL,
    assume_shapes,
    between,
    named,
    refused_shapes,
    threshold,
)
from lowrank_core.factors import Factors
from lowrank_core.methods import GradientDescent
from lowrank_core.proofs import counterexamples as exact
from lowrank_core.proofs import enclosure
from lowrank_core.proofs.counterexamples import Shape
from lowrank_core.randomness import normal
from lowrank_core.solver import ErrorBelow, solve

PAGE = Page("chapters/zhang2025/counterexamples")

NARROW = Fraction(1, 10**9)

TERMS = Criterion("terms left in the expansion to seventh order", 0, 0, exact="the expansion, in symbols")
OTHERS = Criterion("exact coefficients of t to t³ and t⁵ to t⁷ that do not vanish", 0, 0, exact=RATIONAL)
FOURTH = Criterion("exact coefficient of t⁴ less the closed form", 0, 0, exact=RATIONAL)
COUNTS = Criterion("coefficients that enclosures do not confirm", 0, 0, exact=ENCLOSED)
FALL = Criterion(
    "change of f / its fourth-order term at t = 1/100",
    0.999,
    1.001,
    width="the next terms, of relative order t⁴ = 1e-8",
)
FLOAT = Criterion(
    "change of f / its fourth-order term at t = 1/20, in floating point",
    0.999,
    1.001,
    width="the next terms, of relative order t⁴ = 6e-6, and rounding",
)


@PAGE.claim(
    "zhang2025.quartic-escape",
    "At δ = δ* the planted point is no local minimum: f falls like t⁴ in every null direction",
    TERMS,
    OTHERS,
    FOURTH,
    COUNTS,
    FALL,
    FLOAT,
    reference="no counterpart in what was read; the abstract of version 3 speaks of nonstrict saddles",
    states="cx-quartic",
    kind="identity",
    control="δ > δ*, where the point is a strict local minimum modulo rotations and f rises along the same curve; "
    "2y for y; for the identities, a wrong weight of the planted block",
    edges=(
        edge("k = r = 1 and k = r = j", shapes=(Shape(1, 1, 1), Shape(3, 3, 3))),
        edge("k much larger than r", shapes=(Shape(9, 1, 1),)),
        edge("one of many directions planted", shapes=(Shape(4, 4, 1),)),
        edge("n much larger than k + r", shapes=(Shape(1, 1, 1, 6),)),
        *refused_shapes(),
    ),
    sizes=scales(
        shapes=each(
            (Shape(1, 1, 1), Shape(4, 1, 1), Shape(2, 2, 2)),
            (
                Shape(1, 1, 1),
                Shape(4, 1, 1),
                Shape(2, 2, 2),
                Shape(2, 2, 1, 1),
                Shape(5, 2, 1),
                Shape(8, 2, 2),
            ),
            (Shape(1, 1, 1), Shape(4, 1, 1), Shape(2, 2, 2), Shape(8, 2, 2), Shape(9, 4, 4)),
        ),
        balls=each(FEW_BALLS, BALLS, BALLS),
    ),
    uses=("zhang2025.planted-family",),
    certified_by=("symbolic", "exact", "ball"),
)
def quartic_escape(setting: Setting) -> Evidence:
    s = setting.sizes
    assume_shapes(setting, (*s.shapes, *s.balls))

    def along(shape: Shape, seed: int, above: bool, tilted: int = 1) -> tuple[list[Any], Any]:
        """Coefficients of t, t², ... along the curve, and the closed form of that of t⁴."""
        delta, a = shape.threshold, exact.draw_direction(seed, shape)
        if above:
            middle = (1 + delta) / 2
            delta = middle if shape.balls else between(seed, f"above {shape}", middle, Fraction(1))
        curve = exact.escape_curve(shape, delta, a, tilted)
        return exact.member(shape, delta).along(curve), exact.escape_coefficient(shape, delta, a)

    def fall(c: list[Any], fourth: Any) -> float:
        t = Fraction(1, 100)
        return float(sum(x * t**power for power, x in enumerate(c) if power) / (fourth * t**4))

    def missed(c: list[Any], fourth: Any) -> int:
        gaps = [*c[1:4], *c[5:8], c[4] - fourth]
        below = sum(not (-NARROW < enclosure.lower(x) <= 0) for x in gaps)
        return below + sum(not (0 <= enclosure.upper(x) < NARROW) for x in gaps)

    evidence = Evidence(predicted={OTHERS: 0, FOURTH: 0, FALL: 1, FLOAT: 1})
    for add, above in ((evidence.found, False), (evidence.broken, True)):
        residuals = exact.proof_residuals(2 if above else 1)
        add(TERMS, sum(left for name, left in residuals.items() if "order" in name))
        for shape in s.shapes:
            curves = [along(shape, seed, above) for seed in setting.seeds]
            # Above δ*, too, the coefficient of t⁴ is in closed form: the control takes another curve.
            tilted = (
                [along(shape, seed, above=False, tilted=2) for seed in setting.seeds] if above else curves
            )
            add(OTHERS, [sum(x != 0 for x in (*c[1:4], *c[5:8])) for c, _ in curves], named(shape))
            add(FOURTH, [float(c[4] - fourth) for c, fourth in tilted], named(shape))
            add(FALL, [fall(*curve) for curve in curves], named(shape))
        for shape in s.balls:
            add(COUNTS, [missed(*along(shape, seed, above)) for seed in setting.seeds], named(shape))
        for shape in (*s.shapes, *s.balls):
            add(FLOAT, float_fall(setting, shape, 1.2 if above else 1.0), named(shape))
    return evidence


def float_fall(setting: Setting, shape: Shape, factor: float, t: float = 0.05) -> torch.Tensor:
    """(f(X_t) − f(X_0)) over its fourth-order term, by the package's own objective, at δ = factor·δ*, (B,)."""
    delta = factor * threshold(shape)
    case = planted(shape.k, shape.true_rank, delta, setting.seeds, shape.planted, shape.extra)
    a = unit_direction(setting, shape)
    root, j, s = math.sqrt(shape.alone / shape.planted), shape.planted, shape.shared
    y = delta * (root + a[:, :, s:].square().sum(dim=(1, 2))) / shape.alone
    moved = case.point.left.clone()
    moved[:, :j] = t * a
    square = a.mT @ a
    square[:, s:, s:] += y[:, None, None] * torch.eye(shape.alone, dtype=torch.float64)
    moved[:, j : j + shape.k] -= t * t / 2 * square
    before, after = (case.problem.gradient(x)[0] for x in (case.point, Factors(moved)))
    assert before is not None
    assert after is not None
    # The objective of this part is twice the loss of the solvers.
    return 2 * (after - before) / (-(1 + delta) / (2 * delta) * shape.alone * y.square() * t**4)


def unit_direction(setting: Setting, shape: Shape) -> torch.Tensor:
    """Random A with ‖A‖_F = 1, (B, j, k)."""
    drawn = normal(setting.seeds, "escape direction", shape.planted, shape.k)
    return drawn / torch.linalg.matrix_norm(drawn)[:, None, None]


TIME = Criterion(
    "4cε²·ηT at escape, extrapolated to ε = 0",
    0.98,
    1.03,
    width="what is left is of order ε²log(1/ε): 1.002 to 1.005 at ε = 0.04, 1.007 at 0.05",
)
DOUBLING = Criterion(
    "log₂ of the escape times for ε/2 and ε",
    1.9,
    2.01,
    width="the same term: 1.956 to 1.975 at ε = 0.04, 1.936 at 0.05",
)


@PAGE.claim(
    "zhang2025.escape-time",
    "At δ = δ* gradient descent leaves distance ε after a time of order ε⁻²",
    TIME,
    DOUBLING,
    reference="no counterpart in what was read",
    states="cx-escape",
    kind="rate",
    control="δ = 0.9 δ*: a strict saddle, left after a time of order log(1/ε)",
    edges=(
        edge("k = r = 1", shapes=(Shape(1, 1, 1),)),
        edge("k = r = 3", shapes=(Shape(3, 3, 3),)),
        edge("k much larger than r", shapes=(Shape(6, 1, 1),)),
        edge("a larger step", shapes=(Shape(1, 1, 1),), eta=0.2),
        refused("j = r", "fewer planted directions, another coefficient", shapes=(Shape(2, 2, 1),)),
        refused("k ≥ r", "the point has too few columns", shapes=(Shape(1, 2, 2),)),
    ),
    sizes=scales(
        shapes=each(
            (Shape(1, 1, 1), Shape(2, 1, 1)),
            (Shape(1, 1, 1), Shape(2, 1, 1), Shape(2, 2, 2), Shape(3, 2, 2)),
            (Shape(1, 1, 1), Shape(2, 1, 1), Shape(2, 2, 2), Shape(3, 2, 2), Shape(5, 3, 3)),
        ),
        epsilon=each(0.05, 0.04, 0.02),
        eta=0.1,
    ),
    uses=("zhang2025.quartic-escape",),
)
def escape_time(setting: Setting) -> Evidence:
    s = setting.sizes
    assume_shapes(setting, s.shapes)
    setting.assume(all(shape.planted == shape.true_rank for shape in s.shapes), "j = r")

    evidence = Evidence(predicted={TIME: 1.0, DOUBLING: 2.0})
    for shape in s.shapes:
        for add, factor in ((evidence.found, 1.0), (evidence.broken, 0.9)):
            full, half = escape_times(setting, shape, factor)
            # The terms left of order ε² cancel.
            add(TIME, (4 * half - full) / 3, named(shape))
            add(DOUBLING, 2 + (half / full).log2(), named(shape))
    return evidence


def escape_times(setting: Setting, shape: Shape, factor: float) -> tuple[torch.Tensor, torch.Tensor]:
    """4cε²ηT for ε and for ε/2, T the first recorded iteration with half of the error left, (B,) each."""
    s, star = setting.sizes, threshold(shape)
    c = (1 + star) / (2 * shape.true_rank * star)
    a, found = unit_direction(setting, shape), []
    case = planted(shape.k, shape.true_rank, factor * star, setting.seeds)
    for epsilon in (s.epsilon, s.epsilon / 2):
        start = case.point.left.clone()
        start[:, : shape.planted] = epsilon * a
        gap = start @ start.mT - case.problem.truth.matrix
        unit = 1 / (4 * c * epsilon**2 * s.eta)
        run = solve(
            case.problem,
            GradientDescent(s.eta),
            Factors(start),
            steps := math.ceil(1.3 * unit),
            record=range(0, steps, max(1, steps // 600)),
            stop=ErrorBelow(float(gap.square().sum(dim=(1, 2)).amin()) / 4),
        )
        found.append(torch.where(run.reached_at > 0, run.reached_at.double() / unit, torch.inf))
    return found[0], found[1]
