"""The sharp threshold, proved: every step of the proof certified by machine, and the theorem attacked as a whole.

The search rank is k and the true rank r, as in the literature on landscapes. Everything here is derived; the
chapter has the text of the proof, `lowrank_core.proofs` its identities and instances.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

import torch

from lowrank_core.analysis import diagonal_noise
from lowrank_core.analysis.sharp_threshold import invariants
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.claims.zhang2025.second_order_attacks import (
    PAIRS,
    POINTS,
    UNLEARNT,
    Attacked,
    Ranks,
    attacked,
    saddles,
)
from lowrank_core.proofs import balanced_pairs, sharp_threshold_steps, threshold_multipliers, valid_inequality
from lowrank_core.proofs.threshold_multipliers import Case
from lowrank_core.proofs.valid_inequality import Kind, Shape
from lowrank_core.randomness import draw, normal

PAGE = Page("chapters/zhang2025/threshold-proof")


TERMS = Criterion("terms left in the proof's identities", 0, 0, exact="identities between symbols")
ROUNDING = 1e-9


@PAGE.claim(
    "zhang2025.threshold-proof-steps",
    "The proof of the sharp threshold, identity by identity",
    TERMS,
    reference="no counterpart in the abstracts; the thresholds that follow contain those of version 1",
    states="prop-proof-identities",
    kind="identity",
    control="the gradient need not vanish; one constant of an identity is changed; in the valid inequality O is no "
    "polar factor of Z",
    edgeless="symbols stand for matrices of every size",
    certified_by=("symbolic",),
)
def proof_steps(setting: Setting) -> Evidence:
    steps = sharp_threshold_steps
    evidence = Evidence(predicted={TERMS: 0})
    evidence.found(TERMS, sum(steps.escape_terms().values()), "1, 2: escape and slope")
    evidence.found(TERMS, sum(steps.optimisation_terms().values()), "3: the best t")
    evidence.found(TERMS, steps.valid_inequality_terms(), "4: the valid inequality")
    evidence.found(TERMS, sum(steps.circle_terms().values()), "5: the disk and the threshold")
    evidence.broken(TERMS, sum(steps.escape_terms(critical=False).values()), "1, 2: GX ≠ 0")
    evidence.broken(TERMS, sum(steps.escape_terms(bend=3).values()), "1, 2: 3(pᵀu)² for 2(pᵀu)²")
    evidence.broken(TERMS, sum(steps.optimisation_terms(mixed=3).values()), "3: 3αβ for 2αβ")
    evidence.broken(TERMS, steps.valid_inequality_terms(polar=False), "4: any O")
    evidence.broken(TERMS, sum(steps.circle_terms(power=3).values()), "5: ψ³ for ψ²")
    return evidence


@PAGE.claim(
    "zhang2025.balanced-pair-steps",
    "What changes for a pair of factors, identity by identity",
    TERMS,
    reference="abstract of version 3: UVᵀ with a balancing regulariser; the steps are derived here",
    states="prop-proof-pair-identities",
    kind="identity",
    control="UᵀU + VᵀV for UᵀU − VᵀV; a and b are any vectors; GᵀU and GV need not vanish",
    edgeless="symbols stand for matrices of every size",
    certified_by=("symbolic",),
)
def balanced_pair_steps(setting: Setting) -> Evidence:
    pairs = balanced_pairs
    evidence = Evidence(predicted={TERMS: 0})
    evidence.found(TERMS, sum(pairs.balance_terms().values()), "balance")
    evidence.found(TERMS, sum(pairs.escape_terms().values()), "escape")
    evidence.found(TERMS, sum(pairs.block_terms().values()), "blocks")
    evidence.broken(TERMS, sum(pairs.balance_terms(sign=1).values()), "balance: UᵀU + VᵀV")
    evidence.broken(TERMS, sum(pairs.escape_terms(orthogonal=False).values()), "escape: any a, b")
    evidence.broken(TERMS, sum(pairs.block_terms(critical=False).values()), "blocks: any G")
    return evidence


SHAPES = (
    Shape(1, 1, 1, 1, True),
    Shape(2, 2, 3, 3, True),
    Shape(3, 1, 2, 2, True),
    Shape(3, 2, 1, 1, True),
    Shape(2, 2, 2, 3, False),
    Shape(3, 2, 1, 3, False),
)
KINDS: tuple[Kind, ...] = ("generic", "learnt", "near")

SLACK = Criterion("smallest (‖E‖² − ω²) / bound − 1, exact", low=0, width="one-sided, in rationals")
EQUALITY = Criterion("the same at the planted family", 0, 0)
DISK = Criterion("largest α² + ρ min(α, β)²", high=1 + ROUNDING, width="rounding")


@PAGE.claim(
    "zhang2025.valid-inequality",
    "The valid inequality, on exact rational instances",
    SLACK,
    EQUALITY,
    DISK,
    reference="no counterpart in the abstracts",
    states="lem-proof-valid",
    kind="identity",
    control="the hypothesis sτ ≤ ω² is dropped; a point beside the planted family; β stands for min(α, β)",
    edges=(
        edge("k = r = d = 1", shapes=(Shape(1, 1, 1, 1, True),), clouds=((2, 1, 1),), pair_clouds=((1, 1),)),
        edge("k = r, n = k + 1", shapes=(Shape(3, 3, 1, 1, True),), clouds=((4, 3, 3),)),
        edge("k much larger than r", shapes=(Shape(6, 1, 2, 2, True),), clouds=((9, 8, 1), (12, 8, 2))),
        edge("n much larger than k + r", shapes=(Shape(1, 1, 6, 8, False),), clouds=((12, 1, 1),)),
        refused("k ≥ r", "O has r orthonormal columns of length k", shapes=(Shape(1, 2, 2, 2, True),)),
        refused("n > k", "M₂₂ is empty", clouds=((2, 2, 1),)),
    ),
    sizes=scales(
        shapes=SHAPES,
        clouds=((4, 2, 1), (5, 2, 2), (4, 3, 2)),
        pair_clouds=((2, 2), (3, 1), (3, 2)),
        instances=each(2, 8, 100),
        pairs=each(200, 4000, 100_000),
    ),
    uses=("zhang2025.threshold-proof-steps",),
    certified_by=("exact",),
)
def valid_inequality_holds(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(all(shape.true_rank <= shape.search_rank for shape in s.shapes), "k ≥ r")
    setting.assume(all(true <= k for _, k, true in s.clouds), "k ≥ r")
    setting.assume(all(n > k for n, k, _ in s.clouds), "n > k")

    def slack(
        shapes: tuple[Shape, ...], kinds: tuple[Kind, ...], count: int, shrink: bool = True
    ) -> list[float]:
        return [
            min(
                valid_inequality.smallest_ratio(seed, shape, kind, count, shrink)
                for shape in shapes
                for kind in kinds
            )
            for seed in setting.seeds
        ]

    clouds = {case: _cloud(setting, *case) for case in s.clouds}
    first = clouds[s.clouds[0]]
    evidence = Evidence(
        predicted={EQUALITY: 0},
        notes={
            "exact instances": float(len(setting.seeds) * (len(s.shapes) * (len(KINDS) * s.instances + 1)))
        },
        curves={"alpha": first.alpha, "beta": first.beta},
    )
    for name, symmetric in (("XXᵀ", True), ("UVᵀ", False)):
        if shapes := tuple(shape for shape in s.shapes if shape.symmetric == symmetric):
            evidence.found(SLACK, slack(shapes, KINDS, s.instances), name)
            learnt = slack(shapes[:2], ("learnt",), s.instances, shrink=False)
            evidence.broken(SLACK, learnt, f"{name}, sτ > ω²")
    evidence.found(EQUALITY, slack(s.shapes, ("planted",), 1))
    evidence.broken(EQUALITY, slack(s.shapes, ("near",), 1), "beside it")
    for (n, k, true), cloud in clouds.items():
        variant = at(f"XXᵀ, n = {n}, k = {k}, r = {true}", n=n, k=k, r=true)
        evidence.found(DISK, cloud.capped.amax(1), variant)
    for k, true in s.pair_clouds:
        variant = at(f"UVᵀ, k = {k}, r = {true}", k=k, r=true)
        evidence.found(DISK, _pair_cloud(setting, k, true).amax(1), variant)
    evidence.broken(DISK, torch.stack([cloud.free.amax(1) for cloud in clouds.values()]).amax(0))
    return evidence


class Cloud(NamedTuple):
    """α, √ρ min(α, β), and α² + ρβ² with and without the minimum; (B, samples) each."""

    alpha: torch.Tensor
    beta: torch.Tensor
    capped: torch.Tensor
    free: torch.Tensor


def _cloud(setting: Setting, n: int, search_rank: int, true_rank: int) -> Cloud:
    """Random pairs X, Z of very different sizes, half of them with X close to Z."""
    count = setting.sizes.pairs
    x = normal(setting.seeds, "cloud X", count, n, search_rank)
    z = normal(setting.seeds, "cloud Z", count, n, true_rank)
    sizes = 10 ** draw(
        setting.seeds, "cloud sizes", (count, 1, 1), lambda rng, size: rng.uniform(-1.5, 0.5, size)
    )
    near = torch.nn.functional.pad(z, (0, search_rank - true_rank))
    x = sizes * x + near * (torch.arange(count) % 2)[:, None, None]
    alpha, beta = invariants(x.flatten(0, 1), z.flatten(0, 1))
    d = min(true_rank, n - search_rank)
    rho = (search_rank - true_rank + d) / d
    alpha, beta = (each.unflatten(0, (-1, count)) for each in (alpha, beta))
    least = torch.minimum(alpha, beta)
    return Cloud(
        alpha,
        math.sqrt(rho) * least,
        alpha.square() + rho * least.square(),
        alpha.square() + rho * beta.square(),
    )


def _pair_cloud(
    setting: Setting, search_rank: int, true_rank: int, below: int = 2, beside: int = 3
) -> torch.Tensor:
    """α² + ρ min(α, β)² for blocks of any M of rank r and a diagonal A, (B, samples)."""
    count, k = setting.sizes.pairs, search_rank
    left = normal(setting.seeds, "pair cloud left", count, k + below, true_rank)
    right = normal(setting.seeds, "pair cloud right", count, k + beside, true_rank)
    sizes = 10 ** draw(
        setting.seeds, "pair cloud sizes", (count, 2, 1), lambda rng, size: rng.uniform(-1, 1, size)
    )
    truth = left @ right.mT
    values = sizes[..., :1, 0] + sizes[..., 1:, 0] * normal(setting.seeds, "pair cloud A", count, k).abs()
    error = truth.clone()
    error[..., :k, :k] -= torch.diag_embed(values)
    hidden = torch.linalg.svdvals(truth[..., k:, k:])
    size, omega = torch.linalg.matrix_norm(error), hidden.square().sum(-1).sqrt()
    alpha, beta = omega / size, values.amin(-1) * hidden.sum(-1) / (omega * size)
    d = min(true_rank, below)
    return alpha.square() + (k - true_rank + d) / d * torch.minimum(alpha, beta).square()


RATIONAL = "in rationals"

RESIDUAL = Criterion("left minus right side, for a random operator", 0, 0, exact=RATIONAL)
BOUND = Criterion("proved bound − δ*", 0, 0, exact=RATIONAL)
ATTAINED = Criterion("conditions at the operator that attains δ*", 0, 0, exact=RATIONAL)


@PAGE.claim(
    "zhang2025.threshold-multipliers",
    "Multipliers that prove the threshold at the planted point",
    RESIDUAL,
    BOUND,
    ATTAINED,
    reference="answers to the strong duality that a public summary of version 1 mentions; derived here",
    states=("prop-proof-multipliers", "cor-proof-threshold"),
    kind="identity",
    control="H is not self-adjoint; only the gradient has a multiplier, the escape directions have none; the "
    "operator has a constant between δ* and 1",
    edges=(
        edge("k = r = d = 1", cases=(Case(1, 1, 1),)),
        edge("all columns alone, k = r = d", cases=(Case(3, 3, 3),)),
        edge("one direction planted, k = r", cases=(Case(4, 4, 1),)),
        edge("k much larger than r", cases=(Case(16, 1, 1),)),
        refused("k ≥ r", "there is no such X", cases=(Case(1, 2, 2),)),
        refused("d ≤ r", "the truth has no more directions to plant", cases=(Case(2, 1, 2),)),
    ),
    sizes=scales(
        cases=each(
            (Case(1, 1, 1), Case(4, 1, 1)),
            (Case(1, 1, 1), Case(3, 3, 2), Case(4, 1, 1), Case(5, 2, 1)),
            (
                Case(1, 1, 1),
                Case(3, 3, 2),
                Case(4, 1, 1),
                Case(5, 2, 1),
                Case(8, 2, 2),
                Case(9, 4, 4),
            ),
        )
    ),
    certified_by=("exact",),
)
def threshold_multipliers_prove(setting: Setting) -> Evidence:
    found = threshold_multipliers
    for case in setting.sizes.cases:
        setting.assume(case.true_rank <= case.search_rank, "k ≥ r")
        setting.assume(1 <= case.planted <= case.true_rank, "d ≤ r")

    def residuals(case: Case, adjoint: bool) -> list[float]:
        forms = (found.random_form(seed, case, adjoint=adjoint) for seed in setting.seeds)
        return [float(found.residual(case, form)) for form in forms]

    def attained(case: Case, delta: Fraction) -> float:
        return float(found.conditions(case, found.tight_form(case, delta)))

    evidence = Evidence(predicted={RESIDUAL: 0, BOUND: 0, ATTAINED: 0})
    for case in setting.sizes.cases:
        k, true, d = case
        star, variant = case.threshold, at(k=k, **{"r": true, "d": d})
        evidence.found(RESIDUAL, residuals(case, adjoint=True), variant)
        evidence.broken(RESIDUAL, residuals(case, adjoint=False), variant)
        evidence.found(BOUND, float(found.proved_bound(case) - star), variant)
        evidence.broken(BOUND, found.bound_without_escape(case) - float(star), variant)
        evidence.found(ATTAINED, attained(case, star), variant)
        evidence.broken(ATTAINED, attained(case, star + (1 - star) / 4), variant)
    return evidence


ATTACK_EDGES = (
    edge("δ just below the threshold", shares=(0.98, 0.999)),
    edge("δ near zero", shares=(1e-4, 1e-3)),
    refused("δ < δ_d", "ψ − δ is not positive", shares=(1.01, 1.1)),
)

RATIO = Criterion("largest error / bound", high=1, width="the bound itself, one-sided")
LEFT = Criterion(
    "gradient and negative curvature left",
    high=1e-7,
    width="bisection and rounding: at most 3e-13 at 9600 points",
)
TIGHT = Criterion(
    "largest error / bound in the diagonal family",
    0.94,
    1,
    exact="the best member of a grid that no seed changes",
    width="the least of 24 values of δ, by (k, r): 0.949 for (1, 1), 0.984 for (3, 2), 0.988 for (4, 1)",
)


@PAGE.claim(
    "zhang2025.noise-bound",
    "No second-order point is farther than the bound, under any noise",
    RATIO,
    LEFT,
    TIGHT,
    reference="abstract of version 1 for w = 0; bound and constant derived here",
    states=("thm-proof-noise", "cor-proof-threshold"),
    kind="bound-upper",
    control="the gradient vanishes, but the Hessian may be indefinite",
    edges=(
        *ATTACK_EDGES,
        edge("k = r = 1, n = 2", points={"generic": Ranks(2, 1, 1)}),
        edge("n = k, n = k + 1", points={"generic": Ranks(3, 3, 2), "n < k + r": Ranks(4, 3, 3)}),
        edge("k much larger than n", points={"k > n": Ranks(2, 6, 1)}),
        refused("k ≥ r", "no X has the rank of the truth", points={"generic": Ranks(4, 1, 2)}),
    ),
    sizes=scales(points=POINTS, samples=each(4, 150, 1000), shares=(0.1, 0.95)),
    uses=("zhang2025.threshold-proof-steps", "zhang2025.valid-inequality"),
)
def noise_bound(setting: Setting) -> Evidence:
    attacks = _attacks(setting)
    evidence = _judged(attacks, saddles(setting, POINTS[UNLEARNT]))
    diagonal = {at(k=k, r=true): diagonal_noise.reach(k, true) for k, true in ((1, 1), (3, 2), (4, 1))}
    for variant, family in diagonal.items():
        evidence.found(TIGHT, family.ratio.amin(), variant, predicted=1)
    bent = diagonal_noise.reach(1, 1, curvature=False)
    evidence.broken(TIGHT, bent.ratio.amin(), at(k=1, **{"r": 1}))
    evidence.curves = {"attacks": attacks, "diagonal": diagonal}
    return evidence


PAIR_LEFT = Criterion(LEFT.quantity, high=1e-7, width="bisection and rounding: at most 4e-14 at 6000 points")


@PAGE.claim(
    "zhang2025.balanced-noise-bound",
    "The same bound for a pair of factors",
    RATIO,
    PAIR_LEFT,
    reference="abstract of version 3: the guarantees hold for UVᵀ with a balancing regulariser; bound derived here",
    states="thm-proof-pair",
    kind="bound-upper",
    control="the gradient vanishes, but the Hessian may be indefinite",
    edges=(
        *ATTACK_EDGES,
        edge("k = r = 1, n₁ = n₂ = 2", points={"generic": Ranks(2, 1, 1, 2)}),
        edge("n₁ = k, n₁ < k", points={"generic": Ranks(3, 3, 1, 4), "k > n": Ranks(2, 3, 1, 4)}),
        edge("n₂ much larger than n₁", points={"generic": Ranks(3, 2, 1, 9)}),
        edge("μ = 0 at a column not learnt", points={UNLEARNT: Ranks(4, 2, 2, 4)}, balance=0.0),
        refused("k ≥ r", "no pair has the rank of the truth", points={"generic": Ranks(4, 1, 2, 4)}),
    ),
    sizes=scales(points=PAIRS, samples=each(4, 150, 1000), shares=(0.1, 0.95), balance=0.5),
    uses=("zhang2025.noise-bound", "zhang2025.balanced-pair-steps"),
)
def balanced_noise_bound(setting: Setting) -> Evidence:
    return _judged(_attacks(setting), saddles(setting, PAIRS[UNLEARNT]))


def _attacks(setting: Setting) -> dict[str, Attacked]:
    s = setting.sizes
    setting.assume(all(ranks.true_rank <= ranks.search_rank for ranks in s.points.values()), "k ≥ r")
    setting.assume(max(s.shares) < 1, "δ < δ_d")
    return {name: attacked(setting, name, ranks) for name, ranks in s.points.items()}


def _judged(attacks: dict[str, Attacked], unbent: Attacked) -> Evidence:
    """What the attacks found, and as a control points whose Hessian is indefinite."""
    evidence = Evidence(
        predicted={RATIO: 1},
        notes={"points attacked": float(sum(found.ratio.numel() for found in attacks.values()))},
    )
    for name, found in attacks.items():
        evidence.found(RATIO, found.ratio.amax(1), name)
        evidence.found(LEFT, found.left.amax(1), name)
    evidence.broken(RATIO, unbent.ratio.amax(1), "saddles")
    evidence.broken(LEFT, unbent.left.amax(1), "saddles")
    return evidence
