"""The published counterexample with δ = 1/2, in exact arithmetic and in any basis.

Zhang, Sojoudi & Lavaei (2019), Theorem 3 and Example 1, JMLR pp. 3-4 and 15-16: `n²` measurements of a truth of
rank one for which `x = ‖z‖u₂/√2` is a second-order point. `proofs.counterexamples.example_1` has the operator.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import NamedTuple

from lowrank_core.proofs import counterexamples as exact
from lowrank_core.proofs.counterexamples import Quadratic, Shape
from lowrank_core.proofs.instances import rational
from lowrank_core.proofs.matrices import add, diagonal, gram, transpose
from lowrank_core.proofs.minimisers import rational_orthogonal


class Residuals(NamedTuple):
    """What is left of the five statements of the example, all zero for the published coefficient.

    Attributes:
        multiplicities: how many of the eigenvalues 1/2 (once), 1, and 3/2 (twice) of `A*A` on all matrices are off.
        gradient: how many entries of `∇f(x)` do not vanish.
        value: `f(x)/‖M*‖_F² - 3/4`, `f` without the factor 1/2.
        hessian: how many entries of `∇²f(x)` are not those of `‖z‖²(4u₂u₂ᵀ + 2Σ_{i≥3} uᵢuᵢᵀ)`.
        family: how many entries of `A*A(S)`, `S` symmetric over `u₁, u₂`, are not those of the planted family.
    """

    multiplicities: int
    gradient: int
    value: Fraction
    hessian: int
    family: int


def residuals(n: int, seed: int, coefficient: Fraction = Fraction(1, 2)) -> Residuals:
    """The five statements in a rotated basis, at a truth of random size.

    Args:
        n: order of the matrices, at least 2.
        seed: of the rotation, the size of the truth, and `S`.
        coefficient: of `u₂u₂ᵀ` in the first measurement; only 1/2 is right.
    """
    rng = Random(f"example 1/{n}/{seed}")
    basis, q = rational_orthogonal(rng, n), rational(rng, Fraction(1, 2), 2, 12)
    measured = exact.example_1(basis, coefficient)
    columns = [[[row[i]] for row in basis] for i in range(n)]
    # ‖z‖² = 2q², so that x = q u₂ has rational entries.
    truth = [[2 * q * q * x for x in row] for row in gram(columns[0])]
    quadratic = Quadratic([[q * row[0]] for row in columns[1]], truth, measured.normal)
    expected = {Fraction(1, 2): 1, Fraction(1): n * n - 3, Fraction(3, 2): 2}
    found = exact.exact_multiplicities(measured.gram, list(expected))
    value = 2 * quadratic.along([quadratic.point])[0] / exact.inner(truth, truth) - Fraction(3, 4)
    doubled = [[2 * x for x in row] for row in exact.conjugated(quadratic.hessian, basis)]
    spectrum = diagonal([2 * q * q * x for x in [0, 4, *[2] * (n - 2)]])
    a, b, c = (rational(rng, -1, 1) for _ in range(3))
    s = diagonal([a, c, *[0] * (n - 2)])
    s[0][1] = s[1][0] = b
    turned = exact.conjugated(measured.normal(exact.conjugated(s, transpose(basis))), basis)
    family = exact.member(Shape(1, 1, 1), Fraction(1, 2)).normal([[a, b], [b, c]])
    return Residuals(
        sum(abs(found[key] - count) for key, count in expected.items()),
        exact.count_nonzero(quadratic.gradient),
        value,
        exact.count_nonzero(add(doubled, spectrum, -1)),
        exact.count_nonzero(add([row[:2] for row in turned[:2]], family, -1)),
    )
