r"""One rebalancing step: it keeps `FGᵀ` and makes `F` a multiple of an isometry.

For `F = A S B` with orthonormal columns in `A`, diagonal `S` and orthogonal `B`, and `β > 0`, the pair
`F̃ = βA`, `G̃ = β⁻¹ G Bᵀ S` has

    F̃G̃ᵀ = FGᵀ,    F̃ᵀF̃ = β²I,    G̃ᵀG̃ = β⁻² Aᵀ (FGᵀ)(FGᵀ)ᵀ A,

so that at `FGᵀ = M*` the nonzero eigenvalues of `G̃ᵀG̃` are `σ_i²/β²`. The step is that of Xiong, Ding and
Du (2024), as restated; the last identity is derived here. The controls pass a wrong ingredient.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any, Literal, NamedTuple

from lowrank_core.proofs.instances import rational, rational_matrix
from lowrank_core.proofs.matrices import Matrix, add, diagonal, gram, matmul, transpose
from lowrank_core.proofs.minimisers import columns, rational_orthogonal
from lowrank_core.proofs.symbolic import term_count

Mistake = Literal["", "β and 1/β exchanged", "S forgotten", "B not transposed"]


class Residuals(NamedTuple):
    """What is left of the three identities: terms, or entries that do not vanish."""

    product: int
    """Of `F̃G̃ᵀ - FGᵀ`."""
    left: int
    """Of `F̃ᵀF̃ - β²I`."""
    right: int
    """Of `G̃ᵀG̃ - β⁻² Aᵀ(FGᵀ)(FGᵀ)ᵀA`."""


def rebalance(a: Matrix, s: list[Any], b: Matrix, g: Matrix, beta: Any) -> tuple[Matrix, Matrix]:
    """`(F̃, G̃)` for `F = a diag(s) b` and `G = g`."""
    right = matmul(matmul(g, transpose(b)), diagonal(s))
    return _scaled(a, beta), _scaled(right, 1 / beta)


def proof_residuals(mistake: Mistake = "") -> Residuals:
    """The terms left of the identities, in noncommuting symbols and with `AᵀA = BBᵀ = I` only."""
    import sympy

    a, at, s, b, bt, g, gt = sympy.symbols("A At S B Bt G Gt", commutative=False)
    beta = sympy.Symbol("beta", positive=True)
    used_b, used_bt = (bt, b) if mistake == "B not transposed" else (b, bt)
    used_s = 1 if mistake == "S forgotten" else s
    used_beta = 1 / beta if mistake == "β and 1/β exchanged" else beta
    left, left_t = used_beta * a, used_beta * at
    right, right_t = g * used_bt * used_s / used_beta, used_s * used_b * gt / used_beta
    product, product_t = a * s * b * gt, g * bt * s * at

    def terms(expression: Any) -> int:
        return term_count(sympy.expand(expression).subs(at * a, 1).subs(b * bt, 1))

    return Residuals(
        terms(left * right_t - product),
        terms(left_t * left - beta**2),
        terms(right_t * right - beta**-2 * at * product * product_t * a),
    )


def instance_residuals(seed: int, n1: int, n2: int, k: int, mistake: Mistake = "") -> Residuals:
    """How many entries of the identities fail on a random instance, in exact arithmetic (`k ≤ n1`)."""
    rng = Random(f"rebalancing/{seed}/{n1}/{n2}/{k}")
    a, b = columns(rational_orthogonal(rng, n1), 0, k), rational_orthogonal(rng, k)
    s = [rational(rng, Fraction(1, 10), 2) for _ in range(k)]
    g, beta = rational_matrix(rng, n2, k), rational(rng, Fraction(1, 3), Fraction(9, 10))
    f = matmul(matmul(a, diagonal(s)), b)
    left, right = rebalance(
        a,
        [Fraction(1)] * k if mistake == "S forgotten" else s,
        transpose(b) if mistake == "B not transposed" else b,
        g,
        1 / beta if mistake == "β and 1/β exchanged" else beta,
    )
    product = matmul(f, transpose(g))
    expected = _scaled(gram(matmul(transpose(a), product)), 1 / beta**2)
    return Residuals(
        _nonzero(add(matmul(left, transpose(right)), product, -1)),
        _nonzero(add(gram(transpose(left)), diagonal([beta**2] * k), -1)),
        _nonzero(add(gram(transpose(right)), expected, -1)),
    )


def _nonzero(a: Matrix) -> int:
    return sum(x != 0 for row in a for x in row)


def _scaled(a: Matrix, factor: Any) -> Matrix:
    return [[factor * x for x in row] for row in a]
