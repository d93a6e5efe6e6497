"""The planted family in exact arithmetic: gradient, spectrum of the Hessian, where it becomes a counterexample.

In this part the search rank is k and the true rank r.
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
from lowrank_core.claims.grammar import (
    Criterion,
    Evidence,
    Page,
    Setting,
    Variant,
    at,
    each,
    edge,
    refused,
    scales,
)
from lowrank_core.proofs import counterexamples as exact
from lowrank_core.proofs import enclosure, published_example
from lowrank_core.proofs.counterexamples import Shape
from lowrank_core.proofs.inertia import count_above
from lowrank_core.proofs.instances import rational
from lowrank_core.proofs.planted_signs import relative_error, signs

PAGE = Page("chapters/zhang2025/counterexamples")

RATIONAL, ENCLOSED = "in rationals", "in balls"
WIDTH = Fraction(1, 10**9)
"""Enclosed eigenvalues are confirmed to within this."""
FEW_BALLS = (Shape(2, 1, 1, balls=True), Shape(3, 2, 2, balls=True))
BALLS = (*FEW_BALLS, Shape(4, 3, 2, balls=True), Shape(5, 3, 3, 1, balls=True))
"""Shapes with an irrational √ρ."""


def assume_shapes(setting: Setting, shapes: Iterable[Shape]) -> None:
    """Refuse ranks for which nothing can be planted."""
    shapes = list(shapes)
    setting.assume(all(shape.true_rank <= shape.k for shape in shapes), "k ≥ r")
    setting.assume(all(1 <= shape.planted <= shape.true_rank for shape in shapes), "1 ≤ j ≤ r")


def refused_shapes(name: str = "shapes") -> tuple[Edge, Edge]:
    """Ranks that every claim on the family refuses."""
    return (
        refused("k ≥ r", "the point has too few columns", **{name: (Shape(1, 2, 2),)}),
        refused("1 ≤ j ≤ r", "the truth has no more directions", **{name: (Shape(4, 1, 4),)}),
    )


def named(shape: Shape, words: str = "") -> Variant:
    """A variant by the ranks of a shape, written as in "k = 4, r = 1, 1 planted, above"."""
    return at(f"{shape}{words}", k=shape.k, **{"r": shape.true_rank, "j": shape.planted})


def between(seed: int, name: str, low: Fraction, high: Fraction) -> Fraction:
    """A fraction strictly inside an interval, drawn by the seed."""
    return low + (high - low) * rational(Random(f"{name}/{seed}"), Fraction(1, 20), Fraction(19, 20), 90)


TERMS = Criterion("terms left in the block algebra", 0, 0, exact="the block algebra, in symbols")
GRADIENT = Criterion("entries of the exact gradient that do not vanish", 0, 0, exact=RATIONAL)
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
    GRADIENT,
    SPECTRUM,
    COUNTS,
    FLOAT,
    reference="no counterpart in what was read; existence for k − r + 1 in the abstract of versions 1 and 2",
    states="cx-family",
    kind="identity",
    control="the planted eigenvalues of Q and M* lose their weight: √ρ is multiplied by another number; for the "
    "package's Hessian M* alone is",
    edges=(
        edge("k = r = 1 and k = r = j", rotated=(Shape(1, 1, 1), Shape(3, 3, 3)), plain=()),
        edge("k larger than r", rotated=(), plain=(Shape(4, 1, 1),), balls=(Shape(6, 1, 1, balls=True),)),
        edge("one of many directions planted", rotated=(), plain=(Shape(4, 4, 1),)),
        edge("n much larger than k + r", rotated=(), plain=(Shape(1, 1, 1, 6),)),
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
    certified_by=("symbolic", "exact", "ball"),
)
def planted_family(setting: Setting) -> Evidence:
    s = setting.sizes
    assume_shapes(setting, (*s.rotated, *s.plain, *s.balls))
    setting.assume(0 <= s.deltas[0] < s.deltas[1] <= 1, "0 < δ < 1")
    low, high = map(Fraction, s.deltas)

    def off(shape: Shape, seed: int, weight: Fraction) -> tuple[int, int]:
        """Entries of the gradient that do not vanish, and multiplicities that are off."""
        delta = between(seed, str(shape), low, high)
        rng = Random(f"rotation/{seed}/{shape}") if shape in s.rotated else None
        member = exact.member(shape, delta, weight, rng)
        expected = exact.merged(exact.spectrum(shape, delta))
        found = exact.exact_multiplicities(member.hessian, list(expected))
        missed = sum(abs(found[value] - count) for value, count in expected.items())
        return exact.count_nonzero(member.gradient), missed

    def miscounted(shape: Shape, seed: int, weight: Fraction) -> int:
        delta = between(seed, str(shape), low, high)
        hessian = exact.member(shape, delta, weight).hessian
        return exact.miscounted(hessian, exact.spectrum(shape, delta), WIDTH)

    evidence = Evidence(
        predicted={GRADIENT: 0, SPECTRUM: 0, COUNTS: 0},
        notes={"interval arithmetic": enclosure.backend()},
    )
    for add, right in ((evidence.found, True), (evidence.broken, False)):
        weight = Fraction(1) if right else Fraction(5, 4)
        add(TERMS, sum(block_residuals(1 if right else 2).values()))
        for shape in (*s.rotated, *s.plain):
            gradients, multiplicities = zip(
                *(off(shape, seed, weight) for seed in setting.seeds), strict=True
            )
            add(GRADIENT, gradients, named(shape))
            add(SPECTRUM, multiplicities, named(shape))
        for shape in s.balls:
            add(COUNTS, [miscounted(shape, seed, weight) for seed in setting.seeds], named(shape))
        add(FLOAT, [float_difference(seed, s.shapes, float(weight)) for seed in setting.seeds])
    return evidence


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
        k = rng.randint(1, 5)
        shape = Shape(k, true_rank := rng.randint(1, k), rng.randint(1, true_rank), rng.randint(0, 1))
        delta = Fraction(rng.randint(10, 90), 100)
        case = planted(shape.k, shape.true_rank, float(delta), [seed], shape.planted, shape.extra)
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
    reference="necessity of δ < 1/(1 + 1/√(k − r + 1)) in the abstract of versions 1 and 2 is the case j = 1",
    states="cx-threshold",
    origin="sharpened",
    known="restated",
    kind="identity",
    control="δ on the other side of δ*, or beside it, with the counts that belong to this one",
    edges=(
        edge("k = r = 1 and k = r = j", shapes=(Shape(1, 1, 1), Shape(3, 3, 3))),
        edge("k larger than r", shapes=(Shape(4, 1, 1),)),
        edge("one of many directions planted", shapes=(Shape(4, 4, 1),)),
        edge("n much larger than k + r", shapes=(Shape(1, 1, 1, 6),)),
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
    certified_by=("exact",),
)
def second_order_from_the_threshold(setting: Setting) -> Evidence:
    s = setting.sizes
    assume_shapes(setting, (*s.shapes, *s.large))
    every = (*s.shapes, *s.large)
    evidence = Evidence(
        predicted={NEGATIVE: 0, NULL: 0},
        notes={
            "smallest squared error at δ*, over that of the truth": min(
                relative_error(shape, shape.threshold) for shape in every
            )
        },
    )
    for shape in every:
        # At the threshold itself nothing is left to draw.
        found = signs(shape, shape.threshold)
        evidence.found(NEGATIVE, found.negative, named(shape, ", at δ*"))
        evidence.found(NULL, found.null - shape.k * shape.planted, named(shape, ", at δ*"))
    for shape in s.shapes:
        count, star = shape.k * shape.planted, shape.threshold
        above, below = (
            torch.tensor([signs(shape, between(seed, f"{side} {shape}", *ends)) for seed in setting.seeds])
            for side, ends in (("above", (star, Fraction(1))), ("below", (star / 2, star)))
        )
        evidence.found(NEGATIVE, above[:, 0], named(shape, ", above"))
        evidence.found(NEGATIVE, below[:, 0] - count, named(shape, ", below"))
        evidence.found(NULL, above[:, 1], named(shape, ", above"))
        evidence.found(NULL, below[:, 1], named(shape, ", below"))
        evidence.broken(NEGATIVE, below[:, 0], named(shape, ", below, as above"))
        evidence.broken(NEGATIVE, above[:, 0] - count, named(shape, ", above, as below"))
        evidence.broken(NULL, above[:, 1] - count, named(shape, ", above, as at δ*"))
        evidence.broken(NULL, below[:, 1] - count, named(shape, ", below, as at δ*"))
    return evidence


BENT = Criterion("eigenvalues below −10⁻⁹", 0, 0, exact=ENCLOSED)
FLAT = Criterion("eigenvalues not above 10⁻⁹, beyond the rotations", 0, 0, exact=ENCLOSED)


@PAGE.claim(
    "zhang2025.below-the-published-bound",
    "For 2 ≤ r < k there are strict counterexamples below the published necessary bound",
    BENT,
    FLAT,
    reference="compare the necessary δ < 1/(1 + 1/√(k − r + 1)) in the abstract of versions 1 and 2",
    states="cx-below",
    kind="existence",
    control="only one direction is planted, j = 1, at the same δ: the member behind the published bound",
    edges=(
        edge("k = r + 1", shapes=((3, 2), (4, 3), (5, 4))),
        edge("k much larger than r", shapes=((9, 2),)),
        edge("more room than k + r", shapes=((3, 2),), extra=2),
        refused("2 ≤ r < k", "the two bounds agree", shapes=((3, 1),)),
        refused("2 ≤ r < k", "the two bounds agree at k = r", shapes=((3, 3),)),
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
    certified_by=("ball",),
    discrepancy="The necessary bound 1/(1 + 1/√(k − r + 1)) in the abstract of the first versions is not the best "
    "one for 2 ≤ r < k: with n = k + r there are strict counterexamples from 1/(1 + √(r/k)) on, where "
    "the abstract's sufficient condition ends, e.g. for k = 3, r = 2 from {from:.4f} on instead of "
    "{published:.4f}. The later version of the paper, whose full text was not read, may well have the "
    "same.",
)
def below_the_published_bound(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(all(2 <= true_rank < k for k, true_rank in s.shapes), "2 ≤ r < k")
    evidence = Evidence(
        predicted={BENT: 0, FLAT: 0},
        notes={"from": threshold(Shape(3, 2, 2)), "published": published_necessary(3, 2)},
    )
    for k, true_rank in s.shapes:
        variant = at(k=k, r=true_rank)
        every = Shape(k, true_rank, true_rank, s.extra, balls=True)
        low, high = Fraction(threshold(every)), Fraction(published_necessary(k, true_rank))
        for add, shape in ((evidence.found, every), (evidence.broken, every._replace(planted=1))):
            deltas = (between(seed, f"gap {variant}", low, high) for seed in setting.seeds)
            hessians = [exact.member(shape, delta).hessian for delta in deltas]
            add(BENT, [exact.count_below(hessian, -WIDTH) for hessian in hessians], variant)
            rising = [(count_above(hessian, enclosure.ball(WIDTH)) or 0) for hessian in hessians]
            # All members of a shape have as many eigenvalues.
            flat = len(hessians[0]) - k * (k - 1) // 2
            add(FLAT, [flat - count for count in rising], variant)
    return evidence


def threshold(shape: Shape) -> float:
    """δ*, rounded."""
    root = math.sqrt(shape.alone / shape.planted)
    return root / (1 + root)


MULTIPLICITIES = Criterion("multiplicities of 1/2, 1 and 3/2 in A*A that are off", 0, 0, exact=RATIONAL)
VALUE = Criterion("f(x)/‖M*‖² − 3/4", 0, 0, exact=RATIONAL)
HESSIAN = Criterion("entries of the Hessian that differ", 0, 0, exact=RATIONAL)
FAMILY = Criterion("entries of A*A(S) that differ from the planted family", 0, 0, exact=RATIONAL)


@PAGE.claim(
    "zhang2025.example-1",
    "The published instance with δ = 1/2, in exact arithmetic",
    MULTIPLICITIES,
    GRADIENT,
    VALUE,
    HESSIAN,
    FAMILY,
    reference="Zhang, Sojoudi & Lavaei (2019), Theorem 3 and Example 1, JMLR pp. 3-4, 15-16; form of the instance "
    "from Zhang et al. (2018)",
    states="cx-example",
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
    certified_by=("exact",),
)
def example_1(setting: Setting) -> Evidence:
    setting.assume(min(setting.sizes.ns) >= 2, "n ≥ 2")
    # Away from 1/2 by construction: the control must not draw the right coefficient.
    others = [between(seed, "coefficient", Fraction(1, 10), Fraction(2, 5)) for seed in setting.seeds]
    evidence = Evidence()
    for n in setting.sizes.ns:
        for add, coefficients in (
            (evidence.found, [Fraction(1, 2)] * len(others)),
            (evidence.broken, others),
        ):
            found = [
                published_example.residuals(n, seed, coefficient)
                for seed, coefficient in zip(setting.seeds, coefficients, strict=True)
            ]
            add(MULTIPLICITIES, [one.multiplicities for one in found], at(n=n))
            add(GRADIENT, [one.gradient for one in found], at(n=n))
            add(VALUE, [float(one.value) for one in found], at(n=n))
            add(HESSIAN, [one.hessian for one in found], at(n=n))
            add(FAMILY, [one.family for one in found], at(n=n))
    return evidence
