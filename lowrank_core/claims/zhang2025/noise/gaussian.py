"""Gaussian noise: how the error of least squares grows with the size of the matrix and with the search rank."""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.gaussian_noise import error_law, positive_part_error
from lowrank_core.analysis.noise_bounds import adjoint_noise
from lowrank_core.analysis.statistics import Pooled, pooled
from lowrank_core.claims.experiments.landscapes import descended, frobenius
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.factors import adjoint_start
from lowrank_core.noise import Gaussian
from lowrank_core.problem import Problem, observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import Identity, gaussian_symmetric
from lowrank_core.truth import psd

PAGE = Page("chapters/zhang2025/noise-and-accuracy", book=24, smoke=16)

SMALL, ROOM = "σ√n ≪ σ_r(M*)", "n ≫ k"


def every_coordinate(setting: Setting, n: int, deviation: float | None = None) -> Problem:
    """All n(n + 1)/2 orthonormal coordinates of M* are seen, δ = 0, each with N(0, σ²): A*(w) is σ × Gaussian."""
    s = setting.sizes
    drawn = normal(setting.seeds, "noise", n, n, device=setting.device)
    return seen_whole(setting, n, 0.5 * (deviation or s.deviation) * (drawn + drawn.mT))


def seen_whole(setting: Setting, n: int, noise: torch.Tensor) -> Problem:
    """M* + noise, every entry."""
    truth = psd(n, [1.0] * setting.sizes.r, setting.seeds, device=setting.device)
    problem = observe(truth, Identity(n, device=setting.device))
    return replace(problem, observations=problem.observations + noise.flatten(1))


def gaussian_sensing(setting: Setting, n: int, m: int) -> Problem:
    """m Gaussian measurements with noise of standard deviation √m σ, which gives A*(w) the same size."""
    truth = psd(n, [1.0] * setting.sizes.r, setting.seeds, device=setting.device)
    operator = gaussian_symmetric(n, m, setting.seeds, device=setting.device)
    noise = Gaussian(math.sqrt(m) * setting.sizes.deviation)
    return observe(truth, operator, noise=noise, seeds=setting.seeds)


def least_squares_error(problem: Problem, k: int, steps: int) -> torch.Tensor:
    """‖XXᵀ − M*‖_F where descent from the spectral start ends, (B,)."""
    start = adjoint_start(problem.operator, problem.observations, k, symmetric=True)
    return frobenius(descended(problem, start, 0.2, steps))


IN_SIZE = Criterion(
    "exponent of the error in n / that of the law",
    0.85,
    1.16,
    pooled="exponent of geometric means",
    width="100 pilot seeds: 1.02 to 1.03 ± 0.03 for 16",
)
IN_RANK = Criterion(
    "error² / law at the largest n",
    0.88,
    1.12,
    pooled="mean of squared errors",
    width="100 pilot seeds: 1.01 to 1.04 ± 0.02 for 16",
)
SENSING = Criterion(
    "error under Gaussian sensing / error at δ = 0 with the noise A*(w)",
    0.9,
    1.1,
    pooled="geometric mean",
    width="100 pilot seeds: 0.97 to 1.02 ± 0.013 for 16",
)


@PAGE.claim(
    "zhang2025.gaussian-noise",
    "Small Gaussian noise: the error grows like √n, and like the root of the search rank",
    IN_SIZE,
    IN_RANK,
    SENSING,
    reference="abstract for minimax-optimal recovery; the constants are derived here",
    states="prop-noise-gaussian",
    origin="ours",
    kind="rate",
    control="search rank n: descent keeps the whole positive part of the noise, and its error grows like n (first "
    "two); σ√n is twice σ_r (second); few measurements (third)",
    sizes=scales(
        sizes=each((32, 128), (32, 64, 128), (32, 64, 128, 256)),
        m=each(1_000, 1_500, 6_000),
        few=each(110, 90, 180),
        small=each(20, 16, 32),
        r=2,
        deviation=each(0.02, 0.02, 0.01),
        steps=each(150, 300, 1_000),
    ),
    edges=(
        edge("r = 1", r=1),
        edge("less noise, and as many more steps", deviation=0.005, steps=700),
        refused(SMALL, "the noise hides the signal", deviation=0.2),
        refused(ROOM, "the columns fit more than their share", sizes=(8, 128)),
    ),
    fit="illustrates",
)
def gaussian_noise(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(s.deviation * s.sizes[-1] ** 0.5 <= 0.3, SMALL)
    setting.assume(min(s.sizes) >= 8 * (s.r + 2), ROOM)
    seen, n = [every_coordinate(setting, order) for order in s.sizes], s.sizes[-1]
    ranks = (s.r, s.r + 1, s.r + 2)
    errors = {
        at(k=k): torch.stack([least_squares_error(problem, k, s.steps) for problem in seen], dim=1)
        for k in ranks
    }
    # Descent at full rank ends at the positive part of M* + N.
    full = torch.stack([positive_part_error(problem) for problem in seen], dim=1)
    loud = every_coordinate(setting, n, 2 / n**0.5)
    noisy = least_squares_error(loud, s.r, s.steps)

    def exponent(found: torch.Tensor) -> torch.Tensor:
        return rates.scaling_exponent(s.sizes, found.log().mean(dim=0, keepdim=True).exp())[0]

    def in_size(found: torch.Tensor, k: int) -> Pooled:
        expected = torch.tensor([[error_law(order, s.r, k) ** 0.5 for order in s.sizes]], dtype=torch.float64)
        return pooled(lambda rows: exponent(rows) / exponent(expected), found)

    def in_rank(found: torch.Tensor, k: int, deviation: float) -> Pooled:
        return pooled(lambda v: v.square().mean() / (deviation**2 * error_law(n, s.r, k)), found)

    def sensing(m: int, k: int) -> Pooled:
        problem = gaussian_sensing(setting, s.small, m)
        same = seen_whole(setting, s.small, adjoint_noise(problem))
        ratio = least_squares_error(problem, k, s.steps) / least_squares_error(same, k, s.steps)
        return pooled(lambda v: v.log().mean().exp(), ratio)

    evidence = Evidence(
        predicted={IN_SIZE: 1.0, IN_RANK: 1.0, SENSING: 1.0},
        notes={"deviation": s.deviation},
        curves={
            "sizes": s.sizes,
            "errors": {
                name: found.log().mean(dim=0, keepdim=True).exp()
                for name, found in (errors | {at("k = n", k=n): full}).items()
            },
        },
    )
    for k, (name, found) in zip(ranks, errors.items(), strict=True):
        evidence.found(IN_SIZE, in_size(found, k), name)
        evidence.found(IN_RANK, in_rank(found[:, -1], k, s.deviation), name)
    evidence.broken(IN_SIZE, in_size(full, s.r), "k = n")
    evidence.broken(IN_RANK, in_rank(full[:, -1], s.r, s.deviation), "k = n")
    evidence.broken(IN_RANK, in_rank(noisy, s.r, 2 / n**0.5), "σ√n = 2σ_r")
    for k in (s.r, s.r + 2):
        evidence.found(SENSING, sensing(s.m, k), at(k=k))
    evidence.broken(SENSING, sensing(s.few, s.r + 2), at(m=s.few, k=s.r + 2))
    return evidence
