r"""The imbalance brackets the local rate at a minimiser `FGᵀ = M*` of rank `r < k`.

Let `Δ = FᵀF - GᵀG`, and `a_+`, `b_+` the smallest nonzero eigenvalues of `FᵀF` and `GᵀG`.

* If `rank F > r` then `a_+ ≤ λ_{rank F - r}(Δ)`; if `rank G > r` then `b_+ ≤ λ_{rank G - r}(-Δ)`. So
  `min(a_+, b_+) ≤ ‖Δ‖` as soon as one of the ranks exceeds `r`.
* If `Δ` is positive definite, then `rank F = k`, `rank G = r`,
  `λ_k(Δ) ≤ λ_min(FᵀF) ≤ λ_{k-r}(Δ)` and `λ_r(GᵀG) ≥ σ_r²/‖F‖²`.

Derived here. For the first, `G` maps the range of `Fᵀ` onto `r` dimensions, and on the kernel of this map
`vᵀΔv = |Fv|² ≥ a_+|v|²`; then Courant and Fischer. The second is Weyl's inequality and the first. The controls
are a `Δ` with more than `r` negative eigenvalues, and both ranks equal to `r`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from lowrank_core.proofs.inertia import count_above, inertia
from lowrank_core.proofs.matrices import add, diagonal, gram
from lowrank_core.proofs.minimisers import Minimiser, Shape, Svd, draw

SLACK = Fraction(1, 10**12)
"""Equality is attained, and there inertia cannot decide: comparisons are certified up to this relative slack."""


class Comparisons(NamedTuple):
    """Exact comparisons, decided by inertia; those that are neither proved nor refuted are undecided."""

    checks: int
    proved: int
    refuted: int


def definite(seed: int | str, shape: Shape) -> Minimiser:
    """Draw a minimiser and halve `G` until `Δ` is positive definite; `rank F = k` and `rank G = r`."""
    point = draw(seed, shape)
    while inertia(point.imbalance) != (shape.k, 0):
        point = point._replace(g=point.g.scaled(Fraction(1, 2)))
    return point


def nearly_balanced(seed: int | str, shape: Shape) -> Minimiser:
    """Draw a minimiser of ranks `(r, r)`; `G` has the row space of `F` and 21/20 of its singular values.

    These lie between 1 and 2, so that `‖Δ‖ ≤ 4 (21²/20² - 1) < 1 ≤ μ`.
    """
    point = draw(seed, shape, left=(Fraction(1), Fraction(2)))
    return point._replace(g=Svd(point.g.left, point.f.values, point.f.right).scaled(Fraction(21, 20)))


def window(point: Minimiser, shape: Shape) -> Comparisons:
    """Compare `λ_min(FᵀF)` with `λ_k(Δ)` and `λ_{k-r}(Δ)`, and `λ_r(GᵀG)` with `σ_r²/‖F‖²`."""
    k, r = shape.k, shape.r
    smallest = min(point.f.spectrum) if len(point.f.values) == k else Fraction(0)
    limit = sorted(point.g.spectrum, reverse=True)[r - 1] * max(point.f.spectrum)
    beyond = count_above(point.imbalance, smallest * (1 + SLACK))
    above = count_above(point.imbalance, smallest * (1 - SLACK))
    larger = count_above(gram(point.truth), limit * (1 + SLACK))
    return _compared(
        None if beyond is None else beyond < k,
        None if above is None else above >= k - r,
        None if larger is None else larger < r,
    )


def imbalance_bound(point: Minimiser, shape: Shape) -> Comparisons:
    """Compare `a_+` and `b_+` with eigenvalues of `±Δ` for ranks above `r`; the smaller with `‖Δ‖`."""
    delta = point.imbalance
    negated = add(diagonal([Fraction(0)] * shape.k), delta, -1)
    sides = ((delta, point.f.spectrum), (negated, point.g.spectrum))
    outcomes = []
    for matrix, spectrum in sides:
        if len(spectrum) > shape.r:
            above = count_above(matrix, min(spectrum) * (1 - SLACK))
            outcomes.append(None if above is None else above >= len(spectrum) - shape.r)
    rate = min(point.f.spectrum + point.g.spectrum)
    counts = [count_above(matrix, rate * (1 - SLACK)) for matrix, _ in sides]
    outcomes.append(None if None in counts else any(counts))
    return _compared(*outcomes)


def _compared(*outcomes: bool | None) -> Comparisons:
    return Comparisons(len(outcomes), outcomes.count(True), outcomes.count(False))
