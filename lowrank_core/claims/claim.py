"""What a claim is: a statement, a criterion declared before the run, and a control that must break it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Literal, get_args

import torch

from lowrank_core.claims.grammar import scales
from lowrank_core.errors import require

Kind = Literal["identity", "bound-upper", "bound-lower", "tight", "rate", "ordering", "existence"]
Provenance = Literal["read", "restated", "derived"]
Scale = Literal["smoke", "book", "full"]
Verdict = Literal["holds", "refuted", "inconclusive"]
Fit = Literal["instantiates", "illustrates"]
Means = Literal["symbolic", "exact", "ball", "dual"]
"""How a machine certifies a statement: identities between symbols; exact rationals or integers; enclosures by balls
or intervals; a bound that any multipliers prove, evaluated at those of a semidefinite program."""

# One violation refutes these; the others speak of typical behaviour and are refuted by intervals.
UNIVERSAL_KINDS = ("identity", "bound-upper", "bound-lower")
MIN_BOOK_SEEDS = 8
# Module -> the extra of this package that installs it.
EXTRAS = {"scipy": "flow", "cvxpy": "sdp"}

Series = Mapping[str, Sequence[float]]
"""Variant (e.g. "k = 6", or "" if there is one only) -> one number per seed."""


@dataclass(frozen=True)
class Criterion:
    """An acceptance range, for every variant and every seed.

    Attributes:
        quantity: name of the measured quantity.
        low, high: the range, ends included.
        of_prediction: whether the ends are multiples of the predicted value.
    """

    quantity: str
    low: float = -math.inf
    high: float = math.inf
    of_prediction: bool = False

    def __post_init__(self) -> None:
        require(
            self.low <= self.high and (math.isfinite(self.low) or math.isfinite(self.high)),
            "low, high",
            (self.low, self.high),
            f"the criterion on {self.quantity!r} accepts everything or nothing",
            "give low <= high with at least one finite end",
        )

    def bounds(self, predicted: float) -> tuple[float, float]:
        if not self.of_prediction:
            return self.low, self.high
        ends = self.low * predicted, self.high * predicted
        # 0·inf, or no number to compare with: nothing can be said, in either direction.
        return (math.nan, math.nan) if any(map(math.isnan, ends)) else (min(ends), max(ends))

    def __str__(self) -> str:
        name = f"{self.quantity} / predicted" if self.of_prediction else self.quantity
        if self.low == self.high:
            return f"{name} = {self.low:g}"
        if math.isinf(self.low):
            return f"{name} ≤ {self.high:g}"
        if math.isinf(self.high):
            return f"{name} ≥ {self.low:g}"
        return f"{name} in [{self.low:g}, {self.high:g}]"


@dataclass(frozen=True)
class Setting:
    """What a claim's function is run with.

    Attributes:
        seeds: seeds of all random draws.
        sizes: the numbers declared for the scale, as attributes.
        device: where to compute; dtype is float64 in every claim.
    """

    seeds: tuple[int, ...]
    sizes: SimpleNamespace
    device: torch.device


@dataclass
class Evidence:
    """What a claim's function found; whatever is a tensor or a list becomes a series with one variant.

    Attributes:
        measured: quantity -> series, for every quantity of the criteria and any other worth showing.
        control: the same quantities with the hypothesis dropped.
        predicted: quantity -> number, or variant -> number (variants of the control included).
        notes: further numbers or words that the page or the discrepancy log quotes, e.g. how far the
            hypotheses of the theorem are met.
        curves: data for figures; not written to the ledger.
    """

    measured: dict[str, Any]
    control: dict[str, Any]
    predicted: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, float | str] = field(default_factory=dict)
    curves: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.measured = {name: as_series(values) for name, values in self.measured.items()}
        self.control = {name: as_series(values) for name, values in self.control.items()}

    def prediction(self, quantity: str, variant: str) -> float | None:
        """The predicted value of a quantity, None if nothing is predicted."""
        value = self.predicted.get(quantity)
        if isinstance(value, Mapping):
            value = value.get(variant)
        return None if value is None else float(value)


def as_series(values: Any) -> dict[str, list[float]]:
    """Variant -> list of floats, from a tensor, a list, a number, or a mapping of these."""
    if not isinstance(values, Mapping):
        values = {"": values}
    return {
        str(variant): torch.as_tensor(v, dtype=torch.float64).reshape(-1).tolist()
        for variant, v in values.items()
    }


@dataclass(frozen=True)
class Claim:
    """A claim, as declared by the decorator `claim`. All of it stands before anything runs.

    Attributes:
        id: "paper.slug".
        title: a short name for tables.
        reference: theorem, equation or section of the paper, and what in the claim is not from there.
        statement: the statement in Markdown with LaTeX.
        provenance: "read" in the paper, "restated" from secondary sources, or "derived" here.
        kind: selects how a violation counts, see `UNIVERSAL_KINDS`.
        criteria: what must be measured, on every variant and every seed.
        control: which hypothesis the control drops.
        breaks: the quantities whose criterion the control must violate on every seed.
        seeds: number of seeds for each scale.
        sizes: the numbers of each scale, see `grammar.scales`; none where the seeds alone choose the instances.
        uses: ids of claims that this one rests on.
        chapter: the page it stands in.
        expected: the verdict the book expects.
        fit: "instantiates" if the theorem's hypotheses are met at this size, else "illustrates".
        means: how a machine certifies the statement, or the instances that run; empty if it is measured only.
        needs: modules beyond torch and numpy without which it cannot run; `EXTRAS` says how to install them.
        discrepancy: what differs from the source, quoting `Evidence.notes` by name; for the log.
    """

    id: str
    title: str
    reference: str
    statement: str
    provenance: Provenance
    kind: Kind
    criteria: tuple[Criterion, ...]
    control: str
    breaks: tuple[str, ...]
    seeds: Mapping[str, int]
    chapter: str
    function: Callable[[Setting], Evidence]
    sizes: Mapping[str, Mapping[str, Any]] = field(default_factory=scales)
    uses: tuple[str, ...] = ()
    expected: Verdict = "holds"
    fit: Fit = "instantiates"
    means: tuple[Means, ...] = ()
    needs: tuple[str, ...] = ()
    discrepancy: str | None = None

    def __post_init__(self) -> None:
        def declared(condition: bool, argument: str, value: object, problem: str, fix: str) -> None:
            require(condition, f"claim {self.id}: {argument}", value, problem, fix)

        names = [criterion.quantity for criterion in self.criteria]
        declared(
            re.fullmatch(r"[^.]+\.[^.]+", self.id) is not None,
            "id",
            self.id,
            "ids read paper.slug",
            "join the key of the paper and a slug by the only dot",
        )
        declared(bool(names), "criteria", names, "a claim needs a criterion", "declare at least one")
        declared(
            bool(self.breaks) and set(self.breaks) <= set(names),
            "breaks",
            self.breaks,
            "the control must break at least one of the claim's own criteria",
            f"name some of {names}",
        )
        every = set(get_args(Scale))
        declared(
            set(self.seeds) == every and set(self.sizes) == every,
            "seeds, sizes",
            (sorted(self.seeds), sorted(self.sizes)),
            "every scale needs seeds and sizes",
            "declare smoke, book and full",
        )
        declared(
            self.seeds["book"] >= MIN_BOOK_SEEDS,
            "seeds",
            self.seeds["book"],
            f"a verdict rests on at least {MIN_BOOK_SEEDS} seeds at book scale",
            f"use {MIN_BOOK_SEEDS} or more",
        )
        declared(
            set(self.needs) <= set(EXTRAS),
            "needs",
            self.needs,
            "no extra of this package installs such a module",
            f"use some of {sorted(EXTRAS)}",
        )
        declared(
            set(self.means) <= set(get_args(Means)),
            "means",
            self.means,
            "unknown means of proof",
            f"use some of {get_args(Means)}",
        )
        for name, value, allowed in (
            ("kind", self.kind, Kind),
            ("provenance", self.provenance, Provenance),
            ("expected", self.expected, Verdict),
            ("fit", self.fit, Fit),
        ):
            declared(
                value in get_args(allowed), name, value, "unknown value", f"use one of {get_args(allowed)}"
            )

    @property
    def paper(self) -> str:
        """The key of the paper, which the id begins with."""
        return self.id.partition(".")[0]
