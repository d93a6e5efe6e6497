"""Without the rebalancing step: how the rate depends on the start scale, on the population loss."""

from __future__ import annotations

import math

import torch

from lowrank_core.analysis import crossings
from lowrank_core.analysis.imbalance import imbalance
from lowrank_core.analysis.rebalanced_modes import slowest_near_truth
from lowrank_core.analysis.statistics import pooled
from lowrank_core.claims.experiments.descents import asymmetric_run, per_step, resized, scaled_start
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, Sweep, each, edge, refused, scales
from lowrank_core.claims.xiong2024.scaled_runs import late_rate, swept_start
from lowrank_core.solver import Trajectory

PAGE = Page("chapters/xiong2024/rebalancing", full=64)


TALL = "n₁ ≥ 10 k"


BOUND = Criterion(
    "fastest rate / bound",
    high=1.005,
    width="the fit of a rate on a finite window, below 0.5 %; where the slowest mode is hardly excited, "
    "a seed shows the rate of the next one",
    pooled="median over the seeds",
)
LAST = Criterion(
    "rate at the largest α / largest rate",
    high=0.9,
    width="0.66, sd 0.05, largest 0.75 on 10 pilot seeds; 0.98 where the slowest mode is hardly excited",
    pooled="median over the seeds",
)


@PAGE.claim(
    "xiong2024.no-scale-beats-exact-rank",
    "No start scale beats the rate of exact rank, and too large a one is slow",
    BOUND,
    LAST,
    reference="public discussion reads Figure 2 as “the larger α, the faster”; the bound is new",
    states="reb-bounded",
    kind="bound-upper",
    control="a free row: n₁ = r + 1 < k, where F∞ fills all rows and the rate is a itself",
    # A median over three seeds has too wide an interval for the control to break it.
    seeds={"smoke": 8},
    sizes=scales(
        n1=each(40, 40, 200),
        n2=each(50, 50, 250),
        spectrum=(1.5, 1.0),
        k=each(4, 4, 10),
        alphas=(0.35, 0.7, 1.3, 1.8),
        many=24,
        eta=0.1,
        steps=4_000,
    ),
    edges=(
        edge("r = 1", spectrum=(1.0,), k=3),
        edge("k = r + 1, n₂ = r + 1", k=3, n2=3),
        edge("equal singular values", spectrum=(1.0, 1.0)),
        edge("κ = 4", spectrum=(4.0, 1.0), eta=0.05, steps=6_000),
        edge("smallest start", alphas=(0.2, 0.35, 1.3, 1.8), steps=6_000),
        refused("k < n₁", "F∞ may then fill all rows", n1=4),
        refused("k > r", "k = r has no noise to drive out", k=2),
        refused(TALL, "at n₁ = 3k the rate may still grow at α = 1.8", n1=20),
        refused("Δ₀ ≻ 0", "the rank of F∞ may be below k", n1=6, n2=6, k=5),
    ),
    uses=("xiong2024.local-rate",),
)
def no_scale_beats_exact_rank(setting: Setting) -> Evidence:
    s, r = setting.sizes, len(setting.sizes.spectrum)
    positive_imbalance(setting)

    def rate_and_bound(
        some: Setting, k: int, alphas: list[float], steps: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Rates and their bounds, each (number of scales, S), positive."""
        sweep = Sweep(some, α=alphas)
        run = asymmetric_run(sweep.setting, swept_start(sweep, k), steps=steps, record=range(0, steps + 1, 4))
        least = torch.linalg.svdvals(run.factors.left).square()[:, min(k, some.sizes.n1) - 1].cpu()
        bound = -per_step(s.eta, slowest_near_truth(least, s.spectrum[-1]))
        rate, bound = (torch.stack(list(sweep.split(v).values())) for v in (late_rate(run).abs(), bound))
        return rate, bound

    rate, bound = rate_and_bound(setting, s.k, list(s.alphas), s.steps)
    narrow = resized(setting, n1=r + 1, n2=max(s.n2, 2 * s.many))
    # Scales a third as large: with many columns F is longer at the same α, and the step must stay stable.
    free_rate, free_bound = rate_and_bound(narrow, s.many, [alpha / 3 for alpha in s.alphas], 1_000)
    evidence = Evidence(
        notes={
            "rate at α = 0.7 / at α = 0.35": float((rate[1] / rate[0]).mean()),
            "rate at α = 1.8 / at α = 1.3": float((rate[3] / rate[2]).mean()),
            "fastest rate / rate of exact rank": float(
                (rate / -per_step(s.eta, torch.tensor(s.spectrum[-1]))).max()
            ),
        },
    )
    evidence.found(BOUND, pooled(torch.median, (rate / bound).amax(dim=0)))
    evidence.found(LAST, pooled(torch.median, rate[-1] / rate.amax(dim=0)))
    evidence.broken(BOUND, pooled(torch.median, (free_rate / free_bound).amax(dim=0)), "n₁ = r + 1")
    evidence.broken(LAST, pooled(torch.median, free_rate[-1] / free_rate.amax(dim=0)), "n₁ = r + 1")
    return evidence


def positive_imbalance(setting: Setting) -> None:
    """Refuse sizes at which the noise of F may not outlast that of G, or the best scale is out of reach."""
    s = setting.sizes
    setting.assume(s.k > len(s.spectrum), "k > r")
    setting.assume(s.k < s.n1, "k < n₁")
    least = torch.linalg.eigvalsh(imbalance(scaled_start(setting, s.k, 1.0)))[:, 0]
    setting.assume(bool((least > 0).all()), "Δ₀ ≻ 0")
    setting.assume(s.n1 >= 10 * s.k, TALL)


BELOW = Criterion(
    "smallest rate ratio of neighbouring α, 10 % below the crossing",
    low=1.0,
    width="an order; neighbours differ by 7.9 % on 20 pilot seeds, sd 0.1 %",
)
BEYOND = Criterion(
    "largest rate ratio of neighbouring α, 10 % beyond the crossing",
    high=1.0,
    width="an order; 0.967 on 20 pilot seeds, sd 0.008",
)
BEST = Criterion(
    "best α / α at the crossing",
    0.9,
    1.1,
    width="the grid, 4 %, and mixed rates at the crossing: 0.95 to 1 on 20 pilot seeds",
)


@PAGE.claim(
    "xiong2024.alpha-turning-point",
    "A larger start scale is faster up to a turning point, and slower beyond",
    BELOW,
    BEYOND,
    BEST,
    reference="corrects the reading of Figure 2; new",
    states="reb-turning",
    kind="ordering",
    control="no extra rank: k = r, where the rate falls with α throughout; beyond the crossing, a free row: "
    "n₁ = r + 1 < k, where it rises throughout",
    sizes=scales(
        n1=each(40, 40, 200),
        n2=each(50, 50, 250),
        spectrum=(1.5, 1.0),
        k=each(4, 4, 10),
        ends=each((0.4, 1.8), (0.3, 2.0), (0.3, 2.0)),
        grid=each(31, 51, 101),
        eta=0.1,
        steps=each(2_000, 4_000, 4_000),
    ),
    edges=(
        edge("r = 1", spectrum=(1.0,), k=3, grid=15),
        edge("k = r + 1, n₂ = r + 1", k=3, n2=3, grid=15),
        edge("equal singular values", spectrum=(1.0, 1.0), grid=15),
        refused("k < n₁", "F∞ fills all rows, and the rate rises throughout", n1=4),
        refused("r < min(n₁, n₂)", "G∞ fills all rows", n2=2),
        refused(TALL, "the two values need not move one way each", n1=20),
        refused("Δ₀ ≻ 0", "a mode of Δ∞ passes zero as α grows", n1=10, n2=10, k=6),
    ),
    uses=("xiong2024.local-rate", "xiong2024.no-scale-beats-exact-rank"),
    discrepancy="The public discussion reads Figure 2 as “the larger α, the faster”. That holds up to a turning "
    "point, here between α = {smallest crossing:.2f} and {largest crossing:.2f}, and not beyond. The figure's own "
    "values of α were not readable; values below one half lie in the range where it is true.",
)
def alpha_turning_point(setting: Setting) -> Evidence:
    s, r = setting.sizes, len(setting.sizes.spectrum)
    positive_imbalance(setting)
    low, high = (math.log10(end) for end in s.ends)
    alphas = torch.logspace(low, high, s.grid, dtype=torch.float64)

    def by_scale(found: torch.Tensor) -> torch.Tensor:
        """(S, grid) of a sweep over the scales."""
        return torch.stack(list(Sweep(setting, α=alphas.tolist()).split(found).values()), dim=1)

    def rates(
        some: Setting, k: int, steps: int = s.steps, part: float = 1.0
    ) -> tuple[torch.Tensor, Trajectory]:
        """Rates, (S, grid), and the runs, at a part of every scale."""
        sweep = Sweep(some, α=(part * alphas).tolist())
        run = asymmetric_run(sweep.setting, swept_start(sweep, k), steps=steps, record=range(0, steps + 1, 4))
        return by_scale(late_rate(run).abs()), run

    over, run = rates(setting, s.k)
    exact, _ = rates(setting, r)
    narrow = resized(setting, n1=r + 1, n2=max(s.n2, 4 * s.k))
    # At half the scale, so that the step stays stable with so many columns in so few rows.
    filled, _ = rates(narrow, 3 * s.k, s.steps // 4, part=0.5)
    assert run.factors.right is not None
    rising, falling = (
        by_scale(torch.linalg.svdvals(side).square()[:, mode].cpu())
        for side, mode in ((run.factors.left, s.k - 1), (run.factors.right, r - 1))
    )
    crossing = crossings.crossing(alphas.log(), (falling / rising).log()).exp()
    # At the crossing two modes are equally slow, and no finite window tells their rates apart.
    below = alphas[1:] <= 0.9 * crossing[:, None]
    beyond = alphas[:-1] >= 1.1 * crossing[:, None]

    def smallest_ratio_below(rate: torch.Tensor) -> torch.Tensor:
        return torch.where(below, rate[:, 1:] / rate[:, :-1], torch.inf).amin(dim=1)

    def largest_ratio_beyond(rate: torch.Tensor) -> torch.Tensor:
        return torch.where(beyond, rate[:, 1:] / rate[:, :-1], 0.0).amax(dim=1)

    evidence = Evidence(
        notes={
            "smallest crossing": float(crossing.min()),
            "largest crossing": float(crossing.max()),
        },
        curves={
            "alphas": alphas,
            "rates": over,
            "rates k = r": exact,
            "crossing": crossing,
            "rising": -per_step(s.eta, rising),
            "falling": -per_step(s.eta, falling),
        },
    )
    evidence.found(BELOW, smallest_ratio_below(over))
    evidence.broken(BELOW, smallest_ratio_below(exact), "k = r")
    evidence.found(BEYOND, largest_ratio_beyond(over))
    evidence.broken(BEYOND, largest_ratio_beyond(filled), "n₁ = r + 1")
    evidence.found(BEST, alphas[over.argmax(dim=1)] / crossing)
    evidence.broken(BEST, alphas[exact.argmax(dim=1)] / crossing, "k = r")
    return evidence
