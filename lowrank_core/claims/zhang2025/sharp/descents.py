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
from lowrank_core.claims.claim import Criterion, Evidence, Setting
from lowrank_core.claims.grammar import each, scales
from lowrank_core.claims.registry import claim
from lowrank_core.claims.zhang2025 import runs
from lowrank_core.factors import Factors
from lowrank_core.problem import Problem, observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import Dense, certified
from lowrank_core.truth import psd

CHAPTER = "chapters/zhang2025/sharp-thresholds"
ETA = 0.1
"""Step size times the largest eigenvalue of M*."""
AWAY = 0.1
"""‖XXᵀ − M*‖_F / ‖M*‖_F from which a point is away from the truth; trapped points are at 0.5 and more."""
NEAR = 1e-3
"""ε_g and ε_H, for a truth of norm of order one."""

Ranks = tuple[int, int, int]
"""n, search rank r and true rank r*."""


class Ends(NamedTuple):
    """Where descents ended, as fractions of the starts of each group: trapped, and away from the truth at all."""

    trapped: torch.Tensor
    away: torch.Tensor


def ends(problem: Problem, start: Factors, steps: int, groups: int) -> Ends:
    """Descend from starts of which each of `groups` groups has equally many, in a row."""
    spectrum = problem.truth.spectrum
    run = runs.descended(problem, start, ETA / float(spectrum.amax()), steps)
    away = ~(runs.frobenius(run) <= AWAY * spectrum.norm(dim=1))
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
    n, r, true = ranks
    every = [seed for seed in setting.seeds for _ in range(setting.sizes.starts)]
    delta = relative * threshold(r, true, n)
    problem = planted(r, true, delta, every, n - r, extra, device=setting.device).problem
    return ends(
        problem, random_start(setting, problem, search_rank or r), setting.sizes.steps, len(setting.seeds)
    )


def random_ends(setting: Setting, ranks: Ranks, relative: float) -> Ends:
    """Random starts on operators (1 + δ)I − 2δΠ whose Π, on half of all coordinates, is random."""
    s, (n, r, true) = setting.sizes, ranks
    spectrum = torch.linspace(1.5, 1.0, true).tolist()
    problem = runs.certified_problem(
        setting, n, spectrum, relative * threshold(r, true, n), n * (n + 1) // 4, variants=s.starts
    )
    return ends(problem, random_start(setting, problem, r), s.steps, len(setting.seeds))


TRAPPED = "fraction of starts trapped"
NOT_THERE = "fraction of starts away from the truth"


@claim(
    id="zhang2025.sufficiency",
    title="Below the threshold no descent is trapped",
    reference="abstract of the first version, for n ≥ r + r*; for n < r + r* new",
    statement=r"""If $\mathcal A$ has the restricted isometry property of order $r+r^\star$ with
$\delta<1/(1+\sqrt{k/(r-r^\star+k)})$, $k=\min(r^\star,n-r)$, every second-order point of
$\frac12\|\mathcal A(XX^\top-M^\star)\|^2$, $X\in\mathbb R^{n\times r}$, has $XX^\top=M^\star$; so gradient descent
from a random start ends at the truth.""",
    origin="ours",
    kind="bound-upper",
    criteria=(Criterion(TRAPPED, high=0), Criterion(NOT_THERE, high=0)),
    control="δ above the threshold: the planted operators at 1.2 times of it",
    breaks=(TRAPPED, NOT_THERE),
    seeds=runs.SEEDS,
    sizes=scales(
        ranks=each(
            ((2, 1, 1), (3, 2, 1)),
            ((2, 1, 1), (3, 2, 1), (3, 2, 2), (4, 3, 2), (5, 3, 2)),
            ((2, 1, 1), (3, 2, 1), (3, 2, 2), (4, 3, 2), (5, 3, 2), (4, 2, 2), (5, 4, 1)),
        ),
        starts=each(64, 128, 400),
        steps=each(1_500, 1_500, 4_000),
    ),
    chapter=CHAPTER,
    uses=("zhang2025.exact-threshold",),
)
def sufficiency(setting: Setting) -> Evidence:
    found = {}
    for ranks in setting.sizes.ranks:
        found[f"{ranks}, planted, 0.9 δ*"] = planted_ends(setting, ranks, 0.9)
        found[f"{ranks}, random, 0.95 δ*"] = random_ends(setting, ranks, 0.95)
    above = {f"{ranks}, 1.2 δ*": planted_ends(setting, ranks, 1.2) for ranks in setting.sizes.ranks[:4]}
    return Evidence(
        measured={
            TRAPPED: {name: end.trapped for name, end in found.items()},
            NOT_THERE: {name: end.away for name, end in found.items()},
        },
        predicted={TRAPPED: 0, NOT_THERE: 0},
        control={
            TRAPPED: {name: end.trapped for name, end in above.items()},
            NOT_THERE: {name: end.away for name, end in above.items()},
        },
    )


def map_ends(setting: Setting, ranks: tuple[int, int], relatives: Sequence[float], planted_q: bool) -> Ends:
    """Starts around the planted point for several δ/δ*, as fractions, (seeds, relatives).

    Args:
        planted_q: whether the operator is the planted one; else its direction is Gaussian.
    """
    s, (r, true), seeds = setting.sizes, ranks, setting.seeds
    each = len(seeds) * s.starts
    deltas = threshold(r, true) * torch.tensor(relatives, dtype=torch.float64, device=setting.device)
    model = planted(r, true, float(deltas[0]), seeds[:1], device=setting.device)
    n, size = model.direction.shape[0], (r / true) ** 0.5
    direction = model.direction.expand(len(deltas), 1, n, n)
    if not planted_q:
        drawn = normal(seeds[:1], "direction", len(deltas), 1, n, n, device=setting.device)[0]
        direction = drawn + drawn.mT
    operator = Dense(certified(direction, deltas).entries, (n, n), True, repeats=each, weight=1.0)
    spectrum = (size / deltas).repeat_interleave(each)[:, None].expand(-1, true)
    truth = psd(n, spectrum, range(len(deltas) * each), device=setting.device)
    shift = normal(seeds, "start", len(deltas), s.starts, n, r, device=setting.device).transpose(0, 1)
    start = Factors(model.point.left + s.radius * shift.flatten(0, 2))
    found = ends(observe(truth, operator), start, s.steps, len(deltas) * len(seeds))
    return Ends(*(part.unflatten(0, (len(deltas), -1)).mT for part in found))


BELOW = "largest trapped fraction at 0.9 δ* and below"
ABOVE = "smallest trapped fraction at 1.1 δ* and above"


@claim(
    id="zhang2025.threshold-map",
    title="The trap opens at the threshold",
    reference="no counterpart in the paper",
    statement=r"""On the planted operators, of RIP constant $\delta$ of order $r+r^\star$, descents from around the
planted point are trapped for $\delta>\delta^\star=1/(1+\sqrt{r^\star/r})$ and for no $\delta<\delta^\star$.""",
    origin="ours",
    kind="ordering",
    criteria=(Criterion(BELOW, high=0), Criterion(ABOVE, low=0.2)),
    control="a direction drawn at random in place of the planted one, with the same constants δ",
    breaks=(ABOVE,),
    seeds=runs.SEEDS | {"full": 20},
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
    chapter=CHAPTER,
    uses=("zhang2025.sufficiency",),
)
def threshold_map(setting: Setting) -> Evidence:
    s = setting.sizes
    relatives = torch.tensor(s.relatives)

    def extremes(ends_of: dict[tuple[int, int], Ends]) -> dict[str, torch.Tensor]:
        trapped = torch.stack([end.trapped for end in ends_of.values()], dim=1)
        return {
            BELOW: trapped[..., relatives <= 0.9].amax(dim=(1, 2)),
            ABOVE: trapped[..., relatives >= 1.1].amin(dim=(1, 2)),
        }

    found = {ranks: map_ends(setting, ranks, s.relatives, planted_q=True) for ranks in s.ranks}
    control = {ranks: map_ends(setting, ranks, s.relatives, planted_q=False) for ranks in s.ranks}
    points = {
        "ratio": [r / true for r, true in s.ranks for _ in s.relatives],
        "delta": [relative * threshold(*ranks) for ranks in s.ranks for relative in s.relatives],
        "trapped": [v for end in found.values() for v in end.trapped.mean(dim=0).tolist()],
    }
    return Evidence(
        measured=extremes(found),
        control=extremes(control),
        curves={"points": points, "stored": {"points": points}},
    )
