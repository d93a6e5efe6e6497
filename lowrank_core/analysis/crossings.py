"""When a recorded series passes a level: at a record, or on straight lines between the records."""

from __future__ import annotations

import torch


def crossing(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Where y first falls to zero or below, on straight lines between the records.

    Args:
        x: (R,), increasing.
        y: (..., R), in coordinates in which it is nearly straight: a logarithm of what decays, a logit of a
            logistic curve.

    Returns:
        (...), inf where it never does, NaN where the first record is there already.
    """
    reached = y <= 0
    after = reached.to(torch.int8).argmax(dim=-1, keepdim=True).clamp(min=1)
    high, low = y.gather(-1, after - 1), y.gather(-1, after)
    x = x.to(y.dtype)
    found = (x[after - 1] + (x[after] - x[after - 1]) * high / (high - low))[..., 0]
    found = torch.where(reached.any(dim=-1), found, torch.inf)
    return torch.where(reached[..., 0], torch.nan, found)


def falls_below(x: torch.Tensor, y: torch.Tensor, level: torch.Tensor | float) -> torch.Tensor:
    """Where positive y (..., R) first falls to the level, a number or (...), log-linear between records; see
    `crossing`.

    >>> time = torch.tensor([0.0, 1.0, 2.0])
    >>> falls_below(time, torch.tensor([[4.0, 2.0, 1.0]]), 2.0).tolist()
    [1.0]
    """
    return crossing(x, (y / _column(level, y)).log())


def half_way(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Where y (..., R), like a logistic curve from zero to one, first passes one half; see `crossing`."""
    return crossing(x, -torch.logit(y.clamp(1e-300, 1 - 1e-16)))


def first_record_below(x: torch.Tensor, y: torch.Tensor, level: torch.Tensor | float) -> torch.Tensor:
    """The first of the x (R,) at which y (..., R) is at most the level, a number or (...); inf if none, (...)."""
    return torch.where(y <= _column(level, y), x.to(y.dtype), torch.inf).amin(dim=-1)


def stays_below(x: torch.Tensor, y: torch.Tensor, level: float) -> torch.Tensor:
    """From which of the increasing x (R,) y (..., R) stays below the level, (...); the last x where it does not."""
    x = x.to(y.dtype)
    above = torch.where(y >= level, x, -torch.inf).amax(dim=-1, keepdim=True)
    return torch.where(x > above, x, x[-1]).amin(dim=-1)


def _column(level: torch.Tensor | float, y: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(level, dtype=y.dtype, device=y.device)[..., None]
