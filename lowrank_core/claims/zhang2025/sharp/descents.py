"""Descents from many starts: none is trapped below the threshold, and above it some are.

A start is *trapped* if it ends away from the truth at a near-second-order point; one that ends away from the truth
elsewhere is merely slow. The step is set in units of the largest eigenvalue of M*.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from lowrank_core.analysis import landscape
from lowrank_core.analysis.planted import planted
from lowrank_core.analysis.sharp_threshold import threshold
from lowrank_core.claims.experiments import landscapes
from lowrank_core.claims.grammar import (
    Criterion,
    Evidence,
    Page,
    Setting,
    Variant,
    at,
    each,
    edge,
    refused,
    scales,
)
from lowrank_core.factors import Factors
from lowrank_core.problem import Problem, observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import Dense, certified
from lowrank_core.truth import psd

PAGE = Page("chapters/zhang2025/sharp-thresholds")

ETA = 0.1
"""Step size times the largest eigenvalue of M*."""
AWAY = 0.1
"""‖XXᵀ − M*‖_F / ‖M*‖_F from which a point is away from the truth; trapped points are at 0.5 and more."""
NEAR = 1e-3
"""ε_g and ε_H, for a truth of norm of order one."""

Ranks = tuple[int, int, int]
"""n, search rank k and true rank r."""


def named(ranks: Ranks, words: str = "") -> Variant:
    """A variant by its ranks, written as in "(4, 2, 1), planted"."""
    n, k, true = ranks
    return at(f"{ranks}{words}", n=n, k=k, r=true)


class Ends(NamedTuple):
    """Where descents ended, as fractions of the starts of each group: trapped, and away from the truth at all."""

    trapped: torch.Tensor
    away: torch.Tensor


def ends(problem: Problem, start: Factors, steps: int, groups: int) -> Ends:
    """Descend from starts of which each of `groups` groups has equally many, in a row."""
    spectrum = problem.truth.spectrum
    run = landscapes.descended(problem, start, ETA / float(spectrum.amax()), steps)
    away = ~(landscapes.frobenius(run) <= AWAY * spectrum.norm(dim=1))
    # A start that diverged is away from the truth, and not trapped: zero is not a near-second-order point.
    last = run.factors.where(run.factors.finite(), 0.0)
    trapped = away & landscape.near_second_order(problem, last, NEAR, NEAR)
    return Ends(*(flag.double().unflatten(0, (groups, -1)).mean(dim=1) for flag in (trapped, away)))


def random_start(setting: Setting, problem: Problem, search_rank: int) -> Factors:
    """Gaussian starts of about the size of a factor of M*, `setting.sizes.starts` for each seed."""
    n = problem.truth.shape[0]
    drawn = normal(setting.seeds, "start", setting.sizes.starts, n, search_rank, device=setting.device)
    size = problem.truth.spectrum[:, :1, None].sqrt() / n**0.5
    return Factors(drawn.flatten(0, 1) * size)


def planted_ends(
    setting: Setting, ranks: Ranks, relative: float, search_rank: int | None = None, extra: int = 0
) -> Ends:
    """Random starts on the planted operator with δ = `relative` times the threshold of these ranks.

    Args:
        search_rank: of the starts, by default the planted one.
        extra: coordinates that neither the planted point nor M* uses.
    """
    n, k, true = ranks
    every = [seed for seed in setting.seeds for _ in range(setting.sizes.starts)]
    delta, room = relative * threshold(k, true, n), min(true, n - k)
    extra += n - k - room
    problem = planted(k, true, delta, every, room, extra, device=setting.device).problem
    return ends(
        problem, random_start(setting, problem, search_rank or k), setting.sizes.steps, len(setting.seeds)
    )


def random_ends(setting: Setting, ranks: Ranks, relative: float) -> Ends:
    """Random starts on operators (1 + δ)I − 2δΠ whose Π, on half of all coordinates, is random."""
    s, (n, k, true) = setting.sizes, ranks
    spectrum = torch.linspace(1.5, 1.0, true).tolist()
    problem = landscapes.certified_problem(
        setting, n, spectrum, relative * threshold(k, true, n), n * (n + 1) // 4, variants=s.starts
    )
    return ends(problem, random_start(setting, problem, k), s.steps, len(setting.seeds))


TRAPPED = Criterion("fraction of starts trapped", high=0, width="the statement itself, one-sided")
NOT_THERE = Criterion(
    "fraction of starts away from the truth", high=0, width="the statement itself, one-sided"
)


@PAGE.claim(
    "zhang2025.sufficiency",
    "Below the threshold no descent is trapped",
    TRAPPED,
    NOT_THERE,
    reference="abstract of the first version, for n ≥ k + r; for n < k + r new",
    states="sharp-sufficiency",
    origin="sharpened",
    known="restated",
    kind="bound-upper",
    control="δ above the threshold: the planted operators at 1.2 times of it",
    edges=(
        edge("k = r = 1 in n = 2 and in n = 6", ranks=((2, 1, 1), (6, 1, 1))),
        edge("k = r, n = k + 1", ranks=((4, 3, 3),), starts=16),
        edge("n = k: every δ < 1", ranks=((2, 2, 1), (3, 3, 2)), starts=16),
        edge("n much larger than k + r", ranks=((8, 2, 1),), starts=16),
        refused("k ≥ r", "no X has the rank of the truth", ranks=((4, 1, 2),)),
        refused("n > r", "the truth has full rank", ranks=((2, 2, 2),)),
    ),
    sizes=scales(
        ranks=each(
            ((2, 1, 1), (3, 2, 1)),
            ((2, 1, 1), (3, 2, 1), (3, 2, 2), (4, 3, 2), (5, 3, 2), (6, 2, 1), (2, 2, 1)),
            (
                (2, 1, 1),
                (3, 2, 1),
                (3, 2, 2),
                (4, 3, 2),
                (5, 3, 2),
                (4, 2, 2),
                (5, 4, 1),
                (6, 2, 1),
                (2, 2, 1),
            ),
        ),
        starts=each(64, 112, 400),
        steps=each(1_500, 1_500, 4_000),
    ),
    uses=("zhang2025.exact-threshold",),
)
def sufficiency(setting: Setting) -> Evidence:
    ranks = setting.sizes.ranks
    setting.assume(all(k >= true for _, k, true in ranks), "k ≥ r")
    setting.assume(all(n > true for n, _, true in ranks), "n > r")
    # For n ≤ k there is nothing to plant.
    plantable = [sizes for sizes in ranks if sizes[0] > sizes[1]]
    found = {named(sizes, ", random, 0.95 δ*"): random_ends(setting, sizes, 0.95) for sizes in ranks}
    found |= {named(sizes, ", planted, 0.9 δ*"): planted_ends(setting, sizes, 0.9) for sizes in plantable}
    evidence = Evidence(predicted={TRAPPED: 0, NOT_THERE: 0})
    for variant, end in found.items():
        evidence.found(TRAPPED, end.trapped, variant)
        evidence.found(NOT_THERE, end.away, variant)
    for sizes in (plantable or [(2, 1, 1)])[:4]:
        end = planted_ends(setting, sizes, 1.2)
        evidence.broken(TRAPPED, end.trapped, named(sizes, ", 1.2 δ*"))
        evidence.broken(NOT_THERE, end.away, named(sizes, ", 1.2 δ*"))
    return evidence


def map_ends(setting: Setting, ranks: tuple[int, int], relatives: Sequence[float], planted_q: bool) -> Ends:
    """Starts around the planted point for several δ/δ*, as fractions, (seeds, relatives).

    Args:
        planted_q: whether the operator is the planted one; else its direction is Gaussian.
    """
    s, (k, true), seeds = setting.sizes, ranks, setting.seeds
    each = len(seeds) * s.starts
    deltas = threshold(k, true) * torch.tensor(relatives, dtype=torch.float64, device=setting.device)
    model = planted(k, true, float(deltas[0]), seeds[:1], device=setting.device)
    n, size = model.direction.shape[0], (k / true) ** 0.5
    direction = model.direction.expand(len(deltas), 1, n, n)
    if not planted_q:
        drawn = normal(seeds[:1], "direction", len(deltas), 1, n, n, device=setting.device)[0]
        direction = drawn + drawn.mT
    operator = Dense(certified(direction, deltas).entries, (n, n), True, repeats=each, weight=1.0)
    spectrum = (size / deltas).repeat_interleave(each)[:, None].expand(-1, true)
    truth = psd(n, spectrum, range(len(deltas) * each), device=setting.device)
    shift = normal(seeds, "start", len(deltas), s.starts, n, k, device=setting.device).transpose(0, 1)
    start = Factors(model.point.left + s.radius * shift.flatten(0, 2))
    found = ends(observe(truth, operator), start, s.steps, len(deltas) * len(seeds))
    return Ends(*(part.unflatten(0, (len(deltas), -1)).mT for part in found))


BELOW = Criterion(
    "largest trapped fraction at 0.9 δ* and below", high=0, width="the statement itself, one-sided"
)
ABOVE = Criterion(
    "smallest trapped fraction at 1.1 δ* and above",
    low=0.2,
    width="0.92 and more over 50 pilot seeds at 1.15 δ*; random directions have 0",
)


@PAGE.claim(
    "zhang2025.threshold-map",
    "The trap opens at the threshold",
    BELOW,
    ABOVE,
    reference="no counterpart in the paper",
    states="sharp-map",
    kind="ordering",
    control="a direction drawn at random in place of the planted one, with the same constants δ; 0.9 δ* as the "
    "constant of order 2r instead of k + r",
    edges=(
        edge("k = r = 1 and k = r = 2", ranks=((1, 1), (2, 2), (2, 1))),
        edge("k much larger than r", ranks=((6, 1), (2, 1)), starts=16),
        refused("k ≥ r", "no X has the rank of the truth", ranks=((1, 2),)),
        refused("k + r ≤ 7", "with more entries the starts are farther away", ranks=((8, 8),)),
    ),
    seeds={"full": 20},
    sizes=scales(
        ranks=each(
            ((1, 1), (2, 1)),
            ((1, 1), (4, 3), (3, 2), (2, 1), (3, 1), (4, 1)),
            ((1, 1), (4, 3), (3, 2), (2, 1), (3, 1), (4, 1)),
        ),
        relatives=each((0.9, 1.15), (0.8, 0.9, 1.1, 1.2), (0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2)),
        starts=each(64, 32, 25),
        radius=0.15,
        steps=each(1_500, 1_000, 1_500),
    ),
    uses=("zhang2025.sufficiency",),
)
def threshold_map(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(all(k >= true for k, true in s.ranks), "k ≥ r")
    setting.assume(all(k + true <= 7 for k, true in s.ranks), "k + r ≤ 7")
    relatives = torch.tensor(s.relatives)
    found = {ranks: map_ends(setting, ranks, s.relatives, planted_q=True) for ranks in s.ranks}
    turned = {ranks: map_ends(setting, ranks, s.relatives, planted_q=False) for ranks in s.ranks}
    lower = {ranks: lower_order(ranks, 0.9) for ranks in s.ranks}
    higher = [
        map_ends(setting, ranks, (share,), planted_q=True)
        for ranks, share in lower.items()
        if 1 < share < 0.99 / threshold(*ranks)
    ]

    def trapped(ends_of: dict[tuple[int, int], Ends], chosen: torch.Tensor) -> torch.Tensor:
        return torch.stack([end.trapped[:, chosen] for end in ends_of.values()], dim=1).flatten(1)

    points = {
        "ratio": [k / true for k, true in s.ranks for _ in s.relatives],
        "delta": [relative * threshold(*ranks) for ranks in s.ranks for relative in s.relatives],
        "trapped": [v for end in found.values() for v in end.trapped.mean(dim=0).tolist()],
    }
    evidence = Evidence(curves={"points": points, "stored": {"points": points}})
    evidence.found(BELOW, trapped(found, relatives <= 0.9).amax(dim=1))
    evidence.found(ABOVE, trapped(found, relatives >= 1.1).amin(dim=1))
    order_2 = torch.cat([end.trapped for end in higher], dim=1)
    evidence.broken(BELOW, order_2.amax(dim=1), "0.9 δ* of order 2r")
    evidence.broken(ABOVE, trapped(turned, relatives >= 1.1).amin(dim=1), "random direction")
    return evidence


def lower_order(ranks: tuple[int, int], share: float) -> float:
    """δ/δ* of the planted operator whose constant of order 2r, not k + r, is `share` times δ*."""
    k, true = ranks
    # The squared eigenvalues of Q: r of 1/(2r) and k of 1/(2k).
    part, goal = 0.5 + true / (2 * k), share * threshold(k, true)
    return goal / (part * (1 + goal) - goal) / threshold(k, true)
