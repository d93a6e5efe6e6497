"""Which RIP constant does it take to make a point spurious? The program, the published bound, the closed form.

The rank is one on either side, so the RIP order is 2, and the two points span a plane.
"""

from __future__ import annotations

import torch

from lowrank_core.analysis import rank_one
from lowrank_core.analysis.rank_one_guarantees import published_bound
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.claims.zhang2019.pairs import TERMS, defect, pairs, program, uniform
from lowrank_core.proofs import local_guarantee
from lowrank_core.randomness import normal

PAGE = Page("chapters/zhang2025/local-guarantee")


PAIR_EDGES = (
    edge("x nearly parallel to z", angles=(1.0, 5.0)),
    edge("x nearly orthogonal to z", angles=(89.5, 90.0)),
    edge("a short x", lengths=(0.02, 0.1)),
    edge("a long x", lengths=(1.6, 3.0)),
    refused("x ≠ 0", "the origin is no point of the theorem", lengths=(0.0, 0.0)),
)


EXCESS = Criterion(
    "smallest δ of the program − δ_lb",
    low=-1e-6,
    width="accuracy of the solvers: 5e-11 below in pilot runs",
)
BASIN = Criterion(
    "|δ of the program − ½| at φ = 90°, ρ² = ½",
    high=1e-6,
    exact="dual multipliers of one program",
    width="accuracy of the solvers: 4e-9",
)


@PAGE.claim(
    "zhang2019.theorem-12",
    "The closed-form lower bound on the constant that hides a point",
    EXCESS,
    BASIN,
    reference="Theorem 12, p. 17; the basin, p. 26",
    states="thm-lg-lower",
    origin="paper",
    known="read",
    kind="bound-lower",
    control="the case distinction is dropped: the second formula everywhere; ρ² = 0.6 instead of ½",
    edges=(*PAIR_EDGES, edge("x parallel to z, where δ_lb = 1", angles=(0.0, 0.0))),
    sizes=scales(pairs=each(3, 8, 40), lengths=(0.1, 1.6), angles=(10.0, 90.0)),
    certified_by=("dual",),
    needs=("cvxpy",),
)
def theorem_12(setting: Setting) -> Evidence:
    count = setting.sizes.pairs
    size, cosine = pairs(setting, "pairs of Theorem 12")
    solved = [program(*row) for row in zip(size, cosine, strict=True)]
    lower = torch.tensor([[each.lower for each in row] for row in solved], dtype=torch.float64)
    upper = torch.tensor([[each.delta for each in row] for row in solved], dtype=torch.float64)
    published = published_bound(size, cosine)
    basin, beside = (
        program(torch.tensor([squared], dtype=torch.float64), torch.zeros(1, dtype=torch.float64))[0]
        for squared in (0.5, 0.6)
    )
    # The second formula has its pole at ρ² = D: pairs on this side of it, well beyond the case distinction.
    far_size, far_cosine = far_pairs(setting, count)
    gap = rank_one.distance(far_size, far_cosine)
    alpha, beta = (1 - far_cosine) / gap, far_size / gap
    second = (1 - 2 * alpha * beta + beta.square()) / (1 - beta.square())
    attained = rank_one.second_order_constant(far_size, far_cosine)
    evidence = Evidence(
        notes={
            "largest gap between the ends of the program": float((upper - lower).max()),
            "largest slack of δ_lb": float((upper - published).max()),
        }
    )
    evidence.found(EXCESS, (lower - published).amin(dim=1))
    evidence.broken(EXCESS, (attained - second).amin(dim=1), "second formula")
    evidence.found(BASIN, max(abs(basin.delta - 0.5), abs(basin.lower - 0.5)))
    evidence.broken(BASIN, abs(beside.lower - 0.5), at(**{"ρ²": 0.6}))
    return evidence


def far_pairs(setting: Setting, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pairs with β between 0.8 and 0.95, below the pole of the second formula and where the first one applies."""
    drawn = uniform(setting.seeds, "far pairs", count, 2)
    beta, cosine = 0.8 + 0.15 * drawn[..., 0], 0.3 + 0.4 * drawn[..., 1]
    # R = βD is a quadratic equation for R.
    inner = 1 - beta.square()
    half = beta.square() * cosine
    return (-half + (half.square() + inner * beta.square()).sqrt()) / inner, cosine


PROGRAM = Criterion(
    "largest |δ of the program − closed form|",
    high=1e-6,
    width="accuracy of the solvers: 1e-8 in pilot runs",
)
OPERATOR = Criterion(
    "gradient, negative curvature or |constant − δ| of the operator",
    high=1e-9,
    width="rounding: 6e-15 in pilot runs",
)


@PAGE.claim(
    "zhang2019.exact-constant",
    "The constant itself, in closed form",
    TERMS,
    PROGRAM,
    OPERATOR,
    reference="Theorem 8, p. 11, defines it by a semidefinite program; the closed form is new",
    states="thm-lg-exact",
    kind="identity",
    control="ρ² in the place of t₋, which is Theorem 12; in the identities, no coupling of H along x and across",
    edges=(*PAIR_EDGES, refused("x ∦ z", "only δ = 1 hides such a point", angles=(0.0, 0.0))),
    sizes=scales(pairs=each(4, 8, 40), lengths=(0.1, 1.6), angles=(10.0, 90.0)),
    certified_by=("symbolic", "dual"),
    needs=("cvxpy",),
)
def exact_constant(setting: Setting) -> Evidence:
    setting.assume(max(setting.sizes.angles) > 0, "x ∦ z")
    size, cosine = pairs(setting, "pairs of the closed form")
    solved = [program(*row) for row in zip(size, cosine, strict=True)]
    ends = torch.tensor([[(each.lower, each.delta) for each in row] for row in solved], dtype=torch.float64)
    exact, published = rank_one.second_order_constant(size, cosine), published_bound(size, cosine)
    best = rank_one.best_slope(size, cosine)

    def missed(largest: torch.Tensor) -> torch.Tensor:
        slope = torch.minimum(best, largest)
        delta = rank_one.constant(size, cosine, slope)
        return defect(*(each.flatten() for each in (size, cosine, slope, delta))).reshape(size.shape)

    # X and z with independent N(0, 1) entries in the plane, as the paper draws them for its Figure 2.
    drawn = normal(setting.seeds, "random pairs", 20_000, 3).flatten(0, 1)
    length = drawn[:, :2].square().sum(dim=1)
    random = rank_one.second_order_constant(length / drawn[:, 2].square(), drawn[:, 0].square() / length)
    evidence = Evidence(
        notes={
            "median constant of random pairs": float(random.median()),
            "share of them below 0.9": float((random < 0.9).to(torch.float64).mean()),
        }
    )
    evidence.found(TERMS, sum(local_guarantee.constant_residuals().values()))
    evidence.broken(TERMS, sum(local_guarantee.constant_residuals(coupling=0).values()))
    evidence.found(PROGRAM, (ends - exact[..., None]).abs().amax(dim=(1, 2)))
    evidence.broken(PROGRAM, (ends - published[..., None]).abs().amax(dim=(1, 2)), "Theorem 12")
    evidence.found(OPERATOR, missed(rank_one.largest_slope(size, cosine)).amax(dim=1))
    evidence.broken(OPERATOR, missed(size).amax(dim=1), "Theorem 12")
    return evidence
