r"""A saddle of `½‖UVᵀ - M‖²` that is as flat as one likes.

It is `U = 0`, `V = LY` with orthonormal columns in `Y` and `MY = 0`. The gradient is zero. The Hessian is
`L²‖U̇‖² - 2⟨M, U̇V̇ᵀ⟩`, which on `(x uaᵀ, y vaᵀ)`, with `Mv = σu` and `Mᵀu = σv`, is `L²x² - 2σxy`: its
eigenvalues are those of `[[L², -σ], [-σ, 0]]`, and

    λ_min = (L² - √(L⁴ + 4σ₁²))/2 = -2σ₁²/(L² + √(L⁴ + 4σ₁²)) ≈ -σ₁²/L²,

of multiplicity `r` at least. The first form loses all digits where `L²` is large. Derived here.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any, NamedTuple

from lowrank_core.proofs import enclosure
from lowrank_core.proofs.inertia import count_above
from lowrank_core.proofs.instances import rational
from lowrank_core.proofs.matrices import Matrix, add, diagonal, gram, matmul, transpose
from lowrank_core.proofs.minimisers import columns, rational_orthogonal
from lowrank_core.proofs.symbolic import characteristic, term_count


def curvature(size: float, scale: float) -> float:
    """`λ_min` in the form that keeps its digits, for `L = size` and `σ₁ = scale`."""
    return -2 * scale**2 / (size**2 + (size**4 + 4 * scale**2) ** 0.5)


def rank_one_residuals(mu: Any = 0) -> dict[str, int]:
    """The terms left for `M = (σ, 0)`, `U = (0)`, `V = (0, L)ᵀ`, with the regulariser's weight `mu`.

    * `gradient`: all its entries;
    * `hessian`: its characteristic polynomial minus `x(x² - L²x - σ²)`;
    * `root`: the two forms of `λ_min` put into that polynomial, and their difference.
    """
    import sympy

    u, v, w, x = sympy.symbols("u v w x", real=True)
    sigma, size = sympy.symbols("sigma L", positive=True)
    objective = ((u * v - sigma) ** 2 + u**2 * w**2) / 2 + mu * (u**2 - v**2 - w**2) ** 2 / 4
    at = {u: 0, v: 0, w: size}
    slope = [objective.diff(each).subs(at) for each in (u, v, w)]
    hessian = sympy.hessian(objective, (u, v, w)).subs(at)
    quadratic = x**2 - size**2 * x - sigma**2
    root = sympy.sqrt(size**4 + 4 * sigma**2)
    plain, stable = (size**2 - root) / 2, -2 * sigma**2 / (size**2 + root)
    return {
        "gradient": sum(map(term_count, slope)),
        "hessian": term_count(characteristic(hessian, x) - x * quadratic),
        "root": sum(term_count(sympy.simplify(quadratic.subs(x, each))) for each in (plain, stable))
        + term_count(sympy.simplify(plain - stable)),
    }


class Saddle(NamedTuple):
    """An exact instance: the truth `M` with its largest singular value, and the point `(0, LY)`."""

    truth: Matrix
    largest: Fraction
    left: Matrix
    right: Matrix
    size: Fraction


def saddle(seed: int, n1: int, n2: int, r: int, true_rank: int, size: Fraction) -> Saddle:
    """Draw a rational instance, `n1 ≥ r*` and `n2 ≥ r + r*`."""
    rng = Random(f"unbalanced saddle/{seed}/{n1}/{n2}/{r}/{true_rank}")
    p, q = rational_orthogonal(rng, n1), rational_orthogonal(rng, n2)
    values = [rational(rng, Fraction(1, 2), 2) for _ in range(true_rank)]
    truth = matmul(matmul(columns(p, 0, true_rank), diagonal(values)), transpose(columns(q, 0, true_rank)))
    right = [[size * x for x in row] for row in columns(q, true_rank, true_rank + r)]
    return Saddle(truth, max(values), [[Fraction(0)] * r for _ in range(n1)], right, size)


def gradient(at: Saddle, mu: Fraction = Fraction(0)) -> tuple[Matrix, Matrix]:
    """The gradient of the population loss with regulariser, exactly."""
    return _applied(_residual(at), _balance(at), at.left, at.right, mu)


def hessian(at: Saddle, mu: Fraction = Fraction(0)) -> Matrix:
    """The Hessian, exactly, in the entries of `U` and then of `V`, row by row."""
    n1, n2, r = len(at.left), len(at.right), len(at.left[0])
    rows = []
    for index in range((n1 + n2) * r):
        unit = [[Fraction(i * r + j == index) for j in range(r)] for i in range(n1 + n2)]
        d_left, d_right = unit[:n1], unit[n1:]
        change = add(matmul(at.left, transpose(d_right)), matmul(d_left, transpose(at.right)))
        half = add(matmul(transpose(at.left), d_left), matmul(transpose(at.right), d_right), -1)
        fixed = _applied(_residual(at), _balance(at), d_left, d_right, mu)
        moved = _applied(change, add(half, transpose(half)), at.left, at.right, mu)
        rows.append([x for a, b in zip(fixed, moved, strict=True) for row in add(a, b) for x in row])
    return rows


def uncertified(at: Saddle, mu: Fraction = Fraction(0), digits: int = 12) -> int:
    """How many of two statements are not certified: nothing lies below λ_min, and r eigenvalues are at it.

    The closed form is enclosed by balls, widened by `10**-digits` of its size; eigenvalues of the exact Hessian
    are counted above the two ends by exact elimination.
    """
    with enclosure.precision(256):
        square, scale = enclosure.ball(at.size**2), enclosure.ball(at.largest**2)
        value = -2 * scale / (square + enclosure.sqrt(square * square + 4 * scale))
        low, high = enclosure.lower(value), enclosure.upper(value)
    slack = -low / 10**digits
    exact = hessian(at, mu)
    below, above = count_above(exact, low - slack), count_above(exact, high + slack)
    r = len(at.left[0])
    return int(below != len(exact)) + int(above is None or above > len(exact) - r)


def _residual(at: Saddle) -> Matrix:
    return add(matmul(at.left, transpose(at.right)), at.truth, -1)


def _balance(at: Saddle) -> Matrix:
    return add(gram(transpose(at.left)), gram(transpose(at.right)), -1)


def _applied(slope: Matrix, gap: Matrix, left: Matrix, right: Matrix, mu: Fraction) -> tuple[Matrix, Matrix]:
    """`(SV + μUB, SᵀU - μVB)`: the gradient, or a part of the Hessian's product."""
    return (
        add(matmul(slope, right), matmul(left, gap), mu),
        add(matmul(transpose(slope), left), matmul(right, gap), -mu),
    )
