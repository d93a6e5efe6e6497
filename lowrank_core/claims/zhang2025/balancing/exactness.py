"""Exact second-order points need no regulariser: what it changes is only how near one can be without being one."""

from __future__ import annotations

import torch

from lowrank_core.analysis import landscape, rates
from lowrank_core.claims.claim import Criterion, Evidence, Setting
from lowrank_core.claims.grammar import each, scales
from lowrank_core.claims.registry import claim
from lowrank_core.claims.zhang2025.balancing.saddle import CHAPTER, WEIGHT
from lowrank_core.claims.zhang2025.runs import SEEDS
from lowrank_core.factors import Factors, coupled_start
from lowrank_core.problem import Problem, observe
from lowrank_core.proofs import sdp
from lowrank_core.randomness import orthonormal
from lowrank_core.sensing import from_normal
from lowrank_core.truth import Truth, rectangular

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


@claim(
    id="zhang2025.exact-points-need-no-balance",
    title="Exact second-order points are the same with and without the regulariser; near ones are not",
    reference="no counterpart was read; derived here",
    statement=r"""$f_0$ is constant along $(UA,VA^{-\top})$, so a second-order point of $f_0$ stays one. At a
balanced critical point $\nabla^2f_0$ and $\nabla^2f_\mu$ have equally many negative eigenvalues for every
$\mu>0$. A second-order point of $f_0$ either has $\mathcal A^*(\mathcal A(UV^\top)-b)=0$ or can be balanced, and
is then one of every $f_\mu$. But if $\mathcal A^*\mathcal A\succ0$ and $U$ has full column rank, the negative
curvature of a saddle of $f_0$ fades like $t^{-2}$ along $(tU,V/t)$.""",
    origin="ours",
    kind="identity",
    criteria=(
        Criterion("‖∇f‖ / ‖M*‖ at (UA, VA⁻ᵀ)", high=1e-9),
        Criterion("change of the number of negative eigenvalues", 0, 0),
        Criterion("negative eigenvalues, second-order points", 0, 0),
        Criterion("negative eigenvalues, saddles", low=1),
        Criterion("exponent of −λ_min in t, saddles", -2.05, -1.95),
    ),
    control=f"the regulariser is on, μ = {WEIGHT:g}, away from balance",
    breaks=("‖∇f‖ / ‖M*‖ at (UA, VA⁻ᵀ)",),
    seeds=SEEDS,
    sizes=scales(n1=each(4, 4, 7), n2=each(5, 5, 8), r=each(2, 2, 4), spectrum=(1.5, 1.0), ts=(50, 100, 200)),
    chapter=CHAPTER,
    uses=("zhang2025.critical-points-balanced",),
)
def exact_points_need_no_balance(setting: Setting) -> Evidence:
    s, seeds = setting.sizes, setting.seeds
    truth = rectangular(s.n1, s.n2, s.spectrum, seeds, basis="random", device=setting.device)
    balanced = coupled_start(s.n1, s.n2, s.r, 1.0, seeds, device=setting.device)
    turns = (orthonormal(seeds, name, s.r, s.r, device=setting.device) for name in ("turn", "return"))
    stretch = torch.logspace(-0.5, 0.5, s.r, dtype=torch.float64, device=setting.device).diag()
    first, second = turns
    skewed = moved(balanced, first @ stretch @ second.mT)
    norm = truth.spectrum.norm(dim=1)
    measured: dict[str, dict[str, torch.Tensor]] = {c: {} for c in _QUANTITIES}
    for name, size in SLOPES.items():
        problem = critical(truth, balanced, size)
        slope = landscape.stationarity(problem, skewed).gradient / norm
        measured["‖∇f‖ / ‖M*‖ at (UA, VA⁻ᵀ)"][name] = slope
        count = negative(problem, balanced)
        measured[f"negative eigenvalues, {name}"] = {"": count}
        others = [negative(problem, skewed)] + [negative(problem, balanced, mu) for mu in (0.05, 0.5, 5.0)]
        measured["change of the number of negative eigenvalues"][name] = torch.stack(
            [(other - count).abs() for other in others]
        ).amax(dim=0)
    stretched = [moved(balanced, t * torch.eye(s.r, dtype=torch.float64)) for t in s.ts]
    curvatures = torch.stack([landscape.stationarity(problem, at).curvature for at in stretched], dim=1)
    measured["exponent of −λ_min in t, saddles"] = {"": rates.scaling_exponent(s.ts, curvatures)}
    kept = landscape.stationarity(problem, skewed, WEIGHT).gradient / norm
    control = {"‖∇f‖ / ‖M*‖ at (UA, VA⁻ᵀ)": {f"saddles, μ = {WEIGHT:g}": kept}}
    return Evidence(measured=measured, predicted={"exponent of −λ_min in t, saddles": -2.0}, control=control)


_QUANTITIES = ("‖∇f‖ / ‖M*‖ at (UA, VA⁻ᵀ)", "change of the number of negative eigenvalues")
SPREAD = "spread of the smallest δ over μ = 0, ½, 5 and (3U, V/3)"


@claim(
    id="zhang2025.same-counterexamples",
    title="The best counterexample at a point does not depend on the balancing weight",
    reference="the program of Zhang, Sojoudi & Lavaei (2019), Theorem 8, for two factors; derived here",
    statement=r"""The smallest $\delta$ with which some operator with $(1-\delta)I\preceq\mathcal A^*\mathcal
A\preceq(1+\delta)I$ makes a given pair $(U,V)$ with $UV^\top\ne M^\star$ a second-order point of $f_\mu$ is the
same for all $\mu\ge0$ if the pair is balanced, and the same at $(tU,V/t)$ for $\mu=0$. On all $n_1\times n_2$
matrices this constant is that of every order, if $n_1$ or $n_2$ is at most $r+r^\star$.""",
    origin="ours",
    kind="identity",
    criteria=(Criterion(SPREAD, high=1e-5), Criterion("upper − lower end of δ, largest", high=1e-5)),
    control="(tU, tV), t = ½, 1, 2, 3, instead of (tU, V/t): the product changes",
    breaks=(SPREAD,),
    seeds=SEEDS,
    sizes=scales(n1=each(2, 2, 3), n2=each(2, 3, 3), r=each(1, 1, 2), spectrum=(1.0,)),
    chapter=CHAPTER,
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
