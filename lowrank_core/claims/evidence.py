"""What a claim's function found, series by series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from lowrank_core.analysis.statistics import Pooled
from lowrank_core.errors import require


@dataclass
class Evidence:
    """What a claim's function found; whatever is a tensor or a list becomes a series with one variant.

    A `Pooled` in the place of a series is one statistic of all seeds; its interval is kept beside it.

    Attributes:
        measured: quantity -> series, for every quantity of the criteria and any other worth showing.
        control: the same quantities with the hypothesis dropped.
        predicted: quantity -> number, or variant -> number (variants of the controls included).
        positive: the same quantities where the criteria must be met, for a claim that is expected to be refuted.
        notes: further numbers or words that the page or the discrepancy log quotes, e.g. how far the
            hypotheses of the theorem are met.
        curves: data for figures; not written to the ledger.
        intervals: (role, quantity, variant) -> 95 % interval over the seeds, of pooled series alone.
    """

    measured: dict[str, Any]
    control: dict[str, Any] = field(default_factory=dict)
    predicted: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, float | str] = field(default_factory=dict)
    curves: dict[str, Any] = field(default_factory=dict)
    positive: dict[str, Any] = field(default_factory=dict)
    intervals: dict[tuple[str, str, str], tuple[float, float]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for role in ROLES:
            found = getattr(self, role)
            for quantity, values in found.items():
                for variant, value in _variants(values).items():
                    if isinstance(value, Pooled):
                        self.intervals[role, quantity, variant] = value.low, value.high
            setattr(self, role, {quantity: as_series(values) for quantity, values in found.items()})

    def series(self) -> Iterator[tuple[str, str, str, list[float]]]:
        """(role, quantity, variant, values) of everything that was found."""
        for role in ROLES:
            for quantity, variants in getattr(self, role).items():
                for variant, values in variants.items():
                    yield role, quantity, variant, values

    def prediction(self, quantity: str, variant: str) -> float | None:
        """The predicted value of a quantity, None if nothing is predicted."""
        value = self.predicted.get(quantity)
        if isinstance(value, Mapping):
            value = value.get(variant)
        return None if value is None else float(value)


ROLES = ("measured", "control", "positive")


def as_series(values: Any) -> dict[str, list[float]]:
    """Variant -> list of floats, from a tensor, a list, a number, a `Pooled`, or a mapping of these."""
    return {
        variant: [value.value]
        if isinstance(value, Pooled)
        else torch.as_tensor(value, dtype=torch.float64).reshape(-1).tolist()
        for variant, value in _variants(values).items()
    }


def _variants(values: Any) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        return {"": values}
    named = {str(variant): value for variant, value in values.items()}
    require(
        len(named) == len(values),
        "variants",
        list(values),
        "two variants have one name",
        "give every variant a name of its own",
    )
    return named
