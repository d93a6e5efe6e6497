"""The signs of the Hessian's eigenvalues at planted points, counted in exact arithmetic; see `counterexamples`."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

from lowrank_core.proofs.counterexamples import Shape, exact_multiplicities, inner, member, merged, spectrum


class Signs(NamedTuple):
    """How many eigenvalues are negative, and how many vanish beyond the `r(r - 1)/2` rotations.

    Both are NaN if the eigenvalues of the closed form are not all that there are.
    """

    negative: float
    null: float


def signs(shape: Shape, delta: Fraction) -> Signs:
    """The signs at the planted point, by exact multiplicities of the eigenvalues in the closed form.

    Args:
        shape: without `balls`.
        delta: the constant, in (0, 1).

    Raises:
        ArgumentError: `√ρ` is irrational.
    """
    hessian = member(shape, delta).hessian
    found = exact_multiplicities(hessian, list(merged(spectrum(shape, delta))))
    if sum(found.values()) != len(hessian):
        return Signs(math.nan, math.nan)
    negative = sum(count for value, count in found.items() if value < 0)
    return Signs(float(negative), float(found[Fraction(0)] - shape.k * (shape.k - 1) // 2))


def relative_error(shape: Shape, delta: Fraction) -> float:
    """`‖XXᵀ - M*‖_F² / ‖M*‖_F²` at the planted point; arguments and errors as for `signs`."""
    point = member(shape, delta)
    return float(inner(point.error, point.error) / inner(point.truth, point.truth))
