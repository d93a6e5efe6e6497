"""Exact second-order points need no regulariser: what it changes is only how near one can be without being one."""

from __future__ import annotations

import torch

from lowrank_core.analysis import landscape, rates
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, each, edge, refused, scales
from lowrank_core.claims.zhang2025.balancing.saddle import WEIGHT
from lowrank_core.factors import Factors, coupled_start
from lowrank_core.problem import Problem, observe
from lowrank_core.proofs import sdp
from lowrank_core.randomness import orthonormal
from lowrank_core.sensing import from_normal
from lowrank_core.truth import Truth, rectangular

PAGE = Page("chapters/zhang2025/balancing")


HEAVY = 1000.0
"""A weight at which the regulariser decides the curvature away from balance."""
_OTHER = {"second-order points": "saddles", "saddles": "second-order points"}
SLOPES = {"second-order points": 1e-4, "saddles": 10.0}
"""How large the slope is made: small ones leave the Hessian positive semidefinite, large ones do not."""


def critical(truth: Truth, at: Factors, size: float) -> Problem:
    """A problem for which the factors are critical: A*A(UVᵀ − M*) is `size` times a slope normal to both."""
    left, right = at
    assert right is not None
    error = left @ right.mT - truth.matrix
    slope = _off(left) @ error @ _off(right)
    e, g = error.flatten(1)[:, :, None], slope.flatten(1)[:, :, None]
    unit = e / e.norm(dim=1, keepdim=True)
    identity = torch.eye(e.shape[1], dtype=e.dtype, device=e.device)
    # ⟨g, e⟩ = ‖g‖² > 0, so this is positive definite and maps e to size·g.
    normal_matrix = identity - unit @ unit.mT + size * g @ g.mT / g.square().sum(dim=1, keepdim=True)
    return observe(truth, from_normal(normal_matrix, truth.shape, symmetric=False))


def _off(side: torch.Tensor) -> torch.Tensor:
    basis = torch.linalg.qr(side).Q
    return torch.eye(side.shape[1], dtype=side.dtype, device=side.device) - basis @ basis.mT


def moved(at: Factors, action: torch.Tensor) -> Factors:
    """(UA, VA⁻ᵀ), which has the same product."""
    assert at.right is not None
    return Factors(at.left @ action, at.right @ torch.linalg.inv(action).mT)


def negative(problem: Problem, at: Factors, balance: float = 0.0) -> torch.Tensor:
    """How many eigenvalues of the Hessian are negative beyond rounding, (B,)."""
    values = landscape.spectrum(problem, at, balance).values
    finite = torch.isfinite(values)
    scale = torch.where(finite, values.abs(), 0.0).amax(dim=1, keepdim=True)
    return (finite & (values < -1e-9 * scale)).sum(dim=1).to(torch.float64)


MOVED = Criterion("‖∇f‖ / ‖M*‖ at (UA, VA⁻ᵀ)", high=1e-9, width="rounding")
CHANGE = Criterion("change of the number of negative eigenvalues", 0, 0)
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
    Criterion("negative eigenvalues, second-order points", 0, 0),
    Criterion("negative eigenvalues, saddles", low=1, width="a saddle has one at least"),
    FADES,
    reference="no counterpart was read; derived here",
    origin="ours",
    kind="identity",
    control="the regulariser is on away from balance; small slopes are exchanged for large ones (the second-order "
    "points and the saddles)",
    sizes=scales(
        n1=each(4, 4, 7), n2=each(5, 5, 8), r=each(2, 2, 4), spectrum=(1.5, 1.0), ts=(200, 400, 800)
    ),
    edges=(
        edge("r = r* = 1", r=1, spectrum=(1.5,)),
        edge("r = n₁ − 1", r=3),
        edge("n₁ = n₂", n2=4),
        edge("equal singular values", spectrum=(1.0, 1.0)),
        edge("κ = 100", spectrum=(1.5, 0.015)),
        refused("r < n₁, n₂", "no slope is normal to both factors", r=4),
    ),
    uses=("zhang2025.critical-points-balanced",),
)
def exact_points_need_no_balance(setting: Setting) -> Evidence:
    s, seeds = setting.sizes, setting.seeds
    setting.assume(s.r < min(s.n1, s.n2), "r < n₁, n₂")
    truth = rectangular(s.n1, s.n2, s.spectrum, seeds, basis="random", device=setting.device)
    balanced = coupled_start(s.n1, s.n2, s.r, 1.0, seeds, device=setting.device)
    turns = (orthonormal(seeds, name, s.r, s.r, device=setting.device) for name in ("turn", "return"))
    stretch = torch.logspace(-0.5, 0.5, s.r, dtype=torch.float64, device=setting.device).diag()
    first, second = turns
    skewed = moved(balanced, first @ stretch @ second.mT)
    norm = truth.spectrum.norm(dim=1)
    measured: dict[str, dict[str, torch.Tensor]] = {MOVED: {}, CHANGE: {}}
    control: dict[str, dict[str, torch.Tensor]] = {MOVED: {}, CHANGE: {}}
    for name, size in SLOPES.items():
        problem = critical(truth, balanced, size)
        slope = landscape.stationarity(problem, skewed).gradient / norm
        measured[MOVED][name] = slope
        count = negative(problem, balanced)
        measured[f"negative eigenvalues, {name}"] = {"": count}
        control[f"negative eigenvalues, {_OTHER[name]}"] = {name: count}
        kept = landscape.stationarity(problem, skewed, WEIGHT).gradient / norm
        control[MOVED][f"{name}, μ = {WEIGHT:g}"] = kept
        if name == "second-order points":
            control[CHANGE][f"{name}, μ = {HEAVY:g}"] = (negative(problem, skewed, HEAVY) - count).abs()
        others = [negative(problem, skewed)] + [negative(problem, balanced, mu) for mu in (0.05, 0.5, 5.0)]
        measured[CHANGE][name] = torch.stack([(other - count).abs() for other in others]).amax(dim=0)
    stretched = [moved(balanced, t * torch.eye(s.r, dtype=torch.float64)) for t in s.ts]
    for found, weight in ((measured, 0.0), (control, HEAVY)):
        curvatures = [landscape.stationarity(problem, at, weight).curvature for at in stretched]
        found[FADES] = {"": rates.scaling_exponent(s.ts, torch.stack(curvatures, dim=1))}
    return Evidence(measured=measured, predicted={FADES: -2.0}, control=control)


SPREAD = Criterion(
    "spread of the smallest δ over μ = 0, ½, 5 and (3U, V/3)",
    high=1e-5,
    width="the accuracy of the semidefinite solver",
)


@PAGE.claim(
    "zhang2025.same-counterexamples",
    "The best counterexample at a point does not depend on the balancing weight",
    SPREAD,
    Criterion(
        "upper − lower end of δ, largest",
        high=1e-5,
        width="the accuracy of the semidefinite solver",
        uncontrolled="it is the certificate of the other, and holds for every program",
    ),
    reference="the program of Zhang, Sojoudi & Lavaei (2019), Theorem 8, for two factors; derived here",
    origin="ours",
    kind="identity",
    control="(tU, tV), t = ½, 1, 2, 3, instead of (tU, V/t): the product changes",
    sizes=scales(n1=each(2, 2, 3), n2=each(2, 3, 3), r=each(1, 1, 2), spectrum=(1.0,)),
    edges=(
        edge("r > r*, r = n₁", r=2, n2=2, seeds=1),
        edge("n₁ < n₂", n2=3, seeds=1),
        edge("σ₁ far from one", spectrum=(3.0,), seeds=1),
    ),
    uses=("zhang2025.exact-points-need-no-balance",),
    means=("dual",),
    needs=("cvxpy",),
)
def same_counterexamples(setting: Setting) -> Evidence:
    s, seeds = setting.sizes, setting.seeds
    truth = rectangular(s.n1, s.n2, s.spectrum, seeds, basis="random")
    balanced = coupled_start(s.n1, s.n2, s.r, 1.0, seeds)
    assert balanced.right is not None
    spread, wrong, gaps = [], [], []
    for u, v, matrix in zip(balanced.left, balanced.right, truth.matrix, strict=True):
        found = [sdp.best_counterexample_pair(u, v, matrix, mu) for mu in (0.0, 0.5, 5.0)]
        found.append(sdp.best_counterexample_pair(3 * u, v / 3, matrix, 0.0))
        apart = [found[0]] + [sdp.best_counterexample_pair(t * u, t * v, matrix, 0.0) for t in (0.5, 2, 3)]
        spread.append(width(found))
        wrong.append(width(apart))
        gaps.append(max(each.gap for each in found))
    return Evidence(
        measured={SPREAD: spread, "upper − lower end of δ, largest": gaps},
        control={SPREAD: {"(tU, tV)": wrong}},
    )


def width(found: list[sdp.Counterexample]) -> float:
    """Largest minus smallest δ."""
    return max(each.delta for each in found) - min(each.delta for each in found)
