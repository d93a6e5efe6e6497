"""A criterion: the range in which a measured quantity must fall, what its width rests on, and who breaks it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lowrank_core.errors import require

WIDE = 0.2
"""A two-sided window of this relative half width or more says little, and must say why it is so wide."""
ACROSS_ZERO = 0.1
"""The same for windows that contain zero, which have no relative width: differences, exponents and shares."""


@dataclass(frozen=True)
class Criterion:
    """An acceptance range, for every variant and every seed.

    What is judged is one value per seed and variant, unless the criterion says that it is `pooled` over the seeds,
    or `exact`, a certificate that no seed changes.

    Attributes:
        quantity: name of the measured quantity.
        low, high: the range, ends included.
        of_prediction: whether the ends are multiples of the predicted value.
        width: what the width of the range rests on, in a few words: a finite-size term, the spread over so many
            pilot seeds, rounding. A single accepted value needs no such reason.
        pooled: the statistic over all seeds that is judged, e.g. "exponent of medians"; its evidence is a
            `Pooled`, with an interval over the seeds by which it can be refuted.
        exact: which certificate the values are, e.g. "the proof's identities, in symbols"; one violation refutes.
        uncontrolled: why no control can break this criterion; empty if the control must.
        wide: why a two-sided window of ±20 % or more still tests the statement.
    """

    quantity: str
    low: float = -math.inf
    high: float = math.inf
    of_prediction: bool = False
    width: str = ""
    pooled: str = ""
    exact: str = ""
    uncontrolled: str = ""
    wide: str = ""

    def __post_init__(self) -> None:
        require(
            self.low <= self.high and (math.isfinite(self.low) or math.isfinite(self.high)),
            "low, high",
            (self.low, self.high),
            f"the criterion on {self.quantity!r} accepts everything or nothing",
            "give low <= high with at least one finite end",
        )
        require(
            not (self.pooled and self.exact),
            "pooled, exact",
            (self.pooled, self.exact),
            f"the criterion on {self.quantity!r} cannot be both",
            "say pooled for a statistic over the seeds, exact for a certificate that no seed changes",
        )

    @property
    def is_wide(self) -> bool:
        """Whether this is a two-sided window of ±20 % or wider, or one across zero of ±0.1 or wider."""
        half, centre = (self.high - self.low) / 2, abs(self.high + self.low) / 2
        if not (0 < half < math.inf):
            return False
        across_zero = half >= centre
        return half >= (ACROSS_ZERO if across_zero else WIDE * centre) * (1 - 1e-9)

    def bounds(self, predicted: float) -> tuple[float, float]:
        """The accepted range, (nan, nan) where the prediction, zero or not finite, has no multiples."""
        if not self.of_prediction:
            return self.low, self.high
        if not math.isfinite(predicted) or predicted == 0:
            return math.nan, math.nan
        ends = self.low * predicted, self.high * predicted
        return min(ends), max(ends)

    def meets(self, value: float, predicted: float = math.nan) -> bool:
        """Whether a value lies in the range."""
        low, high = self.bounds(predicted)
        return math.isfinite(value) and low <= value <= high

    @property
    def window(self) -> dict[str, Any]:
        """What a record keeps of it; an end that is missing is not finite."""
        return {**asdict(self), "basis": self.basis}

    @classmethod
    def recorded(cls, window: Mapping[str, Any]) -> Criterion:
        """The criterion of a record, where ends that are not finite are null."""
        kept = {name: value for name, value in window.items() if name != "basis" and value is not None}
        return cls(**kept)

    @property
    def basis(self) -> str:
        """What is judged: the statistic over the seeds, the certificate, or every seed."""
        return self.pooled or self.exact or "every seed"

    def __str__(self) -> str:
        return self._words("=", "≤", "≥", "in")

    def refuter(self) -> str:
        """What, measured, would speak against the statement."""
        return self._words("other than", "above", "below", "outside")

    def _words(self, one: str, upper: str, lower: str, two: str) -> str:
        """The quantity and its range, joined by the word for one value, an upper end, a lower end, or two ends."""
        name = f"{self.quantity} / predicted" if self.of_prediction else self.quantity
        if self.low == self.high:
            return f"{name} {one} {self.low:g}"
        if math.isinf(self.low):
            return f"{name} {upper} {self.high:g}"
        if math.isinf(self.high):
            return f"{name} {lower} {self.low:g}"
        return f"{name} {two} [{self.low:g}, {self.high:g}]"
