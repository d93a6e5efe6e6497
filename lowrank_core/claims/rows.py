"""The numbers of a record, rounded: a row per quantity, and per case where cases differ."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from lowrank_core.claims.markup import Markup


@dataclass(frozen=True)
class Row:
    """One quantity, formatted.

    Attributes:
        quantity: its name.
        cases: the variants that share these numbers; one without a name if there is only that.
        predicted: "–" where nothing is predicted.
        values: of the first of the cases, one a seed, not finite where there is none.
        spread: their median and range.
        interval: of a pooled value, its 95 % interval; "" otherwise.
    """

    quantity: str
    cases: tuple[str, ...]
    predicted: str
    values: tuple[float, ...]
    spread: str
    interval: str

    @property
    def name(self) -> str:
        """The quantity and its cases."""
        return f"{self.quantity} ({'; '.join(self.cases)})" if any(self.cases) else self.quantity


def rows(record: Mapping[str, Any], role: str = "measured") -> list[Row]:
    """The rows of what was measured, or of a "control" or "positive" one; neighbours with equal numbers are one."""
    series = record["measured"] if role == "measured" else record[role]["measured"]
    pooled = {window["quantity"] for window in record["windows"] if window["pooled"]}
    found: list[Row] = []
    for quantity, variants in series.items():
        for variant, values in variants.items():
            interval = ""
            if quantity in pooled and role == "measured":
                low, high = (number(end) for end in record["interval"][quantity][variant])
                interval = f"{rounded(low)} to {rounded(high)}"
            finite = tuple(map(number, values))
            row = Row(
                quantity, (variant,), _predicted(record, quantity, variant), finite, spread(values), interval
            )
            last = found[-1] if found else row
            if found and replace(last, cases=(), values=()) == replace(row, cases=(), values=()):
                found[-1] = replace(last, cases=(*last.cases, variant))
            else:
                found.append(row)
    return found


def spread(values: Sequence[float | None]) -> str:
    """Median and range over the seeds, rounded; a single number, or a constant one, stands alone."""
    numbers = [number(value) for value in values]
    if not numbers:
        return "none"
    if any(math.isnan(value) for value in numbers):
        return "not finite"
    low, high = rounded(min(numbers)), rounded(max(numbers))
    return low if low == high else f"{rounded(median(numbers))} [{low}, {high}]"


def rounded(value: float) -> str:
    """Four digits."""
    return "not finite" if math.isnan(value) else f"{value:.4g}"


def pretty(text: str) -> Markup:
    """Rounded numbers as a page shows them: true minus signs, powers of ten."""
    powers = re.sub(
        r"(-?[\d.]+)e([+-]\d+)",
        lambda found: ("" if found[1] == "1" else f"{found[1]}·") + f"10<sup>{int(found[2])}</sup>",
        text,
    )
    return Markup(re.sub(r"(?<![\w.])-(?=[\d.])", "−", powers))


def number(value: float | None) -> float:
    """What a record keeps of a number: null if it is not finite."""
    return math.nan if value is None else float(value)


def _predicted(record: Mapping[str, Any], quantity: str, variant: str) -> str:
    value = prediction(record, quantity, variant)
    return "–" if value is None else rounded(value)


def prediction(record: Mapping[str, Any], quantity: str, variant: str) -> float | None:
    """What a record predicts of a quantity and variant, None if nothing."""
    value = record["predicted"].get(quantity)
    if isinstance(value, Mapping):
        value = value.get(variant)
    return None if value is None else float(value)
