"""The result of one run of one claim, as it goes to the ledger, to the command line and to a page."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lowrank_core.analysis.statistics import mean_interval
from lowrank_core.claims.evidence import Evidence
from lowrank_core.claims.markup import items, table
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
        lines += [f"  {row.name}: {row.measured} ({row.predicted})" for row in rows(self.record)]
        lines += [f"  {reason}" for reason in self.record["reasons"]]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        record = self.record
        numbers = table(
            ["quantity", "predicted", f"measured, {len(record['seeds'])} seeds", "control"],
            ([row.name, row.predicted, row.measured, row.control] for row in rows(record)),
        )
        control = "fired" if record["control"]["fired"] else "did not fire"
        return (
            f'<div class="verdict verdict-{self.verdict}">'
            f'<p class="verdict-head"><span class="verdict-word">{self.verdict}</span> '
            f"<code>{record['id']}</code> · {record['kind']} · {record['fit']} · control {control}</p>"
            f'<div class="verdict-numbers">{numbers}</div>{items(record["reasons"])}'
            f"<p>Control: {html.escape(record['control']['dropped'] or 'none')}"
            + (f". Positive control: {html.escape(where)}" if (where := record["positive"]["where"]) else "")
            + f"</p>{_foundations(record)}"
            f"<pre>python -m lowrank_core claims run {record['id']} --scale {record['scale']}</pre></div>"
        )


def _foundations(record: Mapping[str, Any]) -> str:
    """What each window rests on and where the claim was tried, folded."""
    widths = [
        f"{words}: {window['basis']}; {window['width'] or 'one value'}"
        + (f"; {window['wide']}" if window["wide"] else "")
        for words, window in zip(record["criterion"], record["windows"], strict=True)
    ]
    places = record["edges"] or ["no edges" + (f": {record['edgeless']}" if record["edgeless"] else "")]
    waived = [f"does not assume {name}" for name in record["waives"]]
    lists = "".join(
        f"<p>{title}</p>{items(lines)}"
        for title, lines in (("What the windows rest on", widths), ("Edges", places + waived))
    )
    return f"<details><summary>windows and edges</summary>{lists}</details>"


def as_expected(record: Mapping[str, Any]) -> bool:
    """Whether a record's verdict is the expected one and its control fired."""
    return bool(record["verdict"] == record["expected"] and record["control"]["fired"])


@dataclass(frozen=True)
class Row:
    """One quantity and variant, formatted."""

    name: str
    predicted: str
    measured: str
    control: str


def rows(record: Mapping[str, Any]) -> list[Row]:
    """The table of a record, a row per quantity and variant; the control stands once per quantity."""
    table = []
    for quantity, series in record["measured"].items():
        control = "; ".join(
            f"{name}: {summary(values)}" if name else summary(values)
            for name, values in record["control"]["measured"].get(quantity, {}).items()
        )
        for i, (variant, values) in enumerate(series.items()):
            table.append(
                Row(
                    f"{quantity} ({variant})" if variant else quantity,
                    _predicted(record["predicted"].get(quantity), variant),
                    summary(values),
                    (control or "–") if i == 0 else "",
                )
            )
    return table


def summary(values: list[float | None]) -> str:
    """Mean, spread and range over the seeds, rounded; a single number, or a constant one, stands alone."""
    numbers = [math.nan if v is None else v for v in values]
    if not numbers:
        return "none"
    if any(math.isnan(v) for v in numbers):
        return "not finite"
    low, high = min(numbers), max(numbers)
    if _round(low) == _round(high):
        return _round(low)
    mean = sum(numbers) / len(numbers)
    return f"{_round(mean)} [{_round(low)}, {_round(high)}]"


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


def _predicted(value: Any, variant: str) -> str:
    if isinstance(value, Mapping):
        value = value.get(variant)
    return "–" if value is None else _round(float(value))


def _round(value: float) -> str:
    return "not finite" if math.isnan(value) else f"{value:.4g}"
