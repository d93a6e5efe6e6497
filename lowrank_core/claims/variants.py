"""Names of variants that carry their numbers, so that nobody has to read a number out of a label."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any


class Variant(str):
    """A variant's label, e.g. "k = 4", with the numbers that it stands for.

    Attributes:
        numbers: parameter -> number, in the order of the label.
    """

    numbers: MappingProxyType[str, float]

    def __new__(cls, label: str, numbers: dict[str, float]) -> Variant:
        made = super().__new__(cls, label)
        made.numbers = MappingProxyType(dict(numbers))
        return made

    def __reduce__(self) -> tuple[type[Variant], tuple[str, dict[str, float]]]:
        return Variant, (str(self), dict(self.numbers))

    @property
    def number(self) -> float:
        """The number of a variant that has exactly one.

        Raises:
            ValueError: it has several.
        """
        (number,) = self.numbers.values()
        return number


def at(label: str = "", /, **numbers: Any) -> Variant:
    """A variant by its numbers: `at(k=4)` reads "k = 4", and `at(k=4, α=0.1)` reads "k = 4, α = 0.1".

    >>> at(k=4, α=0.1), at("k = n", k=20).number
    ('k = 4, α = 0.1', 20)

    Args:
        label: other words for it, e.g. `at("k = n", k=20)`.
        numbers: parameter -> number; names that Python cannot spell come as `**{"η/σ₁": 0.1}`.
    """
    words = ", ".join(f"{name} = {_shown(number)}" for name, number in numbers.items())
    return Variant(label or words, numbers)


def _shown(number: Any) -> str:
    return f"{number:g}" if isinstance(number, float) else str(number)
