"""Many claims side by side: one process per core, one thread per process."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any

from lowrank_core.claims.runner import prepare, run
from lowrank_core.device import resolve_device
from lowrank_core.progress import bar


def run_many(
    claim_ids: Sequence[str],
    scale: str = "book",
    device: str = "auto",
    seeds: int | None = None,
    seed0: int = 0,
) -> list[dict[str, Any]]:
    """The records of these claims in the given order, with a progress bar on stderr; arguments as for `run`.

    Raises:
        ArgumentError: as `run`.
    """
    arguments = (scale, device, seeds, seed0)
    for claim_id in claim_ids:
        prepare(claim_id, *arguments)  # bad arguments are refused before any work and any progress bar
    workers = min(len(claim_ids), os.cpu_count() or 1)
    # One claim needs no pool, and one GPU is not shared between processes.
    if workers <= 1 or resolve_device(device).type == "cuda":
        return [_record(claim_id, *arguments) for claim_id in bar(claim_ids, "claims")]
    records = {}
    # Forking a process that has torch's thread pool may deadlock; spawning does not.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(_record, claim_id, *arguments): claim_id for claim_id in claim_ids}
        for future in bar(as_completed(waiting), "claims", total=len(waiting)):
            records[waiting[future]] = future.result()
    return [records[claim_id] for claim_id in claim_ids]


def _record(claim_id: str, scale: str, device: str, seeds: int | None, seed0: int) -> dict[str, Any]:
    return dict(run(claim_id, scale, device, seeds, seed0).record)
