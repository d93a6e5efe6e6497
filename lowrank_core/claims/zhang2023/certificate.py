"""A certificate of global optimality from quantities that can be computed, and how many digits it costs."""

from __future__ import annotations

import torch

from lowrank_core.analysis import landscape, rates
from lowrank_core.analysis.planted import planted
from lowrank_core.claims.experiments.landscapes import certified_problem
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, each, edge, refused, scales
from lowrank_core.claims.zhang2023.levels import distinct, padded_truth, value
from lowrank_core.factors import Factors
from lowrank_core.methods import PreconditionedGradientDescent
from lowrank_core.problem import Problem
from lowrank_core.solve import solve

PAGE = Page("chapters/zhang2025/preconditioning", book=20, full=60)


SCALES = (1.0, 0.1, 1e-2, 1e-3)
RANKS = "r* < r ≤ n"
SPREAD = "50 pilot seeds: 0.4972 to 0.5003"


def certificate(problem: Problem, factors: Factors, delta: float, with_rank: bool = True) -> torch.Tensor:
    """½‖X‖_F ε_g + ½‖X*‖_F² ε_H + 2‖∇²φ‖‖X*‖_F² λ_min(XᵀX), the last term only if `with_rank`, (B,)."""
    found = landscape.stationarity(problem, factors)
    size = problem.truth.spectrum.sum(dim=1)
    least = torch.linalg.svdvals(factors.left)[:, -1].square()
    if factors.search_rank > factors.left.shape[1]:
        least = torch.zeros_like(least)
    bound = 0.5 * torch.linalg.matrix_norm(factors.left) * found.gradient + 0.5 * size * found.curvature
    return bound + 2 * (1 + delta) * size * least if with_rank else bound


CERTIFIED = Criterion(
    "largest (f − f*) / certificate", high=0.5 + 1e-9, width="the statement's own half, and rounding"
)


@PAGE.claim(
    "zhang2023.certificate",
    "Near second order and nearly rank deficient: nearly optimal",
    CERTIFIED,
    reference="Proposition 10, p. 13; that half of it is enough for quadratic losses without noise is new",
    origin="sharpened",
    known="read",
    kind="bound-upper",
    control="the term with λ_min(XᵀX) left out, at points close to a planted spurious one",
    sizes=scales(
        n=each(4, 4, 6),
        spectrum=(1.5, 1.0),
        ranks=each((2, 3), (2, 3), (2, 3, 4)),
        deltas=each((0.3,), (0.0, 0.3, 0.6), (0.0, 0.3, 0.6)),
        count=each(3, 3, 7),
        points=each(16, 40, 400),
    ),
    edges=(
        edge("r = n", ranks=(4,)),
        edge("r > n", ranks=(6,)),
        edge("r* = r = 1", spectrum=(1.0,), ranks=(1,)),
        edge("equal eigenvalues", spectrum=(1.0, 1.0)),
        edge("κ = 100", spectrum=(100.0, 1.0)),
        edge("n = r*", n=2, count=1),
        edge("δ near 1", deltas=(0.95,)),
    ),
    waives=("r < min(n₁, n₂)",),
    discrepancy="Proposition 10 is stated for convex φ, through φ(XXᵀ) − φ(M*) ≤ ⟨∇φ, E⟩. For least squares "
    "without noise the right-hand side is exactly twice the left, so half of the certificate is enough: the "
    "largest ratio seen is {largest:.4f}.",
)
def certified_optimality(setting: Setting) -> Evidence:
    s, seeds = setting.sizes, len(setting.seeds)
    measured = {}
    for delta in s.deltas:
        problem = certified_problem(setting, s.n, s.spectrum, delta, s.count, variants=s.points)
        for rank in s.ranks:
            # Half of the points are Gaussian, the others perturb a factor of the truth.
            order = torch.arange(problem.batch, device=problem.operator.device)
            scale = torch.tensor(SCALES, dtype=torch.float64, device=order.device)[order // 2 % len(SCALES)]
            base = padded_truth(problem, rank) * (order % 2)[:, None, None]
            point = Factors(base + scale[:, None, None] * distinct(problem, "point", s.n, rank))
            ratio = value(problem, point) / certificate(problem, point, delta)
            measured[f"δ = {delta:g}, r = {rank}"] = ratio.reshape(seeds, -1).amax(dim=1)
    delta = 0.7
    spurious = planted(1, 1, delta, setting.seeds, device=setting.device)
    nudge = 1e-3 * distinct(spurious.problem, "nudge", *spurious.point.left.shape[1:])
    near = Factors(spurious.point.left + nudge)
    level = value(spurious.problem, near)
    whole = level / certificate(spurious.problem, near, delta)
    measured["near a planted point"] = whole
    return Evidence(
        measured={CERTIFIED: measured},
        control={
            CERTIFIED: {"λ_min left out": level / certificate(spurious.problem, near, delta, with_rank=False)}
        },
        notes={"largest": max(float(values.max()) for values in measured.values())},
    )


EXPONENT = Criterion("slope of log certificate in log (f − f*)", 0.47, 0.53, width=SPREAD)


@PAGE.claim(
    "zhang2023.certificate-exponent",
    "To certify n digits takes 2n digits of accuracy",
    EXPONENT,
    reference="the remark on p. 39, as an exponent",
    origin="sharpened",
    known="read",
    kind="rate",
    control="no column beyond the true rank: r = r*, whose λ_min(XᵀX) stays at λ_r*(M*)",
    seeds={"book": 8, "full": 40},
    sizes=scales(
        n=each(5, 5, 8),
        spectrum=(1.5, 1.0),
        delta=0.2,
        count=each(5, 5, 12),
        extra=1,
        steps=each(300, 400, 400),
        every=each(10, 10, 5),
    ),
    edges=(
        edge("r = n", extra=3),
        edge("r* = 1, r = n = 2", n=2, spectrum=(1.0,), count=1),
        edge("equal eigenvalues", spectrum=(1.0, 1.0)),
        edge("κ = 10", spectrum=(10.0, 1.0)),
        edge("δ = 0", delta=0.0),
        refused(RANKS, "without a column beyond the true rank nothing vanishes", extra=0),
    ),
    uses=("zhang2023.certificate",),
)
def certificate_exponent(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(0 < s.extra <= s.n - len(s.spectrum), RANKS)
    problem = certified_problem(setting, s.n, s.spectrum, s.delta, s.count)

    def followed(extra: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        rank = len(s.spectrum) + extra
        start = Factors(padded_truth(problem, rank) + 0.1 * distinct(problem, "start", s.n, rank))
        watch = {
            "f": value,
            "certificate": lambda problem, factors: certificate(problem, factors, s.delta),
        }
        run = solve(
            problem,
            PreconditionedGradientDescent(0.2),
            start,
            s.steps,
            record=range(0, s.steps + 1, s.every),
            observables=watch,
        )
        level, bound = run.observed["f"], run.observed["certificate"]
        window = (level < 1e-7) & (level > 1e-20)
        slope = torch.stack(
            [
                rates.line_fit(
                    x[w].log(), y[None, w].log(), torch.ones_like(y[None, w], dtype=torch.bool)
                ).slope[0]
                for x, y, w in zip(level, bound, window, strict=True)
            ]
        )
        return slope, level, bound

    slope, level, bound = followed(s.extra)
    flat, exact_level, exact_bound = followed(0)
    return Evidence(
        measured={EXPONENT: slope},
        predicted={EXPONENT: 0.5},
        control={EXPONENT: {"r = r*": flat}},
        curves={
            "level": level,
            "certificate": bound,
            "exact level": exact_level,
            "exact certificate": exact_bound,
        },
    )
