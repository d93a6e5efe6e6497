"""How often descent from a random start is caught: at δ = 1/2 less and less with time, above it for ever."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from lowrank_core.analysis.planted import planted
from lowrank_core.analysis.statistics import Pooled, pooled
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.factors import Factors
from lowrank_core.methods import GradientDescent
from lowrank_core.randomness import draw, normal, stream
from lowrank_core.solver import solve

PAGE = Page("chapters/zhang2025/counterexamples")

GOLDEN = (math.sqrt(5) - 1) / 2
LARGEST_ETA = 0.2
WIDE_TIMES = (1.0, 3.0, 10.0, 30.0, 300.0)
NEAR = 0.4
"""Of the starts for k = 2 that are trapped at the time 30, 99 % have a planted row of at most this length."""
WIDE_ETA = 0.1


EXPONENT = Criterion(
    "exponent over the last decade of time",
    -0.58,
    -0.46,
    width="finite time: −0.51 to −0.52 at ηT = 300, −0.53 to −0.55 at ηT = 150",
)
SHARE = Criterion(
    "trapped share at the end",
    0.93,
    1.15,
    of_prediction=True,
    width="finite time: 1.01 to 1.03 at ηT = 300, 1.00 to 1.04 at ηT = 150",
)
WIDE = Criterion(
    "exponent for k = 2, all starts pooled",
    -1.19,
    -0.81,
    pooled="exponent of the mean shares",
    width="−0.996 over 24 pilot seeds, ±0.045 over groups of three, ±0.02 over groups of eight",
)


@PAGE.claim(
    "zhang2025.trapped-fraction",
    "At δ = 1/2 the trapped share of random starts decays like T^(−1/2), above it does not",
    EXPONENT,
    SHARE,
    WIDE,
    reference="no counterpart in what was read; illustrates the nonstrict saddles of the abstract of version 3",
    states="cx-share",
    kind="rate",
    control="a larger δ, 0.55 for k = 1 and 0.65 for k = 2: a strict local minimum with a basin",
    edges=(
        edge("a smaller start", sigma=0.4),
        edge("a larger step", eta=0.1),
        refused("small η", "the steps overshoot", eta=1.0),
    ),
    sizes=scales(
        starts=each(8_000, 20_000, 100_000),
        control=each(500, 2_000, 10_000),
        sigma=0.7,
        eta=each(0.05, 0.04, 0.02),
        time=each(150, 300, 1_000),
        wide=each(14_000, 14_000, 100_000),
    ),
    uses=("zhang2025.escape-time",),
)
def trapped_fraction(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(s.eta <= LARGEST_ETA, "small η")
    times = [s.time * factor for factor in (0.01, 0.03, 0.1, 0.3, 1.0)]
    at_star = trapped_shares(lattice_starts(setting, s.starts), 0.5, times, s.eta)
    above = trapped_shares(lattice_starts(setting, s.control), 0.55, times, s.eta)

    def exponent(shares: torch.Tensor) -> torch.Tensor:
        return (shares[:, -1] / shares[:, 2]).log10()

    def second(delta: float, count: int) -> Pooled:
        shares = trapped_shares(near_starts(setting, count), delta, WIDE_TIMES, WIDE_ETA)
        return pooled(lambda rows: (rows[:, -1].mean() / rows[:, -2].mean()).log10(), shares)

    evidence = Evidence(
        curves={
            "times": torch.tensor(times, dtype=torch.float64),
            "shares": {at(δ=0.5): at_star, at(δ=0.55): above},
            "sigma": s.sigma,
        }
    )
    law = s.sigma / math.sqrt(3 * math.pi * s.time)
    evidence.found(EXPONENT, exponent(at_star), predicted=-0.5)
    evidence.broken(EXPONENT, exponent(above))
    evidence.found(SHARE, at_star[:, -1], predicted=law)
    evidence.broken(SHARE, above[:, -1])
    evidence.found(WIDE, second(1 / (1 + math.sqrt(0.5)), s.wide), predicted=-1.0)
    evidence.broken(WIDE, second(0.65, s.wide // 10))
    return evidence


def lattice_starts(setting: Setting, count: int) -> torch.Tensor:
    """`count` starts in the plane for each seed, (B, count, 2, 1): a randomly shifted lattice, made Gaussian.

    Each start is exactly N(0, σ²I), and shares vary less than for independent draws.
    """
    shift = draw(setting.seeds, "lattice shift", (2,), lambda rng, size: rng.random(size))[:, None, :]
    index = torch.arange(count, dtype=torch.float64)
    lattice = (torch.stack([(index + 0.5) / count, index * GOLDEN], dim=-1) + shift) % 1
    radius = setting.sizes.sigma * (-2 * (-lattice[..., :1]).log1p()).sqrt()
    angle = 2 * math.pi * lattice[..., 1:]
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=-2).to(setting.device)


def near_starts(setting: Setting, count: int) -> torch.Tensor:
    """`count` starts for k = 2 and n = 3 for each seed, (B, count, 3, 2): Gaussian, given a planted row ≤ `NEAR`.

    All others have left by the time at which shares are compared; the length of the row is stratified.
    """
    sigma = setting.sizes.sigma
    drawn = draw(setting.seeds, "planted row", (count, 2), lambda rng, size: rng.random(size))
    place = (torch.arange(count, dtype=torch.float64) + drawn[..., 0]) / count
    within = -math.expm1(-(NEAR**2) / (2 * sigma**2))
    length, angle = sigma * (-2 * (-place * within).log1p()).sqrt(), 2 * math.pi * drawn[..., 1]
    row = torch.stack([length * angle.cos(), length * angle.sin()], dim=-1)[..., None, :]
    others = sigma * normal(setting.seeds, "start", count, 2, 2)
    return torch.cat([row, others], dim=-2).to(setting.device)


def trapped_shares(starts: torch.Tensor, delta: float, times: Sequence[float], eta: float) -> torch.Tensor:
    """The share of starts with ‖XXᵀ − M*‖ > 1 at each time ηT, (B, len(times)), for r = 1 and n = k + 1.

    Args:
        starts: (B, count, n, k). Who has arrived at the truth is not followed any further.
    """
    batch, count, n, k = starts.shape
    left, owner = starts.reshape(-1, n, k), torch.arange(batch).repeat_interleave(count)
    done, shares = 0, []
    for time in times:
        steps = round(time / eta)
        # One operator and one truth serve all starts, so the seeds of the problem draw nothing.
        case = planted(k, 1, delta, [0] * len(left), device=starts.device)
        run = solve(case.problem, GradientDescent(eta), Factors(left), steps - done, record=[steps - done])
        trapped = run.error[:, -1] > 1
        left, owner, done = run.factors.left[trapped.to(left.device)], owner[trapped], steps
        shares.append(torch.bincount(owner, minlength=batch).double() / count)
    return torch.stack(shares, dim=1)


FAILURES = Criterion(
    "failures at time 160 / failures at time 10",
    high=0.7,
    width="0.34 to 0.54 over 23 seeds; a strict trap gives 0.98 and more",
)


@PAGE.claim(
    "zhang2025.sgd-failures",
    "How often SGD fails on the published instance depends on how long it runs",
    FAILURES,
    reference="Zhang et al. (2018), abstract, where SGD fails 12 % of the time; the dependence is new",
    states="cx-sgd",
    kind="ordering",
    control="δ = 0.7: a strict local minimum, which small steps do not leave",
    seeds={"book": 20, "full": 60},
    sizes=scales(starts=each(400, 600, 1_000), eta=each(0.1, 0.1, 0.02)),
    uses=("zhang2025.example-1", "zhang2025.trapped-fraction"),
    discrepancy="The 12 % of failures of stochastic gradient descent on the instance with δ = 1/2 are no "
    "constant of the instance: the trap is not strict, and the share falls from {at 10:.0%} over {at 40:.0%} "
    "to {at 160:.0%} as the time ηT grows from 10 over 40 to 160. The step size and the number of steps behind "
    "the 12 % were not read.",
)
def sgd_failures(setting: Setting) -> Evidence:
    found, control = (failure_shares(setting, delta, (10, 40, 160)) for delta in (0.5, 0.7))
    return Evidence(
        measured={FAILURES: found[:, 2] / found[:, 0]},
        control={FAILURES: control[:, 2] / control[:, 0]},
        notes={f"at {time}": float(found[:, i].mean()) for i, time in enumerate((10, 40, 160))},
    )


def failure_shares(setting: Setting, delta: float, times: tuple[int, ...]) -> torch.Tensor:
    """The share of starts with ‖xxᵀ − e₁e₁ᵀ‖ > 1/2 at each time ηT, (B, len(times)).

    One step is x ← x − η∇½(⟨Aₖ, xxᵀ⟩ − bₖ)², k uniform; for δ = 1/2 the three Aₖ are the published ones.
    """
    s = setting.sizes
    side = math.sqrt((1 + delta) / 2)
    matrices = torch.tensor(
        [[[1, 0], [0, delta]], [[0, side], [side, 0]], [[0, 0], [0, math.sqrt(1 - delta**2)]]],
        dtype=torch.float64,
    )
    observed = matrices[:, 0, 0]
    x = normal(setting.seeds, "start", s.starts, 2)
    streams = [stream(seed, "measurement of each step") for seed in setting.seeds]
    shares, done = [], 0
    for time in times:
        while done < round(time / s.eta):
            drawn = torch.stack([torch.from_numpy(each.integers(0, 3, s.starts)) for each in streams])
            image = (matrices[drawn] * x[:, :, None, :]).sum(dim=-1)
            residual = (image * x).sum(dim=-1) - observed[drawn]
            x, done = x - 2 * s.eta * residual[..., None] * image, done + 1
        error = x.square().sum(dim=-1).square() - 2 * x[..., 0].square() + 1
        shares.append((error > 0.25).double().mean(dim=1))
    return torch.stack(shares, dim=1)
