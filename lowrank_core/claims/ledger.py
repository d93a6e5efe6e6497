"""The ledger: the records of one run of all claims, complete and from one version of the code, or refused."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lowrank_core import provenance
from lowrank_core.claims.registry import all_claims
from lowrank_core.claims.result import UnexpectedVerdict, as_expected
from lowrank_core.claims.runner import RESULTS_VARIABLE
from lowrank_core.errors import require


def read(folder: str | os.PathLike[str] | None = None) -> list[dict[str, Any]]:
    """The records in `folder` (default: the folder named by the environment), in the registry's order.

    Raises:
        ArgumentError: no folder is named, a claim of the registry has no record, or a record was made by
            another version of this package: a ledger that is partial or stale is no ledger.
    """
    folder = folder or os.environ.get(RESULTS_VARIABLE) or ""
    require(
        bool(folder) and Path(folder).is_dir(),
        "folder",
        str(folder),
        "there are no results to show",
        f"run `make book`, or set {RESULTS_VARIABLE} and run the claims",
    )
    records = []
    for claim in all_claims():
        path = Path(folder) / f"{claim.id}.json"
        require(
            path.is_file(),
            "folder",
            str(folder),
            f"it has no result of {claim.id}",
            f"run the chapter {claim.chapter}, or `claims run {claim.id}`, with {RESULTS_VARIABLE} set",
        )
        record = json.loads(path.read_text(encoding="utf8"))
        require(
            record["core_hash"] == provenance.core_hash(),
            claim.id,
            record["core_hash"],
            f"this result comes from other code than the present {provenance.core_hash()}",
            "run it again",
        )
        records.append(record)
    return records


def as_the_book_says(records: Sequence[dict[str, Any]]) -> None:
    """Refuse to show a ledger in which a verdict is not the expected one, or a control did not fire.

    Raises:
        UnexpectedVerdict: with the ids of all such claims.
    """
    wrong = [f"{r['id']}: {r['verdict']}, expected {r['expected']}" for r in records if not as_expected(r)]
    if wrong:
        raise UnexpectedVerdict("\n".join(wrong))


def counts(records: Sequence[dict[str, Any]]) -> dict[str, int]:
    """How many claims there are, hold, are refuted, are inconclusive, and came out other than expected."""
    found = Counter(record["verdict"] for record in records)
    return {
        "all": len(records),
        "holds": found["holds"],
        "refuted": found["refuted"],
        "inconclusive": found["inconclusive"],
        "unexpected": sum(not as_expected(record) for record in records),
    }
