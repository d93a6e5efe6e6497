"""How fast a run contracts: the rate while the error passes a window, and how it keeps to a bound c·ρ^t.

Functions take records of a run, steps (R,) and values (B, R), float64, and return one value per trajectory, (B,).
"""

from __future__ import annotations

import torch

from lowrank_core.analysis import rates

ROUNDING = 1e-8
"""Bounds are followed down to this value, far above rounding for a σ_r of one."""


def passing_rate(steps: torch.Tensor, error: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """The factor per step of the unsquared error while the squared one first falls from `high` to `low`, (B,).

    Args:
        error: the squared error, (B, R).
        low, high: ends of the window of the squared error, excluded.
    """
    # A method may leave the window upwards from the rounding floor; only its first passage counts.
    below = (error <= low).cumsum(dim=1) > 0
    window = (error > low) & (error < high) & ~below
    return (rates.compare(steps + 1, error, window).rate / 2).exp()


def second_half_rate(steps: torch.Tensor, error: torch.Tensor) -> torch.Tensor:
    """The mean factor per step of the unsquared error over the second half of the run, (B,).

    Args:
        error: the squared error, (B, R).
    """
    last = int(steps[-1])
    return (error[:, -1] / rates.at_time(steps, error, last / 2)) ** (1 / last)


def largest_over_bound(
    values: torch.Tensor, steps: torch.Tensor, at_start: float, rate: float
) -> torch.Tensor:
    """max over t of values (B, R) / (at_start·rate^t), as long as that bound exceeds `ROUNDING`, (B,)."""
    bound = at_start * rate ** steps.to(torch.float64)
    return torch.where(bound > ROUNDING, values / bound, 0.0).amax(dim=1)


def largest_step(values: torch.Tensor) -> torch.Tensor:
    """max of v_{t+1}/v_t over the records (B, R), which are every step, while v_t exceeds `ROUNDING`, (B,)."""
    before, after = values[:, :-1], values[:, 1:]
    return torch.where(before > ROUNDING, after / before, 0.0).amax(dim=1)
