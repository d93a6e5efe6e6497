r"""Multipliers that prove the sharp threshold at the planted point, in closed form.

`analysis.planted` shares `r* - k` directions between `X` and the truth, plants `k` and leaves
`a = r - r* + k` columns of `X` alone; `q = √(a/k)`. At `δ* = q/(1 + q)` the error is
`E = diag(-(1 + q)I, 0, I)`. With `Q = diag(-qI, 0, I)`, `R = diag(qI, 0, I)` and `s_ij = e_i x_jᵀ + x_j
e_iᵀ` for the planted directions `e_i` and the lone columns `x_j`, every quadratic form `H` and `G =
HE` satisfy

    Σ_ij ∇²f[e_i vⱼᵀ] - 2k(1 + q) Σ_j x_jᵀGx_j = Σ_ij ⟨s_ij, H s_ij⟩ + (k/2q)(⟨R, HR⟩ - (1 + 2q)² ⟨Q, HQ⟩).

At a second-order point the left side is not negative. The right side is at most `(1 + δ)` times the positive
weights minus `(1 - δ)` times the negative one, for a constant δ of order `r - r* + 2k`; so `δ ≥ q/(1 +
q)`, and no operator below the threshold makes the point second-order. Derived here.
"""

from __future__ import annotations

import math
from fractions import Fraction
from random import Random
from typing import NamedTuple

from lowrank_core.errors import ArgumentError
from lowrank_core.proofs.instances import rational_matrix
from lowrank_core.proofs.matrices import Matrix, add, diagonal, gram, matmul, transpose


class Case(NamedTuple):
    """Ranks for which `a/k` is the square of a rational number."""

    search_rank: int
    true_rank: int
    planted: int

    @property
    def alone(self) -> int:
        """`a = r - r* + k`."""
        return self.search_rank - self.true_rank + self.planted

    @property
    def root(self) -> Fraction:
        """`q`. Raises `ArgumentError` if it is irrational."""
        ratio = Fraction(self.alone, self.planted)
        q = Fraction(math.isqrt(ratio.numerator), math.isqrt(ratio.denominator))
        if q * q != ratio:
            raise ArgumentError(
                "alone, planted",
                ratio,
                "the ratio is not the square of a rational number",
                "use a ratio that is",
            )
        return q

    @property
    def threshold(self) -> Fraction:
        """`q/(1 + q)`."""
        return self.root / (1 + self.root)

    def block(self, planted: Fraction | int, alone: Fraction | int) -> Matrix:
        """`diag(planted I, 0, alone I)`."""
        entries = [planted] * self.planted + [0] * (self.true_rank - self.planted) + [alone] * self.alone
        return diagonal([Fraction(entry) for entry in entries])

    def bends(self) -> list[tuple[int, int]]:
        """The coordinates of `e_i` and of `x_j`, for all pairs."""
        return [(i, self.true_rank + j) for i in range(self.planted) for j in range(self.alone)]


class Form(NamedTuple):
    """`H(S) = weight S + Σ sign ⟨B, S⟩ C`: a map of the symmetric matrices, self-adjoint if all `C = B`."""

    weight: Fraction
    terms: list[tuple[Fraction, Matrix, Matrix]]

    def apply(self, s: Matrix) -> Matrix:
        """`H(S)`."""
        image = [[self.weight * x for x in row] for row in s]
        for factor, b, c in self.terms:
            image = add(image, c, factor * inner(b, s))
        return image


def inner(a: Matrix, b: Matrix) -> Fraction:
    """`⟨a, b⟩`."""
    return sum((x * y for p, q in zip(a, b, strict=True) for x, y in zip(p, q, strict=True)), Fraction(0))


def random_form(seed: int, case: Case, count: int = 3, adjoint: bool = True) -> Form:
    """Draw a form with `count` random rational symmetric matrices, of alternating sign.

    Without `adjoint` it is not self-adjoint: each matrix is measured and another one comes out.
    """
    rng = Random(f"multipliers/{seed}/{case}")
    n = case.true_rank + case.alone
    drawn = [rational_matrix(rng, n, n) for _ in range(count)]
    symmetric = [add(b, transpose(b)) for b in drawn]
    images = symmetric if adjoint else [*symmetric[1:], symmetric[0]]
    weight = Fraction(rng.randint(1, 9), 4)
    return Form(
        weight, [(Fraction((-1) ** i), b, c) for i, (b, c) in enumerate(zip(symmetric, images, strict=True))]
    )


def tight_form(case: Case, delta: Fraction | None = None) -> Form:
    """`(1 + δ)I - 2δ QQᵀ/‖Q‖²`; at `δ = δ*`, the default, the operator that attains the threshold."""
    delta = case.threshold if delta is None else delta
    q = case.block(-case.root, 1)
    return Form(1 + delta, [(-2 * delta / inner(q, q), q, q)])


def conditions(case: Case, form: Form) -> Fraction:
    """The left side, from the gradient `2GX` and the Hessian as `analysis.landscape` defines them."""
    n, r, shared = case.true_rank + case.alone, case.search_rank, case.true_rank - case.planted
    x = [[Fraction(i == case.planted + j) for j in range(r)] for i in range(n)]
    truth = add(
        case.block(1 + case.root, 0), diagonal([int(case.planted <= i < case.true_rank) for i in range(n)])
    )
    slope = form.apply(add(gram(x), truth, -1))
    gradient = [[2 * entry for entry in row] for row in matmul(slope, x)]
    multiplier = [
        [
            -case.planted * (1 + case.root) * entry if j >= shared else Fraction(0)
            for j, entry in enumerate(row)
        ]
        for row in x
    ]
    total = inner(multiplier, gradient)
    for i, j in case.bends():
        v = [[Fraction(row == i and column == j - case.planted) for column in range(r)] for row in range(n)]
        bent = add(matmul(x, transpose(v)), matmul(v, transpose(x)))
        total += 2 * inner(slope, gram(v)) + inner(bent, form.apply(bent))
    return total


def decomposition(case: Case) -> tuple[list[tuple[Fraction, Matrix]], list[tuple[Fraction, Matrix]]]:
    """The weighted directions of the right side, the positive and the negative ones."""
    q, k = case.root, case.planted
    n = case.true_rank + case.alone
    bends = [[[Fraction({a, b} == {i, j}) for b in range(n)] for a in range(n)] for i, j in case.bends()]
    positive = [(Fraction(1), bend) for bend in bends] + [(k / (2 * q), case.block(q, 1))]
    return positive, [(k / (2 * q) * (1 + 2 * q) ** 2, case.block(-q, 1))]


def residual(case: Case, form: Form) -> Fraction:
    """The left side minus the right side."""
    positive, negative = decomposition(case)
    values = [
        [weight * inner(s, form.apply(s)) for weight, s in directions] for directions in (positive, negative)
    ]
    return conditions(case, form) - sum(values[0]) + sum(values[1])


def proved_bound(case: Case) -> Fraction:
    """The bound on δ: (negative − positive)/(negative + positive), of weights times squared norms."""
    up, down = (
        sum((w * inner(s, s) for w, s in directions), Fraction(0)) for directions in decomposition(case)
    )
    return (down - up) / (down + up)


def bound_without_escape(case: Case) -> float:
    """What the gradient alone proves with the same multiplier, `q/√(q² + (1 + q)²)`."""
    q = float(case.root)
    return q / math.hypot(q, 1 + q)
