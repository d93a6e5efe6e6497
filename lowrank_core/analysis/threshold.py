"""The smallest size at which a run succeeds, seed by seed, by bisection."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch


def octaves(low: int, high: int, per_octave: int) -> list[int]:
    """Whole numbers from `low` to `high`, evenly spaced in the logarithm, without repetitions."""
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
    """
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
