"""The sizes of a claim, one row a parameter, so that none can be missing at one of the scales."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class each:
    """A value that differs by scale.

    Args:
        smoke, book, full: the value at that scale.

    Raises:
        TypeError: a scale without a value, or a scale too many.
    """

    smoke: Any
    book: Any
    full: Any


def scales(**parameters: Any) -> dict[str, dict[str, Any]]:
    """The sizes of every scale: scale -> parameter -> value.

    >>> scales(n=each(6, 12, 40), eta=0.1)["book"]
    {'n': 12, 'eta': 0.1}

    Args:
        parameters: `each(...)` for one value a scale; anything else stands for all three.
    """
    return {
        scale.name: {
            name: getattr(value, scale.name) if isinstance(value, each) else value
            for name, value in parameters.items()
        }
        for scale in fields(each)
    }


def unstorable(sizes: Mapping[str, Any]) -> list[str]:
    """Parameters whose values a record cannot hold: it is JSON, of numbers, words and tables of them."""

    def fits(value: Any) -> bool:
        try:
            json.dumps(value)
        except TypeError:
            return False
        return True

    return [name for name, value in sizes.items() if not fits(value)]
