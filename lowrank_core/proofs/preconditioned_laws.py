r"""Local laws of preconditioned steps, as identities between symbols; all of it derived here.

At the truth, `E` is of first order and its block outside the ranges of the truth of second order. To first order
one step multiplies the *core* block of `E` (both ranges) and the *cross* blocks (one range, one complement) by

    1 − 2η and 1 − η       for  F ← F − ηEG(GᵀG)⁻¹, G ← G − ηEᵀF(FᵀF)⁻¹,
    1 − 4α and 1 − 2α      for  X ← X − 2αEX(XᵀX)⁻¹,

whatever the spectrum. A direction beyond the true rank, of size `y` in `XXᵀ`, becomes `y(1 − 2αy/(y + λ))²`.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

from lowrank_core.proofs.instances import rational_matrix
from lowrank_core.proofs.matrices import Matrix, add, matmul, transpose
from lowrank_core.proofs.symbolic import term_count

R = 2


def pair_residuals(core: int = 2, cross: int = 1) -> dict[str, int]:
    """Terms left of the first-order law of ScaledGD, for any factors of a 3 × 3 truth of rank two."""
    import sympy

    eta = sympy.Symbol("eta")
    left, right = (_embedded(sympy.symbols(f"{name}1:3", positive=True)) for name in "fg")
    d_left, d_right = _unknown("u"), _unknown("v")
    error = d_left * right.T + left * d_right.T
    moved_left = d_left - eta * error * right * (right.T * right).inv()
    moved_right = d_right - eta * error.T * left * (left.T * left).inv()
    after = moved_left * right.T + left * moved_right.T
    return _left_over(error, after, 1 - core * eta, 1 - cross * eta)


def symmetric_residuals(core: int = 4, cross: int = 2) -> dict[str, int]:
    """Terms left of the first-order law of PrecGD, whose damping does not enter at first order."""
    import sympy

    alpha = sympy.Symbol("alpha")
    x = _embedded(sympy.symbols("s1:3", positive=True))
    d_x = _unknown("v")
    error = d_x * x.T + x * d_x.T
    moved = d_x - 2 * alpha * error * x * (x.T * x).inv()
    return _left_over(error, moved * x.T + x * moved.T, 1 - core * alpha, 1 - cross * alpha)


def noise_mode_residuals(power: int = 2) -> dict[str, int]:
    """Terms left of the law of `q` equal directions beyond the rank, for a damping `λ = c‖E‖^p`.

    The last entry is the continuous power law: `y^{−(1−p)}` grows at the constant speed `4α(1 − p)/(c
    q^{p/2})`.
    """
    import sympy

    alpha, c, p, q, x, y, damping = sympy.symbols("alpha c p q x y lambda", positive=True)
    stepped = x - 2 * alpha * x**2 * x / (x**2 + damping)
    mode = stepped**2 - x**2 * (1 - 2 * alpha * x**2 / (x**2 + damping)) ** power
    proportional = (
        1 - 2 * alpha * y / (y + c * sympy.sqrt(q * y**2)) - (1 - 2 * alpha / (1 + c * sympy.sqrt(q)))
    )
    speed = -power * 2 * alpha * y**2 / (c * (sympy.sqrt(q) * y) ** p)
    power_law = -(1 - p) * y ** (p - 2) * speed - 4 * alpha * (1 - p) / (c * q ** (p / 2))
    return {
        name: term_count(sympy.simplify(expression))
        for name, expression in (("mode", mode), ("proportional", proportional), ("power law", power_law))
    }


def neutral_residuals(eta: int | Fraction = 1) -> dict[str, int]:
    """Terms left of `1/e₊ = −1/e − 1/m` and of the two-cycle that follows, for a 1 × 1 truth `m` and `η =
    1`."""
    import sympy

    f, g, m = sympy.symbols("f g m", positive=True)
    size = sympy.Rational(eta)

    def step(left: Any, right: Any) -> tuple[Any, Any]:
        error = left * right - m
        return left - size * error / right, right - size * error / left

    once = step(f, g)
    twice = step(*once)
    before, after, last = (a * b - m for a, b in ((f, g), once, twice))
    return {
        "recursion": term_count(sympy.simplify(1 / after + 1 / before + 1 / m)),
        "two-cycle": term_count(sympy.simplify(last - before)),
    }


def covariance_residual(seed: int, steps: int, preconditioned: bool = True) -> int:
    """Entries of `FGᵀ` that differ, in exact rationals, between the starts `(F, G)` and `(FQ, GQ⁻ᵀ)`.

    Two steps of ScaledGD, or of gradient descent, on a random 3 × 3 problem with 2 columns and `η = 1/2`.
    """
    rng = Random(f"covariance/{seed}")
    target = rational_matrix(rng, 3, 3)
    left, right = rational_matrix(rng, 3, R), rational_matrix(rng, 3, R)
    q = add(rational_matrix(rng, R, R), [[Fraction(2), Fraction(0)], [Fraction(0), Fraction(2)]])
    turned = matmul(left, q), matmul(right, transpose(_inverse(q)))

    def run(f: Matrix, g: Matrix) -> Matrix:
        for _ in range(steps):
            error = add(matmul(f, transpose(g)), target, -1)
            towards_f, towards_g = matmul(error, g), matmul(transpose(error), f)
            if preconditioned:
                towards_f = matmul(towards_f, _inverse(matmul(transpose(g), g)))
                towards_g = matmul(towards_g, _inverse(matmul(transpose(f), f)))
            f, g = add(f, towards_f, Fraction(-1, 2)), add(g, towards_g, Fraction(-1, 2))
        return matmul(f, transpose(g))

    gap = add(run(left, right), run(*turned), -1)
    return sum(entry != 0 for row in gap for entry in row)


def _embedded(values: Any) -> Any:
    import sympy

    return sympy.Matrix(3, R, lambda i, j: values[i] if i == j else 0)


def _unknown(name: str) -> Any:
    import sympy

    return sympy.Matrix(3, R, sympy.symbols(f"{name}1:{3 * R + 1}"))


def _left_over(before: Any, after: Any, core: Any, cross: Any) -> dict[str, int]:
    def terms(rows: slice, columns: slice, factor: Any) -> int:
        return sum(term_count(entry) for entry in (after - factor * before)[rows, columns])

    inside, outside = slice(0, R), slice(R, 3)
    return {
        "core": terms(inside, inside, core),
        "cross": terms(inside, outside, cross) + terms(outside, inside, cross),
        "corner": terms(outside, outside, 0),
    }


def _inverse(a: Matrix) -> Matrix:
    (p, q), (r, s) = a
    determinant = p * s - q * r
    return [[s / determinant, -q / determinant], [-r / determinant, p / determinant]]
