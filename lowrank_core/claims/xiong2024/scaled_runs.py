"""Runs from the paper's start at several scales α side by side, and the rates they end with."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from lowrank_core.analysis import rates
from lowrank_core.claims.experiments.descents import FLOOR, late_fit, scaled_start
from lowrank_core.claims.grammar import Sweep, Variant
from lowrank_core.factors import Factors
from lowrank_core.solver import Trajectory


def swept_start(sweep: Sweep, k: int, ratio: float = 1 / 3) -> Factors:
    """The imbalanced start of the paper, F₀ = αF̃ and G₀ = ραG̃, with k columns, at every scale of a sweep over α."""
    left, right = scaled_start(sweep.setting, k, 1.0, ratio=1.0)
    assert right is not None
    return Factors(sweep.column("α") * left, sweep.column("α") * ratio * right)


def late_rate(run: Trajectory, since: float | torch.Tensor = 0.0) -> torch.Tensor:
    """Rate per iteration on the second half of the descent that begins at iteration `since`, (B,)."""
    return late_fit(run, (since + rates.last_clear(run.steps, run.error, FLOOR)) / 2).rate


def exponent_in_squares(rate: Mapping[Variant, torch.Tensor]) -> torch.Tensor:
    """Size of the exponent in α² of rates, variant "α = …" -> (S,), on each seed, (S,)."""
    squares = [scale.number**2 for scale in rate]
    return rates.scaling_exponent(squares, torch.stack(list(rate.values()), dim=1)).abs()
