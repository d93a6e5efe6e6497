"""Experiments of claims on grids finer than a verdict needs, for figures that readers move.

They take too long for a build of the book. `tools/store_grids.py` runs them and stores what they give.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lowrank_core import artefacts, provenance
from lowrank_core.claims.claim import Claim, Setting
from lowrank_core.claims.ma2023 import outliers, subgradient
from lowrank_core.claims.runner import prepare
from lowrank_core.device import single_thread
from lowrank_core.errors import require
from lowrank_core.noise import Outliers

Curves = dict[str, Any]


@dataclass(frozen=True)
class Grid:
    """An experiment of a claim, at book scale but for some sizes.

    Attributes:
        claim: the id.
        sizes: what replaces the declared sizes.
        curves: what runs; gives position -> curve as `artefacts.band` stores it.
        seeds: how many of the book's seeds.
    """

    claim: str
    sizes: Mapping[str, Any]
    curves: Callable[[Claim, Setting], Curves]
    seeds: int = 8


def slowdown(claim: Claim, setting: Setting) -> Curves:
    """Squared errors by k − r; k = r is the control of the claim."""
    found = claim.function(setting).curves
    r = len(setting.sizes.spectrum)
    runs = {0: found["control"]} | {case.number - r: run for case, run in found["runs"].items()}
    return {f"{extra:g}": artefacts.band(run.steps, run.error) for extra, run in runs.items()}


def outlier_levels(_: Claim, setting: Setting) -> Curves:
    """Errors by m and p; each m is a problem of its own, whose seeds share truth and measurements over p."""
    s, curves = setting.sizes, {}
    for m in s.grid_ms:
        levels = outliers.SideBySide(tuple(Outliers(p) if p else None for p in s.ps))
        problem = subgradient.sensing(setting, m, levels, variants=len(s.ps))
        run = outliers.robust_run(problem, setting)
        for p, errors in zip(s.ps, subgradient.split(run.error.sqrt(), len(s.ps)).unbind(dim=1), strict=True):
            curves[f"{p:g}, {m}"] = outliers.stored_band(run.steps, errors)
    return curves


GRIDS = {
    "grid-slowdown": Grid("xiong2024.symmetric-lower-bound", {"ks": tuple(range(4, 12))}, slowdown),
    "grid-outliers": Grid(
        "ma2023.paper-outlier-levels",
        {"ps": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8), "grid_ms": (250, 500, 1_000, 2_000)},
        outlier_levels,
    ),
}
"""What is stored, by the name of its artefact."""


def compute(name: str) -> dict[str, Any]:
    """Run a grid: its curves and, as `record`, where they come from.

    Raises:
        ArgumentError: there is no grid of this name.
    """
    require(name in GRIDS, "name", name, "no such grid", f"use one of {', '.join(GRIDS)}")
    grid, begin = GRIDS[name], time.perf_counter()
    claim, setting = prepare(grid.claim, "book", "cpu", grid.seeds, 0, grid.sizes)
    with single_thread():
        curves = grid.curves(claim, setting)
    record = {
        "id": claim.id,
        "scale": "book",
        "sizes": vars(setting.sizes),
        "seeds": list(setting.seeds),
        "device": str(setting.device),
        "seconds": round(time.perf_counter() - begin, 3),
        "core_hash": provenance.core_hash(),
        "versions": provenance.versions(),
    }
    return {"record": record, "curves": curves}
