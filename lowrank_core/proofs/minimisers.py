"""Exact rational minimisers `FGᵀ = M*` of prescribed ranks and spectra.

The factors are made of rational orthogonal matrices, so that the eigenvalues of `FᵀF` and of `GᵀG` are known
exactly, while `FᵀF` and `GᵀG` do not commute.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import NamedTuple

from lowrank_core.proofs.instances import rational
from lowrank_core.proofs.matrices import Matrix, add, diagonal, gram, matmul, transpose

Range = tuple[Fraction, Fraction]
MODERATE: Range = (Fraction(1, 2), Fraction(2))


def rational_orthogonal(rng: Random, n: int) -> Matrix:
    """Draw an `n x n` orthogonal matrix of fractions, a product of three reflections at most."""
    q = diagonal([Fraction(1)] * n)
    for _ in range(min(n, 3)):
        v = [Fraction(rng.choice((-1, 1)) * rng.randint(1, 5)) for _ in range(n)]
        size = sum(x * x for x in v)
        q = matmul(q, add(diagonal([Fraction(1)] * n), [[x * y for y in v] for x in v], -2 / size))
    return q


def columns(a: Matrix, first: int, last: int) -> Matrix:
    """The columns `first, ..., last - 1`."""
    return [row[first:last] for row in a]


class Svd(NamedTuple):
    """A matrix `left diag(values) rightᵀ`, with orthonormal columns in `left` and in `right`."""

    left: Matrix
    values: list[Fraction]
    right: Matrix

    @property
    def matrix(self) -> Matrix:
        """The matrix itself."""
        return matmul(matmul(self.left, diagonal(self.values)), transpose(self.right))

    @property
    def spectrum(self) -> list[Fraction]:
        """The squares of the singular values."""
        return [value**2 for value in self.values]

    def scaled(self, factor: Fraction) -> Svd:
        """The matrix times a positive number."""
        return self._replace(values=[factor * value for value in self.values])


class Minimiser(NamedTuple):
    """Factors `F` (`n1 x k`) and `G` (`n2 x k`) by their singular value decompositions."""

    f: Svd
    g: Svd

    @property
    def truth(self) -> Matrix:
        """`M* = FGᵀ`."""
        return matmul(self.f.matrix, transpose(self.g.matrix))

    @property
    def imbalance(self) -> Matrix:
        """`Δ = FᵀF - GᵀG`."""
        return add(gram(transpose(self.f.matrix)), gram(transpose(self.g.matrix)), -1)


class Shape(NamedTuple):
    """Sizes of a minimiser: `rank_left + rank_right ≤ k + r`, as Sylvester's rank inequality demands."""

    n1: int
    n2: int
    k: int
    r: int
    rank_left: int
    rank_right: int


def draw(seed: int | str, shape: Shape, left: Range = MODERATE, right: Range = MODERATE) -> Minimiser:
    """Draw factors whose singular values lie in the ranges `left` and `right`.

    The row space of `G` is spanned by `r` directions inside the row space of `F` and by directions
    orthogonal to it, so that `FGᵀ` has rank `r`.
    """
    n1, n2, k, r, rank_left, rank_right = shape
    rng = Random(f"minimiser/{seed}/{'/'.join(map(str, shape))}")
    basis = rational_orthogonal(rng, k)
    rows = columns(basis, 0, rank_left)
    inside = matmul(rows, columns(rational_orthogonal(rng, rank_left), 0, r))
    outside = columns(basis, rank_left, rank_left + rank_right - r)
    spanned = [p + q for p, q in zip(inside, outside, strict=True)]
    return Minimiser(
        _svd(rng, n1, rows, left), _svd(rng, n2, matmul(spanned, rational_orthogonal(rng, rank_right)), right)
    )


def _svd(rng: Random, n: int, right: Matrix, values: Range) -> Svd:
    rank = len(right[0])
    drawn = [rational(rng, *values) for _ in range(rank)]
    return Svd(columns(rational_orthogonal(rng, n), 0, rank), drawn, right)
