"""Run claims on fresh seeds, several passes of all of them, and store every verdict that is not the expected one.

Each result is kept as soon as it is there: a run that was stopped goes on where it was, if the code is the same.
"""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from pathlib import Path
from typing import Any

from lowrank_core import artefacts, provenance
from lowrank_core.claims.batch import record, side_by_side
from lowrank_core.claims.contract import FRESH
from lowrank_core.claims.registry import all_claims, find
from lowrank_core.claims.result import as_expected
from lowrank_core.files import write_whole
from lowrank_core.terminal import program

STRIDE = 10_007
"""Between the first seeds of two passes; more than any claim takes."""


def attempt(claim_id: str, scale: str, seed0: int, path: Path) -> dict[str, Any]:
    """What is kept of one run, from its file if it is there; an error is a flip like another."""
    if path.is_file():
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf8"))
        return kept
    try:
        found = record(claim_id, scale, "cpu", None, seed0)
        kept = {key: found[key] for key in ("id", "verdict", "expected", "reasons", "seed0", "seconds")}
        kept["as_expected"] = as_expected(found)
    except Exception:
        reasons = traceback.format_exc().splitlines()[-1:]
        kept = {"id": claim_id, "verdict": "error", "reasons": reasons, "seed0": seed0, "as_expected": False}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(kept, ensure_ascii=False))
    return kept


def run_passes(
    scale: str, seed0s: list[int], folder: Path, claim_ids: list[str] | None = None
) -> dict[str, Any]:
    """What is stored of one scale: which claims on which first seeds, and every flip with its reasons."""
    chosen = claim_ids or [claim.id for claim in all_claims()]
    where = folder / provenance.core_hash() / scale
    jobs = {
        (claim_id, seed0): (claim_id, scale, seed0, where / str(seed0) / f"{claim_id}.json")
        for seed0 in seed0s
        for claim_id in chosen
    }
    found = dict(side_by_side(attempt, jobs, f"{scale} on {len(seed0s)} fresh values of seed0"))
    flips = [found[key] for key in jobs if not found[key]["as_expected"]]
    return {"claims": chosen, "seed0": seed0s, "flips": flips, "core_hash": provenance.core_hash()}


def merged(kept: dict[str, Any], again: dict[str, Any], claim_ids: list[str]) -> dict[str, Any]:
    """Stored passes, with new and changed claims run on the same first seeds after a change that touched no others.

    Claims that are no longer declared are left out.
    """
    run = {*kept["claims"], *claim_ids}
    claims = [claim.id for claim in all_claims() if claim.id in run]
    flips = [flip for flip in kept["flips"] if flip["id"] in claims and flip["id"] not in claim_ids]
    cores = dict.fromkeys([*kept["core_hash"].split(", "), again["core_hash"]])
    return kept | {"claims": claims, "flips": flips + again["flips"], "core_hash": ", ".join(cores)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--passes", type=int, default=3, help="how often all claims run (default: %(default)s)"
    )
    parser.add_argument(
        "--seed0",
        type=int,
        help="first seed of the first pass, on which nothing was tuned; needed without --again",
    )
    parser.add_argument("--scale", choices=("smoke", "book", "full"), default="book")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("build/fresh-seeds"),
        help="where results are kept (default: %(default)s)",
    )
    parser.add_argument(
        "--again",
        nargs="+",
        metavar="ID",
        help="run only these claims, new or changed, on the first seeds that are stored",
    )
    options = parser.parse_args()
    stored = artefacts.read(FRESH)["scales"] if (artefacts.FOLDER / f"{FRESH}.json").exists() else {}
    if options.again:
        if options.scale not in stored:
            parser.error(f"no passes at {options.scale} scale are stored: run them with --seed0")
        ids = [find(claim_id).id for claim_id in options.again]
        kept = stored[options.scale]
        found = merged(kept, run_passes(options.scale, kept["seed0"], options.folder, ids), ids)
    else:
        if options.passes < 1 or options.seed0 is None or options.seed0 < 0:
            parser.error("give --seed0 >= 0 and --passes >= 1")
        seed0s = [options.seed0 + STRIDE * number for number in range(options.passes)]
        found = run_passes(options.scale, seed0s, options.folder)
    path = artefacts.write(
        FRESH, {"scales": stored | {options.scale: found}, "machine": provenance.machine()}
    )
    for flip in found["flips"]:
        print(f"{flip['id']} at seed0 {flip['seed0']}: {flip['verdict']}; {'; '.join(flip['reasons'])}")
    print(
        f"{len(found['claims'])} claims × {len(found['seed0'])} passes: {len(found['flips'])} flips; "
        f"stored in {path}"
    )


if __name__ == "__main__":
    sys.exit(program(main))
