"""The local theorem of PrecGD with its constants, where it is proved, and an example where it is printed but
false."""

from __future__ import annotations

from fractions import Fraction

import torch

from lowrank_core.analysis.planted import planted
from lowrank_core.claims.claim import Criterion, Evidence, Setting
from lowrank_core.claims.grammar import each, scales
from lowrank_core.claims.registry import claim
from lowrank_core.claims.zhang2023.runs import (
    CHAPTER,
    at_level,
    distinct,
    lemma_radius,
    off_signal,
    padded_truth,
    step_and_progress,
)
from lowrank_core.claims.zhang2025.runs import LOG_SEEDS, SEEDS, certified_problem
from lowrank_core.factors import Factors, pad_columns
from lowrank_core.methods import PreconditionedGradientDescent, ResidualNorm, SlopeNorm
from lowrank_core.methods.preconditioned import Damping
from lowrank_core.problem import Problem
from lowrank_core.proofs import printed_radius
from lowrank_core.solve import recovery_errors, solve

LOWER = "smallest ‖∇f(X)(XᵀX)^−½‖ / (μ‖E‖/√2)"
UPPER = "largest ‖∇f(X)(XᵀX)^−½‖ / (2L‖E‖)"
PROGRESS = "smallest relative decrease of f / ατ"
LEVELS = (0.999, 1e-2, 1e-8)
NEAREST = 1e-12
SLOPE = "entries of ∇f that are not zero"
PRINTED = "f / radius printed in Theorem 4"
PROVED = "f / radius of Lemma 24"


def points(problem: Problem, delta: float, search_rank: int, noise_only: bool = False) -> Factors:
    """Points with f at the levels `LEVELS` of Lemma 24's radius: Gaussian perturbations of a factor of M*.

    Every second one moves the columns beyond the true rank alone, off the range of M*; with `noise_only` all do, at
    the level `NEAREST`.
    """
    truth = problem.truth
    base = padded_truth(problem, search_rank)
    everywhere = distinct(problem, "perturbation", truth.shape[0], search_rank)
    beyond = off_signal(problem, search_rank - truth.rank)
    outside = pad_columns(beyond.flip(-1), search_rank).flip(-1)
    order = torch.arange(truth.batch, device=base.device)
    alone = torch.ones_like(order, dtype=torch.bool) if noise_only else order % 2 == 1
    direction = torch.where(alone[:, None, None], outside, everywhere)
    levels = torch.tensor(LEVELS, dtype=torch.float64, device=base.device)[order // 2 % len(LEVELS)]
    if noise_only:
        levels = torch.full_like(levels, NEAREST)
    return at_level(problem, base, direction, lemma_radius(delta) * levels)


def ratios(problem: Problem, factors: Factors, delta: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The norm of Corollary 5 over its lower and over its upper bound, (B,) each."""
    loss, slope = problem.slope(factors)
    assert loss is not None
    norm = SlopeNorm()(loss, slope, factors.left)
    error = recovery_errors(problem, factors)[0].sqrt()
    return norm / ((1 - delta) / 2**0.5 * error), norm / (2 * (1 + delta) * error)


@claim(
    id="zhang2023.damping-follows-error",
    title="The damping of PrecGD lies between fixed multiples of the error",
    reference="Corollary 5, p. 9, inside the radius of Lemma 24",
    statement=r"""If $f(X)\le\frac{\mu}{2(1+L/\mu)}\lambda_{r^\star}^2(M^\star)$, then
$\frac{\mu}{\sqrt2}\|E\|_F\le\|\nabla f(X)(X^\top X)^{-1/2}\|_F\le2L\|E\|_F$, $E=XX^\top-M^\star$.""",
    origin="paper",
    known="read",
    kind="bound-lower",
    criteria=(Criterion(LOWER, low=1), Criterion(UPPER, high=1 + 1e-9)),
    control="outside the radius: a planted critical point",
    breaks=(LOWER,),
    seeds=SEEDS,
    sizes=scales(
        n=each(6, 6, 10),
        spectrum=each((2.0, 1.0), (2.0, 1.0), (3.0, 1.0)),
        r=each(4, 4, 5),
        deltas=each((0.2, 0.5), (0.0, 0.2, 0.5), (0.0, 0.2, 0.5, 0.8)),
        count=each(7, 7, 20),
        points=each(24, 120, 600),
    ),
    chapter=CHAPTER,
)
def damping_follows_error(setting: Setting) -> Evidence:
    s, seeds = setting.sizes, len(setting.seeds)
    lower, upper = {}, {}
    for delta in s.deltas:
        problem = certified_problem(setting, s.n, s.spectrum, delta, s.count, variants=s.points)
        low, high = ratios(problem, points(problem, delta, s.r), delta)
        lower[f"δ = {delta:g}"] = low.reshape(seeds, -1).amin(dim=1)
        upper[f"δ = {delta:g}"] = high.reshape(seeds, -1).amax(dim=1)
    spurious = planted(2, 1, 0.7, setting.seeds, device=setting.device)
    far, _ = ratios(spurious.problem, spurious.point, 0.7)
    return Evidence(measured={LOWER: lower, UPPER: upper}, control={LOWER: {"planted point": far}})


@claim(
    id="zhang2023.decrease",
    title="One step of PrecGD decreases f by at least the fraction ατ",
    reference="Theorem 4, p. 9, with its constants and α = 1/ℓ, inside the radius of Lemma 24",
    statement=r"""If $f(X)\le\frac{\mu}{2(1+L/\mu)}\lambda_{r^\star}^2$ and the damping lies between
$C_{lb}\|E\|_F$ and $C_{ub}\|E\|_F$, one step with $\alpha=1/\ell$ gives $f(X_+)\le(1-\alpha\tau)f(X)$, with
$\tau=\frac{\mu^2}{2L}\bigl(1+C_{ub}(1+\sqrt2+\frac{L+\mu}{\sqrt{L\mu}}\sqrt{r-r^\star})\bigr)^{-1}$ and
$\ell=4L+(2L+8L^2)C_{lb}^{-1}+4L^3C_{lb}^{-2}$.""",
    origin="paper",
    known="read",
    kind="bound-lower",
    criteria=(Criterion(PROGRESS, low=1),),
    control="the damping does not follow the error: fixed at 1, next to the truth, full observation",
    breaks=(PROGRESS,),
    seeds=SEEDS,
    sizes=scales(
        n=each(6, 6, 9),
        spectrum=each((2.0, 1.0), (2.0, 1.0), (3.0, 1.0)),
        rs=each((3,), (3, 5), (3, 5)),
        deltas=each((0.0, 0.2), (0.0, 0.2, 0.5), (0.0, 0.2, 0.5)),
        count=each(7, 7, 20),
        points=each(24, 120, 600),
    ),
    chapter=CHAPTER,
    uses=("zhang2023.damping-follows-error",),
)
def decrease(setting: Setting) -> Evidence:
    s = setting.sizes
    measured, control = {}, {}
    promised: dict[str, float | str] = {}
    for delta in s.deltas:
        problem = certified_problem(setting, s.n, s.spectrum, delta, s.count, variants=s.points)
        for r in s.rs:
            name = f"δ = {delta:g}, r = {r}"
            promised[f"promised ατ, {name}"] = step_and_progress(delta, r - len(s.spectrum))[1]
            measured[name] = progress(problem, points(problem, delta, r), delta, SlopeNorm())
            if delta == 0:
                # With δ > 0 an error beyond the rank tilts the gradient of the signal too, which still descends.
                near = points(problem, delta, r, noise_only=True)
                control[name] = progress(problem, near, delta, ResidualNorm(power=0.0))
    return Evidence(measured={PROGRESS: measured}, control={PROGRESS: control}, notes=promised)


def progress(problem: Problem, start: Factors, delta: float, damping: Damping) -> torch.Tensor:
    """The least relative decrease of f in one step with α = 1/ℓ over ατ, among the points of each seed,
    (seeds,)."""
    alpha, promised = step_and_progress(delta, start.search_rank - problem.truth.rank)
    run = solve(problem, PreconditionedGradientDescent(2 * alpha, damping), start, 1)
    decreased = (1 - run.loss[:, 1] / run.loss[:, 0]) / promised
    return decreased.reshape(len(set(problem.truth.seeds)), -1).amin(dim=1)


@claim(
    id="zhang2023.printed-radius",
    title="The radius printed in Theorem 4 holds a spurious critical point once L/μ is large",
    reference="Theorem 4 and Corollary 5, p. 9, against Lemma 24; the example is new",
    statement=r"""For $L/\mu>53.7$ there are a quadratic $\varphi$ with these constants, $M^\star=zz^\top$ and $x$
with $\nabla f(x)=0$ and $0<f(x)\le\frac{\mu}{2(1+\mu/L)}\cdot\frac{\lambda^2}2$, where Theorem 4 and Corollary 5
as printed say that $\nabla f(x)\ne0$. Lemma 24's radius $\frac{\mu}{2(1+L/\mu)}\lambda^2$ excludes them.""",
    origin="ours",
    kind="existence",
    criteria=(Criterion(SLOPE, 0, 0), Criterion(PRINTED, high=1), Criterion(PROVED, low=1)),
    control="a better conditioned φ, L/μ < 40, same construction",
    breaks=(PRINTED,),
    seeds=LOG_SEEDS,
    sizes=scales(instances=each(5, 20, 100)),
    chapter=CHAPTER,
    means=("exact",),
    discrepancy="Theorem 4 (p. 9) asks for f ≤ μ/(2(1 + μ/L))·λ²/2, the lemma behind it for f ≤ μ/(2(1 + L/μ))·λ². "
    "They agree at L = 2μ; beyond, the first is larger. Exact rational examples with L/μ from {smallest L:.1f} to "
    "{largest L:.1f} have a critical point within the first radius, at {printed:.2f} to {largest printed:.2f} "
    "of it. Read with the radius of the lemma, the theorem and its corollary are not in doubt.",
)
def printed_radius_too_large(setting: Setting) -> Evidence:
    count = setting.sizes.instances

    def drawn(seed: int, nearest: Fraction, farthest: Fraction) -> list[printed_radius.Instance]:
        return [printed_radius.draw(seed * count + i, nearest, farthest) for i in range(count)]

    found = [drawn(seed, Fraction(40, 100), Fraction(49, 100)) for seed in setting.seeds]
    mild = [drawn(seed, Fraction(55, 100), Fraction(9, 10)) for seed in setting.seeds]
    conditioning = [float(each.conditioning) for instances in found for each in instances]
    printed = [[float(each.value / each.printed_radius) for each in instances] for instances in found]
    return Evidence(
        measured={
            SLOPE: [sum(row != [0] for each in instances for row in each.slope) for instances in found],
            PRINTED: [max(each) for each in printed],
            PROVED: [min(float(each.value / each.lemma_radius) for each in instances) for instances in found],
        },
        predicted={SLOPE: 0},
        control={
            PRINTED: {
                "L/μ < 40": [
                    min(float(each.value / each.printed_radius) for each in instances) for instances in mild
                ]
            }
        },
        notes={
            "smallest L": min(conditioning),
            "largest L": max(conditioning),
            "printed": min(min(each) for each in printed),
            "largest printed": max(max(each) for each in printed),
            "largest L of the control": max(
                float(each.conditioning) for instances in mild for each in instances
            ),
        },
    )
