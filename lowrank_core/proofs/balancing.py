r"""What a balancing regulariser does, for every size, every operator and every noise. Derived here.

With `G = A*(A(UVᵀ) - b)` and `B = UᵀU - VᵀV` the gradient of `f_μ = ½‖A(UVᵀ) - b‖² + (μ/4)‖B‖²` is
`(GV + μUB, GᵀU - μVB)`. Its second part is tangent to the orbit `(UP, VP⁻ᵀ)`, on which the loss is constant,
so the two parts are orthogonal at every point. The norms below are traces of words in noncommuting symbols,
and hold for every size.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any, NamedTuple

from lowrank_core.proofs.instances import rational, rational_matrix
from lowrank_core.proofs.matrices import Matrix, add, gram, matmul, transpose
from lowrank_core.proofs.symbolic import term_count
from lowrank_core.proofs.traces import Rules, trace_terms


def balance_residuals(sign: int = -1) -> dict[str, int]:
    """The number of terms by which each identity fails; `sign` is that of `μVB` in the gradient.

    * `tangent`: `Uᵀ∇_U - (∇_V)ᵀV = μ(UᵀUB + BVᵀV)`, whatever `G` is;
    * `pythagoras`: `‖∇f_μ‖² = ‖∇f_0‖² + μ²(‖UB‖² + ‖VB‖²)`;
    * `decay`: along `(U, V)' = -∇f_μ`, `B' = -μ(PB + BP)` with `P = UᵀU + VᵀV`;
    * `sides`: `P + B = 2UᵀU` and `P - B = 2VᵀV`, so that `-P ⪯ B ⪯ P`.
    """
    import sympy

    u, ut, v, vt, g, gt = sympy.symbols("U Ut V Vt G Gt", commutative=False)
    mu = sympy.Symbol("mu", positive=True)
    rules = Rules({u: ut, ut: u, v: vt, vt: v, g: gt, gt: g}, {})
    b, p = ut * u - vt * v, ut * u + vt * v
    left, left_t = g * v + mu * u * b, vt * gt + mu * b * ut
    right, right_t = gt * u + sign * mu * v * b, ut * g + sign * mu * b * vt
    squares = left_t * left + right_t * right - (vt * gt * g * v + ut * g * gt * u)
    drift = -(left_t * u + ut * left - right_t * v - vt * right)
    return {
        "tangent": term_count(ut * left - right_t * v - mu * (ut * u * b + b * vt * v)),
        "pythagoras": trace_terms(squares - mu**2 * b * p * b, rules),
        "decay": term_count(drift + mu * (p * b + b * p)),
        "sides": term_count(p + b - 2 * ut * u) + term_count(p - b - 2 * vt * v),
    }


def lift_residuals(cross: bool = True) -> dict[str, int]:
    """The number of terms by which each identity of `X = [U; V]` fails, with `M = ÛV̂ᵀ`, `Ẑ = [Û; V̂]`.

    * `norm`: `4‖UVᵀ‖² + ‖B‖² = ‖XXᵀ‖²`;
    * `indefinite`: `f_½ = ⅛‖XXᵀ - 2S(M)‖² - ½‖M‖²`, `S(M) = [[0, M], [Mᵀ, 0]]`, on the population loss;
    * `factors`: `f_½ + ⅛‖ÛᵀÛ - V̂ᵀV̂‖² = ⅛‖XXᵀ - ẐẐᵀ‖² + ¼‖UᵀÛ - VᵀV̂‖²`.

    Args:
        cross: whether the last identity keeps its second term; without it f_½ would be the symmetric loss.
    """
    import sympy

    u, ut, v, vt = sympy.symbols("U Ut V Vt", commutative=False)
    a, at, c, ct = sympy.symbols("A At C Ct", commutative=False)  # Û and V̂
    rules = Rules({u: ut, ut: u, v: vt, vt: v, a: at, at: a, c: ct, ct: c}, {})
    half, eighth = sympy.Rational(1, 2), sympy.Rational(1, 8)
    m, mt = a * ct, c * at
    gap, gap_t = u * vt - m, v * ut - mt
    b, truth_b = ut * u - vt * v, at * a - ct * c
    objective = half * gap * gap_t + eighth * b * b
    block = (u * ut) * (u * ut) + (v * vt) * (v * vt)
    lifted = (u * ut - a * at) * (u * ut - a * at) + (v * vt - c * ct) * (v * vt - c * ct)
    across, across_t = ut * a - vt * c, at * u - ct * v
    extra = sympy.Rational(1, 4) * across * across_t if cross else 0
    indefinite = eighth * (block + 2 * (u * vt - 2 * m) * (v * ut - 2 * mt)) - half * m * mt
    factors = eighth * (lifted + 2 * gap * gap_t) + extra
    return {
        "norm": trace_terms(4 * u * vt * v * ut + b * b - block - 2 * u * vt * v * ut, rules),
        "indefinite": trace_terms(objective - indefinite, rules),
        "factors": trace_terms(objective + eighth * truth_b * truth_b - factors, rules),
    }


class Defects(NamedTuple):
    """How many of the identities fail on an exact instance."""

    gradient: int
    lift: int


def instance_defects(seed: int, n1: int, n2: int, r: int, sign: int = -1, cross: bool = True) -> Defects:
    """How many identities fail at random rational `U, V, G, Û, V̂`, in exact arithmetic.

    Pythagoras for the gradient, and the three identities of the lift; `sign` and `cross` as above.
    """
    rng = Random(f"balancing/{seed}/{n1}/{n2}/{r}")
    u, v, g = rational_matrix(rng, n1, r), rational_matrix(rng, n2, r), rational_matrix(rng, n1, n2)
    a, c = rational_matrix(rng, n1, r), rational_matrix(rng, n2, r)
    mu = rational(rng, Fraction(1, 10), 2)
    b, truth_b = (add(gram(transpose(x)), gram(transpose(y)), -1) for x, y in ((u, v), (a, c)))
    pulled, turned = (matmul(u, b), matmul(v, b)), (matmul(g, v), matmul(transpose(g), u))
    whole = _square(add(turned[0], pulled[0], mu)) + _square(add(turned[1], pulled[1], sign * mu))
    parts = sum(map(_square, turned)) + mu**2 * sum(map(_square, pulled))

    m, x, z = matmul(a, transpose(c)), u + v, a + c
    objective = _square(add(matmul(u, transpose(v)), m, -1)) / 2 + _square(b) / 8
    target = [[0] * n1 + [2 * y for y in row] for row in m]
    target += [[2 * y for y in row] + [0] * n2 for row in transpose(m)]
    across = add(matmul(transpose(u), a), matmul(transpose(v), c), -1)
    indefinite = _square(add(gram(x), target, -1)) / 8 - _square(m) / 2
    factors = _square(add(gram(x), gram(z), -1)) / 8 + (_square(across) / 4 if cross else 0)
    return Defects(
        int(whole != parts),
        int(4 * _square(matmul(u, transpose(v))) + _square(b) != _square(gram(x)))
        + int(objective != indefinite)
        + int(objective + _square(truth_b) / 8 != factors),
    )


def _square(a: Matrix) -> Any:
    """The squared Frobenius norm."""
    return sum(x * x for row in a for x in row)
