"""Many claims side by side: one process per core, one thread per process."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from lowrank_core.claims.claim import Claim
from lowrank_core.claims.contract import edge_key
from lowrank_core.claims.runner import prepare, results_folder, run, run_edge
from lowrank_core.device import resolve_device
from lowrank_core.progress import bar

Key = TypeVar("Key", bound=Hashable)
T = TypeVar("T")


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
    results_folder()
    # One GPU is not shared between processes.
    alone = resolve_device(device).type == "cuda"
    jobs = {claim_id: (claim_id, *arguments) for claim_id in claim_ids}
    records = dict(side_by_side(record, jobs, "claims", alone))
    return [records[claim_id] for claim_id in claim_ids]


def run_edges(claims: Sequence[Claim], seed0: int = 0) -> dict[str, str]:
    """What is wrong at each edge of these claims, by `edge_key` and in their order; "" where all is as declared."""
    jobs = {edge_key(claim, edge): (claim.id, edge, seed0) for claim in claims for edge in claim.edges}
    found = dict(side_by_side(run_edge, jobs, "edges"))
    return {key: found[key] for key in jobs}


def side_by_side(
    function: Callable[..., T], jobs: Mapping[Key, Sequence[Any]], title: str, alone: bool = False
) -> Iterator[tuple[Key, T]]:
    """The results of a function for several lists of arguments, by key, as they come.

    Args:
        function: of module level, so that other processes find it.
        jobs: key -> arguments.
        title: of the progress bar.
        alone: run them one after the other in this process; so it is with a single job, too.
    """
    workers = min(len(jobs), os.cpu_count() or 1)
    if alone or workers <= 1:
        for key in bar(list(jobs), title):
            yield key, function(*jobs[key])
        return
    with worker_processes(workers) as pool:
        waiting = {pool.submit(function, *arguments): key for key, arguments in jobs.items()}
        for future in bar(as_completed(waiting), title, total=len(waiting)):
            yield waiting[future], future.result()


@contextlib.contextmanager
def worker_processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """A pool whose processes end with the block and with this process, however these end."""
    # Forking a process that has torch's thread pool may deadlock; spawning does not.
    context = get_context("spawn")
    # A pipe that only this process holds open: workers read its end when this process is gone, even if killed.
    end, held = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_follow, initargs=(end,))
    with end:
        try:
            with held:
                yield pool
                pool.shutdown()
        finally:
            # After an error or Ctrl-C nobody waits for what was still to be done.
            pool.shutdown(wait=False, cancel_futures=True)


def _follow(end: Connection) -> None:
    """Let this worker end with its parent, which alone listens to Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def follow() -> None:
        end.poll(None)
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def record(claim_id: str, scale: str, device: str, seeds: int | None, seed0: int) -> dict[str, Any]:
    """The record of one run; arguments and errors as for `run`."""
    return dict(run(claim_id, scale, device, seeds, seed0).record)
