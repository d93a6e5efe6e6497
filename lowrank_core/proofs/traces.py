"""Identities between traces of words in matrices of any size, decided by rewriting.

A word is a product of noncommuting symbols. Its trace does not change when the word is rotated, nor when it is
transposed; pairs of neighbours, around the seam too, are replaced by given rules, such as `OᵀO = I`. What remains
of an expression after that is counted, so that zero means an identity for matrices of every size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Rules(NamedTuple):
    """What is known of the symbols.

    Attributes:
        transposes: symbol -> its transpose; symbols that are not named are symmetric.
        pairs: (left, right) -> what the product is: 0, 1, or a symbol.
        outer: the trace of the identity where it stands alone.
        inner: the trace of an identity that a rule of value 1 has left.
    """

    transposes: Mapping[Any, Any]
    pairs: Mapping[tuple[Any, Any], Any]
    outer: Any = 0
    inner: Any = 0


def trace_terms(expression: Any, rules: Rules) -> int:
    """The number of terms left of the trace of an expression in noncommuting symbols."""
    import sympy

    total: dict[tuple[Any, ...], Any] = {}
    for term in sympy.Add.make_args(sympy.expand(expression)):
        scalar, symbols = term.args_cnc()
        # sympy writes A·A as a power.
        word = [base for factor in symbols for base, power in [factor.as_base_exp()] for _ in range(power)]
        size, reduced = _reduced(word, rules)
        total[reduced] = total.get(reduced, 0) + sympy.Mul(*scalar) * size
    return sum(sympy.expand(weight) != 0 for weight in total.values())


def _reduced(word: list[Any], rules: Rules) -> tuple[Any, tuple[Any, ...]]:
    """A factor, and the word in a form that all its rotations and transposes share."""
    if not word:
        return rules.outer, ()
    while word:
        neighbours = [
            (i, (word[i], word[(i + 1) % len(word)])) for i in range(len(word) if len(word) > 1 else 0)
        ]
        found = next(((i, rules.pairs[pair]) for i, pair in neighbours if pair in rules.pairs), None)
        if found is None:
            break
        i, value = found
        if value == 0:
            return 0, ()
        word = word[i:] + word[:i]
        word = ([] if value == 1 else [value]) + word[2:]
    turned = [rules.transposes.get(symbol, symbol) for symbol in reversed(word)]
    rotations = [tuple(each[i:] + each[:i]) for each in (word, turned) for i in range(len(word))]
    return (1, min(rotations, key=str)) if word else (rules.inner, ())
