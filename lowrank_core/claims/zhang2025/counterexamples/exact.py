"""The planted family in exact arithmetic: gradient, spectrum of the Hessian, where it becomes a counterexample.

In this part the search rank is r and the true rank r*.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from fractions import Fraction
from random import Random

import torch

from lowrank_core.analysis import landscape
from lowrank_core.analysis.planted import planted
from lowrank_core.analysis.sharp_threshold import published_necessary
from lowrank_core.claims.edges import Edge
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, each, edge, refused, scales
from lowrank_core.proofs import counterexamples as exact
from lowrank_core.proofs import enclosure
from lowrank_core.proofs.counterexamples import Quadratic, Shape
from lowrank_core.proofs.inertia import count_above
from lowrank_core.proofs.instances import rational
from lowrank_core.proofs.matrices import add, diagonal, gram, transpose
from lowrank_core.proofs.minimisers import rational_orthogonal

PAGE = Page("chapters/zhang2025/counterexamples")


GRADIENT = "entries of the exact gradient that do not vanish"


RATIONAL, ENCLOSED = "in rationals", "in balls"
WIDTH = Fraction(1, 10**9)
"""Enclosed eigenvalues are confirmed to within this."""
FEW_BALLS = (Shape(2, 1, 1, balls=True), Shape(3, 2, 2, balls=True))
BALLS = (*FEW_BALLS, Shape(4, 3, 2, balls=True), Shape(5, 3, 3, 1, balls=True))
"""Shapes with an irrational √ρ."""


def assume_shapes(setting: Setting, shapes: Iterable[Shape]) -> None:
    """Refuse ranks for which nothing can be planted."""
    shapes = list(shapes)
    setting.assume(all(shape.true_rank <= shape.r for shape in shapes), "r ≥ r*")
    setting.assume(all(1 <= shape.planted <= shape.true_rank for shape in shapes), "1 ≤ j ≤ r*")


def refused_shapes(name: str = "shapes") -> tuple[Edge, Edge]:
    """Ranks that every claim on the family refuses."""
    return (
        refused("r ≥ r*", "the point has too few columns", **{name: (Shape(1, 2, 2),)}),
        refused("1 ≤ j ≤ r*", "the truth has no more directions", **{name: (Shape(4, 1, 4),)}),
    )


def between(seed: int, name: str, low: Fraction, high: Fraction) -> Fraction:
    """A fraction strictly inside an interval, drawn by the seed."""
    return low + (high - low) * rational(Random(f"{name}/{seed}"), Fraction(1, 20), Fraction(19, 20), 90)


TERMS = Criterion("terms left in the block algebra", 0, 0, exact="the block algebra, in symbols")
SPECTRUM = Criterion("exact multiplicities of Hessian eigenvalues that are off", 0, 0, exact=RATIONAL)
COUNTS = Criterion("eigenvalue counts that enclosures do not confirm", 0, 0, exact=ENCLOSED)
FLOAT = Criterion(
    "largest difference of the package's Hessian spectrum from the closed form",
    high=1e-9,
    width="rounding: at most 3e-14 at 40 members",
)


@PAGE.claim(
    "zhang2025.planted-family",
    "A critical point with a Hessian in closed form, for every δ and all ranks",
    TERMS,
    Criterion(GRADIENT, 0, 0, exact=RATIONAL),
    SPECTRUM,
    COUNTS,
    FLOAT,
    reference="no counterpart in what was read; existence for r − r* + 1 in the abstract of versions 1 and 2",
    kind="identity",
    control="the planted eigenvalues of Q and M* lose their weight: √ρ is multiplied by another number; for the "
    "package's Hessian M* alone is",
    edges=(
        edge("r = r* = 1 and r = r* = j", rotated=(Shape(1, 1, 1), Shape(3, 3, 3)), plain=()),
        edge("r larger than r*", rotated=(), plain=(Shape(4, 1, 1),), balls=(Shape(6, 1, 1, balls=True),)),
        edge("one of many directions planted", rotated=(), plain=(Shape(4, 4, 1),)),
        edge("n much larger than r + r*", rotated=(), plain=(Shape(1, 1, 1, 6),)),
        edge("δ near zero", deltas=(0.0, 0.01)),
        edge("δ near one", deltas=(0.99, 1.0)),
        *refused_shapes("plain"),
        refused("0 < δ < 1", "A is not injective, or no δ is left", deltas=(1.0, 2.0)),
    ),
    sizes=scales(
        rotated=each(
            (Shape(1, 1, 1), Shape(2, 2, 2)),
            (Shape(1, 1, 1), Shape(2, 2, 2), Shape(2, 2, 1, 1)),
            (Shape(1, 1, 1), Shape(2, 2, 2), Shape(2, 2, 1, 1), Shape(4, 1, 1)),
        ),
        plain=each(
            (Shape(4, 1, 1), Shape(2, 2, 1, 1)),
            (Shape(4, 1, 1), Shape(3, 3, 3), Shape(5, 2, 1), Shape(3, 3, 2, 1)),
            (Shape(8, 2, 2), Shape(9, 1, 1), Shape(9, 4, 4), Shape(6, 3, 1, 2)),
        ),
        balls=each(FEW_BALLS, BALLS, BALLS),
        shapes=each(1, 5, 20),
        deltas=(0.0, 1.0),
    ),
    means=("symbolic", "exact", "ball"),
)
def planted_family(setting: Setting) -> Evidence:
    s = setting.sizes
    assume_shapes(setting, (*s.rotated, *s.plain, *s.balls))
    setting.assume(0 <= s.deltas[0] < s.deltas[1] <= 1, "0 < δ < 1")
    low, high = map(Fraction, s.deltas)

    def gradients_and_spectra(weight: Fraction) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
        gradients: dict[str, list[int]] = {}
        spectra: dict[str, list[int]] = {}
        for shape in (*s.rotated, *s.plain):
            for seed in setting.seeds:
                delta = between(seed, str(shape), low, high)
                rng = Random(f"rotation/{seed}/{shape}") if shape in s.rotated else None
                member = exact.member(shape, delta, weight, rng)
                expected = exact.merged(exact.spectrum(shape, delta))
                found = exact.exact_multiplicities(member.hessian, list(expected))
                gradients.setdefault(str(shape), []).append(exact.count_nonzero(member.gradient))
                spectra.setdefault(str(shape), []).append(
                    sum(abs(found[value] - count) for value, count in expected.items())
                )
        return gradients, spectra

    def enclosed(weight: Fraction) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for shape in s.balls:
            for seed in setting.seeds:
                delta = between(seed, str(shape), low, high)
                hessian = exact.member(shape, delta, weight).hessian
                found.setdefault(str(shape), []).append(
                    exact.miscounted(hessian, exact.spectrum(shape, delta), WIDTH)
                )
        return found

    wrong = Fraction(5, 4)
    gradients, spectra = gradients_and_spectra(Fraction(1))
    bad_gradients, bad_spectra = gradients_and_spectra(wrong)
    return Evidence(
        measured={
            TERMS: sum(block_residuals(1).values()),
            GRADIENT: gradients,
            SPECTRUM: spectra,
            COUNTS: enclosed(Fraction(1)),
            FLOAT: [float_difference(seed, s.shapes) for seed in setting.seeds],
        },
        predicted={GRADIENT: 0, SPECTRUM: 0, COUNTS: 0},
        control={
            TERMS: sum(block_residuals(2).values()),
            GRADIENT: bad_gradients,
            SPECTRUM: bad_spectra,
            COUNTS: enclosed(wrong),
            FLOAT: [float_difference(seed, s.shapes, 1.25) for seed in setting.seeds],
        },
        notes={"interval arithmetic": enclosure.backend()},
    )


def block_residuals(weight: int) -> dict[str, int]:
    """The terms left in the identities behind gradient and Hessian; those of the escape belong to another claim."""
    return {name: left for name, left in exact.proof_residuals(weight).items() if "order" not in name}


def float_difference(seed: int, count: int, weight: float = 1.0) -> float:
    """The package's operator, gradient and Hessian against the closed form, over random ranks up to five.

    Args:
        weight: multiplies M*; only 1 is right.
    """
    rng, worst = Random(f"float/{seed}"), 0.0
    for _ in range(count):
        r = rng.randint(1, 5)
        shape = Shape(r, true_rank := rng.randint(1, r), rng.randint(1, true_rank), rng.randint(0, 1))
        delta = Fraction(rng.randint(10, 90), 100)
        case = planted(shape.r, shape.true_rank, float(delta), [seed], shape.planted, shape.extra)
        values = exact.spectrum(shape._replace(balls=True), delta)
        expected = sorted(float(enclosure.lower(value)) for value, count in values for _ in range(count))
        problem = dataclasses.replace(case.problem, observations=weight * case.problem.observations)
        found = torch.linalg.eigvalsh(landscape.hessian(problem, case.point))[0]
        slope = landscape.gradient(problem, case.point).left
        gap = found - torch.tensor(expected, dtype=torch.float64)
        worst = max(worst, float(gap.abs().amax()), float(slope.abs().amax()))
    return worst


NEGATIVE = Criterion("negative eigenvalues of the Hessian more than expected", 0, 0, exact=RATIONAL)
NULL = Criterion("null directions more than expected", 0, 0, exact=RATIONAL)


@PAGE.claim(
    "zhang2025.second-order-from-the-threshold",
    "The critical point is a second-order point from δ* on, and a strict saddle before",
    NEGATIVE,
    NULL,
    reference="necessity of δ < 1/(1 + 1/√(r − r* + 1)) in the abstract of versions 1 and 2 is the case j = 1",
    origin="sharpened",
    known="restated",
    kind="identity",
    control="δ on the other side of δ*, or beside it, with the counts that belong to this one",
    edges=(
        edge("r = r* = 1 and r = r* = j", shapes=(Shape(1, 1, 1), Shape(3, 3, 3))),
        edge("r larger than r*", shapes=(Shape(4, 1, 1),)),
        edge("one of many directions planted", shapes=(Shape(4, 4, 1),)),
        edge("n much larger than r + r*", shapes=(Shape(1, 1, 1, 6),)),
        *refused_shapes(),
    ),
    sizes=scales(
        shapes=each(
            (Shape(1, 1, 1), Shape(4, 1, 1), Shape(2, 2, 2)),
            (Shape(1, 1, 1), Shape(4, 1, 1), Shape(2, 2, 2), Shape(5, 2, 1)),
            (Shape(1, 1, 1), Shape(4, 1, 1), Shape(2, 2, 2), Shape(5, 2, 1), Shape(6, 3, 1)),
        ),
        large=each((), (Shape(8, 2, 2),), (Shape(8, 2, 2), Shape(9, 1, 1), Shape(9, 4, 4), Shape(5, 5, 5))),
    ),
    uses=("zhang2025.planted-family",),
    means=("exact",),
)
def second_order_from_the_threshold(setting: Setting) -> Evidence:
    s = setting.sizes
    assume_shapes(setting, (*s.shapes, *s.large))
    negative: dict[str, list[float]] = {}
    null: dict[str, list[float]] = {}
    wrong_negative: dict[str, list[float]] = {}
    wrong_null: dict[str, list[float]] = {}
    # At the threshold itself nothing is left to draw.
    at_star = {shape: exact_signs(shape, shape.threshold) for shape in (*s.shapes, *s.large)}
    for shape, (below, level) in at_star.items():
        negative[f"{shape}, at δ*"], null[f"{shape}, at δ*"] = [below], [level - shape.r * shape.planted]
    for shape in s.shapes:
        count, star = shape.r * shape.planted, shape.threshold
        over, under = (
            [exact_signs(shape, between(seed, f"{side} {shape}", *ends)) for seed in setting.seeds]
            for side, ends in (("above", (star, Fraction(1))), ("below", (star / 2, star)))
        )
        negative[f"{shape}, above"] = [below for below, _ in over]
        negative[f"{shape}, below"] = [below - count for below, _ in under]
        null[f"{shape}, above"] = [level for _, level in over]
        null[f"{shape}, below"] = [level for _, level in under]
        wrong_negative[f"{shape}, below, as above"] = [below for below, _ in under]
        wrong_negative[f"{shape}, above, as below"] = [below - count for below, _ in over]
        wrong_null[f"{shape}, above, as at δ*"] = [level - count for _, level in over]
        wrong_null[f"{shape}, below, as at δ*"] = [level - count for _, level in under]
    return Evidence(
        measured={NEGATIVE: negative, NULL: null},
        predicted={NEGATIVE: 0, NULL: 0},
        control={NEGATIVE: wrong_negative, NULL: wrong_null},
        notes={
            "smallest squared error at δ*, over that of the truth": min(
                relative_error(shape, shape.threshold) for shape in at_star
            )
        },
    )


def exact_signs(shape: Shape, delta: Fraction) -> tuple[float, float]:
    """How many eigenvalues are negative, and how many vanish beyond the rotations; NaN if some are not found."""
    hessian = exact.member(shape, delta).hessian
    found = exact.exact_multiplicities(hessian, list(exact.merged(exact.spectrum(shape, delta))))
    if sum(found.values()) != len(hessian):
        return math.nan, math.nan
    negative = sum(count for value, count in found.items() if value < 0)
    return float(negative), float(found[Fraction(0)] - shape.r * (shape.r - 1) // 2)


def relative_error(shape: Shape, delta: Fraction) -> float:
    """‖XXᵀ − M*‖² / ‖M*‖² at the planted point."""
    member = exact.member(shape, delta)
    return float(exact.inner(member.error, member.error) / exact.inner(member.truth, member.truth))


@PAGE.claim(
    "zhang2025.below-the-published-bound",
    "For 2 ≤ r* < r there are strict counterexamples below the published necessary bound",
    Criterion("eigenvalues below −10⁻⁹", 0, 0, exact=ENCLOSED),
    Criterion("eigenvalues not above 10⁻⁹, beyond the rotations", 0, 0, exact=ENCLOSED),
    reference="compare the necessary δ < 1/(1 + 1/√(r − r* + 1)) in the abstract of versions 1 and 2",
    kind="existence",
    control="only one direction is planted, j = 1, at the same δ: the member behind the published bound",
    edges=(
        edge("r = r* + 1", shapes=((3, 2), (4, 3), (5, 4))),
        edge("r much larger than r*", shapes=((9, 2),)),
        edge("more room than r + r*", shapes=((3, 2),), extra=2),
        refused("2 ≤ r* < r", "the two bounds agree", shapes=((3, 1),)),
        refused("2 ≤ r* < r", "the two bounds agree at r = r*", shapes=((3, 3),)),
    ),
    sizes=scales(
        shapes=each(
            ((3, 2), (4, 2)),
            ((3, 2), (4, 2), (4, 3), (5, 3), (6, 2)),
            ((3, 2), (4, 2), (4, 3), (5, 3), (6, 2), (8, 2), (6, 5)),
        ),
        extra=0,
    ),
    uses=("zhang2025.planted-family",),
    means=("ball",),
    discrepancy="The necessary bound 1/(1 + 1/√(r − r* + 1)) in the abstract of the first versions is not the best "
    "one for 2 ≤ r* < r: with n = r + r* there are strict counterexamples from 1/(1 + √(r*/r)) on, where "
    "the abstract's sufficient condition ends, e.g. for r = 3, r* = 2 from {from:.4f} on instead of "
    "{published:.4f}. The later version of the paper, whose full text was not read, may well have the "
    "same.",
)
def below_the_published_bound(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(all(2 <= true_rank < r for r, true_rank in s.shapes), "2 ≤ r* < r")
    counts: dict[int, tuple[dict[str, list[int]], dict[str, list[int]]]] = {}
    for single in (False, True):
        negative: dict[str, list[int]] = {}
        level: dict[str, list[int]] = {}
        for r, true_rank in s.shapes:
            shape = Shape(r, true_rank, 1 if single else true_rank, s.extra, balls=True)
            low, high = (
                Fraction(threshold(shape._replace(planted=true_rank))),
                published_necessary(r, true_rank),
            )
            name = f"r = {r}, r* = {true_rank}"
            for seed in setting.seeds:
                delta = between(seed, f"gap {name}", low, Fraction(high))
                hessian = exact.member(shape, delta).hessian
                above = count_above(hessian, enclosure.ball(WIDTH)) or 0
                negative.setdefault(name, []).append(exact.count_below(hessian, -WIDTH))
                level.setdefault(name, []).append(len(hessian) - above - r * (r - 1) // 2)
        counts[single] = negative, level
    names = [criterion.quantity for criterion in below_the_published_bound.criteria]
    return Evidence(
        measured=dict(zip(names, counts[False], strict=True)),
        predicted=dict.fromkeys(names, 0),
        control=dict(zip(names, counts[True], strict=True)),
        notes={"from": threshold(Shape(3, 2, 2)), "published": published_necessary(3, 2)},
    )


def threshold(shape: Shape) -> float:
    """δ*, rounded."""
    root = math.sqrt(shape.alone / shape.planted)
    return root / (1 + root)


@PAGE.claim(
    "zhang2025.example-1",
    "The published instance with δ = 1/2, in exact arithmetic",
    Criterion("multiplicities of 1/2, 1 and 3/2 in A*A that are off", 0, 0, exact=RATIONAL),
    Criterion(GRADIENT, 0, 0, exact=RATIONAL),
    Criterion("f(x)/‖M*‖² − 3/4", 0, 0, exact=RATIONAL),
    Criterion("entries of the Hessian that differ", 0, 0, exact=RATIONAL),
    Criterion("entries of A*A(S) that differ from the planted family", 0, 0, exact=RATIONAL),
    reference="Zhang, Sojoudi & Lavaei (2019), Theorem 3 and Example 1, JMLR pp. 3-4, 15-16; form of the instance "
    "from Zhang et al. (2018)",
    origin="paper",
    known="read",
    kind="identity",
    control="the coefficient 1/2 in A₁ is replaced by another one",
    edges=(
        edge("n = 2", ns=(2,)),
        edge("a larger n", ns=(6,), seeds=1),
        refused("n ≥ 2", "there is no u₂", ns=(1,)),
    ),
    sizes=scales(ns=each((2, 3), (2, 3, 4), (2, 3, 4, 5))),
    uses=("zhang2025.planted-family",),
    means=("exact",),
)
def example_1(setting: Setting) -> Evidence:
    names = [
        "multiplicities of 1/2, 1 and 3/2 in A*A that are off",
        GRADIENT,
        "f(x)/‖M*‖² − 3/4",
        "entries of the Hessian that differ",
        "entries of A*A(S) that differ from the planted family",
    ]

    setting.assume(min(setting.sizes.ns) >= 2, "n ≥ 2")

    def checked(right: bool) -> dict[str, dict[str, list[float]]]:
        found: dict[str, dict[str, list[float]]] = {name: {} for name in names}
        for n in setting.sizes.ns:
            for seed in setting.seeds:
                # Away from 1/2 by construction: the control must not draw the right coefficient.
                drawn = between(seed, "coefficient", Fraction(1, 10), Fraction(2, 5))
                values = example_residuals(n, seed, Fraction(1, 2) if right else drawn)
                for name, value in zip(names, values, strict=True):
                    found[name].setdefault(f"n = {n}", []).append(value)
        return found

    return Evidence(measured=checked(True), control=checked(False))


def example_residuals(n: int, seed: int, coefficient: Fraction) -> list[float]:
    """What is left of the five statements of Example 1 in a rotated basis, in the order of the claim."""
    rng = Random(f"example 1/{n}/{seed}")
    basis, q = rational_orthogonal(rng, n), rational(rng, Fraction(1, 2), 2, 12)
    measured = exact.example_1(basis, coefficient)
    columns = [[[row[i]] for row in basis] for i in range(n)]
    # ‖z‖² = 2q², so that x = q u₂ has rational entries.
    truth = [[2 * q * q * x for x in row] for row in gram(columns[0])]
    quadratic = Quadratic([[q * row[0]] for row in columns[1]], truth, measured.normal)
    expected = {Fraction(1, 2): 1, Fraction(1): n * n - 3, Fraction(3, 2): 2}
    found = exact.exact_multiplicities(measured.gram, list(expected))
    value = 2 * quadratic.along([quadratic.point])[0] / exact.inner(truth, truth) - Fraction(3, 4)
    doubled = [[2 * x for x in row] for row in exact.conjugated(quadratic.hessian, basis)]
    spectrum = diagonal([2 * q * q * x for x in [0, 4, *[2] * (n - 2)]])
    a, b, c = (rational(rng, -1, 1) for _ in range(3))
    s = diagonal([a, c, *[0] * (n - 2)])
    s[0][1] = s[1][0] = b
    turned = exact.conjugated(measured.normal(exact.conjugated(s, transpose(basis))), basis)
    family = exact.member(Shape(1, 1, 1), Fraction(1, 2)).normal([[a, b], [b, c]])
    return [
        float(sum(abs(found[key] - count) for key, count in expected.items())),
        float(exact.count_nonzero(quadratic.gradient)),
        float(value),
        float(exact.count_nonzero(add(doubled, spectrum, -1))),
        float(exact.count_nonzero(add([row[:2] for row in turned[:2]], family, -1))),
    ]
