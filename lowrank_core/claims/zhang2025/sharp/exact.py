"""The exact threshold: from below by a formula that is minimised over all pairs, from both sides by programs.

The search rank is r and the true rank r*; k = min(r*, n − r).
"""

from __future__ import annotations

import torch

from lowrank_core.analysis.planted import Planted, planted
from lowrank_core.analysis.sharp_threshold import smallest_constant_bound, threshold
from lowrank_core.analysis.threshold_search import least_bound
from lowrank_core.claims.claim import Criterion, Evidence, Setting
from lowrank_core.claims.grammar import each, scales
from lowrank_core.claims.registry import claim
from lowrank_core.claims.zhang2025 import runs
from lowrank_core.claims.zhang2025.sharp.descents import CHAPTER, Ranks
from lowrank_core.proofs import sdp
from lowrank_core.randomness import normal, orthonormal

LEAST = "least bound found / threshold"


@claim(
    id="zhang2025.exact-threshold",
    title="The least constant that allows a spurious point",
    reference="abstract of the first version for the value at n ≥ r + r* as sufficient; for the rest new",
    statement=r"""The lower bound $\delta_{\mathrm{lb}}(X,Z)$ on the constant of order $r+r^\star$ of any operator
for which $X$ is a spurious second-order point has, for every $n>r$, the minimum
$1/(1+\sqrt{k/(r-r^\star+k)})$, $k=\min(r^\star,n-r)$, over all $X\in\mathbb R^{n\times r}$ and
$Z\in\mathbb R^{n\times r^\star}$.""",
    origin="ours",
    kind="tight",
    criteria=(Criterion(LEAST, 1 - 1e-9, 1 + 1e-5),),
    control="a truth of one rank more than the formula is told",
    breaks=(LEAST,),
    seeds=runs.SEEDS,
    sizes=scales(
        ranks=each(
            ((3, 2, 1), (4, 3, 2)),
            ((2, 1, 1), (3, 2, 1), (3, 2, 2), (4, 3, 2), (5, 3, 2), (5, 4, 3), (6, 4, 3), (6, 4, 2)),
            ((4, 3, 2), (5, 3, 2), (5, 4, 3), (6, 4, 3), (6, 4, 2), (7, 4, 3), (8, 5, 3), (9, 3, 2)),
        ),
        starts=each(48, 48, 200),
        steps=each(300, 400, 600),
    ),
    chapter=CHAPTER,
)
def exact_threshold(setting: Setting) -> Evidence:
    s = setting.sizes

    def ratio(ranks: Ranks, more: int = 0) -> torch.Tensor:
        n, r, true = ranks
        found = least_bound(n, r, true + more, setting.seeds, s.starts, s.steps, setting.device)
        return found.bound / threshold(r, true, n)

    higher = [ranks for ranks in s.ranks if ranks[1] > ranks[2]]
    return Evidence(
        measured={LEAST: {str(ranks): ratio(ranks) for ranks in s.ranks}},
        predicted={LEAST: 1},
        control={LEAST: {f"{ranks}, r* + 1": ratio(ranks, more=1) for ranks in higher[:3]}},
    )


def pair_of(model: Planted) -> tuple[torch.Tensor, torch.Tensor]:
    """X and Z of a planted point."""
    truth = model.problem.truth
    return model.point.left[0], truth.left[0] * truth.spectrum[0].sqrt()


def at_threshold(ranks: Ranks) -> tuple[torch.Tensor, torch.Tensor]:
    """X and Z of the point planted at the threshold, for n ≤ r + r*."""
    n, r, true = ranks
    return pair_of(planted(r, true, threshold(r, true, n), [0], n - r))


UPPER, LOWER = "δ of the operator found − threshold", "threshold − δ proved necessary"


@claim(
    id="zhang2025.threshold-by-program",
    title="Semidefinite programs give the threshold from both sides",
    reference="program of Zhang, Sojoudi & Lavaei (2019), Theorem 8 (p. 11); points and bounds derived here",
    statement=r"""At the planted point some operator with $\delta$ equal to the threshold makes it a spurious
second-order point, and none with a smaller one does: for $XX^\top$, and at the same numbers for $UV^\top$ with the
regulariser $\frac18\|U^\top U-V^\top V\|_F^2$ and operators on all matrices.""",
    origin="ours",
    kind="tight",
    criteria=(Criterion(UPPER, -1e-6, 1e-5), Criterion(LOWER, -1e-6, 1e-5)),
    control="the planted X times 1.1",
    breaks=(UPPER, LOWER),
    seeds=runs.SEEDS,
    sizes=scales(
        symmetric=each(
            ((2, 1, 1), (3, 2, 1)),
            ((2, 1, 1), (3, 2, 1), (3, 2, 2), (4, 2, 2), (4, 3, 2), (4, 3, 1), (5, 3, 2)),
            (
                (2, 1, 1),
                (3, 2, 1),
                (4, 2, 2),
                (4, 3, 2),
                (4, 3, 1),
                (5, 3, 2),
                (5, 4, 1),
                (6, 4, 2),
            ),
        ),
        pairs=each(
            ((2, 2, 1, 1),),
            ((2, 2, 1, 1), (3, 3, 2, 1), (3, 4, 2, 1), (3, 3, 2, 2), (4, 4, 2, 2)),
            ((2, 2, 1, 1), (3, 3, 2, 1), (3, 4, 2, 1), (3, 3, 2, 2), (4, 4, 2, 2), (4, 4, 3, 2)),
        ),
    ),
    chapter=CHAPTER,
    uses=("zhang2025.exact-threshold",),
    means=("dual",),
    needs=("cvxpy",),
)
def threshold_by_program(setting: Setting) -> Evidence:
    s, seeds = setting.sizes, setting.seeds

    def turned(name: str, rows: int, columns: int) -> torch.Tensor:
        return orthonormal(seeds, name, rows, columns, torch.float64, torch.device("cpu"))

    def gaps(found: list[sdp.Counterexample], star: float) -> dict[str, list[float]]:
        return {UPPER: [each.delta - star for each in found], LOWER: [star - each.lower for each in found]}

    def symmetric(ranks: Ranks, scale: float = 1.0) -> dict[str, list[float]]:
        x, z = at_threshold(ranks)
        found = [sdp.best_counterexample(scale * q @ x, q @ z) for q in turned("left", ranks[0], ranks[0])]
        return gaps(found, threshold(ranks[1], ranks[2], ranks[0]))

    def pair(ranks: tuple[int, int, int, int], scale: float = 1.0) -> dict[str, list[float]]:
        n1, n2, r, true = ranks
        n = min(n1, n2)
        x, z = at_threshold((n, r, true))
        found = [
            sdp.best_counterexample_pair(scale * p @ x, scale * q @ x, p @ z @ z.mT @ q.mT)
            for p, q in zip(turned("left", n1, n), turned("right", n2, n), strict=True)
        ]
        return gaps(found, threshold(r, true, n))

    kept = {f"XXᵀ {ranks}": symmetric(ranks) for ranks in s.symmetric}
    kept |= {f"UVᵀ {ranks}": pair(ranks) for ranks in s.pairs}
    moved = {f"XXᵀ {s.symmetric[0]}": symmetric(s.symmetric[0], 1.1)}
    moved |= {f"UVᵀ {s.pairs[0]}": pair(s.pairs[0], 1.1)}
    free = [ranks for ranks in s.symmetric if ranks[0] == ranks[1] + ranks[2]]
    found = [threshold(r, true) + sum(kept[f"XXᵀ {(n, r, true)}"][UPPER]) / len(seeds) for n, r, true in free]
    return Evidence(
        measured={side: {name: gap[side] for name, gap in kept.items()} for side in (UPPER, LOWER)},
        predicted={UPPER: 0, LOWER: 0},
        control={side: {name: gap[side] for name, gap in moved.items()} for side in (UPPER, LOWER)},
        curves={"points": {"ratio": [r / true for _, r, true in free], "delta": found}},
    )


EXCESS = "δ of the operator found − formula"


@claim(
    id="zhang2025.formula-below-program",
    title="The formula is a lower bound at every pair",
    reference="Zhang, Sojoudi & Lavaei (2019), Theorem 12 (p. 17), for rank one; for all ranks derived here",
    statement=r"""For any $X$ and $Z$, no operator with a constant of order $r+r^\star$ below
$\delta_{\mathrm{lb}}(X,Z)$ makes $X$ a spurious second-order point.""",
    origin="ours",
    kind="bound-lower",
    criteria=(Criterion(EXCESS, low=-1e-6),),
    control="near the planted point, a formula that is not told the last column of Z",
    breaks=(EXCESS,),
    seeds=runs.SEEDS,
    sizes=scales(
        ranks=each(
            ((2, 2),), ((1, 1), (2, 1), (2, 2), (3, 2)), ((1, 1), (2, 1), (2, 2), (3, 2), (3, 1), (3, 3))
        ),
        spread=0.05,
    ),
    chapter=CHAPTER,
    uses=("zhang2025.exact-threshold",),
    means=("dual",),
    needs=("cvxpy",),
)
def formula_below_program(setting: Setting) -> Evidence:
    s, seeds = setting.sizes, setting.seeds
    measured: dict[str, list[float]] = {}
    control: dict[str, list[float]] = {}
    gaps = []
    for r, true in s.ranks:
        xs, zs = normal(seeds, "X", r + true, r), normal(seeds, "Z", r + true, true)
        x0, z0 = at_threshold((r + true, r, true))
        kinds = {"random": (xs, zs), "near the planted one": (x0 + s.spread * xs, z0 + s.spread * zs)}
        for kind, (x, z) in kinds.items():
            found = [sdp.best_counterexample(*pair) for pair in zip(x, z, strict=True)]
            delta = torch.tensor([each.delta for each in found])
            gaps += [each.gap for each in found]
            measured[f"({r}, {true}), {kind}"] = (delta - smallest_constant_bound(x, z)).tolist()
            if true > 1 and kind != "random":
                blind = smallest_constant_bound(x, z[:, :, :-1])
                control[f"({r}, {true}), r* − 1"] = (delta - blind).tolist()
    return Evidence(
        measured={EXCESS: measured},
        control={EXCESS: control},
        notes={
            "largest difference of the two ends of a program": max(gaps),
            "largest excess": max(max(values) for values in measured.values()),
        },
    )
