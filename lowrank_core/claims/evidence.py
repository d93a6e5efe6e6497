"""What a claim's function found, series by series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from lowrank_core.analysis.statistics import Pooled
from lowrank_core.claims.criterion import Criterion
from lowrank_core.claims.variants import Variant
from lowrank_core.errors import require


@dataclass
class Evidence:
    """What a claim's function found, row by row::

        evidence = Evidence(curves={"runs": runs})
        for k, run in runs.items():
            evidence.found(RATE, rate(run), at(k=k), predicted=-k)
        evidence.broken(RATE, rate(control), "no spare columns")
        return evidence

    Series may also come whole, as mappings; whatever is a tensor or a list becomes a series with one variant.
    A `Pooled` in the place of a series is one statistic of all seeds; its interval is kept beside it.

    Attributes:
        measured: quantity or criterion -> series, for all criteria and any other quantity worth showing.
        control: the same quantities with the hypothesis dropped.
        predicted: quantity -> number, or variant -> number (variants of the controls included).
        positive: the same quantities where the criteria must be met, for a claim that is expected to be refuted.
        notes: further numbers or words that the page or the discrepancy log quotes, e.g. how far the
            hypotheses of the theorem are met.
        curves: data for figures; not written to the ledger.
        intervals: (role, quantity, variant) -> 95 % interval over the seeds, of pooled series alone.
        numbers: variant -> its numbers, of those that carry some, see `variants.at`.
    """

    measured: dict[Any, Any] = field(default_factory=dict)
    control: dict[Any, Any] = field(default_factory=dict)
    predicted: dict[Any, Any] = field(default_factory=dict)
    notes: dict[str, float | str] = field(default_factory=dict)
    curves: dict[str, Any] = field(default_factory=dict)
    positive: dict[Any, Any] = field(default_factory=dict)
    intervals: dict[tuple[str, str, str], tuple[float, float]] = field(init=False, default_factory=dict)
    numbers: dict[str, dict[str, float]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        predicted, self.predicted = self.predicted, {}
        for role in ROLES:
            given = getattr(self, role)
            setattr(self, role, {})
            for quantity, values in given.items():
                self._add(role, quantity, values, "", None)
        self.predicted = {_name(quantity): value for quantity, value in predicted.items()}

    def found(
        self, quantity: Criterion | str, values: Any, variant: str = "", predicted: float | None = None
    ) -> None:
        """Add what was measured of a quantity.

        Args:
            quantity: the criterion that judges it, or its name.
            values: one a seed: a tensor, a list or a number; a `Pooled`; or a mapping of variants to these.
            variant: its label; `at(k=4)` makes one that carries its number.
            predicted: what theory predicts for it, for all variants of a mapping.

        Raises:
            ArgumentError: the variant is there already.
        """
        self._add("measured", quantity, values, variant, predicted)

    def broken(
        self, quantity: Criterion | str, values: Any, variant: str = "", predicted: float | None = None
    ) -> None:
        """Add what a control measured, which must violate the criterion; arguments as for `found`.

        Without a prediction of its own it is judged by that of the variant without a name.
        """
        self._add("control", quantity, values, variant, predicted)

    def met(
        self, quantity: Criterion | str, values: Any, variant: str = "", predicted: float | None = None
    ) -> None:
        """Add what a positive control measured, which must meet the criterion; arguments as for `broken`."""
        self._add("positive", quantity, values, variant, predicted)

    def _add(
        self, role: str, quantity: Criterion | str, values: Any, variant: str, predicted: float | None
    ) -> None:
        name = _name(quantity)
        series = getattr(self, role).setdefault(name, {})
        if predicted is None and role != "measured" and isinstance(self.predicted.get(name), dict):
            predicted = self.predicted[name].get("")
        for label, value in (values if isinstance(values, Mapping) else {variant: values}).items():
            text = str(label)
            require(
                text not in series,
                "variant",
                text,
                f"{name!r} has it already",
                "give every variant a name of its own",
            )
            if isinstance(value, Pooled):
                self.intervals[role, name, text] = value.low, value.high
            if isinstance(label, Variant):
                self.numbers[text] = dict(label.numbers)
            if predicted is not None:
                self.predicted.setdefault(name, {})[text] = float(predicted)
            series[text] = as_list(value)

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


def as_list(value: Any) -> list[float]:
    """The numbers of a tensor, a list, a number or a `Pooled`."""
    if isinstance(value, Pooled):
        return [value.value]
    numbers: list[float] = torch.as_tensor(value, dtype=torch.float64).reshape(-1).tolist()
    return numbers


def _name(quantity: Criterion | str) -> str:
    return quantity.quantity if isinstance(quantity, Criterion) else quantity
