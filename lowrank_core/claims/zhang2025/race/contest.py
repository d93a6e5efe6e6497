"""The field of methods, with the step, damping and start that each is given beforehand, and how iterations count.

Truths have σ₁ = 1 and r = 2, so that steps need no further scaling; errors are ‖XXᵀ − M*‖_F/σ₁, not squared.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from lowrank_core.analysis.rip import sampled_rip
from lowrank_core.claims.grammar import Setting
from lowrank_core.factors import Factors, adjoint_start, gaussian_start
from lowrank_core.loss import Loss
from lowrank_core.methods import (
    GradientDescent,
    Method,
    PreconditionedGradientDescent,
    ResidualNorm,
    ScaledGradientDescent,
    SlopeNorm,
)
from lowrank_core.noise import Noise
from lowrank_core.problem import Problem, observe
from lowrank_core.sensing import gaussian_symmetric
from lowrank_core.solver import ErrorBelow, Trajectory, solve
from lowrank_core.truth import psd

TRUE_RANK = 2
ETA = 0.5
"""The step of every method that starts near the truth: half of what a population of norm one allows."""
SMALL_START_ETA = 0.3
TINY = 1e-30
"""α of ScaledGD(λ): what α leaves behind must lie below any accuracy asked for."""
RELATIVE_DAMPING = 0.5
"""λ/σ_r of ScaledGD(λ)."""
ACCURACY = 1e-10


class Entrant(NamedTuple):
    """A method and where it starts."""

    method: Method
    start: Factors


def contest(
    setting: Setting, kappa: float, noise: Noise | None = None, loss: Loss = "l2", m: int | None = None
) -> Problem:
    """m Gaussian measurements of a truth of rank two with eigenvalues 1 and 1/κ in a random basis."""
    s, seeds, device = setting.sizes, setting.seeds, setting.device
    truth = psd(s.n, [1.0, 1 / kappa], seeds, basis="random", device=device)
    return observe(truth, gaussian_symmetric(s.n, m or s.m, seeds, device=device), loss, noise, seeds)


def field(problem: Problem, search_rank: int) -> dict[str, Entrant]:
    """The ℓ2 methods on symmetric factors, by name."""
    smallest = float(problem.truth.spectrum[0, -1])
    near = adjoint_start(problem.operator, problem.observations, search_rank, symmetric=True)
    seeds, device = problem.truth.seeds, problem.operator.device
    tiny = gaussian_start(problem.truth.shape[0], search_rank, TINY, seeds, device)
    return {
        "GD": Entrant(GradientDescent(ETA), near),
        "ScaledGD": Entrant(ScaledGradientDescent(ETA), near),
        "PrecGD, slope": Entrant(PreconditionedGradientDescent(ETA, SlopeNorm()), near),
        "PrecGD, residual": Entrant(PreconditionedGradientDescent(ETA, ResidualNorm()), near),
        "ScaledGD(λ)": Entrant(ScaledGradientDescent(SMALL_START_ETA, RELATIVE_DAMPING * smallest), tiny),
    }


PRECONDITIONED = ("ScaledGD", "PrecGD, slope", "PrecGD, residual", "ScaledGD(λ)")


def race(problem: Problem, entrant: Entrant, cap: int, every: int = 1) -> Trajectory:
    """Run until every trajectory has reached the accuracy, or to the cap; recorded at every so many iterations."""
    record = range(0, cap + 1, every)
    return solve(problem, entrant.method, entrant.start, cap, record=record, stop=ErrorBelow(ACCURACY**2))


def reached_error(run: Trajectory) -> torch.Tensor:
    """log₁₀ of the error when the accuracy was reached, or else at the end, (B,)."""
    first = torch.where(run.reached_at >= 0, run.reached_at, run.steps[-1])
    at = torch.searchsorted(run.steps, first)
    return 0.5 * run.error.gather(1, at[:, None])[:, 0].log10()


def isometry_defect(problem: Problem, order: int) -> float:
    """The largest over the seeds of a lower bound on the constant of this order, after the best rescaling."""
    distinct = problem.truth.seeds
    return float(sampled_rip(problem.operator, order, distinct, samples=1, rounds=10).scale_free.max())
