"""Certified eigenvalue bounds of symmetric matrices, by inertia.

Sylvester's law: in `A = L D Lᵀ` the diagonal `D` has as many positive entries as `A` has positive
eigenvalues. Eliminating over exact rationals or over balls thus counts eigenvalues above a threshold
rigorously, and bisection on the threshold encloses each eigenvalue. Multiplicities do no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, NamedTuple

from lowrank_core.proofs.matrices import Matrix, add, diagonal


def inertia(a: Matrix) -> tuple[int, int] | None:
    """The numbers of positive and of negative eigenvalues of the symmetric `a`.

    Only the lower triangle is read. `None` means that the sign of some pivot is not certain; nothing is
    then claimed.
    """
    rows = [row[: i + 1] for i, row in enumerate(a)]
    positive = negative = 0
    for p, row in enumerate(rows):
        pivot = row[p]
        if pivot > 0:
            positive += 1
        elif pivot < 0:
            negative += 1
        else:
            return None
        for i in range(p + 1, len(rows)):
            factor = rows[i][p] / pivot
            for j in range(p + 1, i + 1):
                rows[i][j] = rows[i][j] - factor * rows[j][p]
    return positive, negative


def count_above(a: Matrix, threshold: Any) -> int | None:
    """How many eigenvalues of `a` exceed `threshold`, or `None` if that is uncertain."""
    counts = inertia(add(a, diagonal([threshold] * len(a)), -1))
    return None if counts is None else counts[0]


def eigenvalue_bounds(
    a: Matrix, j: int, top: Fraction, convert: Callable[[Fraction], Any] = Fraction, bits: int = 40
) -> tuple[Fraction, Fraction]:
    """Enclose the `j`-th largest eigenvalue (`j` from 1) of the positive semidefinite `a` by bisection.

    `top` is an upper bound of that eigenvalue, such as the trace; `convert` maps a `Fraction` to the
    field of the entries (itself, or `enclosure.ball`). The bounds are `top / 2**bits` apart, or wider
    where the entries are too wide to tell; they are right in every case.
    """
    low, high = Fraction(0), top
    for _ in range(bits):
        # A second cut, for the accident that the first one meets an eigenvalue of a leading block exactly.
        cuts = ((low + high) / 2, (3 * low + 4 * high) / 7)
        counted = ((cut, count_above(a, convert(cut))) for cut in cuts)
        cut, count = next(((cut, count) for cut, count in counted if count is not None), (low, None))
        if count is None:
            break
        low, high = (cut, high) if count >= j else (low, cut)
    return low, high


class Certificate(NamedTuple):
    """Outcome of comparing enclosed quantities with lower bounds that are themselves enclosed."""

    proved: int
    """Comparisons in which the quantity is certainly at least the bound."""
    refuted: int
    """Comparisons in which the quantity is certainly below the bound."""
    undecided: int
    """The others: the enclosures are too wide to tell."""
    margin: float
    """The smallest certain value of `quantity / bound - 1`; negative if a comparison is refuted."""


def certificate(pairs: Iterable[tuple[tuple[Fraction, Fraction], tuple[Fraction, Fraction]]]) -> Certificate:
    """Judge pairs of enclosures `(quantity, bound)`, each a `(low, high)`, with positive bounds."""
    proved = refuted = undecided = 0
    margins = []
    for (low, high), (bound_low, bound_high) in pairs:
        proved += low >= bound_high
        refuted += high < bound_low
        undecided += not (low >= bound_high or high < bound_low)
        margins.append(low / bound_high - 1)
    return Certificate(proved, refuted, undecided, float(min(margins)))
