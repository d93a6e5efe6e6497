"""Run a claim: gather its evidence at a scale, judge it, and keep the result."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import torch

from lowrank_core import inputs, provenance
from lowrank_core.claims import standing
from lowrank_core.claims.claim import EXTRAS, Claim, Edge, Evidence, Scale, Setting
from lowrank_core.claims.registry import find
from lowrank_core.claims.result import Result, intervals
from lowrank_core.claims.verdict import Judgement, judge
from lowrank_core.device import device_class, resolve_device, single_thread
from lowrank_core.errors import ArgumentError, install, require
from lowrank_core.files import check_writable

RESULTS_VARIABLE = "LOWRANK_RESULTS"
"""Environment variable naming a folder; when it is set, every result is written there for the ledger."""

MOST_SEEDS = 10_000
"""All seeds of a run are held in memory; of more, run several times, with other values of seed0."""


def run(
    claim_id: str, scale: str = "book", device: str = "auto", seeds: int | None = None, seed0: int = 0
) -> Result:
    """Run the claim with this id, on one thread, and judge it; `batch.run_many` runs several side by side.

    Args:
        scale: "smoke" (seconds), "book" (what the pages show) or "full".
        device: "auto", "cpu" or "cuda".
        seeds: how many seeds; by default what the claim declares for the scale.
        seed0: the first seed; another value draws everything afresh.

    Raises:
        ArgumentError: unknown claim, scale or device, fewer than one seed, a module missing that it needs.
    """
    claim, setting = prepare(claim_id, scale, device, seeds, seed0)
    folder = results_folder()
    begin = time.perf_counter()
    evidence, judgement = gather(claim, setting)
    seconds = time.perf_counter() - begin
    record = as_record(claim, setting, scale, seed0, evidence, judgement, seconds)
    result = Result(record, evidence.curves)
    if folder:
        result.write(folder)
    return result


def results_folder() -> Path | None:
    """The folder that the environment names for results, made if it is not there; None if it names none.

    Raises:
        ArgumentError: nothing can be written there.
    """
    named = os.environ.get(RESULTS_VARIABLE)
    if not named:
        return None
    with contextlib.suppress(OSError):
        Path(named).mkdir(parents=True, exist_ok=True)
    check_writable(os.path.join(named, "record.json"), RESULTS_VARIABLE)
    return Path(named)


def run_edge(claim_id: str, edge: Edge, seed0: int = 0) -> str:
    """Try a claim at one of its edges, at smoke scale; says what went wrong, "" if all is as declared.

    At an edge that must hold the verdict of the criteria alone is the expected one; a control need not fire there.
    At one that must be refused, it is by the name of the hypothesis.
    """
    claim = find(claim_id)
    try:
        _, setting = prepare(claim_id, "smoke", "cpu", edge.seeds, seed0, edge.sizes)
        _, judgement = gather(claim, setting)
    except standing.OutsideHypotheses as error:
        if edge.refused == error.hypothesis:
            return ""
        declared = f"to be refused for {edge.refused!r}" if edge.refused else "to hold"
        return f"refused for {error.hypothesis!r}, but declared {declared}"
    if edge.refused:
        return f"not refused, although {edge.refused!r} does not hold"
    if judgement.by_criteria == claim.expected:
        return ""
    return "; ".join(judgement.reasons)


def gather(claim: Claim, setting: Setting) -> tuple[Evidence, Judgement]:
    """The evidence of a claim and the judgement on it, on one thread.

    Raises:
        ArgumentError: the evidence is not fit for a verdict, or the log quotes a note that it lacks.
    """
    with single_thread(), _memory_of(len(setting.seeds)):
        evidence = claim.function(setting)
    missing = sorted(set(claim.quoted) - set(evidence.notes))
    require(
        not missing,
        f"claim {claim.id}: discrepancy",
        missing,
        "it quotes notes that the evidence does not have",
        f"use some of {sorted(evidence.notes)}",
    )
    return evidence, judge(claim, evidence, len(setting.seeds))


@contextlib.contextmanager
def _memory_of(seeds: int) -> Iterator[None]:
    """An error of its own if memory does not suffice for so many seeds."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error):
            fix = "use fewer seeds, or a smaller scale"
            raise ArgumentError("seeds", seeds, "memory does not suffice for them", fix) from None
        raise


def missing(claim: Claim) -> list[str]:
    """The modules that a claim needs and that are not installed."""
    return [module for module in claim.needs if find_spec(module) is None]


def prepare(
    claim_id: str,
    scale: str,
    device: str,
    seeds: int | None,
    seed0: int,
    sizes: Mapping[str, Any] | None = None,
) -> tuple[Claim, Setting]:
    """The claim with this id and what it will be run with; arguments and errors as for `run`.

    Args:
        sizes: what replaces the declared sizes.
    """
    claim = find(claim_id)
    inputs.choice("scale", scale, get_args(Scale), "unknown scale")
    count = claim.seeds[scale] if seeds is None else inputs.whole("seeds", seeds, 1, MOST_SEEDS)
    for module in missing(claim):
        problem = f"{module} is not installed"
        raise ArgumentError(f"claim {claim.id}", f"needs {module}", problem, install(EXTRAS[module]))
    seed0 = inputs.seed("seed0", seed0)
    chosen = SimpleNamespace(**{**claim.sizes[scale], **(sizes or {})})
    standing.check(chosen, claim.waives)
    seeds_used = tuple(range(seed0, seed0 + count))
    return claim, Setting(seeds=seeds_used, sizes=chosen, device=resolve_device(device))


def as_record(
    claim: Claim,
    setting: Setting,
    scale: str,
    seed0: int,
    evidence: Evidence,
    judgement: Judgement,
    seconds: float,
) -> dict[str, Any]:
    """What the ledger keeps of a run: the declaration, the numbers, the verdict and where they come from."""
    return {
        "id": claim.id,
        "title": claim.title,
        "paper": claim.paper,
        "reference": claim.reference,
        "origin": claim.origin,
        "known": claim.known,
        "kind": claim.kind,
        "fit": claim.fit,
        "certified_by": list(claim.certified_by),
        "chapter": claim.chapter,
        "states": list(claim.states),
        "uses": list(claim.uses),
        "verdict": judgement.verdict,
        "expected": claim.expected,
        "criterion": [str(criterion) for criterion in claim.criteria],
        "windows": _plain([criterion.window for criterion in claim.criteria]),
        "reasons": list(judgement.reasons),
        "measured": _plain(evidence.measured),
        "predicted": _plain(evidence.predicted),
        "interval": intervals(evidence),
        "variants": evidence.numbers,
        "control": {
            "dropped": claim.control,
            "fired": judgement.control_fired,
            "breaks": list(claim.broken),
            "missing": {c.quantity: c.uncontrolled for c in claim.criteria if c.uncontrolled},
            "measured": _plain(evidence.control),
        },
        "positive": {"where": claim.positive, "measured": _plain(evidence.positive)},
        "notes": _plain(evidence.notes),
        "discrepancy": claim.discrepancy.format(**evidence.notes) if claim.discrepancy else None,
        "edges": [edge.rule for edge in claim.edges],
        "edgeless": claim.edgeless,
        "waives": list(claim.waives),
        "seeds": list(setting.seeds),
        "seed0": seed0,
        "scale": scale,
        "sizes": _plain(vars(setting.sizes)),
        "device": device_class(setting.device),
        "dtype": "float64",
        "seconds": round(seconds, 3),
        "core_hash": provenance.core_hash(),
        "versions": provenance.versions(),
    }


def _plain(value: Any) -> Any:
    """JSON-ready; numbers that are not finite become null."""
    if isinstance(value, dict):
        return {str(key): _plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
