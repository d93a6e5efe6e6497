"""Figures of the papers: curves at their sizes, which are stored, and live ones to be drawn beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from lowrank_core import artefacts
from lowrank_core.analysis.crossings import first_record_below
from lowrank_core.claims.grammar import Setting, Sweep, Variant
from lowrank_core.factors import Factors, adjoint_start
from lowrank_core.methods import Method
from lowrank_core.problem import Problem, observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import sampled
from lowrank_core.solver import solve
from lowrank_core.truth import rectangular

RECORDS = 60
"""Points of a stored curve."""


def records(steps: int, count: int = RECORDS) -> range:
    """Iterations to record, evenly spaced, `count` of them or a few more."""
    return range(0, steps + 1, max(1, steps // count))


def curves(steps: torch.Tensor, found: Mapping[Variant, torch.Tensor]) -> dict[str, Any]:
    """What a claim offers as `Evidence.curves`: steps (R,) and curves (S, R), for figures and for storing."""
    stored = {name: artefacts.band(steps, values) for name, values in found.items()}
    return {"steps": steps, "curves": dict(found), "stored": stored}


def errors(
    sweep: Sweep, problem: Problem, method: Method, start: Factors, steps: int, count: int = RECORDS
) -> tuple[torch.Tensor, dict[Variant, torch.Tensor]]:
    """The recorded steps (R,), and the relative errors (S, R) of each variant."""
    run = solve(problem, method, start, steps, record=records(steps, count))
    return run.steps, sweep.split(run.error.sqrt() / problem.truth.spectrum.norm(dim=1).cpu()[:, None])


def arrival(steps: torch.Tensor, error: torch.Tensor, level: float) -> torch.Tensor:
    """The first recorded step with an error of at most the level, the last one where there is none, (S,)."""
    return first_record_below(steps, error, level).clamp(max=float(steps[-1]))


def completion(
    setting: Setting,
    seeds: Sequence[int],
    n: int,
    spectra: torch.Tensor,
    share: float,
    level: torch.Tensor | float = 0.0,
) -> tuple[Problem, Factors]:
    """A share of the entries of square truths with random singular vectors, and the spectral start.

    Args:
        seeds: of the batch; equal ones in a row share entries, singular vectors and noise.
        spectra: singular values, (B, r).
        level: standard deviation of the noise on an entry, a number or (B, 1).
    """
    truth = rectangular(n, n, spectra.to(setting.device), seeds, basis="random", device=setting.device)
    problem = observe(truth, sampled(n, n, round(share * n * n), seeds, device=setting.device))
    noise = level * normal(seeds, "noise", problem.operator.m, device=setting.device)
    problem = replace(problem, observations=problem.observations + noise)
    return problem, adjoint_start(problem.operator, problem.observations, spectra.shape[1])
