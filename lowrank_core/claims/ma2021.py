"""Claims of C. Ma, Y. Li & Y. Chi, "Beyond Procrustes: Balancing-Free Gradient Descent for Asymmetric Low-Rank
Matrix Sensing" (IEEE TSP 2021).

The text was read. Its theorem is local, with constants that it does not name; the search rank is the true rank r.
"""

from __future__ import annotations

import torch

from lowrank_core.analysis.contraction import largest_step
from lowrank_core.analysis.scaled_distance import alignment_distance
from lowrank_core.claims.experiments.rectangular import beside, hard_operator, truths
from lowrank_core.claims.grammar import (
    Criterion,
    Evidence,
    Page,
    Setting,
    Sweep,
    Variant,
    at,
    each,
    edge,
    refused,
    scales,
)
from lowrank_core.claims.standing import RANK
from lowrank_core.factors import Factors
from lowrank_core.linalg import operator_norm
from lowrank_core.methods import GradientDescent
from lowrank_core.problem import Problem, observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import from_normal
from lowrank_core.solver import solve
from lowrank_core.truth import Truth

PAGE = Page("chapters/zhang2025/balancing")

NEAREST, ISOMETRY, LARGEST_STEP = 0.3, 0.1, 0.5
"""What is taken for the constants c₀, c and c₁, which the theorem does not name."""


def near(truth: Truth, radius: float) -> Factors:
    """Factors at the distance radius·κ^(−3/2)σ_r^(1/2) of (F*, G*), σ_r = 1, in a random direction."""
    (n1, n2), rank = truth.shape, truth.rank
    drawn = normal(truth.seeds, "perturbation", n1 + n2, rank, device=truth.spectrum.device)
    size = radius * truth.condition_number**-1.5 / torch.linalg.matrix_norm(drawn)
    drawn = size[:, None, None] * drawn
    left, right = truth.roots
    return Factors(left + drawn[:, :n1], right + drawn[:, n1:])


def unbalanced(start: Factors, t: float) -> Factors:
    """The last pair of columns as (t·f, g/t): another pair of factors of the same matrix."""
    assert start.right is not None
    scale = torch.ones_like(start.left[0, 0])
    scale[-1] = t
    return Factors(start.left * scale, start.right / scale)


def without_last_pair(truth: Truth) -> torch.Tensor:
    """A*A that sees everything but u_r v_rᵀ."""
    pair = (truth.left[:, :, -1:] @ truth.right[:, :, -1:].mT).flatten(1)
    identity = torch.eye(pair.shape[1], dtype=pair.dtype, device=pair.device)
    return identity - pair[:, :, None] * pair[:, None, :]


def largest_ratio(problem: Problem, start: Factors, eta: float, steps: int) -> torch.Tensor:
    """The largest ratio of dist after and before a step, (B,), with steps η/‖G₀‖² for F and η/‖F₀‖² for G.

    (cF, G/c) with c² = ‖G₀‖/‖F₀‖ moves so if both steps are η/(‖F₀‖‖G₀‖), and dist does not see c.
    """
    left, right = start
    assert right is not None
    sizes = operator_norm(left, symmetric=False), operator_norm(right, symmetric=False)
    c = (sizes[1] / sizes[0]).sqrt()[:, None, None]
    method, record = GradientDescent(eta / (sizes[0] * sizes[1])), range(steps + 1)
    watch = {"dist": lambda problem, factors: alignment_distance(factors, problem.truth)}
    run = solve(
        problem, method, Factors(c * left, right / c), steps, record=record, observables=watch, reduce=False
    )
    return largest_step(run.observed["dist"])


ONE_STEP = Criterion(
    "largest dist after a step / (1 − η/(50κ)) dist before", high=1, width="the bound itself"
)


@PAGE.claim(
    "ma2021.local-contraction",
    "Near the truth balancing-free descent contracts by 1 − η/(50κ), up to invertible maps",
    ONE_STEP,
    reference="Theorem 1, with its rate and distance; its constants c, c₀ and c₁ are chosen here",
    states="thm-balancing-local",
    origin="paper",
    known="read",
    kind="bound-upper",
    control="an operator that does not see u_r v_rᵀ; a start that is as near up to invertible maps but not up to "
    "rotations, with the last pair of columns ten times out of balance",
    sizes=scales(
        n1=each(6, 8, 16),
        n2=each(5, 7, 12),
        rank=each(2, 2, 3),
        kappas=each((1.0, 10.0), (1.0, 4.0, 20.0), (1.0, 4.0, 20.0, 100.0)),
        etas=each((0.5,), (0.1, 0.5), (0.05, 0.1, 0.5)),
        delta=ISOMETRY,
        radius=NEAREST,
        steps=each(250, 400, 800),
    ),
    edges=(
        edge("r = 1", rank=1),
        edge("n₂ = r", n2=2),
        edge("n₁ = n₂ = r", n1=2, n2=2),
        edge("κ = 300", kappas=(300.0,)),
        edge("a small step", etas=(0.01,)),
        edge("δ = 0", delta=0.0),
        refused("η ≤ ½", "larger than what is taken for c₁", etas=(1.5,)),
        refused("c₀ ≤ 0.3", "farther than what is taken for c₀", radius=1.0),
        refused("δ ≤ 0.1", "larger than what is taken for c", delta=0.5),
    ),
    waives=(RANK,),
    fit="illustrates",
)
def local_contraction(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(all(0 < eta <= LARGEST_STEP for eta in s.etas), "η ≤ ½", s.etas)
    setting.assume(0 < s.radius <= NEAREST, "c₀ ≤ 0.3", s.radius)
    setting.assume(s.delta <= ISOMETRY, "δ ≤ 0.1", s.delta)
    sweep = Sweep(setting, κ=s.kappas)
    truth = truths(sweep, s.n1, s.n2, s.rank)
    start = near(truth, s.radius)
    delta = torch.full_like(truth.condition_number, s.delta)
    problem = observe(truth, hard_operator(truth, delta))
    blind = observe(truth, from_normal(without_last_pair(truth), truth.shape, symmetric=False))
    evidence, gained = Evidence(), []

    def over_bound(eta: float, ratio: torch.Tensor) -> dict[Variant, torch.Tensor]:
        bound = 1 - eta / (50 * truth.condition_number)
        return beside(at(f"η = {eta:g}", η=eta), sweep.split(ratio / bound))

    for eta in s.etas:
        ratio = largest_ratio(problem, start, eta, s.steps)
        gained.append((1 - ratio) * truth.condition_number / eta)
        evidence.found(ONE_STEP, over_bound(eta, ratio))
    eta = max(s.etas)
    others = {"u_r v_rᵀ unseen": largest_ratio(blind, start, eta, s.steps)}
    if s.rank > 1:
        # A single pair of columns is balanced by the choice of the steps.
        others["out of balance"] = largest_ratio(problem, unbalanced(start, 10.0), eta, s.steps)
    for name, ratio in others.items():
        for case, values in over_bound(eta, ratio).items():
            evidence.broken(ONE_STEP, values, at(f"{name}, {case}", **case.numbers))
    evidence.notes["least (1 − ratio) κ/η"] = float(torch.stack(gained).min())
    return evidence
