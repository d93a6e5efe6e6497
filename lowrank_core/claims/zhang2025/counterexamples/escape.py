"""At equality: a second-order point that is no local minimum, because the objective falls with the fourth power."""

from __future__ import annotations

import math
from fractions import Fraction

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
    refused_shapes,
    threshold,
)
from lowrank_core.factors import Factors
from lowrank_core.methods import GradientDescent
from lowrank_core.proofs import counterexamples as exact
from lowrank_core.proofs import enclosure
from lowrank_core.proofs.counterexamples import Shape
from lowrank_core.randomness import normal
from lowrank_core.solve import ErrorBelow, solve

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
    kind="identity",
    control="δ > δ*, where the point is a strict local minimum modulo rotations and f rises along the same curve; "
    "2y for y; for the identities, a wrong weight of the planted block",
    edges=(
        edge("r = r* = 1 and r = r* = j", shapes=(Shape(1, 1, 1), Shape(3, 3, 3))),
        edge("r much larger than r*", shapes=(Shape(9, 1, 1),)),
        edge("one of many directions planted", shapes=(Shape(4, 4, 1),)),
        edge("n much larger than r + r*", shapes=(Shape(1, 1, 1, 6),)),
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
    means=("symbolic", "exact", "ball"),
)
def quartic_escape(setting: Setting) -> Evidence:
    s = setting.sizes
    assume_shapes(setting, (*s.shapes, *s.balls))

    def at(shape: Shape, seed: int, above: bool) -> Fraction:
        low = (1 + shape.threshold) / 2
        return between(seed, f"above {shape}", low, Fraction(1)) if above else shape.threshold

    def coefficients(above: bool, tilted: int = 1) -> dict[str, dict[str, list[float]]]:
        found: dict[str, dict[str, list[float]]] = {OTHERS: {}, FOURTH: {}, FALL: {}}
        for shape in s.shapes:
            for seed in setting.seeds:
                delta, a = at(shape, seed, above), exact.draw_direction(seed, shape)
                c = exact.member(shape, delta).along(exact.escape_curve(shape, delta, a, tilted))
                fourth = exact.escape_coefficient(shape, delta, a)
                t = Fraction(1, 100)
                change = sum(x * t**power for power, x in enumerate(c) if power)
                for name, value in (
                    (OTHERS, sum(x != 0 for x in (*c[1:4], *c[5:8]))),
                    (FOURTH, c[4] - fourth),
                    (FALL, change / (fourth * t**4)),
                ):
                    found[name].setdefault(str(shape), []).append(float(value))
        return found

    def enclosed(above: bool) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for shape in s.balls:
            for seed in setting.seeds:
                star = shape.threshold
                delta = (1 + star) / 2 if above else star
                a = exact.draw_direction(seed, shape)
                c = exact.member(shape, delta).along(exact.escape_curve(shape, delta, a))
                gaps = [*c[1:4], *c[5:8], c[4] - exact.escape_coefficient(shape, delta, a)]
                missed = sum(not (-NARROW < enclosure.lower(x) <= 0) for x in gaps)
                missed += sum(not (0 <= enclosure.upper(x) < NARROW) for x in gaps)
                found.setdefault(str(shape), []).append(missed)
        return found

    def terms(weight: int) -> int:
        return sum(left for name, left in exact.proof_residuals(weight).items() if "order" in name)

    def fall(factor: float) -> dict[str, torch.Tensor]:
        return {str(shape): float_fall(setting, shape, factor) for shape in (*s.shapes, *s.balls)}

    measured, control = coefficients(False), coefficients(True)
    control[FOURTH] = coefficients(False, tilted=2)[FOURTH]
    return Evidence(
        measured={TERMS: terms(1), **measured, COUNTS: enclosed(False), FLOAT: fall(1.0)},
        predicted={OTHERS: 0, FOURTH: 0, FALL: 1, FLOAT: 1},
        control={TERMS: terms(2), **control, COUNTS: enclosed(True), FLOAT: fall(1.2)},
    )


def float_fall(setting: Setting, shape: Shape, factor: float, t: float = 0.05) -> torch.Tensor:
    """(f(X_t) − f(X_0)) over its fourth-order term, by the package's own objective, at δ = factor·δ*, (B,)."""
    delta = factor * threshold(shape)
    case = planted(shape.r, shape.true_rank, delta, setting.seeds, shape.planted, shape.extra)
    a = unit_direction(setting, shape)
    root, j, s = math.sqrt(shape.alone / shape.planted), shape.planted, shape.shared
    y = delta * (root + a[:, :, s:].square().sum(dim=(1, 2))) / shape.alone
    moved = case.point.left.clone()
    moved[:, :j] = t * a
    square = a.mT @ a
    square[:, s:, s:] += y[:, None, None] * torch.eye(shape.alone, dtype=torch.float64)
    moved[:, j : j + shape.r] -= t * t / 2 * square
    before, after = (case.problem.gradient(x)[0] for x in (case.point, Factors(moved)))
    assert before is not None
    assert after is not None
    # The objective of this part is twice the loss of the solvers.
    return 2 * (after - before) / (-(1 + delta) / (2 * delta) * shape.alone * y.square() * t**4)


def unit_direction(setting: Setting, shape: Shape) -> torch.Tensor:
    """Random A with ‖A‖_F = 1, (B, j, r)."""
    drawn = normal(setting.seeds, "escape direction", shape.planted, shape.r)
    return drawn / torch.linalg.matrix_norm(drawn)[:, None, None]


@PAGE.claim(
    "zhang2025.escape-time",
    "At δ = δ* gradient descent leaves distance ε after a time of order ε⁻²",
    Criterion(
        "4cε²·ηT at escape, extrapolated to ε = 0",
        0.98,
        1.03,
        width="what is left is of order ε²log(1/ε): 1.002 to 1.005 at ε = 0.04, 1.007 at 0.05",
    ),
    Criterion(
        "log₂ of the escape times for ε/2 and ε",
        1.9,
        2.01,
        width="the same term: 1.956 to 1.975 at ε = 0.04, 1.936 at 0.05",
    ),
    reference="no counterpart in what was read",
    kind="rate",
    control="δ = 0.9 δ*: a strict saddle, left after a time of order log(1/ε)",
    edges=(
        edge("r = r* = 1", shapes=(Shape(1, 1, 1),)),
        edge("r = r* = 3", shapes=(Shape(3, 3, 3),)),
        edge("r much larger than r*", shapes=(Shape(6, 1, 1),)),
        edge("a larger step", shapes=(Shape(1, 1, 1),), eta=0.2),
        refused("j = r*", "fewer planted directions, another coefficient", shapes=(Shape(2, 2, 1),)),
        refused("r ≥ r*", "the point has too few columns", shapes=(Shape(1, 2, 2),)),
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
    product, doubling = (criterion.quantity for criterion in escape_time.criteria)
    assume_shapes(setting, s.shapes)
    setting.assume(all(shape.planted == shape.true_rank for shape in s.shapes), "j = r*")

    def found(factor: float) -> dict[str, dict[str, torch.Tensor]]:
        times = {shape: escape_times(setting, shape, factor) for shape in s.shapes}
        return {
            # The terms left of order ε² cancel.
            product: {str(shape): (4 * half - full) / 3 for shape, (full, half) in times.items()},
            doubling: {str(shape): 2 + (half / full).log2() for shape, (full, half) in times.items()},
        }

    return Evidence(measured=found(1.0), predicted={product: 1.0, doubling: 2.0}, control=found(0.9))


def escape_times(setting: Setting, shape: Shape, factor: float) -> tuple[torch.Tensor, torch.Tensor]:
    """4cε²ηT for ε and for ε/2, T the first recorded iteration with half of the error left, (B,) each."""
    s, star = setting.sizes, threshold(shape)
    c = (1 + star) / (2 * shape.true_rank * star)
    a, found = unit_direction(setting, shape), []
    case = planted(shape.r, shape.true_rank, factor * star, setting.seeds)
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
