"""The smallest size at which a run succeeds, seed by seed, by bisection."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from lowrank_core import inputs
from lowrank_core.errors import require


def octaves(low: int, high: int, per_octave: int) -> list[int]:
    """Whole numbers from `low` to `high`, evenly spaced in the logarithm, without repetitions.

    Raises:
        ArgumentError: numbers that are no integers or below one, `high` below `low`.
    """
    low, per_octave = inputs.whole("low", low, 1), inputs.whole("per_octave", per_octave, 1)
    high = inputs.whole("high", high, low)
    ends = torch.tensor([low, high], dtype=torch.float64).log2()
    count = round(float(ends[1] - ends[0]) * per_octave) + 1
    grid = torch.logspace(float(ends[0]), float(ends[1]), count, base=2, dtype=torch.float64)
    return grid.round().long().unique().tolist()


def smallest_success(
    sizes: Sequence[int], seeds: Sequence[int], succeeds: Callable[[int, list[int]], torch.Tensor]
) -> torch.Tensor:
    """Per seed the smallest of `sizes` that succeeds, inf if the largest one fails: (S,).

    Where success is not monotone, it is a size that succeeds and whose predecessor in `sizes` fails.

    Args:
        sizes: increasing.
        succeeds: f(size, some of the seeds) -> one bool per seed; seeds at the same size are asked together.

    Raises:
        ArgumentError: sizes that are none, no integers, or not increasing.
    """
    increasing = inputs.integers("sizes", sizes).diff()
    require(
        len(sizes) >= 1 and bool((increasing > 0).all()),
        "sizes",
        list(sizes),
        "the bisection needs sizes in increasing order",
        "sort them, and leave out what is double",
    )
    failed = torch.full((len(seeds),), -1)
    worked = torch.full((len(seeds),), len(sizes))
    while bool((unsettled := worked - failed > 1).any()):
        middle = (failed + worked) // 2
        for index in middle[unsettled].unique().tolist():
            asked = torch.nonzero(unsettled & (middle == index)).flatten()
            success = succeeds(sizes[index], [seeds[i] for i in asked.tolist()]).cpu()
            worked[asked[success]] = index
            failed[asked[~success]] = index
    return torch.tensor([*sizes, torch.inf], dtype=torch.float64)[worked]
