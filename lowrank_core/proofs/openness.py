r"""With `n` columns or more, `X ↦ XXᵀ` is open onto the positive semidefinite cone.

Let `X` be `n x k` with `k ≥ n`. Then `X = PO` with `P = (XXᵀ)^{1/2}` and `OOᵀ = I`: the polar
decomposition, whose partial isometry extends for every rank `j` of `X` because `k - j ≥ n - j`. For any
`Y = S²` with `S ⪰ 0` the factor `W = SO` satisfies `WWᵀ = Y` and, in the operator norm,

    ‖W - X‖² = ‖S - P‖² ≤ ‖Y - XXᵀ‖.

So every matrix near `XXᵀ` in the cone has a factor near `X`, and a local minimum `X` of `f(XXᵀ)` makes
`XXᵀ` a local minimum of `f` over the cone, which for a convex `f` is a global one. Derived here; the
inequality for square roots is classical. The controls: too few columns, where `OOᵀ` is only a projector, and
square roots that are not positive semidefinite.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import NamedTuple

from lowrank_core.proofs.inertia import Certificate, certificate, eigenvalue_bounds
from lowrank_core.proofs.instances import rational
from lowrank_core.proofs.matrices import Matrix, add, diagonal, gram, matmul, transpose
from lowrank_core.proofs.minimisers import rational_orthogonal
from lowrank_core.proofs.symbolic import term_count


def proof_residuals(enough_columns: bool = True) -> dict[str, int]:
    """For each step of the proof, the number of terms by which its identity fails.

    * `factor`: `WWᵀ = S OOᵀ S = S²`, in noncommuting symbols, with `OOᵀ = I` or, with too few columns, a
      projector;
    * `roots`: `S² - P² = D² + DP + PD` for `D = S - P`, in noncommuting symbols;
    * `top`: in an eigenbasis of `D`, `(D² + DP + PD)_jj = d_j² + 2 d_j P_jj`. As `S` and `P` may be
      exchanged, let `d_j = ‖D‖` be positive: then `‖S² - P²‖ ≥ d_j²`, for `P_jj ≥ 0`.
    """
    import sympy

    s, p, projector = sympy.symbols("S P R", commutative=False)
    d = s - p
    values = sympy.symbols("d0:3")
    gap = sympy.diag(*values)
    root = sympy.Matrix(3, 3, lambda i, j: sympy.Symbol(f"p{min(i, j)}{max(i, j)}"))
    change = gap**2 + gap * root + root * gap
    return {
        "factor": term_count(s * (1 if enough_columns else projector) * s - s**2),
        "roots": term_count(s**2 - p**2 - (d**2 + d * p + p * d)),
        "top": sum(
            term_count(change[j, j] - value**2 - 2 * value * root[j, j]) for j, value in enumerate(values)
        ),
    }


SLACK = Fraction(1, 10**5)


class Pair(NamedTuple):
    """Factors `X = PO` and `W = SO` with exact entries, `n x k`, both of them matrices of fractions."""

    x: Matrix
    w: Matrix


def draw(rng: Random, n: int, k: int, ranks: tuple[int, int], indefinite: bool = False) -> Pair:
    """Draw `X` and `W` of the given ranks; with `indefinite` roots, the control, `S ≈ -P`."""
    p = _root(rng, n, ranks[0])
    nearby = [[-x for x in row] for row in add(p, diagonal([Fraction(1, 100)] * n))]
    s = nearby if indefinite else _root(rng, n, ranks[1])
    rows = rational_orthogonal(rng, k)[:n]
    return Pair(matmul(p, rows), matmul(s, rows))


def certify(seed: int, n: int, k: int, indefinite: bool = False) -> Certificate:
    """Compare `(1 + SLACK)² ‖Y - XXᵀ‖²` with `‖W - X‖⁴` for pairs of all ranks `0, ..., n`.

    Exact matrices, whose largest eigenvalues are enclosed by inertia. The slack is for the equality cases, such as
    `X = 0`, which no enclosure could decide.
    """
    rng = Random(f"openness/{seed}/{n}/{k}")
    pairs = []
    for ranks in ((i, j) for i in range(n + 1) for j in range(n + 1) if (i, j) != (0, 0)):
        x, w = draw(rng, n, k, ranks, indefinite)
        low, high = _top(gram(add(gram(w), gram(x), -1)))
        bound_low, bound_high = _top(gram(add(w, x, -1)))
        slack = (1 + SLACK) ** 2
        pairs.append(((slack * low, slack * high), (bound_low**2, bound_high**2)))
    return certificate(pairs)


def _top(a: Matrix) -> tuple[Fraction, Fraction]:
    return eigenvalue_bounds(a, 1, sum((a[i][i] for i in range(len(a))), Fraction(0)), bits=24)


def _root(rng: Random, n: int, rank: int) -> Matrix:
    """A positive semidefinite matrix of this rank."""
    values = [rational(rng, Fraction(1, 10), 1) if i < rank else Fraction(0) for i in range(n)]
    basis = rational_orthogonal(rng, n)
    return matmul(matmul(basis, diagonal(values)), transpose(basis))
