"""The result of one run of one claim, as it goes to the ledger, to the command line and to a page."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lowrank_core.analysis.statistics import mean_interval
from lowrank_core.claims.box import box
from lowrank_core.claims.evidence import Evidence
from lowrank_core.claims.rows import rows
from lowrank_core.files import write_whole


class UnexpectedVerdict(AssertionError):
    """A claim came out otherwise than the book says."""


@dataclass(frozen=True)
class Result:
    """A judged run.

    Attributes:
        record: what the ledger keeps, ready for JSON; see `as_record` for the keys.
        curves: the data of the figures.
    """

    record: Mapping[str, Any]
    curves: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def verdict(self) -> str:
        """What came out: "holds", "refuted" or "inconclusive"."""
        return str(self.record["verdict"])

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the expected one and the control fired."""
        return as_expected(self.record)

    def require(self) -> Result:
        """The result itself, for display.

        Raises:
            UnexpectedVerdict: the verdict is not the expected one, or the control did not fire.
        """
        if not self.as_expected:
            raise UnexpectedVerdict(f"{self}\nexpected: {self.record['expected']}")
        return self

    def write(self, folder: Path) -> None:
        """Write the record to `folder/<id>.json`, whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        write_whole(folder / f"{self.record['id']}.json", text)

    def __repr__(self) -> str:
        """Rounded, decision-relevant lines: what a replay of the page compares."""
        lines = [f"{self.record['id']}: {self.verdict}"]
        lines += [f"  {row.name}: {row.spread} ({row.predicted})" for row in rows(self.record)]
        lines += [f"  {reason}" for reason in self.record["reasons"]]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return box(self.record)


def as_expected(record: Mapping[str, Any]) -> bool:
    """Whether a record's verdict is the expected one and its control fired."""
    return bool(record["verdict"] == record["expected"] and record["control"]["fired"])


def intervals(evidence: Evidence) -> dict[str, dict[str, Any]]:
    """95 % intervals of what was measured, null where there are too few seeds for one.

    Student's of the mean for values per seed, the bootstrap's for pooled values.
    """
    return {
        quantity: {
            variant: [
                v if math.isfinite(v) else None
                for v in evidence.intervals.get(("measured", quantity, variant)) or mean_interval(values)
            ]
            for variant, values in series.items()
        }
        for quantity, series in evidence.measured.items()
    }
