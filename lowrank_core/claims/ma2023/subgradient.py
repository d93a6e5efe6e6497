"""The problems, starts, steps and runs of the sub-gradient method that the claims of this paper share.

The paper's objective is (1/m)‖y − A(UUᵀ)‖₁, twice the one of `lowrank_core`, so its step sizes are doubled here,
once and for all: η in a claim is the paper's η. Errors in the claims are ‖UUᵀ − M*‖_F,
not squared, as in the paper.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from lowrank_core.claims.grammar import Setting
from lowrank_core.factors import Factors, gaussian_start, spectral_start
from lowrank_core.loss import Loss
from lowrank_core.methods import Subgradient
from lowrank_core.noise import Corruption, Noise
from lowrank_core.problem import Problem, observe
from lowrank_core.sensing import gaussian_symmetric
from lowrank_core.solver import Trajectory, log_spaced, solve
from lowrank_core.steps import Constant, Geometric, LossProportional, Normalised, StepRule
from lowrank_core.truth import psd


def sensing(
    setting: Setting,
    m: int,
    noise: Noise | Corruption | None = None,
    spectrum: Sequence[float] | None = None,
    n: int | None = None,
    loss: Loss = "l1",
    variants: int = 1,
) -> Problem:
    """m Gaussian measurements of a truth with the setting's order n and spectrum, corrupted by `noise`.

    With `variants` > 1 every seed stands `variants` times in a row, with the same truth, measurements and noise:
    for runs that differ in the start or the step alone. `split` takes their results apart.
    """
    s = setting.sizes
    seeds = [seed for seed in setting.seeds for _ in range(variants)]
    n = n or s.n
    truth = psd(n, spectrum or s.spectrum, seeds, device=setting.device)
    operator = gaussian_symmetric(n, m, seeds, device=setting.device)
    return observe(truth, operator, loss, noise, seeds)


def spectral(problem: Problem, k: int, alpha: float) -> Factors:
    """Algorithm 2 of the paper with k columns; about half of the columns are zero, see `spectral_start`."""
    return spectral_start(problem.operator, problem.observations, k, alpha)


def random(problem: Problem, k: int, alpha: float) -> Factors:
    """A Gaussian start with k columns, of full rank."""
    return gaussian_start(problem.truth.shape[0], k, alpha, problem.truth.seeds, problem.operator.device)


def geometric(eta: float | torch.Tensor, ratio: float | torch.Tensor) -> StepRule:
    """η ρᵗ/‖Q_t‖, eq. (10) of the paper, for any noise."""
    return Normalised(Geometric(2 * eta, ratio))


def normalised_constant(eta: float) -> StepRule:
    """η/‖Q_t‖, which never decays."""
    return Normalised(Constant(2 * eta))


def loss_proportional(eta: float | torch.Tensor) -> StepRule:
    """(η/2) f(U_t), Theorem 22 of the paper, for clean measurements: the effective step of GD is η φ²."""
    return LossProportional(2 * eta)


def run(problem: Problem, start: Factors, step: StepRule, steps: int, **options: Any) -> Trajectory:
    """The sub-gradient method, recorded at 40 iterations per decade unless `options` of `solve` say otherwise."""
    return solve(problem, Subgradient(step), start, steps, **{"record": log_spaced(steps, 40)} | options)


@contextmanager
def wrong_on_purpose() -> Iterator[None]:
    """No warning that a step rule is wrong for noisy observations, for the controls that show just this."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def final(run: Trajectory) -> torch.Tensor:
    """‖UUᵀ − M*‖_F at the end, (B,)."""
    return run.error[:, -1].sqrt()


def best(run: Trajectory) -> torch.Tensor:
    """The smallest ‖UUᵀ − M*‖_F over the records, (B,): what an oracle that stops in time would return."""
    return run.error.amin(dim=1).sqrt()


def split(values: torch.Tensor, variants: int) -> torch.Tensor:
    """Results (S·V, ...) of a problem with V variants as (S, V, ...), S the seeds."""
    return values.unflatten(0, (-1, variants))
