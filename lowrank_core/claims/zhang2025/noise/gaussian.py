"""Gaussian noise: how the error of least squares grows with the size of the matrix and with the search rank."""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from lowrank_core.analysis import rates
from lowrank_core.claims.claim import Criterion, Evidence, Setting
from lowrank_core.claims.grammar import each, scales
from lowrank_core.claims.registry import claim
from lowrank_core.claims.zhang2025.noise.bound import CHAPTER
from lowrank_core.claims.zhang2025.runs import SEEDS, descended, frobenius
from lowrank_core.factors import adjoint_start
from lowrank_core.noise import Gaussian
from lowrank_core.problem import Problem, observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import Identity, gaussian_symmetric
from lowrank_core.truth import psd

IN_SIZE = "exponent of the error in n"
IN_RANK = "error² / (σ²n (r* + 2(r − r*))) at the largest n"
SENSING = "error under Gaussian sensing / error at δ = 0"


def every_coordinate(setting: Setting, n: int) -> Problem:
    """All n(n + 1)/2 orthonormal coordinates of M* are seen, δ = 0, each with N(0, σ²): A*(w) is σ × Gaussian."""
    s = setting.sizes
    drawn = normal(setting.seeds, "noise", n, n, device=setting.device)
    truth = psd(n, [1.0] * s.r_star, setting.seeds, device=setting.device)
    problem = observe(truth, Identity(n, device=setting.device))
    noise = 0.5 * s.deviation * (drawn + drawn.mT)
    return replace(problem, observations=problem.observations + noise.flatten(1))


def gaussian_sensing(setting: Setting, n: int) -> Problem:
    """m Gaussian measurements with noise of standard deviation √m σ, which gives A*(w) the same size."""
    s = setting.sizes
    truth = psd(n, [1.0] * s.r_star, setting.seeds, device=setting.device)
    operator = gaussian_symmetric(n, s.m, setting.seeds, device=setting.device)
    return observe(
        truth,
        operator,
        noise=Gaussian(math.sqrt(s.m) * s.deviation),
        seeds=setting.seeds,
    )


def least_squares_error(problem: Problem, r: int, steps: int) -> float:
    """‖XXᵀ − M*‖_F where descent from the spectral start ends, the geometric mean over the seeds."""
    start = adjoint_start(problem.operator, problem.observations, r, symmetric=True)
    return float(frobenius(descended(problem, start, 0.2, steps)).log().mean().exp())


@claim(
    id="zhang2025.gaussian-noise",
    title="Gaussian noise: the error grows like √n, and like the root of the search rank",
    reference="abstract for minimax-optimal recovery; the constants are derived here",
    statement=r"""If noise $N(0,\sigma^2)$ is added to each of the $n(n+1)/2$ orthonormal coordinates of
$M^\star$, descent from the spectral start ends at
$\|XX^\top-M^\star\|_F^2\approx\sigma^2n\,(r^\star+2(r-r^\star))$ for $n\gg r$: the error grows like
$\sigma\sqrt{n(r+r^\star)}$, and a column in excess costs twice as much as a true one. Under Gaussian sensing
with many measurements the error has the same size.""",
    origin="ours",
    kind="rate",
    criteria=(
        Criterion(IN_SIZE, 0.4, 0.65),
        Criterion(IN_RANK, 0.75, 1.25),
        Criterion(SENSING, 0.65, 1.5),
    ),
    control="search rank n: descent keeps the whole positive part of the noise, and its error grows like n",
    breaks=(IN_SIZE, IN_RANK),
    seeds=SEEDS,
    sizes=scales(
        sizes=each((32, 128), (32, 64, 128), (32, 64, 128, 256)),
        m=each(1_000, 1_500, 6_000),
        small=each(20, 16, 32),
        r_star=2,
        deviation=each(0.02, 0.02, 0.01),
        steps=each(150, 300, 1_000),
    ),
    chapter=CHAPTER,
    fit="illustrates",
)
def gaussian_noise(setting: Setting) -> Evidence:
    s = setting.sizes
    seen = [every_coordinate(setting, n) for n in s.sizes]
    errors = {
        f"r = {r}": torch.tensor([[least_squares_error(problem, r, s.steps) for problem in seen]])
        for r in (s.r_star, s.r_star + 1, s.r_star + 2)
    }
    # Descent at full rank ends at the positive part of M* + N.
    full = torch.tensor([[positive_part_error(problem) for problem in seen]])
    unit = {name: s.deviation**2 * s.sizes[-1] * (2 * int(name[4:]) - s.r_star) for name in errors}
    both = [make(setting, s.small) for make in (gaussian_sensing, every_coordinate)]
    sensing = {
        f"r = {r}": least_squares_error(both[0], r, s.steps) / least_squares_error(both[1], r, s.steps)
        for r in (s.r_star, s.r_star + 2)
    }
    n = s.sizes[-1]
    return Evidence(
        measured={
            IN_SIZE: {name: rates.scaling_exponent(s.sizes, values) for name, values in errors.items()},
            IN_RANK: {name: values[:, -1].square() / unit[name] for name, values in errors.items()},
            SENSING: sensing,
        },
        predicted={IN_SIZE: 0.5, IN_RANK: 1.0},
        control={
            IN_SIZE: {"r = n": rates.scaling_exponent(s.sizes, full)},
            IN_RANK: {"r = n": full[:, -1].square() / (s.deviation**2 * n * (2 * n - s.r_star))},
        },
        notes={"deviation": s.deviation},
        curves={"sizes": s.sizes, "errors": errors | {"r = n": full}},
    )


def positive_part_error(problem: Problem) -> float:
    """‖(M* + N)₊ − M*‖_F, the geometric mean over the seeds."""
    values, vectors = torch.linalg.eigh(problem.operator.adjoint(problem.observations))
    kept = (vectors * values.clamp(min=0.0)[:, None, :]) @ vectors.mT
    return float(torch.linalg.matrix_norm(kept - problem.truth.matrix).log().mean().exp())
