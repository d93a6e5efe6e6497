"""Run a claim: gather its evidence at a scale, judge it, and keep the result."""

from __future__ import annotations

import math
import os
import time
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

from lowrank_core import provenance
from lowrank_core.claims.claim import EXTRAS, Claim, Evidence, Scale, Setting
from lowrank_core.claims.registry import find
from lowrank_core.claims.result import Result, intervals
from lowrank_core.claims.verdict import Judgement, judge
from lowrank_core.device import device_class, resolve_device, single_thread
from lowrank_core.errors import require

RESULTS_VARIABLE = "LOWRANK_RESULTS"
"""Environment variable naming a folder; when it is set, every result is written there for the ledger."""


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
    begin = time.perf_counter()
    with single_thread():
        evidence = claim.function(setting)
    seconds = time.perf_counter() - begin
    result = Result(
        as_record(claim, setting, scale, seed0, evidence, judge(claim, evidence), seconds), evidence.curves
    )
    folder = os.environ.get(RESULTS_VARIABLE)
    if folder:
        result.write(Path(folder))
    return result


def prepare(claim_id: str, scale: str, device: str, seeds: int | None, seed0: int) -> tuple[Claim, Setting]:
    """The claim with this id and what it will be run with; arguments and errors as for `run`."""
    claim = find(claim_id)
    require(
        scale in get_args(Scale), "scale", scale, "unknown scale", f"use one of {', '.join(get_args(Scale))}"
    )
    count = claim.seeds[scale] if seeds is None else seeds
    for module in claim.needs:
        require(
            find_spec(module) is not None,
            f"claim {claim.id}",
            f"needs {module}",
            f"{module} is not installed",
            f"pip install lowrank-core[{EXTRAS[module]}]",
        )
    require(count >= 1, "seeds", count, "a run needs at least one seed", "use seeds >= 1")
    require(seed0 >= 0, "seed0", seed0, "seeds are non-negative", "use seed0 >= 0")
    return claim, Setting(
        seeds=tuple(range(seed0, seed0 + count)),
        sizes=SimpleNamespace(**claim.sizes[scale]),
        device=resolve_device(device),
    )


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
        "provenance": claim.provenance,
        "kind": claim.kind,
        "fit": claim.fit,
        "means": list(claim.means),
        "chapter": claim.chapter,
        "uses": list(claim.uses),
        "verdict": judgement.verdict,
        "expected": claim.expected,
        "criterion": [str(criterion) for criterion in claim.criteria],
        "reasons": list(judgement.reasons),
        "measured": _plain(evidence.measured),
        "predicted": _plain(evidence.predicted),
        "interval": intervals(evidence.measured),
        "control": {
            "dropped": claim.control,
            "fired": judgement.control_fired,
            "breaks": list(claim.breaks),
            "measured": _plain(evidence.control),
        },
        "notes": _plain(evidence.notes),
        "discrepancy": claim.discrepancy.format(**evidence.notes) if claim.discrepancy else None,
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
