"""What the claims about the solvers share: a recovery problem, the run that others are held to, and a control."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lowrank_core import kernels
from lowrank_core.claims.grammar import Setting
from lowrank_core.factors import Factors, gaussian_start
from lowrank_core.methods import Method
from lowrank_core.noise import Noise
from lowrank_core.problem import Problem, observe
from lowrank_core.sensing import Dense, gaussian_symmetric
from lowrank_core.solver import Trajectory, recovery_errors
from lowrank_core.truth import psd

SPECTRUM = (1.5, 1.0)
GOAL = 1e-10
"""The relative error whose arrival is counted in iterations."""


def recovery(
    setting: Setting,
    m: int,
    spectrum: Sequence[float] = SPECTRUM,
    storage: str | None = None,
    noise: Noise | None = None,
) -> Problem:
    """A truth in a random basis and m Gaussian measurements, afresh for each seed."""
    s, seeds, device = setting.sizes, setting.seeds, setting.device
    truth = psd(s.n, list(spectrum), seeds, "random", device=device)
    operator = gaussian_symmetric(s.n, m, seeds, device=device, storage=storage)
    return observe(truth, operator, noise=noise, seeds=seeds if noise else None)


def start_of(setting: Setting, k: int = len(SPECTRUM), scale: float = 0.3) -> Factors:
    return gaussian_start(setting.sizes.n, k, scale, setting.seeds, setting.device)


def relative(run: Trajectory, problem: Problem) -> torch.Tensor:
    """‖XXᵀ − M*‖_F / ‖M*‖_F at the records, (B, R)."""
    return run.error.sqrt() / problem.truth.spectrum.norm(dim=1, keepdim=True).cpu()


@torch.no_grad()
def by_torch(
    problem: Problem, method: Method, start: Factors, steps: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The relative errors (B, steps + 1) and the last XXᵀ of the loop as one would write it.

    Step by step in torch, at full size: no compiled kernel, no A*A in the place of A, no reduction.
    """
    with kernels.using("torch"):
        state = method.init(problem, start)
        errors = [recovery_errors(problem, state.factors)[0]]
        for _ in range(steps):
            state = method.step(problem, state)
            errors.append(recovery_errors(problem, state.factors)[0])
    size = problem.truth.spectrum.norm(dim=1, keepdim=True)
    return (torch.stack(errors, dim=1).sqrt() / size).cpu(), state.factors.product()


@torch.no_grad()
def all_low(problem: Problem, start: Factors, eta: float, steps: int, dtype: torch.dtype) -> Factors:
    """Where gradient descent ends if residual and slope are computed in low precision, and all else in float64."""
    operator = problem.operator
    assert isinstance(operator, Dense)
    low, left = operator.lowered(dtype), start.left
    y = problem.observations.to(dtype)
    for _ in range(steps):
        residual = low.measure(operator.coordinates(left, None).to(dtype)) - y
        slope = low.combine(operator.weight * residual)
        left = left - eta * operator.pull_back(slope, left, None)[0]
    return Factors(left)


def arrivals(errors: torch.Tensor) -> torch.Tensor:
    """The first iteration with a relative error below `GOAL`, or how many there were, (B, T + 1) -> (B,)."""
    below = errors < GOAL
    first = below.double().argmax(dim=1).double()
    return torch.where(below.any(dim=1), first, float(errors.shape[1]))


def gap(found: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """‖found − expected‖ / ‖expected‖ of each trajectory, (B,)."""
    return (found - expected).flatten(1).norm(dim=1) / expected.flatten(1).norm(dim=1)
