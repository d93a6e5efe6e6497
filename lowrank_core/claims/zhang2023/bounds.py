"""The local theorem of PrecGD with its constants, where it is proved, and an example where it is printed but
false."""

from __future__ import annotations

from fractions import Fraction

import torch

from lowrank_core.analysis import preconditioned_guarantee as guarantee
from lowrank_core.analysis.planted import planted
from lowrank_core.claims.experiments.landscapes import certified_problem
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.factors import Factors, pad_columns
from lowrank_core.methods import PreconditionedGradientDescent, ResidualNorm, SlopeNorm
from lowrank_core.methods.preconditioned import Damping
from lowrank_core.problem import Problem
from lowrank_core.proofs import printed_radius
from lowrank_core.solver import recovery_errors, solve

PAGE = Page("chapters/zhang2025/preconditioning")

LEVELS = (0.999, 1e-2, 1e-8)
NEAREST = 1e-12

RANKS = "r ≤ k ≤ n"


def points(problem: Problem, delta: float, search_rank: int, noise_only: bool = False) -> Factors:
    """Points with f at the levels `LEVELS` of Lemma 24's radius: Gaussian perturbations of a factor of M*.

    Every second one moves the columns beyond the true rank alone, off the range of M*, if there are any; with
    `noise_only` all do, at the level `NEAREST`.
    """
    truth = problem.truth
    base = guarantee.padded_truth(problem, search_rank)
    everywhere = guarantee.distinct(problem, "perturbation", truth.shape[0], search_rank)
    beyond = guarantee.off_signal(problem, search_rank - truth.rank)
    outside = pad_columns(beyond.flip(-1), search_rank).flip(-1)
    order = torch.arange(truth.batch, device=base.device)
    if search_rank == truth.rank:
        alone = torch.zeros_like(order, dtype=torch.bool)
    else:
        alone = torch.ones_like(order, dtype=torch.bool) if noise_only else order % 2 == 1
    direction = torch.where(alone[:, None, None], outside, everywhere)
    levels = torch.tensor(LEVELS, dtype=torch.float64, device=base.device)[order // 2 % len(LEVELS)]
    if noise_only:
        levels = torch.full_like(levels, NEAREST)
    return guarantee.at_level(problem, base, direction, guarantee.lemma_radius(delta) * levels)


def ratios(problem: Problem, factors: Factors, delta: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The norm of Corollary 5 over its lower and over its upper bound, (B,) each."""
    loss, slope = problem.slope(factors)
    assert loss is not None
    norm = SlopeNorm()(loss, slope, factors.left)
    error = recovery_errors(problem, factors)[0].sqrt()
    return norm / ((1 - delta) / 2**0.5 * error), norm / (2 * (1 + delta) * error)


LOWER = Criterion("smallest ‖∇f(X)(XᵀX)^−½‖ / (μ‖E‖/√2)", low=1, width="the theorem's own bound")
UPPER = Criterion(
    "largest ‖∇f(X)(XᵀX)^−½‖ / (2L‖E‖)", high=1 + 1e-9, width="the theorem's own bound, and rounding"
)


@PAGE.claim(
    "zhang2023.damping-follows-error",
    "The damping of PrecGD lies between fixed multiples of the error",
    LOWER,
    UPPER,
    reference="Corollary 5, p. 9, inside the radius of Lemma 24",
    states="thm-prec-local",
    origin="paper",
    known="read",
    kind="bound-lower",
    control="a planted critical point, outside the radius (first); L = 1, less than the curvature (second)",
    sizes=scales(
        n=each(6, 6, 10),
        spectrum=each((2.0, 1.0), (2.0, 1.0), (3.0, 1.0)),
        k=each(4, 4, 5),
        deltas=each((0.2, 0.5), (0.0, 0.2, 0.5), (0.0, 0.2, 0.5, 0.8)),
        count=each(7, 7, 20),
        points=each(24, 120, 600),
    ),
    edges=(
        edge("k = r", k=2),
        edge("k = n", k=6),
        edge("r = 1", spectrum=(1.0,), k=2),
        edge("equal eigenvalues", spectrum=(1.0, 1.0)),
        edge("κ = 100", spectrum=(100.0, 1.0)),
        edge("δ near 1", deltas=(0.95,)),
        refused(RANKS, "XᵀX has no inverse root", k=7),
    ),
)
def damping_follows_error(setting: Setting) -> Evidence:
    s, seeds = setting.sizes, len(setting.seeds)
    setting.assume(len(s.spectrum) <= s.k <= s.n, RANKS)
    evidence = Evidence()
    for delta in s.deltas:
        problem = certified_problem(setting, s.n, s.spectrum, delta, s.count, variants=s.points)
        low, high = (each.reshape(seeds, -1) for each in ratios(problem, points(problem, delta, s.k), delta))
        evidence.found(LOWER, low.amin(dim=1), at(δ=delta))
        evidence.found(UPPER, high.amax(dim=1), at(δ=delta))
        if delta == max(s.deltas):
            # A bound with L = 1, where it is 1 + δ.
            evidence.broken(UPPER, (1 + delta) * high.amax(dim=1), at(f"δ = {delta:g}, L = 1", δ=delta))
    spurious = planted(2, 1, 0.7, setting.seeds, device=setting.device)
    evidence.broken(LOWER, ratios(spurious.problem, spurious.point, 0.7)[0], "planted point")
    return evidence


PROGRESS = Criterion("smallest relative decrease of f / ατ", low=1, width="the theorem's own bound")


@PAGE.claim(
    "zhang2023.decrease",
    "One step of PrecGD decreases f by at least the fraction ατ",
    PROGRESS,
    reference="Theorem 4, p. 9, with its constants and α = 1/ℓ, inside the radius of Lemma 24",
    states="thm-prec-local",
    origin="paper",
    known="read",
    kind="bound-lower",
    control="the damping does not follow the error: fixed at 1, next to the truth, full observation",
    sizes=scales(
        n=each(6, 6, 9),
        spectrum=each((2.0, 1.0), (2.0, 1.0), (3.0, 1.0)),
        ks=each((3,), (3, 5), (3, 5)),
        deltas=each((0.0, 0.2), (0.0, 0.2, 0.5), (0.0, 0.2, 0.5)),
        count=each(7, 7, 20),
        points=each(24, 120, 600),
    ),
    edges=(
        edge("k = r", ks=(2,)),
        edge("k = n", ks=(6,)),
        edge("r = 1", spectrum=(1.0,), ks=(1, 2)),
        edge("equal eigenvalues", spectrum=(1.0, 1.0)),
        edge("κ = 30", spectrum=(30.0, 1.0)),
        edge("δ near 1", deltas=(0.9,)),
        refused(RANKS, "XᵀX is singular", ks=(7,)),
    ),
    uses=("zhang2023.damping-follows-error",),
)
def decrease(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(all(len(s.spectrum) <= k <= s.n for k in s.ks), RANKS)
    evidence = Evidence()
    for delta in s.deltas:
        problem = certified_problem(setting, s.n, s.spectrum, delta, s.count, variants=s.points)
        for k in s.ks:
            case = at(δ=delta, k=k)
            evidence.found(PROGRESS, progress(problem, points(problem, delta, k), delta, SlopeNorm()), case)
            promised = guarantee.step_and_progress(delta, k - len(s.spectrum))[1]
            evidence.notes[f"promised ατ, {case}"] = promised
    # With δ > 0 an error beyond the rank tilts the gradient of the signal too, which still descends.
    seen = certified_problem(setting, s.n, s.spectrum, 0.0, s.count, variants=s.points)
    for k in sorted({max(k, len(s.spectrum) + 1) for k in s.ks}):
        near = points(seen, 0.0, k, noise_only=True)
        evidence.broken(PROGRESS, progress(seen, near, 0.0, ResidualNorm(power=0.0)), at(δ=0, k=k))
    return evidence


def progress(problem: Problem, start: Factors, delta: float, damping: Damping) -> torch.Tensor:
    """The least relative decrease of f in one step with α = 1/ℓ over ατ, among the points of each seed,
    (seeds,)."""
    alpha, promised = guarantee.step_and_progress(delta, start.search_rank - problem.truth.rank)
    run = solve(problem, PreconditionedGradientDescent(2 * alpha, damping), start, 1)
    decreased = (1 - run.loss[:, 1] / run.loss[:, 0]) / promised
    return decreased.reshape(len(set(problem.truth.seeds)), -1).amin(dim=1)


SLOPE = Criterion("entries of ∇f that are not zero", 0, 0)
PRINTED = Criterion("f / radius printed in Theorem 4", high=1, width="the printed radius itself")
PROVED = Criterion("f / radius of Lemma 24", low=1, width="the radius of the lemma itself")


@PAGE.claim(
    "zhang2023.printed-radius",
    "The radius printed in Theorem 4 holds a spurious critical point once L/μ is large",
    SLOPE,
    PRINTED,
    PROVED,
    reference="Theorem 4 and Corollary 5, p. 9, against Lemma 24; the example is new",
    states="prop-prec-radius",
    origin="ours",
    kind="existence",
    control="a better conditioned φ, L/μ < 40, same construction (printed radius); a point a thousand "
    "times nearer to the truth, which is not critical (the others)",
    seeds={"book": 20, "full": 60},
    sizes=scales(instances=each(5, 20, 100)),
    certified_by=("exact",),
    discrepancy="Theorem 4 (p. 9) asks for f ≤ μ/(2(1 + μ/L))·λ²/2, the lemma behind it for f ≤ μ/(2(1 + L/μ))·λ². "
    "They agree at L = 2μ; beyond, the first is larger. Exact rational examples with L/μ from {smallest L:.1f} to "
    "{largest L:.1f} have a critical point within the first radius, at {printed:.2f} to {largest printed:.2f} "
    "of it. Read with the radius of the lemma, the theorem and its corollary are not in doubt.",
)
def printed_radius_too_large(setting: Setting) -> Evidence:
    count = setting.sizes.instances

    def drawn(seed: int, nearest: Fraction, farthest: Fraction) -> list[printed_radius.Instance]:
        return [printed_radius.draw(seed * count + i, nearest, farthest) for i in range(count)]

    def nonzero(instance: printed_radius.Instance) -> int:
        return sum(row != [0] for row in instance.slope)

    def printed(instance: printed_radius.Instance) -> float:
        return float(instance.value / instance.printed_radius)

    def proved(instance: printed_radius.Instance) -> float:
        return float(instance.value / instance.lemma_radius)

    found = [drawn(seed, Fraction(40, 100), Fraction(49, 100)) for seed in setting.seeds]
    mild = [drawn(seed, Fraction(55, 100), Fraction(9, 10)) for seed in setting.seeds]
    near = [[printed_radius.nearer(each, 1000) for each in some] for some in found]
    conditioning = [float(each.conditioning) for some in found for each in some]
    parts = [printed(each) for some in found for each in some]
    evidence = Evidence(
        notes={
            "smallest L": min(conditioning),
            "largest L": max(conditioning),
            "printed": min(parts),
            "largest printed": max(parts),
            "largest L of the control": max(float(each.conditioning) for some in mild for each in some),
        }
    )
    evidence.found(SLOPE, [sum(map(nonzero, some)) for some in found], predicted=0)
    evidence.broken(SLOPE, [min(map(nonzero, some)) for some in near], "nearer")
    evidence.found(PRINTED, [max(map(printed, some)) for some in found])
    evidence.broken(PRINTED, [min(map(printed, some)) for some in mild], "L/μ < 40")
    evidence.found(PROVED, [min(map(proved, some)) for some in found])
    evidence.broken(PROVED, [max(map(proved, some)) for some in near], "nearer")
    return evidence
