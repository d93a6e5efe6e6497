"""How near is near enough: a ball and a level without spurious points, and the published route to them.

The ratios do not depend on whether the objective carries a factor ½. The RIP order is 2.
"""

from __future__ import annotations

from fractions import Fraction

import torch

from lowrank_core.analysis import rank_one
from lowrank_core.analysis import rank_one_guarantees as guarantees
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, each, edge, refused, scales
from lowrank_core.claims.zhang2019.pairs import (
    TERMS,
    defect,
    sample,
    share_of_origin,
    uniform,
    worst_problem,
)
from lowrank_core.proofs import local_guarantee
from lowrank_core.proofs.local_guarantee import Level, Route

PAGE = Page("chapters/zhang2025/local-guarantee")

COUNT = each(4_000, 40_000, 400_000)

INSIDE = Criterion("f(x) / printed level", high=1, width="one-sided; about 0.95 by construction")
DISTANCE = Criterion("‖E‖² / (ε‖M*‖)²", low=1, width="one-sided; up to 1 + δ is possible")
EXCESS = Criterion("δ² − (1 − ε²/(2(1 − ε)))", low=0, width="one-sided")


@PAGE.claim(
    "zhang2019.corollary-5-route",
    "Two steps in the printed proof of the local guarantee do not follow",
    INSIDE,
    DISTANCE,
    EXCESS,
    reference="about Corollary 5, p. 4: the first inequality is its equation (36), the second its last line",
    states="prop-lg-route",
    kind="existence",
    control="the level without its factor 1 − δ; the repaired level, with the factor (1 − δ)/(1 + δ); ε < ½",
    edges=(
        edge("next to the level", share=0.999),
        edge("ε near ½", tangents=(0.269, 0.27)),
        edge("ε near (√5 − 1)/2", tangents=(0.344, 0.345)),
        refused("½ < ε < (√5 − 1)/2", "the second step is right", tangents=(0.2, 0.26)),
        refused("½ < ε < (√5 − 1)/2", "the printed ε is the smaller (√5 − 1)/2", tangents=(0.36, 0.4)),
    ),
    seeds={"book": 20, "full": 60},
    sizes=scales(tangents=(0.27, 0.34), share=0.95),
    certified_by=("exact",),
    uses=("zhang2019.sharp-level",),
    discrepancy="Corollary 5 is right, and a larger level is proved here, but two steps of its printed proof do "
    "not follow. f(0) may be as large as (1 + δ)‖M*‖², so that the printed level does not keep ‖E‖ ≤ ε‖M*‖: in "
    "exact instances ‖E‖² exceeds ε²‖M*‖² by factors up to {largest factor:.2f}. And ε² ≤ 1 − δ² gives what "
    "Theorem 4 asks for only if 2(1 − ε) ≥ 1; with the printed ε the theorem does not apply for "
    "0.707 < δ < 0.866 (for ε = 0.6, δ = 0.8 it asks for δ < {asked:.3f}). In the instances x is not a critical "
    "point, as it cannot be.",
)
def corollary_5_route(setting: Setting) -> Evidence:
    low, high = setting.sizes.tangents
    # ε = 2q/(1 + q²) for the drawn tangent q.
    setting.assume(2 - 3**0.5 < low <= high < 0.3463, "½ < ε < (√5 − 1)/2")
    share = Fraction(setting.sizes.share)

    def drawn(level: Level = "printed", tangents: tuple[float, float] = (low, high)) -> list[Route]:
        return [local_guarantee.route(seed, share, level, tangents) for seed in setting.seeds]

    found = drawn()
    example = Route(Fraction(4, 5), Fraction(3, 5), Fraction(0))
    evidence = Evidence(
        notes={
            "largest factor": float(max(one.distance for one in found)),
            "asked": float(example.delta**2 - example.excess) ** 0.5,
        }
    )
    evidence.found(INSIDE, [float(one.level) for one in found])
    evidence.broken(INSIDE, [float(one.level) for one in drawn("without")], "no 1 − δ")
    evidence.found(DISTANCE, [float(one.distance) for one in found])
    evidence.broken(DISTANCE, [float(one.distance) for one in drawn("repaired")], "repaired level")
    evidence.found(EXCESS, [float(one.excess) for one in found])
    narrow = drawn(tangents=(0.1, 0.26))
    evidence.broken(EXCESS, [float(one.excess) for one in narrow], "ε < ½")
    return evidence


BALL = Criterion(
    "smallest δ − √(2c/(1 + c)) over random operators with a critical point",
    low=-1e-9,
    width="rounding, one-sided",
)
WORST = Criterion(
    "|δ of the worst operator − √(2c/(1 + c))|, or the gradient",
    high=1e-9,
    width="rounding: 3e-16 in pilot runs",
)


@PAGE.claim(
    "zhang2019.local-ball",
    "No spurious critical point in a ball around the truth",
    TERMS,
    BALL,
    WORST,
    reference="replaces the threshold of Theorem 4, p. 4; the threshold and the word critical are new",
    states="thm-lg-ball",
    origin="sharpened",
    known="read",
    kind="identity",
    control="the gradient need not vanish; in the identities, 3 in the place of 2; a point with R = 1.1 C",
    edges=(
        edge("a ball that nearly reaches the origin", cosines=(1e-4, 1e-2)),
        edge("a small ball", cosines=(0.99, 0.9999)),
        refused("0 < ε < 1", "the origin is critical", cosines=(0.0, 0.0)),
    ),
    sizes=scales(count=COUNT, cosines=(0.1, 0.95)),
    certified_by=("symbolic",),
)
def local_ball(setting: Setting) -> Evidence:
    low, high = setting.sizes.cosines
    setting.assume(0 < low <= high < 1, "0 < ε < 1")

    def slack(critical: bool) -> torch.Tensor:
        found = sample(setting.seeds, setting.sizes.count, critical)
        inside = found.distance < 1
        return torch.where(inside, found.delta - guarantees.ball_threshold(found.distance), torch.inf).amin(
            dim=1
        )

    # At the sharpest point of the ball R = C = c; the same for the first-order condition alone.
    c = low + (high - low) * uniform(setting.seeds, "balls")
    slope = rank_one.best_slope(c, c)
    delta = guarantees.ball_threshold((1 - c.square()).sqrt())
    problem, point = worst_problem(c, c, slope, delta)
    _, gradient, _ = problem.gradient(point)

    def reached(size: torch.Tensor) -> torch.Tensor:
        return (
            rank_one.critical_constant(size, c) - guarantees.ball_threshold(rank_one.distance(size, c))
        ).abs()

    eps = torch.linspace(0.02, 1, 200, dtype=torch.float64)
    least = [guarantees.ball_minimum(float(e)) for e in eps]
    terms = {**local_guarantee.ball_residuals(), **local_guarantee.beyond_residuals()}
    evidence = Evidence(
        notes={
            f"threshold for second-order points at ε = {e:g}": guarantees.ball_minimum(e)
            for e in (0.4, 0.618, 0.8, 1.0)
        },
        curves={
            "ε": eps,
            "critical": guarantees.ball_threshold(eps),
            "second order": torch.tensor(least, dtype=torch.float64),
            "Theorem 4": guarantees.published_ball_threshold(eps),
            "Theorem 12": guarantees.published_ball_minimum(eps),
        },
    )
    evidence.found(TERMS, sum(terms.values()))
    evidence.broken(TERMS, sum(local_guarantee.ball_residuals(3).values()))
    evidence.found(BALL, slack(critical=True))
    evidence.broken(BALL, slack(critical=False))
    evidence.found(WORST, torch.maximum(gradient.flatten(1).norm(dim=1), reached(c)))
    evidence.broken(WORST, reached(1.1 * c), "R = 1.1 C")
    return evidence


RANDOM = Criterion(
    "smallest f(x)/(f(0) − f(x)) over 27u², random operators with a critical point",
    low=1 - 1e-9,
    width="rounding, one-sided",
)
SHARPEST = Criterion(
    "|f(x)/f(0) over the level − 1| at the sharpest point", high=1e-9, width="rounding: 1e-15 in pilot runs"
)
MISSED = Criterion(
    "how far it is from a second-order point with this δ", high=1e-9, width="rounding: 3e-15 in pilot runs"
)


@PAGE.claim(
    "zhang2019.sharp-level",
    "The exact level below which nothing is spurious",
    TERMS,
    RANDOM,
    SHARPEST,
    MISSED,
    reference="sharpens Corollary 5, p. 4; the level is new",
    states=("thm-lg-level", "cor-lg-headline"),
    origin="sharpened",
    known="read",
    kind="identity",
    control="the gradient need not vanish; in the identities, 26 in the place of 27; t is 2 % larger than 1 − R, "
    "with the δ which that takes",
    edges=(
        edge("δ just above ½", deltas=(0.5, 0.501)),
        edge("δ near one", deltas=(0.99, 0.9999)),
        refused("δ ≥ ½", "equality is not attained", deltas=(0.3, 0.49)),
    ),
    sizes=scales(count=COUNT, deltas=(0.5, 0.99)),
    certified_by=("symbolic",),
)
def sharp_level(setting: Setting) -> Evidence:
    def smallest(critical: bool) -> torch.Tensor:
        found = sample(setting.seeds, setting.sizes.count, critical)
        return (found.ratio / (27 * found.condition.square())).amin(dim=1)

    low, high = setting.sizes.deltas
    setting.assume(low >= 0.5, "δ ≥ ½")
    delta = low + (high - low) * uniform(setting.seeds, "levels")
    size, cosine, slope = rank_one.sharpest_point(delta)
    steeper = 1.02 * slope
    evidence = Evidence()
    evidence.found(TERMS, sum(local_guarantee.level_residuals().values()))
    evidence.broken(TERMS, sum(local_guarantee.level_residuals(26).values()))
    evidence.found(RANDOM, smallest(critical=True))
    evidence.broken(RANDOM, smallest(critical=False))
    for add, t, needed in (
        (evidence.found, slope, delta),
        (evidence.broken, steeper, rank_one.constant(size, cosine, steeper)),
    ):
        problem, point = worst_problem(size, cosine, t, needed)
        share = share_of_origin(problem, point) / rank_one.sharp_level(needed)
        add(SHARPEST, (share - 1).abs())
        add(MISSED, defect(size, cosine, t, needed))
    return evidence


FOUND = Criterion(
    "smallest f(x)/f(0) found / sharp level",
    1 - 1e-9,
    1 + 1e-6,
    width="rounding below; above, what twelve nested grids leave",
)
SUFFICIENT = Criterion(
    "largest sufficient level / sharp level", high=1, width="the statement itself, one-sided"
)
POSSIBLE = Criterion(
    "share of a grid of pairs that is second-order for some operator",
    low=1e-6,
    width="one-sided; less than one point of the grid",
)


@PAGE.claim(
    "zhang2019.threshold-curve",
    "The true threshold of the local guarantee, against the sufficient ones",
    FOUND,
    SUFFICIENT,
    POSSIBLE,
    reference="Corollary 5 and the headline, p. 4; Theorem 3, p. 3, for δ < ½",
    states="prop-lg-smallest-level",
    kind="tight",
    control="an operator with a constant larger by 0.01; the level 1 − δ² of points orthogonal to z; δ between 0.4 "
    "and ½, where Theorem 3 excludes spurious second-order points",
    edges=(
        edge("δ near ½", deltas=(0.505, 0.515)),
        edge("δ near one", deltas=(0.97, 0.985)),
        refused("δ > ½", "nothing is spurious", deltas=(0.3, 0.45)),
    ),
    sizes=scales(grid=each(300, 600, 2_000), deltas=(0.53, 0.97)),
    uses=("zhang2019.exact-constant", "zhang2019.sharp-level"),
)
def threshold_curve(setting: Setting) -> Evidence:
    low, high = setting.sizes.deltas
    setting.assume(low > 0.5, "δ > ½")
    drawn = uniform(setting.seeds, "curve")
    deltas, below = low + (high - low) * drawn, 0.4 + 0.0999 * drawn
    sharp = rank_one.sharp_level(deltas)

    def searched(deltas: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        rows = [guarantees.search_level(float(delta), setting.sizes.grid) for delta in deltas]
        levels, shares = torch.tensor(rows, dtype=torch.float64).T
        return levels, shares

    found, share = searched(deltas)
    evidence = Evidence(curves={"δ": deltas, "found": found.tolist()})
    evidence.found(FOUND, found / sharp, predicted=1.0)
    evidence.broken(FOUND, searched(deltas + 0.01)[0] / sharp, "δ + 0.01")
    sufficient = torch.stack(list(guarantees.sufficient_levels(deltas).values()))
    evidence.found(SUFFICIENT, sufficient.amax(dim=0) / sharp)
    evidence.broken(SUFFICIENT, (1 - deltas.square()) / sharp, "1 − δ²")
    evidence.found(POSSIBLE, share)
    evidence.broken(POSSIBLE, searched(below)[1], "δ < ½")
    return evidence
