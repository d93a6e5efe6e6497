"""Without the rebalancing step: how the rate depends on the start scale, on the population loss."""

from __future__ import annotations

import math

import torch

from lowrank_core.analysis import crossings
from lowrank_core.analysis.imbalance import imbalance
from lowrank_core.analysis.statistics import pooled
from lowrank_core.claims.experiments.descents import asymmetric_run, per_step, scaled_start
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, each, edge, refused, scales
from lowrank_core.claims.xiong2024.batches import late_rate, repeated, stacked_starts
from lowrank_core.solve import Trajectory

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
        k: int, alphas: list[float], steps: int, **sizes: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Rates and their bounds, each (number of scales, B), positive."""
        wide = repeated(setting, len(alphas), **sizes)
        starts = stacked_starts(repeated(setting, 1, **sizes), k, alphas)
        run = asymmetric_run(wide, starts, steps=steps, record=range(0, steps + 1, 4))
        values = torch.linalg.svdvals(run.factors.left).square().cpu()
        least = values[:, min(k, wide.sizes.n1) - 1]
        bound = -per_step(s.eta, torch.minimum(least, s.spectrum[-1] ** 2 / least))
        return tuple(v.unflatten(0, (len(alphas), -1)) for v in (late_rate(run).abs(), bound))

    rate, bound = rate_and_bound(s.k, list(s.alphas), s.steps)
    # Scales a third as large: with many columns F is longer at the same α, and the step must stay stable.
    free_rate, free_bound = rate_and_bound(
        s.many, [alpha / 3 for alpha in s.alphas], 1_000, n1=r + 1, n2=max(s.n2, 2 * s.many)
    )
    return Evidence(
        measured={
            BOUND: pooled(torch.median, (rate / bound).amax(dim=0)),
            LAST: pooled(torch.median, rate[-1] / rate.amax(dim=0)),
        },
        control={
            BOUND: {"n₁ = r + 1": pooled(torch.median, (free_rate / free_bound).amax(dim=0))},
            LAST: {"n₁ = r + 1": pooled(torch.median, free_rate[-1] / free_rate.amax(dim=0))},
        },
        notes={
            "rate at α = 0.7 / at α = 0.35": float((rate[1] / rate[0]).mean()),
            "rate at α = 1.8 / at α = 1.3": float((rate[3] / rate[2]).mean()),
            "fastest rate / rate of exact rank": float(
                (rate / -per_step(s.eta, torch.tensor(s.spectrum[-1]))).max()
            ),
        },
    )


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
    s, r, seeds = setting.sizes, len(setting.sizes.spectrum), len(setting.seeds)
    positive_imbalance(setting)
    low, high = (math.log10(end) for end in s.ends)
    alphas = torch.logspace(low, high, s.grid, dtype=torch.float64)

    def sweep(k: int, part: float = 1.0, **sizes: int) -> tuple[torch.Tensor, Trajectory]:
        start = stacked_starts(repeated(setting, 1, **sizes), k, (part * alphas).tolist())
        wide = repeated(setting, s.grid, **sizes)
        steps = s.steps // (4 if sizes else 1)
        run = asymmetric_run(wide, start, steps=steps, record=range(0, steps + 1, 4))
        return late_rate(run).abs().unflatten(0, (s.grid, seeds)).mT, run

    over, run = sweep(s.k)
    exact, _ = sweep(r)
    # At half the scale, so that the step stays stable with so many columns in so few rows.
    filled, _ = sweep(3 * s.k, 0.5, n1=r + 1, n2=max(s.n2, 4 * s.k))
    assert run.factors.right is not None
    values = [torch.linalg.svdvals(side).square().cpu() for side in (run.factors.left, run.factors.right)]
    rising, falling = (
        v[:, j].unflatten(0, (s.grid, seeds)).mT for v, j in zip(values, (s.k - 1, r - 1), strict=True)
    )
    crossing = crossings.crossing(alphas.log(), (falling / rising).log()).exp()

    def shape(rate: torch.Tensor) -> dict[str, torch.Tensor]:
        ratio = rate[:, 1:] / rate[:, :-1]
        # At the crossing two modes are equally slow, and no finite window tells their rates apart.
        below = alphas[1:] <= 0.9 * crossing[:, None]
        beyond = alphas[:-1] >= 1.1 * crossing[:, None]
        return {
            BELOW: torch.where(below, ratio, torch.inf).amin(dim=1),
            BEYOND: torch.where(beyond, ratio, 0.0).amax(dim=1),
            BEST: alphas[rate.argmax(dim=1)] / crossing,
        }

    return Evidence(
        measured=shape(over),
        control={
            BELOW: {"k = r": shape(exact)[BELOW]},
            BEYOND: {"n₁ = r + 1": shape(filled)[BEYOND]},
            BEST: {"k = r": shape(exact)[BEST]},
        },
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
