"""Small dense matrices over any ordered field: exact rationals, balls, multiprecision floats.

A matrix is a list of rows. Over balls each result encloses the true one, and a sign is returned only if
certain.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, TypeAlias

Matrix: TypeAlias = list[list[Any]]


def matmul(a: Matrix, b: Matrix) -> Matrix:
    """The product `a b`."""
    columns = transpose(b)
    return [[sum((x * y for x, y in zip(row, column, strict=True)), 0) for column in columns] for row in a]


def transpose(a: Matrix) -> Matrix:
    """The transpose."""
    return [list(column) for column in zip(*a, strict=True)]


def add(a: Matrix, b: Matrix, scale: Any = 1) -> Matrix:
    """`a + scale b`."""
    return [[x + scale * y for x, y in zip(p, q, strict=True)] for p, q in zip(a, b, strict=True)]


def diagonal(entries: Sequence[Any]) -> Matrix:
    """The diagonal matrix with these entries."""
    return [[x if i == j else 0 for j in range(len(entries))] for i, x in enumerate(entries)]


def gram(a: Matrix) -> Matrix:
    """`a aᵀ`."""
    return matmul(a, transpose(a))


def squared_error(a: Matrix, entries: Sequence[Any]) -> Any:
    """The squared Frobenius distance of `a` from the diagonal matrix with these entries."""
    gaps = add(a, diagonal(entries), -1)
    return sum((gap * gap for row in gaps for gap in row), 0)


def inverse_form(p: Matrix, y: Matrix) -> Matrix:
    """`y p⁻¹ yᵀ` for a positive definite `p = L D Lᵀ`, as `(L⁻¹yᵀ)ᵀ D⁻¹ (L⁻¹yᵀ)`.

    Forward elimination alone loses half the digits that a solve would. Raises `ArithmeticError` if a
    pivot is not certainly positive.
    """
    size = len(p)
    rows = [list(left) + list(right) for left, right in zip(p, transpose(y), strict=True)]
    for pivot, row in enumerate(rows):
        if not row[pivot] > 0:
            raise ArithmeticError("a pivot is not certainly positive")
        for i in range(pivot + 1, size):
            factor = rows[i][pivot] / row[pivot]
            rows[i] = [x - factor * z for x, z in zip(rows[i], row, strict=True)]
    reduced = [row[size:] for row in rows]
    scaled = [[z / row[i] for z in row[size:]] for i, row in enumerate(rows)]
    return matmul(transpose(reduced), scaled)


def rank(a: Matrix) -> int:
    """The rank of a matrix of exact rationals."""
    rows, found = [list(row) for row in a], 0
    for column in range(len(a[0])):
        pivot = next((i for i in range(found, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        for i in range(found + 1, len(rows)):
            if not rows[i][column]:
                continue
            factor = Fraction(rows[i][column]) / rows[found][column]
            rows[i] = [x - factor * y for x, y in zip(rows[i], rows[found], strict=True)]
        found += 1
    return found
