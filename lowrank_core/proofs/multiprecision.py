"""Eigenvalues to many digits, for searches over more instances than one would certify. Not rigorous."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from lowrank_core.proofs.matrices import Matrix


@contextmanager
def digits(count: int) -> Iterator[None]:
    """Compute with `count` decimal digits inside the block."""
    import mpmath

    with mpmath.workdps(count):
        yield


def number(value: Fraction | int) -> Any:
    """Round an exact number to the working precision."""
    import mpmath

    exact = Fraction(value)
    return mpmath.mpf(exact.numerator) / exact.denominator


def numbers(matrix: Matrix) -> Matrix:
    """Round an exact matrix to the working precision."""
    return [[number(x) for x in row] for row in matrix]


def exp(x: Any) -> Any:
    """The exponential to the working precision."""
    import mpmath

    return mpmath.exp(x)


def eigenvalues(a: Matrix) -> list[Any]:
    """The eigenvalues of the symmetric `a`, largest first."""
    import mpmath

    return sorted(mpmath.eigsy(mpmath.matrix(a), eigvals_only=True), reverse=True)
