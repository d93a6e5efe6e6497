"""Exact second-order points need no regulariser: what it changes is only how near one can be without being one."""

from __future__ import annotations

import torch

from lowrank_core.analysis import landscape, rates
from lowrank_core.analysis.critical_operator import made_critical, negative_eigenvalues
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, each, edge, refused, scales
from lowrank_core.claims.zhang2025.balancing.saddle import WEIGHT
from lowrank_core.factors import Factors, coupled_start
from lowrank_core.proofs import sdp
from lowrank_core.randomness import orthonormal
from lowrank_core.truth import rectangular

PAGE = Page("chapters/zhang2025/balancing")

HEAVY = 1000.0
"""A weight at which the regulariser decides the curvature away from balance."""
SLOPES = {"second-order points": 1e-4, "saddles": 10.0}
"""How large the slope is made: small ones leave the Hessian positive semidefinite, large ones do not."""


def moved(point: Factors, action: torch.Tensor) -> Factors:
    """(UA, VA⁻ᵀ), which has the same product."""
    assert point.right is not None
    return Factors(point.left @ action, point.right @ torch.linalg.inv(action).mT)


MOVED = Criterion("‖∇f‖ / ‖M*‖ at (UA, VA⁻ᵀ)", high=1e-9, width="rounding")
CHANGE = Criterion("change of the number of negative eigenvalues", 0, 0)
NEGATIVE = {
    "second-order points": Criterion("negative eigenvalues, second-order points", 0, 0),
    "saddles": Criterion("negative eigenvalues, saddles", low=1, width="a saddle has one at least"),
}
FADES = Criterion(
    "exponent of −λ_min in t, saddles",
    -2.05,
    -1.95,
    width="a relative term of order 1/t², t ≥ 200, over the conditioning of U",
)


@PAGE.claim(
    "zhang2025.exact-points-need-no-balance",
    "Exact second-order points are the same with and without the regulariser; near ones are not",
    MOVED,
    CHANGE,
    *NEGATIVE.values(),
    FADES,
    reference="no counterpart was read; derived here",
    states="thm-balancing-exact",
    origin="ours",
    kind="identity",
    control="the regulariser is on away from balance; small slopes are exchanged for large ones (the second-order "
    "points and the saddles)",
    sizes=scales(
        n1=each(4, 4, 7), n2=each(5, 5, 8), k=each(2, 2, 4), spectrum=(1.5, 1.0), ts=(200, 400, 800)
    ),
    edges=(
        edge("k = r = 1", k=1, spectrum=(1.5,)),
        edge("k = n₁ − 1", k=3),
        edge("n₁ = n₂", n2=4),
        edge("equal singular values", spectrum=(1.0, 1.0)),
        edge("κ = 100", spectrum=(1.5, 0.015)),
        refused("k < n₁, n₂", "no slope is normal to both factors", k=4),
    ),
    uses=("zhang2025.critical-points-balanced",),
)
def exact_points_need_no_balance(setting: Setting) -> Evidence:
    s, seeds = setting.sizes, setting.seeds
    setting.assume(s.k < min(s.n1, s.n2), "k < n₁, n₂")
    truth = rectangular(s.n1, s.n2, s.spectrum, seeds, basis="random", device=setting.device)
    balanced = coupled_start(s.n1, s.n2, s.k, 1.0, seeds, device=setting.device)
    first, second = (orthonormal(seeds, name, s.k, s.k, device=setting.device) for name in ("turn", "return"))
    stretch = torch.logspace(-0.5, 0.5, s.k, dtype=torch.float64, device=setting.device).diag()
    skewed = moved(balanced, first @ stretch @ second.mT)
    norm = truth.spectrum.norm(dim=1)
    evidence = Evidence()
    problems = {name: made_critical(truth, balanced, size) for name, size in SLOPES.items()}
    for (name, problem), other in zip(problems.items(), reversed(SLOPES), strict=True):
        slope, kept = (landscape.stationarity(problem, skewed, mu).gradient / norm for mu in (0.0, WEIGHT))
        evidence.found(MOVED, slope, name)
        evidence.broken(MOVED, kept, f"{name}, μ = {WEIGHT:g}")
        count = negative_eigenvalues(problem, balanced)
        others = [negative_eigenvalues(problem, skewed)] + [
            negative_eigenvalues(problem, balanced, mu) for mu in (0.05, 0.5, 5.0)
        ]
        evidence.found(CHANGE, torch.stack([(each - count).abs() for each in others]).amax(dim=0), name)
        evidence.found(NEGATIVE[name], count)
        evidence.broken(NEGATIVE[other], count, name)
        if name == "second-order points":
            heavy = (negative_eigenvalues(problem, skewed, HEAVY) - count).abs()
            evidence.broken(CHANGE, heavy, f"{name}, μ = {HEAVY:g}")
    stretched = [moved(balanced, t * torch.eye(s.k, dtype=torch.float64)) for t in s.ts]
    for add, weight in ((evidence.found, 0.0), (evidence.broken, HEAVY)):
        curvatures = [landscape.stationarity(problems["saddles"], x, weight).curvature for x in stretched]
        add(FADES, rates.scaling_exponent(s.ts, torch.stack(curvatures, dim=1)), predicted=-2.0)
    return evidence


SPREAD = Criterion(
    "spread of the smallest δ over μ = 0, ½, 5 and (3U, V/3)",
    high=1e-5,
    width="the accuracy of the semidefinite solver",
)


CERTIFICATE = Criterion(
    "upper − lower end of δ, largest",
    high=1e-5,
    width="the accuracy of the semidefinite solver",
    uncontrolled="it is the certificate of the other, and holds for every program",
)


@PAGE.claim(
    "zhang2025.same-counterexamples",
    "The best counterexample at a point does not depend on the balancing weight",
    SPREAD,
    CERTIFICATE,
    reference="the program of Zhang, Sojoudi & Lavaei (2019), Theorem 8, for two factors; derived here",
    states="prop-balancing-counterexamples",
    origin="ours",
    kind="identity",
    control="(tU, tV), t = ½, 1, 2, 3, instead of (tU, V/t): the product changes",
    sizes=scales(n1=each(2, 2, 3), n2=each(2, 3, 3), k=each(1, 1, 2), spectrum=(1.0,)),
    edges=(
        edge("k > r, k = n₁", k=2, n2=2, seeds=1),
        edge("n₁ < n₂", n2=3, seeds=1),
        edge("σ₁ far from one", spectrum=(3.0,), seeds=1),
    ),
    uses=("zhang2025.exact-points-need-no-balance",),
    certified_by=("dual",),
    needs=("cvxpy",),
)
def same_counterexamples(setting: Setting) -> Evidence:
    s, seeds = setting.sizes, setting.seeds
    truth = rectangular(s.n1, s.n2, s.spectrum, seeds, basis="random")
    balanced = coupled_start(s.n1, s.n2, s.k, 1.0, seeds)
    assert balanced.right is not None
    spread, wrong, gaps = [], [], []
    for u, v, matrix in zip(balanced.left, balanced.right, truth.matrix, strict=True):
        found = [sdp.best_counterexample_pair(u, v, matrix, mu) for mu in (0.0, 0.5, 5.0)]
        found.append(sdp.best_counterexample_pair(3 * u, v / 3, matrix, 0.0))
        apart = [found[0]] + [sdp.best_counterexample_pair(t * u, t * v, matrix, 0.0) for t in (0.5, 2, 3)]
        spread.append(width(found))
        wrong.append(width(apart))
        gaps.append(max(each.gap for each in found))
    return Evidence(measured={SPREAD: spread, CERTIFICATE: gaps}, control={SPREAD: {"(tU, tV)": wrong}})


def width(found: list[sdp.Counterexample]) -> float:
    """Largest minus smallest δ."""
    return max(each.delta for each in found) - min(each.delta for each in found)
