"""Conservation, closed forms and local rates of asymmetric gradient descent, checked by machine.

Each claim counts what is left of its identities in computer algebra and in exact rational arithmetic, or
certifies its bounds by ball arithmetic and by inertia; its control changes one ingredient or drops one hypothesis.
The mathematics stands in `lowrank_core.proofs`.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from math import log2

import torch

from lowrank_core.claims.experiments.descents import OVER
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, each, edge, refused, scales
from lowrank_core.claims.standing import RANK
from lowrank_core.factors import Factors
from lowrank_core.methods import GradientDescent
from lowrank_core.problem import observe
from lowrank_core.proofs import (
    drift_identity,
    enclosure,
    interlacing,
    local_rate,
    rebalancing_identity,
    toy,
    toy_drift,
)
from lowrank_core.proofs.matrices import transpose
from lowrank_core.proofs.minimisers import Minimiser, Shape, draw
from lowrank_core.sensing import Identity
from lowrank_core.solve import solve
from lowrank_core.truth import rectangular

PAGE_IMBALANCE = Page("chapters/xiong2024/imbalance", full=64)
PAGE_REBALANCING = Page("chapters/xiong2024/rebalancing", full=64)
PAGE_ASYMMETRIC_LINEAR = Page("chapters/xiong2024/asymmetric-linear", full=64)

IMBALANCE = "chapters/xiong2024/imbalance"
REBALANCING = "chapters/xiong2024/rebalancing"
LINEAR = "chapters/xiong2024/asymmetric-linear"

TERMS = "terms left in the identities"
IDENTITIES = Criterion(TERMS, 0, 0, exact="the identities, in symbols")


VIOLATED = "certainly violated"
DECAY = Fraction(1, 10)
"""The weight decay of the controls."""
Run = list[tuple[float, float]]
"""Pairs (x, local exponent) along a run of the toy problem."""


DIFFERENCE = Criterion(
    "largest relative difference from the flow solved to 20 digits",
    high=1e-15,
    width="the solver keeps 20 digits",
)


@PAGE_IMBALANCE.claim(
    "xiong2024.toy-closed-form",
    "The toy problem in closed form",
    IDENTITIES,
    DIFFERENCE,
    reference="the paper has a toy problem of this kind; its closed form is derived",
    kind="identity",
    control="no weight decay: weight 1/10; for the identities also e^{Δs} in place of e^{2Δs}",
    sizes=scales(times=each((1, 2), (1, 3), (1, 5, 20))),
    edges=(
        edge("a late time", times=(12,), seeds=2),
        edge("eight ratios from 1/4 to 2", times=(1,), seeds=8),
    ),
    means=("symbolic",),
)
def toy_closed_form(setting: Setting) -> Evidence:
    times = setting.sizes.times
    return Evidence(
        measured={
            TERMS: sum(toy.proof_residuals().values()),
            DIFFERENCE: [toy.largest_difference(seed, times) for seed in setting.seeds],
        },
        control={
            TERMS: {
                "e^{Δs}": sum(toy.proof_residuals(power=1).values()),
                "weight decay": sum(toy.proof_residuals(decay=1).values()),
            },
            DIFFERENCE: [toy.largest_difference(seed, times[:1], DECAY) for seed in setting.seeds],
        },
    )


ORDER = Criterion(
    "order of the error in η", 0.9, 1.1, width="next order in η: 0.96 to 1.007 for b₀ from 1/2 to 1"
)
GAP = Criterion(
    "largest |exponent / (−2x coth x) − 1| / (ηb₀²)",
    high=2,
    width="1.5 at c₀ = b₀, the largest; the next order in η",
)
SOLVER = Criterion("largest difference from the solver on 2 × 2 matrices", high=1e-12, width="rounding")


@PAGE_IMBALANCE.claim(
    "xiong2024.toy-gradient-descent",
    "Gradient descent follows the toy's closed form to first order",
    ORDER,
    GAP,
    SOLVER,
    reference="no counterpart in the paper",
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
    ratios = {f"c₀/b₀ = {name}": Fraction(name) for name in ("1/3", "3/4", "19/20", "1")}
    starts = {
        name: [floats(toy.draw(seed, ratio)) for seed in setting.seeds] for name, ratio in ratios.items()
    }

    def order(start: tuple[float, float], decay: float = 0, balanced: bool = False) -> float:
        """The order further from one of those over two successive halvings of η."""
        errors = [toy.largest_error(*start, s.eta / 2**i, s.time, decay, balanced) for i in range(3)]
        return max((log2(coarse / fine) for coarse, fine in pairwise(errors)), key=off_one)

    def gaps(drawn: list[tuple[float, float]], runs: list[Run]) -> list[float]:
        return [largest_gap(run) / (s.eta * b0**2) for (b0, _), run in zip(drawn, runs, strict=True)]

    found = {name: [toy.exponents(*b, s.eta, s.until) for b in drawn] for name, drawn in starts.items()}
    imbalanced = starts["c₀/b₀ = 1/3"]
    decayed = [toy.exponents(*start, s.eta, s.until, float(DECAY)) for start in imbalanced]
    # Other starts begin beyond the exponent −2.5, or never come to it.
    passes = [toy.crossing(run) for name in ("c₀/b₀ = 3/4", "c₀/b₀ = 19/20") for run in found[name]]
    # With x put to zero, the prediction is the exponent −2 of Δ = 0.
    unaware = [[(0.0, value) for _, value in run] for run in found["c₀/b₀ = 1/3"]]
    return Evidence(
        measured={
            ORDER: {name: [order(b) for b in drawn] for name, drawn in starts.items()},
            GAP: {name: gaps(drawn, found[name]) for name, drawn in starts.items()},
            SOLVER: solver_difference(setting, imbalanced),
        },
        predicted={ORDER: 1},
        control={
            ORDER: {
                "law of Δ = 0": [order(b, balanced=True) for b in imbalanced],
                "weight decay": [order(b, float(DECAY)) for b in imbalanced],
            },
            GAP: {"law of Δ = 0": gaps(imbalanced, unaware), "weight decay": gaps(imbalanced, decayed)},
            SOLVER: {"weight decay": solver_difference(setting, imbalanced, float(DECAY))},
        },
        notes={
            "smallest x where the exponent passes −2.5": min(passes),
            "largest x where the exponent passes −2.5": max(passes),
            "predicted x": toy.crossing([(x / 1000, toy.exponent(x / 1000)) for x in range(2000)]),
        },
        curves={"exponents": found, "starts": starts},
    )


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


@PAGE_IMBALANCE.claim(
    "xiong2024.toy-drift-certified",
    "The imbalance of the toy problem drifts by ηc₀²/2",
    IDENTITIES,
    UNCERTIFIED,
    reference="no counterpart in the paper",
    kind="bound-upper",
    control="no weight decay: weight 1/10; simultaneous updates: alternating ones, from c₀ > b₀",
    sizes=scales(starts=each(1, 3, 10), steps=each(2_000, 4_000, 20_000), step="1/20"),
    edges=(
        edge("the first steps", starts=20, steps=4),
        edge("the largest step, ηb₀² up to 1", starts=5, steps=500, step="1"),
        edge("a small step", starts=2, steps=2_000, step="1/1000"),
        refused("ηb₀² ≤ 1", "Δ may change its sign", step="3"),
    ),
    means=("symbolic", "ball"),
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
    return Evidence(
        measured={
            TERMS: sum(toy_drift.proof_residuals().values()),
            UNCERTIFIED: [
                sum(run.checks - run.proved for run in (*one, *two))
                for one, two in zip(coarse, fine, strict=True)
            ],
        },
        control={
            TERMS: sum(toy_drift.proof_residuals(alternating=True).values()),
            UNCERTIFIED: {
                "weight decay": [run.refuted for run in decayed],
                "alternating": [run.refuted for run in swapped],
            },
        },
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


FIRST = Criterion(
    "terms of first order in η", 0, 0, exact="the part of first order of the identities, in symbols"
)
ENTRIES = Criterion("entries that do not vanish", 0, 0)


@PAGE_IMBALANCE.claim(
    "xiong2024.drift-identity",
    "The imbalance changes at second order only",
    IDENTITIES,
    FIRST,
    ENTRIES,
    reference="conservation along the flow is classical; the discrete identity is derived",
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
    means=("symbolic", "exact"),
)
def imbalance_identity(setting: Setting) -> Evidence:
    cases = {
        f"n₁ = {n1}, n₂ = {n2}, k = {k}, m = {m}": (n1, n2, k, m) for n1, n2, k, m in setting.sizes.cases
    }
    plain, alternating, decayed = (
        drift_identity.proof_residuals(rule) for rule in ("simultaneous", "alternating", "weight decay")
    )

    def entries(case: tuple[int, int, int, int], rule: drift_identity.Rule) -> list[int]:
        return [drift_identity.instance_residual(seed, *case, rule=rule) for seed in setting.seeds]

    first = next(iter(cases.values()))
    return Evidence(
        measured={
            TERMS: plain["identity"],
            FIRST: plain["first order"],
            ENTRIES: {name: entries(case, "simultaneous") for name, case in cases.items()},
        },
        control={
            TERMS: {
                "alternating": alternating["identity"],
                "weight decay": decayed["identity"],
            },
            FIRST: {"weight decay": decayed["first order"]},
            ENTRIES: {
                "alternating": entries(first, "alternating"),
                "weight decay": entries(first, "weight decay"),
            },
        },
    )


PRODUCT = Criterion("terms and entries left of F̃G̃ᵀ − FGᵀ", 0, 0)
LEFT = Criterion("terms and entries left of F̃ᵀF̃ − β²I", 0, 0)
RIGHT = Criterion("terms and entries left of G̃ᵀG̃ − β⁻²Aᵀ(FGᵀ)(FGᵀ)ᵀA", 0, 0)


@PAGE_REBALANCING.claim(
    "xiong2024.rebalancing-identity",
    "Rebalancing keeps the iterate and makes F an isometry times β",
    PRODUCT,
    LEFT,
    RIGHT,
    reference="the modified step of the accelerated method, restated; the spectrum of G̃ is derived",
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
    means=("symbolic", "exact"),
)
def rebalanced_identity(setting: Setting) -> Evidence:
    def left_over(mistake: rebalancing_identity.Mistake = "") -> list[rebalancing_identity.Residuals]:
        """Terms of the symbolic identities plus entries of the exact instances, per seed."""
        terms = rebalancing_identity.proof_residuals(mistake)
        setting.assume(all(k <= n1 for n1, _, k in setting.sizes.cases), "k ≤ n₁")
        found = []
        for seed in setting.seeds:
            entries = [
                rebalancing_identity.instance_residuals(seed, n1, n2, k, mistake)
                for n1, n2, k in setting.sizes.cases
            ]
            found.append(rebalancing_identity.Residuals(*map(sum, zip(terms, *entries, strict=True))))
        return found

    found = left_over()
    exchanged = left_over("β and 1/β exchanged")
    wrong = {"S forgotten": left_over("S forgotten"), "B not transposed": left_over("B not transposed")}
    return Evidence(
        measured={
            PRODUCT: [one.product for one in found],
            LEFT: [one.left for one in found],
            RIGHT: [one.right for one in found],
        },
        control={
            PRODUCT: {name: [one.product for one in series] for name, series in wrong.items()},
            LEFT: {"β and 1/β exchanged": [one.left for one in exchanged]},
            RIGHT: {name: [one.right for one in series] for name, series in wrong.items()},
        },
    )


SMALLEST = Criterion(
    "smallest nonzero eigenvalue of the error operator / μ",
    1 - 1e-6,
    1 + 1e-6,
    width="the enclosures, about 10⁻⁸ wide",
)


@PAGE_ASYMMETRIC_LINEAR.claim(
    "xiong2024.local-rate",
    "The local rate is set by the smallest nonzero eigenvalues of FᵀF and GᵀG",
    IDENTITIES,
    SMALLEST,
    reference="sharpens the form exp(−Ω(α²T)) of the abstract; the exact rate is derived",
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
    means=("symbolic", "ball"),
    uses=("xiong2024.rebalancing-identity",),
)
def error_operator(setting: Setting) -> Evidence:
    seeds = setting.seeds
    shapes = [Shape(*sizes) for sizes in setting.sizes.shapes]
    # Both controls need b₊ < a₊ and β² > σ_r: larger singular values in F than in G.
    ranges = ((Fraction(1), Fraction(2)), (Fraction(1, 4), Fraction(3, 4)))
    narrow, full = Shape(6, 3, 6, 2, 6, 2), Shape(3, 4, 3, 1, 3, 1)
    roomy = Shape(4, 3, 3, 1, 3, 1)

    def points(shape: Shape) -> list[Minimiser]:
        return [draw(seed, shape) for seed in seeds]

    def uneven(shape: Shape) -> list[Minimiser]:
        return [draw(seed, shape, *ranges) for seed in seeds]

    return Evidence(
        measured={
            TERMS: sum(local_rate.proof_residuals().values()),
            SMALLEST: {
                **{
                    label(shape): worst_ratios(points(shape), list(map(local_rate.local_rate, points(shape))))
                    for shape in shapes
                },
                **{
                    f"{label(roomy)}, rebalanced with β = {beta}": worst_ratios_rebalanced(
                        points(roomy), roomy.r, beta
                    )
                    for beta in (Fraction(1, 2), Fraction(2))
                },
            },
        },
        predicted={SMALLEST: 1},
        control={
            TERMS: sum(local_rate.proof_residuals(simultaneous=False).values()),
            SMALLEST: {
                label(narrow): worst_ratios(uneven(narrow), list(map(local_rate.naive_rate, uneven(narrow)))),
                f"{label(full)}, rebalanced": worst_ratios_rebalanced(uneven(full), full.r, Fraction(2)),
            },
        },
        notes={"interval arithmetic": enclosure.backend()},
    )


def label(shape: Shape) -> str:
    return "{} × {}, k = {}, r = {}, ranks {} and {}".format(*shape)


def worst_ratios(points: list[Minimiser], rates: list[Fraction]) -> list[float]:
    """The end of the certified smallest nonzero eigenvalue that is further from μ, over μ, per point."""
    return [
        max((float(end / mu) for end in local_rate.smallest_eigenvalue(p.f.matrix, p.g.matrix)), key=off_one)
        for p, mu in zip(points, rates, strict=True)
    ]


def worst_ratios_rebalanced(points: list[Minimiser], r: int, beta: Fraction) -> list[float]:
    """The same after rebalancing with β, over min(β², σ_r²/β²)."""
    found = []
    for point in points:
        left, right = rebalancing_identity.rebalance(
            point.f.left, point.f.values, transpose(point.f.right), point.g.matrix, beta
        )
        mu = local_rate.rebalanced_rate(point.truth, r, beta)
        found.append(
            max((float(end / mu) for end in local_rate.smallest_eigenvalue(left, right)), key=off_one)
        )
    return found


def off_one(ratio: float) -> float:
    return abs(ratio - 1)


WINDOW = Criterion("comparisons with λ_k(Δ), λ_{k−r}(Δ) and σ_r²/‖F‖² not certified", 0, 0)
CEILING = Criterion("comparisons with ‖Δ‖ and eigenvalues of ±Δ not certified", 0, 0)


@PAGE_ASYMMETRIC_LINEAR.claim(
    "xiong2024.interlacing",
    "The imbalance brackets the local rate",
    WINDOW,
    CEILING,
    reference="implies that the form exp(−Ω(α²T)) of the abstract cannot be improved in α",
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
    means=("exact",),
    uses=("xiong2024.local-rate",),
)
def imbalance_brackets_rate(setting: Setting) -> Evidence:
    def total(
        compare: Callable[[Minimiser, Shape], interlacing.Comparisons],
        make: Callable[[str, Shape], Minimiser],
        shape: Shape,
    ) -> list[interlacing.Comparisons]:
        """The comparisons on all instances of a seed, per seed."""
        found = []
        for seed in setting.seeds:
            points = [make(f"{seed}/{i}", shape) for i in range(setting.sizes.instances)]
            counts = zip(*(compare(point, shape) for point in points), strict=True)
            found.append(interlacing.Comparisons(*map(sum, counts)))
        return found

    definite = [Shape(*sizes) for sizes in setting.sizes.definite]
    general = [Shape(*sizes) for sizes in setting.sizes.general]
    setting.assume(all(shape.k > shape.r for shape in (*definite, *general)), OVER)
    windows = {label(s): total(interlacing.window, interlacing.definite, s) for s in definite}
    ceilings = {label(s): total(interlacing.imbalance_bound, interlacing.definite, s) for s in definite}
    ceilings |= {label(s): total(interlacing.imbalance_bound, draw, s) for s in general}
    indefinite = total(interlacing.window, draw, Shape(6, 5, 4, 1, 2, 3))
    balanced = total(interlacing.imbalance_bound, interlacing.nearly_balanced, Shape(5, 5, 4, 2, 2, 2))
    return Evidence(
        measured={
            name: {variant: [one.checks - one.proved for one in found] for variant, found in series.items()}
            for name, series in ((WINDOW, windows), (CEILING, ceilings))
        },
        control={
            WINDOW: {VIOLATED: [one.refuted for one in indefinite]},
            CEILING: {VIOLATED: [one.refuted for one in balanced]},
        },
        notes={
            "certified comparisons": float(
                sum(
                    one.proved for series in (windows, ceilings) for found in series.values() for one in found
                )
            )
        },
    )
