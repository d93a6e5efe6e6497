"""The sharp threshold, proved: every step of the proof certified by machine, and the theorem attacked as a whole.

The search rank is r and the true rank r*, as in the literature on landscapes. Everything here is derived; the
chapter has the text of the proof, `lowrank_core.proofs` its identities and instances.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from lowrank_core.analysis.sharp_threshold import invariants
from lowrank_core.claims.claim import Criterion, Evidence, Setting
from lowrank_core.claims.grammar import each, scales
from lowrank_core.claims.registry import claim
from lowrank_core.claims.zhang2025.runs import SEEDS
from lowrank_core.claims.zhang2025.second_order_attacks import (
    PAIRS,
    POINTS,
    UNLEARNT,
    attacked,
    diagonal_family,
    saddles,
)
from lowrank_core.proofs import balanced_pairs, sharp_threshold_steps, threshold_multipliers, valid_inequality
from lowrank_core.proofs.threshold_multipliers import Case
from lowrank_core.proofs.valid_inequality import Kind, Shape
from lowrank_core.randomness import draw, normal

CHAPTER = "chapters/zhang2025/threshold-proof"

TERMS = "terms left in the proof's identities"
ROUNDING = 1e-9


@claim(
    id="zhang2025.threshold-proof-steps",
    title="The proof of the sharp threshold, identity by identity",
    reference="no counterpart in the abstracts; the thresholds that follow contain those of version 1",
    statement=r"""The identities on which the proof rests hold between symbols, for matrices of every size: the
second-order condition along $V=uv^\top$, $\langle G,E+W\rangle=0$, the optimisation over $t$, the sum of
squares behind the valid inequality, the sum of squares on the disk, and
$(\psi-\delta)(\psi+\delta+s)=(1+\delta)(1+1/\sqrt\rho)(\delta^\star-\delta)$.""",
    origin="ours",
    kind="identity",
    criteria=(Criterion(TERMS, 0, 0),),
    control="one constant of each identity is changed; in the valid inequality O is no polar factor of Z",
    breaks=(TERMS,),
    seeds=SEEDS,
    chapter=CHAPTER,
    means=("symbolic",),
)
def proof_steps(setting: Setting) -> Evidence:
    steps = sharp_threshold_steps

    def series(count: int) -> list[int]:
        # Symbols have no seeds.
        return [count] * len(setting.seeds)

    return Evidence(
        measured={
            TERMS: {
                "1, 2: escape and slope": series(sum(steps.escape_terms().values())),
                "3: the best t": series(sum(steps.optimisation_terms().values())),
                "4: the valid inequality": series(steps.valid_inequality_terms()),
                "5: the disk and the threshold": series(sum(steps.circle_terms().values())),
            }
        },
        predicted={TERMS: 0},
        control={
            TERMS: {
                "1, 2: 3(pᵀu)² for 2(pᵀu)²": series(sum(steps.escape_terms(bend=3).values())),
                "3: 3αβ for 2αβ": series(sum(steps.optimisation_terms(mixed=3).values())),
                "4: any O": series(steps.valid_inequality_terms(polar=False)),
                "5: ψ³ for ψ²": series(sum(steps.circle_terms(power=3).values())),
            }
        },
    )


@claim(
    id="zhang2025.balanced-pair-steps",
    title="What changes for a pair of factors, identity by identity",
    reference="abstract of version 3: UVᵀ with a balancing regulariser; the steps are derived here",
    statement=r"""Critical points of $f_\mu$, $\mu>0$, are exactly balanced, because
$\langle B,U^\top\nabla_U-\nabla_V^\top V\rangle=\mu(\|UB\|^2+\|VB\|^2)$. Along $(av^\top,-bv^\top)$ with
$a\perp U$, $b\perp V$ the regulariser has no curvature and the loss bends by $|a|^2|Vv|^2+|b|^2|Uv|^2$; if
$Uv=0$ and $\mu=0$, $(c\,av^\top,-bv^\top/c)$ bends by $c^2|a|^2|Vv|^2$ only.""",
    origin="ours",
    kind="identity",
    criteria=(Criterion(TERMS, 0, 0),),
    control="a and b are any vectors; in the gradient, UᵀU + VᵀV for UᵀU − VᵀV",
    breaks=(TERMS,),
    seeds=SEEDS,
    chapter=CHAPTER,
    means=("symbolic",),
)
def balanced_pair_steps(setting: Setting) -> Evidence:
    pairs = balanced_pairs

    def series(count: int) -> list[int]:
        return [count] * len(setting.seeds)

    return Evidence(
        measured={
            TERMS: {
                "balance": series(sum(pairs.balance_terms().values())),
                "escape": series(sum(pairs.escape_terms().values())),
                "blocks": series(sum(pairs.block_terms().values())),
            }
        },
        predicted={TERMS: 0},
        control={
            TERMS: {
                "UᵀU + VᵀV": series(sum(pairs.balance_terms(sign=1).values())),
                "any a, b": series(sum(pairs.escape_terms(orthogonal=False).values())),
            }
        },
    )


SHAPES = (
    Shape(1, 1, 1, 1, True),
    Shape(2, 2, 3, 3, True),
    Shape(3, 1, 2, 2, True),
    Shape(3, 2, 1, 1, True),
    Shape(2, 2, 2, 3, False),
    Shape(3, 2, 1, 3, False),
)
SLACK = "smallest (‖E‖² − ω²) / bound − 1, exact"
EQUALITY = "the same at the planted family"
DISK = "largest α² + ρ min(α, β)²"
KINDS: tuple[Kind, ...] = ("generic", "learnt", "near")


@claim(
    id="zhang2025.valid-inequality",
    title="The valid inequality, on exact rational instances",
    reference="no counterpart in the abstracts",
    statement=r"""For $A\succeq sI$ of order $r$ and $M=LR^\top$ of rank at most $r^\star\le r$ with blocks
    $M_{ij}$, let
$E=\operatorname{diag}(A,0)-M$, $\omega=\|M_{22}\|_F$, $\tau=\|M_{22}\|_*$ and $k\ge\operatorname{rank}M_{22}$. If
$s\tau\le\omega^2$ then $\|E\|^2-\omega^2\ge\frac{r-r^\star+k}k\,s^2\tau^2/\omega^2$; equality holds at the
planted family. So $\alpha^2+\rho_k\min(\alpha,\beta)^2\le1$ for all $X$ and $Z$.""",
    origin="ours",
    kind="identity",
    criteria=(Criterion(SLACK, low=0), Criterion(EQUALITY, 0, 0), Criterion(DISK, high=1 + ROUNDING)),
    control="the hypothesis sτ ≤ ω² is dropped; in the last quantity β stands for min(α, β)",
    breaks=(SLACK, DISK),
    seeds=SEEDS,
    sizes=scales(instances=each(2, 8, 100), pairs=each(200, 4000, 100_000)),
    chapter=CHAPTER,
    uses=("zhang2025.threshold-proof-steps",),
    means=("exact",),
)
def valid_inequality_holds(setting: Setting) -> Evidence:
    s = setting.sizes

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

    symmetric, pairs = SHAPES[:4], SHAPES[4:]
    clouds = {case: _cloud(setting, *case) for case in ((4, 2, 1), (5, 2, 2), (4, 3, 2))}
    named = {f"XXᵀ, n = {n}, r = {r}, r* = {t}": cloud.capped.amax(1) for (n, r, t), cloud in clouds.items()}
    named |= {
        f"UVᵀ, r = {r}, r* = {t}": _pair_cloud(setting, r, t).amax(1) for r, t in ((2, 2), (3, 1), (3, 2))
    }
    return Evidence(
        measured={
            SLACK: {"XXᵀ": slack(symmetric, KINDS, s.instances), "UVᵀ": slack(pairs, KINDS, s.instances)},
            EQUALITY: slack(SHAPES, ("planted",), 1),
            DISK: named,
        },
        predicted={EQUALITY: 0},
        control={
            SLACK: {
                "XXᵀ": slack(symmetric[:2], ("learnt",), s.instances, shrink=False),
                "UVᵀ": slack(pairs[:1], ("learnt",), s.instances, shrink=False),
            },
            DISK: {"r = r*": clouds[5, 2, 2].free.amax(1)},
        },
        notes={"exact instances": float(len(setting.seeds) * (len(SHAPES) * (len(KINDS) * s.instances + 1)))},
        curves={"alpha": clouds[4, 2, 1].alpha, "beta": clouds[4, 2, 1].beta},
    )


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
    k = min(true_rank, n - search_rank)
    rho = (search_rank - true_rank + k) / k
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
    """α² + ρ min(α, β)² for blocks of any M of rank r* and a diagonal A, (B, samples)."""
    count, r = setting.sizes.pairs, search_rank
    left = normal(setting.seeds, "pair cloud left", count, r + below, true_rank)
    right = normal(setting.seeds, "pair cloud right", count, r + beside, true_rank)
    sizes = 10 ** draw(
        setting.seeds, "pair cloud sizes", (count, 2, 1), lambda rng, size: rng.uniform(-1, 1, size)
    )
    truth = left @ right.mT
    values = sizes[..., :1, 0] + sizes[..., 1:, 0] * normal(setting.seeds, "pair cloud A", count, r).abs()
    error = truth.clone()
    error[..., :r, :r] -= torch.diag_embed(values)
    hidden = torch.linalg.svdvals(truth[..., r:, r:])
    size, omega = torch.linalg.matrix_norm(error), hidden.square().sum(-1).sqrt()
    alpha, beta = omega / size, values.amin(-1) * hidden.sum(-1) / (omega * size)
    k = min(true_rank, below)
    return alpha.square() + (r - true_rank + k) / k * torch.minimum(alpha, beta).square()


BOUND = "proved bound − δ*"
RESIDUAL = "left minus right side, for a random operator"
ATTAINED = "conditions at the operator that attains δ*"


@claim(
    id="zhang2025.threshold-multipliers",
    title="Multipliers that prove the threshold at the planted point",
    reference="answers to the strong duality that a public summary of version 1 mentions; derived here",
    statement=r"""At the planted point, for every self-adjoint $H$ and $G=HE$,
$\sum_{ij}\nabla^2f[e_iv_j^\top]-2k(1+q)\sum_jx_j^\top Gx_j=\sum_{ij}\langle s_{ij},Hs_{ij}\rangle+\frac
k{2q}\bigl(\langle R,HR\rangle-(1+2q)^2\langle Q,HQ\rangle\bigr)$, with $q=\sqrt{(r-r^\star+k)/k}$. So the point
is second-order for an operator with constant $\delta$ of order $r-r^\star+2k$ only if $\delta\ge q/(1+q)$, and
$q/(1+q)$ is attained.""",
    origin="ours",
    kind="identity",
    criteria=(Criterion(RESIDUAL, 0, 0), Criterion(BOUND, 0, 0), Criterion(ATTAINED, 0, 0)),
    control="the escape directions are left out, and only the gradient has a multiplier",
    breaks=(BOUND,),
    seeds=SEEDS,
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
    chapter=CHAPTER,
    means=("exact",),
)
def threshold_multipliers_prove(setting: Setting) -> Evidence:
    found = threshold_multipliers
    seeds, cases = setting.seeds, {f"r = {c[0]}, r* = {c[1]}, k = {c[2]}": c for c in setting.sizes.cases}

    def series(value: float) -> list[float]:
        return [value] * len(seeds)

    return Evidence(
        measured={
            RESIDUAL: {
                name: [float(found.residual(case, found.random_form(seed, case))) for seed in seeds]
                for name, case in cases.items()
            },
            BOUND: {name: series(float(found.proved_bound(c) - c.threshold)) for name, c in cases.items()},
            ATTAINED: {
                name: series(float(found.conditions(case, found.tight_form(case))))
                for name, case in cases.items()
            },
        },
        predicted={RESIDUAL: 0, BOUND: 0, ATTAINED: 0},
        control={
            BOUND: {
                name: series(found.bound_without_escape(case) - float(case.threshold))
                for name, case in cases.items()
            }
        },
    )


RATIO = "largest error / bound"
LEFT = "gradient and negative curvature left"
TIGHT = "largest error / bound in the diagonal family"
LARGEST_LEFT = 1e-7


@claim(
    id="zhang2025.noise-bound",
    title="No second-order point is farther than the bound, under any noise",
    reference="abstract of version 1 for w = 0; bound and constant derived here",
    statement=r"""Under $\mathrm{RIP}(\delta,\min(n,r+r^\star))$ with $\delta<\delta_k$ and any noise $w$,
every second-order point has
$\|XX^\top-M^\star\|_F\le\sqrt{\min(n,r+r^\star)}\,\|\mathcal A^*(w)\|/(\psi(\delta,\rho_k)-\delta)$.""",
    origin="ours",
    kind="bound-upper",
    criteria=(Criterion(RATIO, high=1), Criterion(LEFT, high=LARGEST_LEFT), Criterion(TIGHT, 0.9, 1)),
    control="the gradient vanishes, but the Hessian may be indefinite",
    breaks=(RATIO,),
    seeds=SEEDS,
    sizes=scales(samples=each(12, 150, 1000)),
    chapter=CHAPTER,
    uses=("zhang2025.threshold-proof-steps", "zhang2025.valid-inequality"),
)
def noise_bound(setting: Setting) -> Evidence:
    attacks = {name: attacked(setting, name, ranks) for name, ranks in POINTS.items()}
    unbent = saddles(setting, POINTS[UNLEARNT])
    tight = {f"r = {r}, r* = {t}": diagonal_family(r, t) for r, t in ((1, 1), (3, 2), (4, 1))}
    return Evidence(
        measured={
            RATIO: {name: found.ratio.amax(1) for name, found in attacks.items()},
            LEFT: {name: found.left.amax(1) for name, found in attacks.items()},
            TIGHT: {
                name: found.ratio.expand(len(setting.seeds), -1).amin(1) for name, found in tight.items()
            },
        },
        predicted={RATIO: 1, TIGHT: 1},
        control={RATIO: {"saddles": unbent.ratio.amax(1)}},
        notes={"points attacked": float(sum(found.ratio.numel() for found in attacks.values()))},
        curves={"attacks": attacks, "diagonal": tight},
    )


@claim(
    id="zhang2025.balanced-noise-bound",
    title="The same bound for a balanced pair of factors",
    reference="abstract of version 3: the guarantees hold for UVᵀ with a balancing regulariser; bound derived here",
    statement=r"""Under $\mathrm{RIP}(\delta,\min(n_1,n_2,r+r^\star))$ with $\delta<\delta_k$,
$k=\min(r^\star,n_1-r,n_2-r)$, every second-order point of $f_\mu$, $\mu\ge0$, has
$\|UV^\top-M^\star\|_F\le\sqrt{\min(n_1,n_2,r+r^\star)}\,\|\mathcal A^*(w)\|/(\psi(\delta,\rho_k)-\delta)$.""",
    origin="ours",
    kind="bound-upper",
    criteria=(Criterion(RATIO, high=1), Criterion(LEFT, high=LARGEST_LEFT)),
    control="the gradient vanishes, but the Hessian may be indefinite",
    breaks=(RATIO,),
    seeds=SEEDS,
    sizes=scales(samples=each(12, 150, 1000)),
    chapter=CHAPTER,
    uses=("zhang2025.noise-bound", "zhang2025.balanced-pair-steps"),
)
def balanced_noise_bound(setting: Setting) -> Evidence:
    attacks = {name: attacked(setting, name, ranks) for name, ranks in PAIRS.items()}
    unbent = saddles(setting, PAIRS[UNLEARNT])
    return Evidence(
        measured={
            RATIO: {name: found.ratio.amax(1) for name, found in attacks.items()},
            LEFT: {name: found.left.amax(1) for name, found in attacks.items()},
        },
        predicted={RATIO: 1},
        control={RATIO: {"saddles": unbent.ratio.amax(1)}},
        notes={"points attacked": float(sum(found.ratio.numel() for found in attacks.values()))},
    )
