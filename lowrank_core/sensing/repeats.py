"""Seeds that repeat share one stored ensemble: runs that differ in the start or the step then share its cost."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from lowrank_core import inputs


def stored(seeds: Sequence[int], shared: bool) -> tuple[list[int], int]:
    """The seeds whose ensembles are stored, and how many trajectories in a row each of them serves.

    Seeds share ensembles where each repeats equally often and in a row, as in (0, 0, 1, 1).

    Args:
        shared: one ensemble, from the first seed, for all trajectories.

    Raises:
        ArgumentError: seeds that are no sequence of integers.
    """
    inputs.flag("shared", shared)
    chosen = inputs.seeds("seeds", seeds)
    lengths = [len(list(run)) for _, run in itertools.groupby(chosen)]
    repeats = lengths[0] if len(set(lengths)) == 1 and not shared else 1
    return chosen[:1] if shared else chosen[::repeats], repeats
