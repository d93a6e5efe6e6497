"""A certificate of global optimality from quantities that can be computed, and how many digits it costs."""

from __future__ import annotations

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.planted import planted
from lowrank_core.analysis.preconditioned_guarantee import certificate, distinct, padded_truth, value
from lowrank_core.claims.experiments.landscapes import certified_problem
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.claims.standing import RANK
from lowrank_core.factors import Factors
from lowrank_core.methods import PreconditionedGradientDescent
from lowrank_core.solver import solve

PAGE = Page("chapters/zhang2025/preconditioning", book=20, full=60)

SCALES = (1.0, 0.1, 1e-2, 1e-3)
RANKS = "r < k ≤ n"


CERTIFIED = Criterion(
    "largest (f − f*) / certificate", high=0.5 + 1e-9, width="the statement's own half, and rounding"
)


@PAGE.claim(
    "zhang2023.certificate",
    "Near second order and nearly rank deficient: nearly optimal",
    CERTIFIED,
    reference="Proposition 10, p. 13; that half of it is enough for quadratic losses without noise is new",
    states="prop-prec-certificate",
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
        edge("k = n", ranks=(4,)),
        edge("k > n", ranks=(6,)),
        edge("r = k = 1", spectrum=(1.0,), ranks=(1,)),
        edge("equal eigenvalues", spectrum=(1.0, 1.0)),
        edge("κ = 100", spectrum=(100.0, 1.0)),
        edge("n = r", n=2, count=1),
        edge("δ near 1", deltas=(0.95,)),
    ),
    waives=(RANK,),
    discrepancy="Proposition 10 is stated for convex φ, through φ(XXᵀ) − φ(M*) ≤ ⟨∇φ, E⟩. For least squares "
    "without noise the right-hand side is exactly twice the left, so half of the certificate is enough: the "
    "largest ratio seen is {largest:.4f}.",
)
def certified_optimality(setting: Setting) -> Evidence:
    s, seeds = setting.sizes, len(setting.seeds)
    evidence, largest = Evidence(), []
    for delta in s.deltas:
        problem = certified_problem(setting, s.n, s.spectrum, delta, s.count, variants=s.points)
        for rank in s.ranks:
            # Half of the points are Gaussian, the others perturb a factor of the truth.
            order = torch.arange(problem.batch, device=problem.operator.device)
            scale = torch.tensor(SCALES, dtype=torch.float64, device=order.device)[order // 2 % len(SCALES)]
            base = padded_truth(problem, rank) * (order % 2)[:, None, None]
            point = Factors(base + scale[:, None, None] * distinct(problem, "point", s.n, rank))
            ratio = value(problem, point) / certificate(problem, point, delta)
            largest.append(ratio.reshape(seeds, -1).amax(dim=1))
            evidence.found(CERTIFIED, largest[-1], at(δ=delta, k=rank))
    delta = 0.7
    spurious = planted(1, 1, delta, setting.seeds, device=setting.device)
    nudge = 1e-3 * distinct(spurious.problem, "nudge", *spurious.point.left.shape[1:])
    near = Factors(spurious.point.left + nudge)
    level = value(spurious.problem, near)
    largest.append(level / certificate(spurious.problem, near, delta))
    evidence.found(CERTIFIED, largest[-1], "near a planted point")
    short = certificate(spurious.problem, near, delta, with_rank=False)
    evidence.broken(CERTIFIED, level / short, "λ_min left out")
    evidence.notes["largest"] = float(torch.stack(largest).max())
    return evidence


EXPONENT = Criterion(
    "slope of log certificate in log (f − f*)", 0.47, 0.53, width="50 pilot seeds: 0.4972 to 0.5003"
)


@PAGE.claim(
    "zhang2023.certificate-exponent",
    "To certify n digits takes 2n digits of accuracy",
    EXPONENT,
    reference="the remark on p. 39, as an exponent",
    states="prop-prec-digits",
    origin="sharpened",
    known="read",
    kind="rate",
    control="no column beyond the true rank: k = r, whose λ_min(XᵀX) stays at λ_r(M*)",
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
        edge("k = n", extra=3),
        edge("r = 1, k = n = 2", n=2, spectrum=(1.0,), count=1),
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
        watch = {"f": value, "certificate": lambda problem, factors: certificate(problem, factors, s.delta)}
        method, record = PreconditionedGradientDescent(0.2), range(0, s.steps + 1, s.every)
        run = solve(problem, method, start, s.steps, record=record, observables=watch)
        level, bound = run.observed["f"], run.observed["certificate"]
        window = (level < 1e-7) & (level > 1e-20)
        # Each trajectory has times of its own: its levels.
        fits = [
            rates.line_fit(x[w].log(), y[None, w].log(), w[None, w]).slope[0]
            for x, y, w in zip(level, bound, window, strict=True)
        ]
        return torch.stack(fits), level, bound

    slope, level, bound = followed(s.extra)
    flat, exact_level, exact_bound = followed(0)
    return Evidence(
        measured={EXPONENT: slope},
        predicted={EXPONENT: 0.5},
        control={EXPONENT: {"k = r": flat}},
        curves={
            "level": level,
            "certificate": bound,
            "exact level": exact_level,
            "exact certificate": exact_bound,
        },
    )
