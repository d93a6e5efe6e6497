"""The standing assumptions of the notation page, as far as sizes show whether they are met.

A statement of the book assumes them unless its claim `waives` one by name. Sizes that violate one are refused
before anything runs, so that a run outside the hypotheses cannot pass for evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace

from lowrank_core.errors import ArgumentError

RANK = "r < min(n₁, n₂)"
SEARCH = "k ≥ r"
POSITIVE = "σ_r > 0"


class OutsideHypotheses(ArgumentError):
    """Sizes that a statement does not speak of; `hypothesis` names what they violate."""

    @property
    def hypothesis(self) -> str:
        """The name of the hypothesis that is violated."""
        return self.argument


def assume(condition: bool, hypothesis: str, value: object) -> None:
    """Raise `OutsideHypotheses` unless `condition` holds; `value` shows what the sizes are."""
    if not condition:
        raise OutsideHypotheses(
            hypothesis, value, "the statement does not speak of these sizes", "choose sizes that meet it"
        )


def check(sizes: SimpleNamespace, waived: Sequence[str] = ()) -> None:
    """Refuse sizes that violate a standing assumption which is not waived.

    It looks at the sizes by their usual names: `n`, or `n1` and `n2`; `spectrum`; `k`, `ks`.

    Raises:
        OutsideHypotheses: an assumption is violated.
    """
    for name, violated in STANDING.items():
        if name not in waived:
            for value in violated(sizes):
                assume(False, name, value)


def _orders(s: SimpleNamespace) -> list[int]:
    return [int(getattr(s, name)) for name in ("n", "n1", "n2") if isinstance(getattr(s, name, None), int)]


def _spectrum(s: SimpleNamespace) -> Sequence[float]:
    found = getattr(s, "spectrum", ())
    return found if isinstance(found, Sequence) and all(isinstance(v, (int, float)) for v in found) else ()


def _rank_too_large(s: SimpleNamespace) -> Iterator[object]:
    orders, r = _orders(s), len(_spectrum(s))
    if r and orders and r >= min(orders):
        yield {"r": r, "orders": orders}


def _search_too_small(s: SimpleNamespace) -> Iterator[object]:
    r = len(_spectrum(s))
    for name in ("k", "ks"):
        ranks = getattr(s, name, ())
        for k in ranks if isinstance(ranks, Sequence) else (ranks,):
            if isinstance(k, int) and k < r:
                yield {"k": k, "r": r}


def _not_positive(s: SimpleNamespace) -> Iterator[object]:
    if any(not v > 0 for v in _spectrum(s)):
        yield {"spectrum": tuple(_spectrum(s))}


STANDING: dict[str, Callable[[SimpleNamespace], Iterator[object]]] = {
    RANK: _rank_too_large,
    SEARCH: _search_too_small,
    POSITIVE: _not_positive,
}
