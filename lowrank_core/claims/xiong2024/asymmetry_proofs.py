"""Conservation, rebalancing and local rates of asymmetric gradient descent, checked by machine.

Each claim counts what is left of its identities in computer algebra and in exact rational arithmetic, or
certifies its bounds by ball arithmetic and by inertia; its control changes one ingredient or drops one hypothesis.
The mathematics stands in `lowrank_core.proofs`.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from lowrank_core.claims.experiments.descents import OVER
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
from lowrank_core.claims.standing import RANK
from lowrank_core.proofs import drift_identity, enclosure, interlacing, local_rate, rebalancing_identity
from lowrank_core.proofs.interlacing import Comparisons
from lowrank_core.proofs.matrices import Matrix, transpose
from lowrank_core.proofs.minimisers import Minimiser, Shape, draw

LINEAR = Page("chapters/xiong2024/asymmetric-linear", full=64)
IMBALANCE = Page("chapters/xiong2024/imbalance", full=64)
REBALANCING = Page("chapters/xiong2024/rebalancing", full=64)

IDENTITIES = Criterion("terms left in the identities", 0, 0, exact="the identities, in symbols")

FIRST = Criterion(
    "terms of first order in η", 0, 0, exact="the part of first order of the identities, in symbols"
)
ENTRIES = Criterion("entries that do not vanish", 0, 0)


@IMBALANCE.claim(
    "xiong2024.drift-identity",
    "The imbalance changes at second order only",
    IDENTITIES,
    FIRST,
    ENTRIES,
    reference="conservation along the flow is classical; the discrete identity is derived",
    states="imb-drift",
    kind="identity",
    control="simultaneous steps of plain descent: alternating ones; weight decay, also at first order",
    sizes=scales(
        cases=each(
            ((3, 4, 2, 5),),
            ((3, 4, 2, 5), (4, 3, 5, 7), (3, 3, 2, 12), (1, 5, 3, 2)),
            ((3, 4, 2, 5), (4, 3, 5, 7), (3, 3, 2, 12), (1, 5, 3, 2), (6, 5, 4, 20)),
        )
    ),
    edges=(
        edge("numbers", cases=((1, 1, 1, 1),)),
        edge("one column", cases=((4, 3, 1, 2),)),
        edge("k = n₁ = n₂", cases=((3, 3, 3, 4),)),
        edge("k > n₁ + n₂", cases=((2, 2, 6, 3),)),
        edge("more measurements than unknowns", cases=((2, 3, 2, 9),)),
    ),
    certified_by=("symbolic", "exact"),
)
def imbalance_identity(setting: Setting) -> Evidence:
    cases = setting.sizes.cases
    plain, alternating, decayed = (
        drift_identity.proof_residuals(rule) for rule in ("simultaneous", "alternating", "weight decay")
    )

    def entries(case: tuple[int, int, int, int], rule: drift_identity.Rule) -> list[int]:
        return [drift_identity.instance_residual(seed, *case, rule=rule) for seed in setting.seeds]

    evidence = Evidence()
    evidence.found(IDENTITIES, plain["identity"])
    evidence.broken(IDENTITIES, alternating["identity"], "alternating")
    evidence.broken(IDENTITIES, decayed["identity"], "weight decay")
    evidence.found(FIRST, plain["first order"])
    evidence.broken(FIRST, decayed["first order"], "weight decay")
    for case in cases:
        sizes = dict(zip(("n₁", "n₂", "k", "m"), case, strict=True))
        evidence.found(ENTRIES, entries(case, "simultaneous"), at(**sizes))
    evidence.broken(ENTRIES, entries(cases[0], "alternating"), "alternating")
    evidence.broken(ENTRIES, entries(cases[0], "weight decay"), "weight decay")
    return evidence


PRODUCT = Criterion("terms and entries left of F̃G̃ᵀ − FGᵀ", 0, 0)
LEFT = Criterion("terms and entries left of F̃ᵀF̃ − β²I", 0, 0)
RIGHT = Criterion("terms and entries left of G̃ᵀG̃ − β⁻²Aᵀ(FGᵀ)(FGᵀ)ᵀA", 0, 0)


@REBALANCING.claim(
    "xiong2024.rebalancing-identity",
    "Rebalancing keeps the iterate and makes F an isometry times β",
    PRODUCT,
    LEFT,
    RIGHT,
    reference="the modified step of the accelerated method, restated; the spectrum of G̃ is derived",
    states="reb-identity",
    origin="sharpened",
    known="restated",
    kind="identity",
    control="the step as it is: S is forgotten, or B not transposed; for F̃ᵀF̃, β and 1/β are exchanged",
    sizes=scales(
        cases=each(
            ((4, 3, 2),),
            ((4, 3, 2), (5, 4, 3), (3, 6, 3), (6, 2, 4)),
            ((4, 3, 2), (5, 4, 3), (3, 6, 3), (6, 2, 4), (8, 8, 6)),
        )
    ),
    edges=(
        edge("k = n₁", cases=((3, 4, 3),)),
        edge("k > n₂", cases=((5, 2, 4),)),
        edge("k = n₁ = n₂", cases=((3, 3, 3),)),
        edge("one column", cases=((4, 3, 1), (1, 3, 1))),
        refused("k ≤ n₁", "A cannot have orthonormal columns", cases=((2, 4, 3),)),
    ),
    certified_by=("symbolic", "exact"),
)
def rebalanced_identity(setting: Setting) -> Evidence:
    cases = setting.sizes.cases
    setting.assume(all(k <= n1 for n1, _, k in cases), "k ≤ n₁")

    def left_over(mistake: rebalancing_identity.Mistake = "") -> dict[Criterion, list[int]]:
        """Terms of the symbolic identities plus entries of the exact instances, per seed."""
        terms = rebalancing_identity.proof_residuals(mistake)
        found = []
        for seed in setting.seeds:
            entries = [
                rebalancing_identity.instance_residuals(seed, n1, n2, k, mistake) for n1, n2, k in cases
            ]
            found.append([sum(parts) for parts in zip(terms, *entries, strict=True)])
        return dict(zip((PRODUCT, LEFT, RIGHT), map(list, zip(*found, strict=True)), strict=True))

    evidence = Evidence(measured=left_over())
    evidence.broken(LEFT, left_over("β and 1/β exchanged")[LEFT], "β and 1/β exchanged")
    mistakes: tuple[rebalancing_identity.Mistake, ...] = ("S forgotten", "B not transposed")
    for mistake in mistakes:
        wrong = left_over(mistake)
        evidence.broken(PRODUCT, wrong[PRODUCT], mistake)
        evidence.broken(RIGHT, wrong[RIGHT], mistake)
    return evidence


SMALLEST = Criterion(
    "smallest nonzero eigenvalue of the error operator / μ",
    1 - 1e-6,
    1 + 1e-6,
    width="the enclosures, about 10⁻⁸ wide",
)


@LINEAR.claim(
    "xiong2024.local-rate",
    "The local rate is set by the smallest nonzero eigenvalues of FᵀF and GᵀG",
    IDENTITIES,
    SMALLEST,
    reference="sharpens the form exp(−Ω(α²T)) of the abstract; the exact rate is derived",
    states="asym-local-rate",
    kind="identity",
    control="n₁ > rank F: n₁ = rank F = k = 6 with min(a₊, b₊), n₁ = k with min(β², σ_r²/β²); simultaneous steps",
    sizes=scales(
        shapes=each(
            ((5, 4, 3, 1, 3, 1), (3, 5, 3, 1, 3, 1)),
            (
                (5, 4, 3, 1, 3, 1),
                (4, 4, 4, 2, 3, 3),
                (3, 5, 3, 1, 3, 1),
                (5, 2, 4, 2, 4, 2),
                (3, 2, 3, 2, 3, 2),
            ),
            (
                (5, 4, 3, 1, 3, 1),
                (5, 5, 4, 2, 3, 3),
                (3, 5, 3, 1, 3, 1),
                (5, 2, 4, 2, 4, 2),
                (3, 2, 3, 2, 3, 2),
                (6, 6, 5, 2, 4, 3),
            ),
        )
    ),
    edges=(
        edge("k = r = 1", shapes=((4, 3, 1, 1, 1, 1),)),
        edge("k = r", shapes=((4, 3, 2, 2, 2, 2),)),
        edge("n₁ = n₂ = r", shapes=((2, 2, 2, 2, 2, 2),)),
        edge("n₂ = r < k", shapes=((4, 2, 3, 2, 3, 2),)),
        edge("k > n₁ and n₁ = rank F", shapes=((3, 4, 5, 2, 3, 3),)),
        edge("full ranks on both sides", shapes=((3, 3, 5, 1, 3, 3),)),
    ),
    waives=(RANK,),
    certified_by=("symbolic", "ball"),
    uses=("xiong2024.rebalancing-identity",),
)
def error_operator(setting: Setting) -> Evidence:
    def points(shape: Shape, uneven: bool = False) -> list[Minimiser]:
        # The controls need larger singular values in F than in G: b₊ < a₊ and β² > σ_r.
        ranges = ((Fraction(1), Fraction(2)), (Fraction(1, 4), Fraction(3, 4))) if uneven else ()
        return [draw(seed, shape, *ranges) for seed in setting.seeds]

    def rebalanced(points: list[Minimiser], r: int, beta: Fraction) -> list[float]:
        return [
            local_rate.worst_ratio(*turned(point, beta), local_rate.rebalanced_rate(point.truth, r, beta))
            for point in points
        ]

    evidence = Evidence(predicted={SMALLEST: 1}, notes={"interval arithmetic": enclosure.backend()})
    evidence.found(IDENTITIES, sum(local_rate.proof_residuals().values()))
    evidence.broken(IDENTITIES, sum(local_rate.proof_residuals(simultaneous=False).values()))
    for shape in (Shape(*sizes) for sizes in setting.sizes.shapes):
        ratios = [local_rate.worst_ratio(*matrices(p), local_rate.local_rate(p)) for p in points(shape)]
        evidence.found(SMALLEST, ratios, label(shape))
    roomy = Shape(4, 3, 3, 1, 3, 1)
    for beta in (Fraction(1, 2), Fraction(2)):
        name = at(f"{label(roomy)}, rebalanced with β = {beta}", **roomy._asdict(), β=float(beta))
        evidence.found(SMALLEST, rebalanced(points(roomy), roomy.r, beta), name)
    narrow, full = Shape(6, 3, 6, 2, 6, 2), Shape(3, 4, 3, 1, 3, 1)
    naive = [
        local_rate.worst_ratio(*matrices(p), local_rate.naive_rate(p)) for p in points(narrow, uneven=True)
    ]
    evidence.broken(SMALLEST, naive, label(narrow))
    square = rebalanced(points(full, uneven=True), full.r, Fraction(2))
    evidence.broken(SMALLEST, square, f"{label(full)}, rebalanced")
    return evidence


def label(shape: Shape) -> Variant:
    """A variant for a shape, with its sizes."""
    return at("{} × {}, k = {}, r = {}, ranks {} and {}".format(*shape), **shape._asdict())


def matrices(point: Minimiser) -> tuple[Matrix, Matrix]:
    """F and G."""
    return point.f.matrix, point.g.matrix


def turned(point: Minimiser, beta: Fraction) -> tuple[Matrix, Matrix]:
    """F and G after rebalancing with β."""
    f = point.f
    return rebalancing_identity.rebalance(f.left, f.values, transpose(f.right), point.g.matrix, beta)


WINDOW = Criterion("comparisons with λ_k(Δ), λ_{k−r}(Δ) and σ_r²/‖F‖² not certified", 0, 0)
VIOLATED = "certainly violated"
CEILING = Criterion("comparisons with ‖Δ‖ and eigenvalues of ±Δ not certified", 0, 0)


@LINEAR.claim(
    "xiong2024.interlacing",
    "The imbalance brackets the local rate",
    WINDOW,
    CEILING,
    reference="implies that the form exp(−Ω(α²T)) of the abstract cannot be improved in α",
    states="asym-interlacing",
    kind="bound-upper",
    control="Δ ≻ 0: it has more than r negative eigenvalues; a rank above r: both are r, nearly balanced",
    sizes=scales(
        instances=each(1, 2, 20),
        definite=((6, 5, 4, 1, 4, 1), (5, 6, 4, 2, 4, 2), (7, 4, 5, 2, 5, 2)),
        general=((5, 5, 4, 2, 3, 3), (5, 5, 4, 1, 2, 3), (4, 4, 4, 2, 2, 4)),
    ),
    edges=(
        edge("k = r + 1", definite=((4, 4, 2, 1, 2, 1),), general=((4, 4, 2, 1, 1, 2),)),
        edge("n₁ = k", definite=((3, 4, 3, 1, 3, 1),), general=((3, 4, 3, 1, 2, 2),)),
        edge("n₂ = r", definite=((5, 2, 3, 2, 3, 2),), general=((5, 2, 4, 2, 4, 2),)),
        edge("k > n₁, full ranks on both sides", general=((3, 3, 5, 1, 3, 3),)),
        refused(OVER, "no direction is free", definite=((4, 4, 2, 2, 2, 2),)),
    ),
    waives=(RANK,),
    certified_by=("exact",),
    uses=("xiong2024.local-rate",),
)
def imbalance_brackets_rate(setting: Setting) -> Evidence:
    s = setting.sizes
    definite, general = ([Shape(*sizes) for sizes in shapes] for shapes in (s.definite, s.general))
    setting.assume(all(shape.k > shape.r for shape in (*definite, *general)), OVER)

    def total(
        compare: Callable[[Minimiser, Shape], Comparisons],
        make: Callable[[str, Shape], Minimiser],
        shape: Shape,
    ) -> list[Comparisons]:
        """The comparisons on all instances of a seed, per seed."""
        found = []
        for seed in setting.seeds:
            points = [make(f"{seed}/{i}", shape) for i in range(s.instances)]
            counts = zip(*(compare(point, shape) for point in points), strict=True)
            found.append(Comparisons(*map(sum, counts)))
        return found

    tried = [(WINDOW, interlacing.window, interlacing.definite, shape) for shape in definite]
    tried += [(CEILING, interlacing.imbalance_bound, interlacing.definite, shape) for shape in definite]
    tried += [(CEILING, interlacing.imbalance_bound, draw, shape) for shape in general]
    evidence, proved = Evidence(), 0
    for criterion, compare, make, shape in tried:
        found = total(compare, make, shape)
        evidence.found(criterion, [one.checks - one.proved for one in found], label(shape))
        proved += sum(one.proved for one in found)
    evidence.notes["certified comparisons"] = float(proved)
    indefinite = total(interlacing.window, draw, Shape(6, 5, 4, 1, 2, 3))
    balanced = total(interlacing.imbalance_bound, interlacing.nearly_balanced, Shape(5, 5, 4, 2, 2, 2))
    evidence.broken(WINDOW, [one.refuted for one in indefinite], VIOLATED)
    evidence.broken(CEILING, [one.refuted for one in balanced], VIOLATED)
    return evidence
