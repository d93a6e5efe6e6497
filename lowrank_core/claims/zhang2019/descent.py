"""Descent from random starts inside the sharp level, and from just outside it."""

from __future__ import annotations

import torch

from lowrank_core.analysis import rank_one
from lowrank_core.claims.experiments.landscapes import certified_problem, descended, frobenius
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.claims.zhang2019.pairs import share_of_origin, worst_problem
from lowrank_core.factors import Factors
from lowrank_core.problem import Problem
from lowrank_core.randomness import normal
from lowrank_core.sensing import Dense

PAGE = Page("chapters/zhang2025/local-guarantee")

MARGIN = 0.97
"""The trap is made for a δ whose 1 − δ is larger by this much, so that it is a strict minimum for δ itself."""

ERROR = Criterion("largest final ‖xxᵀ − M*‖_F", high=1e-6, width="rounding, and what a linear rate leaves")


@PAGE.claim(
    "zhang2019.descent-inside",
    "Descent from inside the level never fails, and fails just outside",
    ERROR,
    reference="Corollary 5, p. 4, with the sharp level derived here",
    states="prop-lg-descent",
    origin="sharpened",
    known="read",
    kind="bound-upper",
    control="starts just outside the level, at most 1.05 τ f(0), next to the spurious point of the worst operator",
    edges=(
        edge("n = 2", n=2),
        edge("δ ≤ ½, where nothing is spurious", deltas=(0.05, 0.3, 0.5)),
        edge("δ just above ½", deltas=(0.505, 0.51)),
        edge("δ near one", deltas=(0.98,), steps=8_000),
        refused("0 ≤ δ < 1", "A is not injective on matrices of rank 2", deltas=(1.0,)),
    ),
    sizes=scales(
        n=8,
        deltas=each((0.6, 0.8), (0.6, 0.8, 0.95), (0.6, 0.8, 0.95)),
        restarts=each(5, 20, 200),
        eta=0.15,
        drawn=0.8,
        steps=each(1_500, 6_000, 6_000),
    ),
    uses=("zhang2019.sharp-level",),
)
def descent_inside(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(all(0 < delta < 1 for delta in s.deltas), "0 ≤ δ < 1")
    evidence, outside = Evidence(), 0.0
    for delta in s.deltas:
        random = certified_problem(setting, s.n, [1.0], delta, s.n, variants=s.restarts)
        worst, trap = trapping(setting, delta, s.restarts)
        level = float(rank_one.sharp_level(torch.tensor(delta, dtype=torch.float64)))
        for kind, problem in (("random", random), ("worst", worst)):
            start = inside(setting, problem, level, s.restarts)
            run = descended(problem, start, s.eta, s.steps)
            errors = frobenius(run).unflatten(0, (-1, s.restarts))
            evidence.found(ERROR, errors.amax(dim=1), at(f"δ = {delta:g}, {kind} operators", δ=delta))
        run = descended(worst, trap, s.eta, s.steps)
        errors = frobenius(run).unflatten(0, (-1, s.restarts))
        evidence.broken(ERROR, errors.amin(dim=1), at(δ=delta))
        outside = max(outside, float((share_of_origin(worst, trap) / level).max()))
        if delta == s.drawn:
            evidence.curves = {
                "level": level,
                "starts": start.left[: s.restarts, :, 0],
                **plane(worst),
                "trapped": run.factors.left[: s.restarts, :, 0],
            }
    evidence.notes["largest level of a start in the control, over τ f(0)"] = outside
    return evidence


def trapping(setting: Setting, delta: float, restarts: int) -> tuple[Problem, Factors]:
    """The worst operator for δ, with starts next to its spurious point.

    The point is a strict minimum, except for small δ, up to ½ or just above, where it is a saddle.
    """
    batch = len(setting.seeds) * restarts
    inner = torch.full((batch,), 1 - (1 - delta) / MARGIN, dtype=torch.float64, device=setting.device)
    if float(inner[0]) >= 0.5:
        size, cosine, singular = rank_one.sharpest_point(inner)
        smallest = rank_one.smallest_slope(delta, size, cosine)
        # Between the smallest slope for δ and the one with a singular Hessian.
        slope = 0.5 * (smallest + singular)
    else:
        # The critical point nearest to the truth: R = C = c with δ² = 2c/(1 + c).
        size = cosine = torch.full_like(inner, delta**2 / (2 - delta**2))
        slope = rank_one.best_slope(size, cosine)
    problem, point = worst_problem(size, cosine, slope, torch.full_like(inner, delta))
    moved = normal(setting.seeds, "trap", restarts, 2, 1, device=setting.device).flatten(0, 1)
    return problem, Factors(point.left + 1e-3 * moved)


def inside(setting: Setting, problem: Problem, level: float, restarts: int) -> Factors:
    """Starts x₀ = z + s·w at the edge of the level: w random, s the last multiple of 0.005 before it is left."""
    n = problem.truth.shape[0]
    values, vectors = torch.linalg.eigh(problem.truth.matrix)
    truth = (values[:, -1:].sqrt() * vectors[:, :, -1])[..., None]
    direction = normal(setting.seeds, "start inside", restarts, n, 1, device=setting.device).flatten(0, 1)
    direction = direction / direction.norm(dim=1, keepdim=True)
    distance = torch.zeros(truth.shape[0], dtype=torch.float64, device=truth.device)
    open_ = torch.ones_like(distance, dtype=torch.bool)
    for step in range(1, 401):
        tried = Factors(truth + (0.005 * step) * direction)
        open_ = open_ & (share_of_origin(problem, tried) < level)
        distance = torch.where(open_, 0.005 * step, distance)
    return Factors(truth + distance[:, None, None] * direction)


def plane(problem: Problem, count: int = 201) -> dict[str, torch.Tensor]:
    """f(x)/f(0) of the first operator on a grid of x in the plane: the axis (N,) and the values (N, N), rows x₂."""
    axis = torch.linspace(-1.4, 1.4, count, dtype=torch.float64, device=problem.truth.matrix.device)
    second, first = torch.meshgrid(axis, axis, indexing="ij")
    points = torch.stack([first, second], dim=-1).flatten(0, 1)
    errors = points[:, :, None] * points[:, None, :] - problem.truth.matrix[0]
    operator = problem.operator
    assert isinstance(operator, Dense)
    seen = Dense(operator.entries[0], (2, 2), symmetric=True, weight=1.0).forward(errors)
    origin = problem.observations[0].square().sum()
    return {"axis": axis, "values": (seen.square().sum(dim=1) / origin).reshape(count, count)}
