"""Runs that differ only in a parameter share a batch: the seeds are repeated once a value, value by value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import torch

from lowrank_core.analysis import rates
from lowrank_core.claims.experiments.descents import FLOOR, late_fit, scaled_start
from lowrank_core.claims.grammar import Setting
from lowrank_core.factors import Factors
from lowrank_core.randomness import normal
from lowrank_core.solve import Trajectory


def repeated(setting: Setting, count: int, **sizes: Any) -> Setting:
    """The setting with its seeds `count` times over, and with some sizes changed."""
    return replace(setting, seeds=setting.seeds * count, sizes=SimpleNamespace(**vars(setting.sizes) | sizes))


def stacked_starts(setting: Setting, k: int, alphas: Sequence[float]) -> Factors:
    """The paper's imbalanced starts at several scales, as one batch: all seeds of the first α, then the next."""
    left, right = zip(*(scaled_start(setting, k, alpha) for alpha in alphas), strict=True)
    return Factors(torch.cat(left), torch.cat(right))


def split(values: torch.Tensor, names: Sequence[str]) -> dict[str, torch.Tensor]:
    """Name -> its part of a batch that runs value by value."""
    return dict(zip(names, values.chunk(len(names)), strict=True))


def displaced(factors: Factors, seeds: Sequence[int], size: float) -> Factors:
    """Factors near the given ones, in a generic direction, so that every mode of the error is excited."""
    moved = (
        side + size * normal(seeds, f"displacement {name}", *side.shape[1:], device=side.device)
        for name, side in zip(("left", "right"), factors, strict=True)
        if side is not None
    )
    return Factors(*moved)


def late_rate(run: Trajectory, since: float | torch.Tensor = 0.0) -> torch.Tensor:
    """Rate per iteration on the second half of the descent that begins at iteration `since`, (B,)."""
    return late_fit(run, (since + rates.last_clear(run.steps, run.error, FLOOR)) / 2).rate


def exponent_in_squares(alphas: Sequence[float], rate: torch.Tensor) -> torch.Tensor:
    """Size of the exponent of the rate in α² for each seed, from the rates (B·len(alphas),) of stacked starts."""
    return rates.scaling_exponent([a * a for a in alphas], rate.unflatten(0, (len(alphas), -1)).mT).abs()
