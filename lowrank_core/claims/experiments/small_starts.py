"""Small starts, the times at which they are stopped, and their runs.

Time is that of the gradient flow, ηT for gradient descent. A start has the scale a₀ = ‖[F₀; G₀]‖ in operator norm
exactly, so that exponents in a₀ carry no factors of the sizes. Errors are ‖FGᵀ − M*‖ in operator norm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from lowrank_core.analysis.closed_forms import balanced_flow
from lowrank_core.claims.grammar import Setting
from lowrank_core.factors import Factors, coupled_start, imbalanced_start
from lowrank_core.linalg import operator_norm
from lowrank_core.methods import GradientDescent
from lowrank_core.problem import Problem
from lowrank_core.solver import Trajectory, solve

SEEDS = {"smoke": 3, "book": 10, "full": 40}


def stopping_time(c: float, sigma: float, scale: float) -> float:
    """T = (c/σ_r) ln(σ_r/a₀²), the time of Wind's theorems with its constant c."""
    return c / sigma * math.log(sigma / scale**2)


def balanced(setting: Setting, k: int, scale: float) -> Factors:
    """A balanced start of norm a₀ with nothing in common with the truth."""
    s = setting.sizes
    return coupled_start(s.n1, s.n2, k, 1.0, setting.seeds, setting.device).rescaled(scale)


def gaussian_pair(setting: Setting, k: int, scale: float) -> Factors:
    """Independent Gaussian F₀, G₀ of equal scale, together of norm a₀; not balanced."""
    s = setting.sizes
    return imbalanced_start(s.n1, s.n2, k, 1.0, 1.0, setting.seeds, setting.device).rescaled(scale)


def flow_errors(
    target: torch.Tensor, start: Factors, times: Sequence[float], matrix: torch.Tensor
) -> torch.Tensor:
    """‖FGᵀ − M‖ of the exact flow towards `target` at the times, (B, R): the perturbation is target − M."""
    gaps = [factors.product() - matrix for factors in balanced_flow(target, start, times)]
    return operator_norm(torch.stack(gaps, dim=1))


def descent(problem: Problem, start: Factors, eta: float, time: float, **options: Any) -> Trajectory:
    """Gradient descent up to the given time, ηT, rounded to a whole iteration; `options` go to `solve`."""
    return solve(problem, GradientDescent(eta), start, max(1, round(time / eta)), **options)


def descent_errors(
    problem: Problem, start: Factors, scales: Sequence[float], eta: float, c: float
) -> torch.Tensor:
    """‖M_T − M*‖ of gradient descent at T = (c/σ_r) ln(σ_r/a₀²) for several scales at once, (B, scales).

    Runs that differ in the scale alone share their measurements, so problem and start are made with every seed
    repeated, in a row, once for each scale.
    """
    sigma = float(problem.truth.spectrum[0, -1])
    times = [stopping_time(c, sigma, a) for a in scales]
    steps = [round(time / eta) for time in times]
    seeds = problem.batch // len(scales)
    norms = torch.tensor(scales, dtype=torch.float64).repeat(seeds)
    run = descent(problem, start.rescaled(norms), eta, max(times), record=steps)
    own = torch.searchsorted(run.steps, torch.tensor(steps)).repeat(seeds)
    return run.operator_error.gather(1, own[:, None]).view(seeds, len(scales))
