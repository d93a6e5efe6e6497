"""Rates of convergence: power law or exponential, fitted per seed on the late part of a run.

Functions take times (R,), errors (B, R) and a window (B, R) of the records to use, and return one value per
trajectory, (B,). Windows keep clear of the rounding floor by a factor 1000, each trajectory for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from lowrank_core import inputs
from lowrank_core.errors import require

FLOOR_MARGIN = 1e3
MIN_RECORDS = 5


class LineFit(NamedTuple):
    """Least-squares lines y = intercept + slope·x with their residual sums of squares, each (B,)."""

    slope: torch.Tensor
    intercept: torch.Tensor
    rss: torch.Tensor


class Comparison(NamedTuple):
    """A power law against an exponential on the same window.

    Attributes:
        exponent: d log err / d log t of the power law, (B,).
        rate: d log err / dt of the exponential, (B,).
        rss_ratio: residual sum of squares of the exponential over that of the power law, (B,); above one the
            power law fits better. Both have two parameters, so BIC differs by R·log(rss_ratio).
    """

    exponent: torch.Tensor
    rate: torch.Tensor
    rss_ratio: torch.Tensor


def last_clear(steps: torch.Tensor, error: torch.Tensor, floor: float) -> torch.Tensor:
    """The last recorded step at which each trajectory is a factor 1000 above `floor`, (B,).

    Raises:
        ArgumentError: a floor that is negative or no number, a trajectory that is never clear of it.
    """
    _check_floor(floor)
    clear = error > FLOOR_MARGIN * floor
    require(
        bool(clear.any(dim=1).all()),
        "floor",
        floor,
        "some trajectory is never a factor 1000 above it",
        "check the floor, or begin further from the truth",
    )
    return torch.where(clear, steps, 0).amax(dim=1)


def late_window(
    steps: torch.Tensor,
    error: torch.Tensor,
    start: float | torch.Tensor,
    stop: float | torch.Tensor = torch.inf,
    floor: float = 0.0,
) -> torch.Tensor:
    """Records of each trajectory in [start, stop] and clear of the floor, (B, R) bool.

    Args:
        start, stop: one number, or (B,).

    Raises:
        ArgumentError: a trajectory keeps fewer than five records, too few to tell two laws apart; a floor that is
            negative or no number.
    """
    _check_floor(floor)
    low, high = (torch.as_tensor(end).reshape(-1, 1) for end in (start, stop))
    window = (steps >= low) & (steps <= high) & (error > FLOOR_MARGIN * floor)
    kept = window.sum(dim=1)
    require(
        bool((kept >= MIN_RECORDS).all()),
        "window",
        (low.flatten().tolist(), high.flatten().tolist()),
        f"a trajectory keeps only {int(kept.min())} records between them, clear of the floor {floor:g}",
        "record more densely, or move the window",
    )
    return window


def line_fit(x: torch.Tensor, y: torch.Tensor, window: torch.Tensor) -> LineFit:
    """Ordinary least squares of y (B, R) on x (R,) over each trajectory's window (B, R)."""
    weight = window.to(torch.float64)
    count = weight.sum(dim=1, keepdim=True)
    # Values outside the window may be inf (a log of zero), which a weight of zero would not silence.
    x, y = x.to(torch.float64).expand_as(y), torch.where(window, y, 0.0)
    x = torch.where(window, x, 0.0)
    x_mean, y_mean = (v.sum(dim=1, keepdim=True) / count for v in (x, y))
    dx, dy = (x - x_mean) * weight, (y - y_mean) * weight
    slope = (dx * dy).sum(dim=1) / dx.square().sum(dim=1)
    rss = (dy - slope[:, None] * dx).square().sum(dim=1)
    return LineFit(slope, y_mean[:, 0] - slope * x_mean[:, 0], rss)


def compare(time: torch.Tensor, error: torch.Tensor, window: torch.Tensor) -> Comparison:
    """Fit log err against log t and against t on the window."""
    log_error = error.log()
    power = line_fit(time.to(torch.float64).log(), log_error, window)
    exponential = line_fit(time, log_error, window)
    return Comparison(power.slope, exponential.slope, exponential.rss / power.rss)


def inverse_square_constant(time: torch.Tensor, error: torch.Tensor, window: torch.Tensor) -> torch.Tensor:
    """The constant c of err ≈ c/(t + t₀)², from the affine fit of err^(−1/2) on t, (B,).

    The affine fit removes the bias that the unknown offset t₀ gives to a log–log slope.
    """
    return line_fit(time, error.rsqrt(), window).slope.square().reciprocal()


def smallest_growth(time: torch.Tensor, error: torch.Tensor, window: torch.Tensor) -> torch.Tensor:
    """min of t²err_t / (s²err_s) over s ≤ t in the window, (B,); one if t²·err never decreases there."""
    scaled = torch.where(window, time.to(torch.float64).square() * error, 0.0)
    ratio = scaled / scaled.cummax(dim=1).values
    return torch.where(window, ratio, torch.inf).amin(dim=1)


def at_time(time: torch.Tensor, values: torch.Tensor, when: float) -> torch.Tensor:
    """Values (B, R) at the recorded time nearest to `when`, (B,).

    Raises:
        ArgumentError: a time before the first record or after the last.
    """
    when, first, last = inputs.number("when", when), float(time.min()), float(time.max())
    require(
        first <= when <= last,
        "when",
        when,
        f"records reach from {first:g} to {last:g}",
        "use a time among them",
    )
    return values[:, int((time.to(torch.float64) - when).abs().argmin())]


def scaling_exponent(x: Sequence[float], y: torch.Tensor) -> torch.Tensor:
    """d log|y| / d log x by least squares over the columns of y (B, len(x)), one exponent per trajectory, (B,).

    >>> scaling_exponent([0.1, 0.01, 0.001], torch.tensor([[2e-2, 2e-4, 2e-6]])).round(decimals=6).tolist()
    [2.0]

    Raises:
        ArgumentError: x that are not positive, or all the same; not as many columns as x.
    """
    grid = inputs.tensor("x", x).to(torch.float64)
    require(
        grid.ndim == 1 and bool((grid > 0).all() and torch.isfinite(grid).all()) and len(grid.unique()) >= 2,
        "x",
        x,
        "an exponent needs two or more different positive numbers, whose logarithm is taken",
        "give e.g. the scales or the sizes themselves",
    )
    require(
        y.ndim == 2 and y.shape[1] == len(grid),
        "y",
        tuple(y.shape),
        f"{len(grid)} numbers x go with values (B, {len(grid)})",
        "give one row for each trajectory",
    )
    grid = grid.log()
    return line_fit(grid, y.abs().log(), torch.ones_like(y, dtype=torch.bool)).slope


def _check_floor(floor: float) -> None:
    found = inputs.number("floor", floor)
    require(found >= 0, "floor", floor, "no error is below zero", "use e.g. 1e-20")
