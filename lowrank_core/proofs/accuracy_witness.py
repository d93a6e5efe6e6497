r"""How far from the truth a nearly second-order point can be: two exact families on the population loss.

With `A = I`, `E = XXᵀ - M*` and the objective `f = ½‖E‖²`: `∇f = 2EX` and `∇²f[V] = 2EV + 2(XVᵀ +
VXᵀ)X`.

* *Gradient.* `X = [M*^½, tQ]` with `q = r - r*` orthonormal columns `Q` orthogonal to `M*`: `‖E‖² = qt⁴`
  and `‖∇f‖² = 4qt⁶`, so `q‖∇f‖⁴ = 16‖E‖⁶`, and the Hessian has no negative eigenvalue since `E ⪰ 0`.
* *Curvature.* `X` lacks one direction of `M*`, of eigenvalue `s`: `∇f = 0`, `‖E‖ = s` and
  `λ_min(∇²f) = -2s`.

Both are rotated by rational orthogonal matrices; derived here.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import NamedTuple

from lowrank_core.proofs.inertia import count_above
from lowrank_core.proofs.instances import rational
from lowrank_core.proofs.matrices import Matrix, add, diagonal, gram, matmul, transpose
from lowrank_core.proofs.minimisers import rational_orthogonal

WIDTH = Fraction(1, 10**9)
"""Eigenvalues are enclosed relative to the error by twice this."""


class Point(NamedTuple):
    """A point and the truth, exact."""

    x: Matrix
    truth: Matrix

    @property
    def error(self) -> Matrix:
        """`XXᵀ - M*`."""
        return add(gram(self.x), self.truth, -1)

    def gradient(self) -> Matrix:
        """`2EX`."""
        return [[2 * entry for entry in row] for row in matmul(self.error, self.x)]

    def hessian(self) -> Matrix:
        """`∇²f` as a matrix, entries of `X` row by row."""
        error, n, r = self.error, len(self.x), len(self.x[0])
        rows = []
        for i in range(n):
            for j in range(r):
                unit = [[Fraction((a, b) == (i, j)) for b in range(r)] for a in range(n)]
                cross = matmul(self.x, transpose(unit))
                turned = matmul(add(cross, transpose(cross)), self.x)
                rows.append([2 * entry for row in add(matmul(error, unit), turned) for entry in row])
        return rows


def squared(a: Matrix) -> Fraction:
    """`‖a‖_F²`."""
    return sum((entry * entry for row in a for entry in row), Fraction(0))


def excess_columns(seed: int, exact_rank: bool = False) -> tuple[Point, int]:
    """Draw a point of the first family, and `q`; with `exact_rank` there are only true columns, too long."""
    rng = Random(f"excess/{seed}")
    r_star, excess = rng.randint(1, 2), rng.randint(1, 2)
    n = r_star + excess + rng.randint(0, 1)
    t = rational(rng, Fraction(1, 100), Fraction(1, 10))
    roots = [rational(rng, Fraction(1, 2), Fraction(3, 2)) for _ in range(r_star)]
    lengths = [root * (1 + t) for root in roots] if exact_rank else roots + [t] * excess
    frame, turn = rational_orthogonal(rng, n), rational_orthogonal(rng, len(lengths))
    x = [[row[j] * length for j, length in enumerate(lengths)] for row in frame]
    values = [root * root for root in roots] + [Fraction(0)] * (n - r_star)
    truth = matmul(matmul(frame, diagonal(values)), transpose(frame))
    return Point(matmul(x, turn), truth), excess


def gradient_defect(seed: int, exact_rank: bool = False) -> Fraction:
    """`q‖∇f‖⁴/(16‖E‖⁶) - 1`."""
    point, excess = excess_columns(seed, exact_rank)
    return excess * squared(point.gradient()) ** 2 / (16 * squared(point.error) ** 3) - 1


def negative_curvatures(seed: int, missing: bool = False) -> int:
    """How many eigenvalues of the Hessian at the first family are not certainly above `-WIDTH`.

    With `missing`, at the second.
    """
    matrix = (missing_direction(seed)[0] if missing else excess_columns(seed)[0]).hessian()
    return len(matrix) - (count_above(matrix, -WIDTH) or 0)


def missing_direction(seed: int) -> tuple[Point, Fraction]:
    """Draw a point of the second family, and `s`."""
    rng = Random(f"missing/{seed}")
    r_star = rng.randint(1, 3)
    n, r = r_star + rng.randint(0, 1), r_star + rng.randint(0, 1)
    s = rational(rng, Fraction(1, 100), Fraction(1, 2))
    roots = [rational(rng, Fraction(1), Fraction(3, 2)) for _ in range(r_star - 1)]
    frame, turn = rational_orthogonal(rng, n), rational_orthogonal(rng, r)
    x = [[row[j] * root for j, root in enumerate(roots)] + [Fraction(0)] * (r - r_star + 1) for row in frame]
    values = [root * root for root in roots] + [s] + [Fraction(0)] * (n - r_star)
    truth = matmul(matmul(frame, diagonal(values)), transpose(frame))
    return Point(matmul(x, turn), truth), s


def curvature_failures(seed: int, excess: bool = False) -> int:
    """How many of `∇f = 0`, `‖E‖ = s` and `-λ_min ∈ (2 ± WIDTH)s` fail to be certain.

    With `excess` the point is one of the first family.
    """
    point, s = missing_direction(seed)
    if excess:
        point = excess_columns(seed)[0]
    matrix = point.hessian()
    below, above = (count_above(matrix, -(2 + sign * WIDTH) * s) for sign in (1, -1))
    certain = (
        squared(point.gradient()) == 0,
        squared(point.error) == s * s,
        below == len(matrix),
        above is not None and above < len(matrix),
    )
    return len(certain) - sum(certain)
