"""The exact threshold: from below by a formula that is minimised over all pairs, from both sides by programs.

The search rank is k and the true rank r; d = min(r, n − k).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from lowrank_core.analysis.planted import planted
from lowrank_core.analysis.sharp_threshold import smallest_constant_bound, threshold
from lowrank_core.analysis.threshold_search import least_bound
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.claims.zhang2025.sharp.descents import Ranks, named
from lowrank_core.proofs import sdp
from lowrank_core.randomness import normal, orthonormal

PAGE = Page("chapters/zhang2025/sharp-thresholds")


LEAST = Criterion(
    "least bound found / threshold",
    1 - 1e-9,
    1 + 1e-5,
    width="rounding below; above, where the search stops",
)


@PAGE.claim(
    "zhang2025.exact-threshold",
    "The least constant that allows a spurious point",
    LEAST,
    reference="abstract of the first version for the value at n ≥ k + r as sufficient; for the rest new",
    states="sharp-exact",
    origin="sharpened",
    known="restated",
    kind="tight",
    control="a truth of one rank more than the formula is told",
    edges=(
        edge("k = r = 1 in n = 6", ranks=((6, 1, 1),), starts=8, seeds=1),
        edge("k = r, n = k + 1", ranks=((3, 2, 2),), starts=16, seeds=1),
        edge("k much larger than r", ranks=((9, 8, 1),), starts=8, seeds=1),
        refused("n > k", "an X of full rank misses no direction", ranks=((2, 2, 1),)),
        refused("k ≥ r", "no X has the rank of the truth", ranks=((4, 1, 2),)),
    ),
    sizes=scales(
        ranks=each(
            ((3, 2, 1), (4, 3, 2)),
            ((2, 1, 1), (3, 2, 1), (3, 2, 2), (4, 3, 2), (5, 3, 2), (5, 4, 3), (6, 4, 3), (6, 4, 2)),
            ((4, 3, 2), (5, 3, 2), (5, 4, 3), (6, 4, 3), (6, 4, 2), (7, 4, 3), (8, 5, 3), (9, 3, 2)),
        ),
        starts=each(12, 48, 200),
        steps=each(300, 400, 600),
    ),
)
def exact_threshold(setting: Setting) -> Evidence:
    s = setting.sizes
    _assume_ranks(setting, s.ranks)

    def ratio(ranks: Ranks, more: int = 0) -> torch.Tensor:
        n, k, true = ranks
        found = least_bound(n, k, true + more, setting.seeds, s.starts, s.steps, setting.device)
        return found.bound / threshold(k, true, n)

    evidence = Evidence(predicted={LEAST: 1})
    for ranks in s.ranks:
        evidence.found(LEAST, ratio(ranks), named(ranks))
    higher = [ranks for ranks in s.ranks if ranks[1] > ranks[2]] or [(3, 2, 1)]
    for ranks in higher[:3]:
        evidence.broken(LEAST, ratio(ranks, more=1), named(ranks, ", r + 1"))
    return evidence


def _assume_ranks(setting: Setting, sizes: Sequence[Ranks]) -> None:
    setting.assume(all(k >= true for _, k, true in sizes), "k ≥ r")
    setting.assume(all(n > k for n, k, _ in sizes), "n > k")


def at_threshold(ranks: Ranks) -> tuple[torch.Tensor, torch.Tensor]:
    """X and Z of the point planted at the threshold."""
    n, k, true = ranks
    room = min(true, n - k)
    model = planted(k, true, threshold(k, true, n), [0], room, n - k - room)
    truth = model.problem.truth
    return model.point.left[0], truth.left[0] * truth.spectrum[0].sqrt()


UPPER = Criterion(
    "|δ of the operator found − threshold|",
    high=1e-6,
    width="accuracy of the solvers: at most 2e-8 at 96 instances",
)
LOWER = Criterion(
    "|threshold − δ proved necessary|",
    high=1e-6,
    width="accuracy of the solvers: at most 2e-8 at 96 instances",
)


@PAGE.claim(
    "zhang2025.threshold-by-program",
    "Semidefinite programs give the threshold from both sides",
    UPPER,
    LOWER,
    reference="program of Zhang, Sojoudi & Lavaei (2019), Theorem 8 (p. 11); points and bounds derived here",
    states="sharp-pairs",
    kind="tight",
    control="the planted X times 1.1",
    edges=(
        edge("n much larger than k + r", symmetric=((6, 1, 1),), pairs=((2, 4, 1, 1),), seeds=1),
        edge("k = r, n = k + 1", symmetric=((3, 2, 2),), seeds=1),
        edge("n = k + 1, k much larger than r", symmetric=((4, 3, 1),), seeds=1),
        refused("n > k", "an X of full rank misses no direction", symmetric=((2, 2, 1),)),
        refused("k ≥ r", "no X has the rank of the truth", symmetric=((4, 1, 2),)),
    ),
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
    uses=("zhang2025.exact-threshold",),
    certified_by=("dual",),
    needs=("cvxpy",),
)
def threshold_by_program(setting: Setting) -> Evidence:
    s, seeds = setting.sizes, setting.seeds
    _assume_ranks(setting, [*s.symmetric, *((min(n1, n2), k, true) for n1, n2, k, true in s.pairs)])

    def turned(name: str, rows: int, columns: int) -> torch.Tensor:
        return orthonormal(seeds, name, rows, columns, torch.float64, torch.device("cpu"))

    def solved(ranks: Ranks, scale: float = 1.0) -> list[sdp.Counterexample]:
        x, z = at_threshold(ranks)
        return [sdp.best_counterexample(scale * q @ x, q @ z) for q in turned("left", ranks[0], ranks[0])]

    def solved_pair(ranks: tuple[int, int, int, int], scale: float = 1.0) -> list[sdp.Counterexample]:
        n1, n2, k, true = ranks
        n = min(n1, n2)
        x, z = at_threshold((n, k, true))
        return [
            sdp.best_counterexample_pair(scale * p @ x, scale * q @ x, p @ z @ z.mT @ q.mT)
            for p, q in zip(turned("left", n1, n), turned("right", n2, n), strict=True)
        ]

    programs = {ranks: solved(ranks) for ranks in s.symmetric}
    free = [ranks for ranks in s.symmetric if ranks[0] == ranks[1] + ranks[2]]
    points = {
        "ratio": [k / true for _, k, true in free],
        "delta": [sum(each.delta for each in programs[ranks]) / len(seeds) for ranks in free],
    }
    evidence = Evidence(predicted={UPPER: 0, LOWER: 0}, curves={"points": points})

    def compare(
        row: Callable[..., None], kind: str, sizes: tuple[int, ...], found: list[sdp.Counterexample]
    ) -> None:
        *orders, k, true = sizes
        star = threshold(k, true, min(orders))
        names = ("n",) if kind == "XXᵀ" else ("n₁", "n₂")
        variant = at(f"{kind} {sizes}", **dict(zip((*names, "k", "r"), sizes, strict=True)))
        row(UPPER, [abs(each.delta - star) for each in found], variant)
        row(LOWER, [abs(star - each.lower) for each in found], variant)

    for sizes, found in programs.items():
        compare(evidence.found, "XXᵀ", sizes, found)
    for sizes in s.pairs:
        compare(evidence.found, "UVᵀ", sizes, solved_pair(sizes))
    compare(evidence.broken, "XXᵀ", s.symmetric[0], solved(s.symmetric[0], 1.1))
    compare(evidence.broken, "UVᵀ", s.pairs[0], solved_pair(s.pairs[0], 1.1))
    return evidence


EXCESS = Criterion(
    "δ of the operator found − formula",
    low=-1e-6,
    width="accuracy of the solvers: at worst −2e-8 at 64 pairs",
)


@PAGE.claim(
    "zhang2025.formula-below-program",
    "The formula is a lower bound at every pair",
    EXCESS,
    reference="Zhang, Sojoudi & Lavaei (2019), Theorem 12 (p. 17), for rank one; for all ranks derived here",
    states="sharp-pair",
    origin="sharpened",
    known="read",
    kind="bound-lower",
    control="near the planted point, a formula that is not told the last column of Z",
    edges=(
        edge("k = r = 1", ranks=((1, 1), (2, 2)), seeds=1),
        edge("k much larger than r", ranks=((4, 1), (2, 2)), seeds=1),
        edge("far from the planted point", spread=1.0, seeds=1),
        refused("k ≥ r", "no X has the rank of the truth", ranks=((1, 2),)),
    ),
    sizes=scales(
        ranks=each(
            ((2, 2),), ((1, 1), (2, 1), (2, 2), (3, 2)), ((1, 1), (2, 1), (2, 2), (3, 2), (3, 1), (3, 3))
        ),
        spread=0.05,
    ),
    uses=("zhang2025.exact-threshold",),
    certified_by=("dual",),
    needs=("cvxpy",),
)
def formula_below_program(setting: Setting) -> Evidence:
    s, seeds = setting.sizes, setting.seeds
    setting.assume(all(k >= true for k, true in s.ranks), "k ≥ r")
    evidence = Evidence()
    gaps: list[float] = []
    excesses: list[float] = []
    for k, true in s.ranks:
        xs, zs = normal(seeds, "X", k + true, k), normal(seeds, "Z", k + true, true)
        x0, z0 = at_threshold((k + true, k, true))
        kinds = {"random": (xs, zs), "near the planted one": (x0 + s.spread * xs, z0 + s.spread * zs)}
        for kind, (x, z) in kinds.items():
            found = [sdp.best_counterexample(*pair) for pair in zip(x, z, strict=True)]
            delta = torch.tensor([each.delta for each in found])
            gaps += [each.gap for each in found]
            excess = delta - smallest_constant_bound(x, z)
            excesses += excess.tolist()
            evidence.found(EXCESS, excess, at(f"({k}, {true}), {kind}", k=k, r=true))
            if true > 1 and kind != "random":
                blind = smallest_constant_bound(x, z[:, :, :-1])
                evidence.broken(EXCESS, delta - blind, at(f"({k}, {true}), r − 1", k=k, r=true))
    evidence.notes = {
        "largest difference of the two ends of a program": max(gaps),
        "largest excess": max(excesses),
    }
    return evidence
