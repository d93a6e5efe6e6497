"""Exact rational minimisers ``FGᵀ = M*`` of prescribed ranks and spectra.

The factors are made of rational orthogonal matrices, so that the eigenvalues of ``FᵀF`` and of ``GᵀG`` are known
exactly, while ``FᵀF`` and ``GᵀG`` share no eigenvectors.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import NamedTuple

from lowrank_core.proofs.instances import rational
from lowrank_core.proofs.matrices import Matrix, add, diagonal, matmul, transpose

Range = tuple[Fraction, Fraction]
UNIT: Range = (Fraction(1, 2), Fraction(2))


def rational_orthogonal(rng: Random, n: int) -> Matrix:
    """Draw an ``n x n`` orthogonal matrix of fractions, a product of ``n`` reflections."""
    q = diagonal([Fraction(1)] * n)
    for _ in range(n):
        v = [Fraction(rng.choice((-2, -1, 1, 2))) for _ in range(n)]
        size = sum(x * x for x in v)
        q = matmul(q, add(diagonal([Fraction(1)] * n), [[x * y for y in v] for x in v], -2 / size))
    return q


def columns(a: Matrix, first: int, last: int) -> Matrix:
    """Return the columns ``first, ..., last - 1``."""
    return [row[first:last] for row in a]


class Minimiser(NamedTuple):
    """Factors with their nonzero spectra, in the order drawn."""

    left: Matrix
    """``F``, of ``n1`` rows and ``k`` columns."""
    right: Matrix
    """``G``, of ``n2`` rows and ``k`` columns."""
    left_spectrum: list[Fraction]
    """The nonzero eigenvalues of ``FᵀF``."""
    right_spectrum: list[Fraction]
    """The nonzero eigenvalues of ``GᵀG``."""

    @property
    def truth(self) -> Matrix:
        """``M* = FGᵀ``."""
        return matmul(self.left, transpose(self.right))

    @property
    def imbalance(self) -> Matrix:
        """``Δ = FᵀF - GᵀG``."""
        return add(matmul(transpose(self.left), self.left), matmul(transpose(self.right), self.right), -1)


class Shape(NamedTuple):
    """Sizes of a minimiser: ``rank_left + rank_right ≤ k + r``, as Sylvester's rank inequality demands."""

    n1: int
    n2: int
    k: int
    r: int
    rank_left: int
    rank_right: int


def draw(seed: int, shape: Shape, left: Range = UNIT, right: Range = UNIT) -> Minimiser:
    """Draw factors whose singular values lie in the ranges ``left`` and ``right``.

    The row space of ``G`` is spanned by ``r`` directions inside the row space of ``F`` and by directions
    orthogonal to it, so that ``FGᵀ`` has rank ``r``.
    """
    n1, n2, k, r, rank_left, rank_right = shape
    rng = Random(f"minimiser/{seed}/{shape}")
    rows = rational_orthogonal(rng, k)
    inside = matmul(columns(rows, 0, rank_left), columns(rational_orthogonal(rng, rank_left), 0, r))
    outside = columns(rows, rank_left, rank_left + rank_right - r)
    spanned = matmul([p + q for p, q in zip(inside, outside, strict=True)], rational_orthogonal(rng, rank_right))
    sides = []
    for n, rank, space, (low, high) in (
        (n1, rank_left, columns(rows, 0, rank_left), left),
        (n2, rank_right, spanned, right),
    ):
        values = [rational(rng, low, high) for _ in range(rank)]
        frame = columns(rational_orthogonal(rng, n), 0, rank)
        factor = matmul(matmul(frame, diagonal(values)), transpose(space))
        sides.append((factor, [value**2 for value in values]))
    (f, a), (g, b) = sides
    return Minimiser(f, g, a, b)
