"""Problems whose operator has a certified constant, and descent to a second-order point."""

from __future__ import annotations

import torch

from lowrank_core.claims.grammar import Setting
from lowrank_core.factors import Factors
from lowrank_core.methods import GradientDescent
from lowrank_core.noise import Noise
from lowrank_core.problem import Problem, observe
from lowrank_core.sensing import Dense, random_certified
from lowrank_core.solver import Trajectory, solve
from lowrank_core.truth import psd


def certified_problem(
    setting: Setting,
    n: int,
    spectrum: list[float],
    delta: float,
    count: int,
    noise: Noise | None = None,
    variants: int = 1,
) -> Problem:
    """A truth in a random basis seen through A*A = (1 + δ)I − 2δΠ, Π of rank `count` and random.

    With `variants` > 1 every seed stands `variants` times in a row, with the same truth and operator: for restarts.
    """
    seeds = [seed for seed in setting.seeds for _ in range(variants)]
    truth = psd(n, spectrum, seeds, basis="random", device=setting.device)
    entries = random_certified(n, delta, count, setting.seeds, device=setting.device).entries
    operator = Dense(entries, (n, n), symmetric=True, repeats=variants, weight=1.0)
    return observe(truth, operator, noise=noise, seeds=seeds)


def descended(problem: Problem, start: Factors, eta: float, steps: int) -> Trajectory:
    """Gradient descent recorded at its ends only, for what it ends at."""
    return solve(problem, GradientDescent(eta), start, steps, record=[steps])


def frobenius(trajectory: Trajectory) -> torch.Tensor:
    """‖XXᵀ − M*‖_F at the end, (B,): errors of this part are not squared."""
    return trajectory.error[:, -1].sqrt()


def arrival(trajectory: Trajectory) -> torch.Tensor:
    """The first recorded iteration that met the stop rule, inf if none did, (B,)."""
    return torch.where(trajectory.reached_at >= 0, trajectory.reached_at.double(), torch.inf)
