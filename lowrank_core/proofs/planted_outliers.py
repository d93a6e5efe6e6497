r"""A truth that is a sharp local minimum with one column and none with `n` columns, in exact rationals.

In an orthonormal basis `q_1, ..., q_n` the truth is `q_1 q_1ᵀ`. The clean measurement matrices look at its
row, `q_1 q_jᵀ + q_j q_1ᵀ` with weights, the corrupted ones at `q_j q_jᵀ` for `j ≥ 2`, which the truth does
not see, with errors `s_j > 0`. Then `M_L = q_1 q_1ᵀ + Σ_j s_j q_j q_jᵀ` explains all the measurements, at loss
zero, while the truth's loss is `(1/m) Σ s_j`. Derived here.

* With `n` columns the loss falls from the truth along the segment to `M_L`, which stays in the cone.
* With one column, `m (f((q_1 + v)(q_1 + v)ᵀ) - f*) ≥ Σ |a_i·v| - Σ |vᵀA_i v|` with `a_i = 2A_i q_1` for
  the clean `A_i`, which span: a sharp local minimum.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import NamedTuple

from lowrank_core.proofs.instances import rational
from lowrank_core.proofs.matrices import Matrix, add, diagonal, gram, transpose
from lowrank_core.proofs.minimisers import rational_orthogonal


class Problem(NamedTuple):
    """Measurement matrices, observations, the factor of the truth and a better matrix, all exact."""

    matrices: list[Matrix]
    observations: list[Fraction]
    factor: list[Fraction]
    better: Matrix

    @property
    def truth(self) -> Matrix:
        """`M*`, of rank one."""
        return gram([[x] for x in self.factor])

    def loss(self, matrix: Matrix) -> Fraction:
        """`(1/m) Σ |⟨A_i, M⟩ - y_i|`."""
        gaps = (inner(a, matrix) - y for a, y in zip(self.matrices, self.observations, strict=True))
        return sum(map(abs, gaps), Fraction(0)) / len(self.matrices)

    @property
    def gap(self) -> Fraction:
        """`f(M*) - f(M_L)`."""
        return self.loss(self.truth) - self.loss(self.better)


def smallest() -> Problem:
    """`n = 2`, three measurements, of which the third has the error 1/2."""
    return planted(diagonal([Fraction(1)] * 2), [Fraction(1)] * 2, [Fraction(1, 2)])


def draw(seed: int, n: int) -> Problem:
    """Draw the basis, the weights of the clean measurements in `[1, 2]` and the errors in `[1/10, 1/2]`."""
    rng = Random(f"planted-outliers/{seed}/{n}")
    basis = transpose(rational_orthogonal(rng, n))
    weights = [rational(rng, 1, 2) for _ in range(n)]
    return planted(basis, weights, [rational(rng, Fraction(1, 10), Fraction(1, 2)) for _ in range(n - 1)])


def planted(basis: Matrix, weights: list[Fraction], errors: list[Fraction]) -> Problem:
    """The problem with rows `q_j`, weights of the `n` clean measurements, errors of the `n - 1` others."""
    first, *others = basis
    row = [outer(first, first), *(add(outer(first, q), outer(q, first)) for q in others)]
    clean = [[[w * x for x in line] for line in a] for w, a in zip(weights, row, strict=True)]
    seen = [weights[0], *([Fraction(0)] * len(others))]
    better = row[0]
    for error, q in zip(errors, others, strict=True):
        better = add(better, outer(q, q), error)
    return Problem([*clean, *(outer(q, q) for q in others)], seen + errors, first, better)


def segment_gains(problem: Problem, lengths: tuple[Fraction, ...]) -> list[Fraction]:
    """`(f(M*) - f(M* + h(M_L - M*)))/h` for each `h`: what `n` columns gain, at least the gap."""
    direction = add(problem.better, problem.truth, -1)
    level = problem.loss(problem.truth)
    return [(level - problem.loss(add(problem.truth, direction, h))) / h for h in lengths]


def rank_one_gains(
    problem: Problem, seed: int, lengths: tuple[Fraction, ...], count: int = 20
) -> list[Fraction]:
    """`(f(uuᵀ) - f((u + hv)(u + hv)ᵀ))/h` for random `v` with entries in `[-1, 1]`: what one column gains."""
    rng = Random(f"rank-one/{seed}")
    level = problem.loss(problem.truth)
    gains = []
    for h in lengths:
        for _ in range(count):
            v = [rational(rng, -1, 1) for _ in problem.factor]
            moved = [[x + h * y] for x, y in zip(problem.factor, v, strict=True)]
            gains.append((level - problem.loss(gram(moved))) / h)
    return gains


def inner(a: Matrix, b: Matrix) -> Fraction:
    """`⟨a, b⟩`."""
    return sum((x * y for p, q in zip(a, b, strict=True) for x, y in zip(p, q, strict=True)), Fraction(0))


def outer(x: list[Fraction], y: list[Fraction]) -> Matrix:
    """`x yᵀ`."""
    return [[p * q for q in y] for p in x]
