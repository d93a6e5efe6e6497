r"""The imbalance `Δ = FᵀF - GᵀG` changes at second order only: an identity for every linear operator.

One simultaneous step `F_+ = F - ηRG`, `G_+ = G - ηRᵀF` with `R = A*A(FGᵀ - M*)` gives

    Δ_+ - Δ = η² (Gᵀ Rᵀ R G - Fᵀ R Rᵀ F).

The gradient flow is its first-order part, so it conserves `Δ`. Derived here. The controls: alternating
updates break the identity, though not its first-order part; weight decay breaks that too.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Literal

from lowrank_core.proofs.instances import rational, rational_matrix
from lowrank_core.proofs.matrices import Matrix, add, matmul, transpose
from lowrank_core.proofs.symbolic import term_count

Rule = Literal["simultaneous", "alternating", "weight decay"]
DECAY = Fraction(1, 10)


def proof_residuals(rule: Rule = "simultaneous") -> dict[str, int]:
    """The number of terms by which the identity, and its first-order part, fail.

    Noncommuting symbols, so every size; `R` is any matrix. For alternating updates, where `G` sees the new
    `F`, it is the residual of the population loss, which becomes `R - ηRGGᵀ`.
    """
    import sympy

    f, ft, g, gt, r, rt = sympy.symbols("F Ft G Gt R Rt", commutative=False)
    eta, weight = sympy.symbols("eta lambda")
    kept = 1 - eta * weight if rule == "weight decay" else 1
    again, again_t = (r - eta * r * g * gt, rt - eta * g * gt * rt) if rule == "alternating" else (r, rt)
    f_next, ft_next = kept * f - eta * r * g, kept * ft - eta * gt * rt
    seen, seen_t = (f_next, ft_next) if rule == "alternating" else (f, ft)
    g_next, gt_next = kept * g - eta * again_t * seen, kept * gt - eta * seen_t * again
    change = sympy.expand(ft_next * f_next - gt_next * g_next - (ft * f - gt * g))
    return {
        "identity": term_count(change - eta**2 * (gt * rt * r * g - ft * r * rt * f)),
        "first order": term_count(change.coeff(eta, 1)),
    }


def instance_residual(seed: int, n1: int, n2: int, k: int, m: int, rule: Rule = "simultaneous") -> int:
    """How many of the `k²` entries of the identity fail on a random instance, in exact arithmetic.

    `m` rational measurement matrices, a rational truth, start and step size.
    """
    rng = Random(f"drift/{seed}/{n1}/{n2}/{k}/{m}")
    operator = [rational_matrix(rng, n1, n2) for _ in range(m)]
    truth, f, g = (rational_matrix(rng, *shape) for shape in ((n1, n2), (n1, k), (n2, k)))
    eta = rational(rng, Fraction(1, 100), Fraction(1, 10))
    kept = 1 - eta * DECAY if rule == "weight decay" else Fraction(1)

    def residual(left: Matrix) -> Matrix:
        return _normal(operator, add(matmul(left, transpose(g)), truth, -1))

    r = residual(f)
    f_next = add(_scaled(f, kept), matmul(r, g), -eta)
    seen = f_next if rule == "alternating" else f
    g_next = add(_scaled(g, kept), matmul(transpose(residual(seen)), seen), -eta)
    change = add(_imbalance(f_next, g_next), _imbalance(f, g), -1)
    # GᵀRᵀRG - FᵀRRᵀF is itself the imbalance of the pair (RG, RᵀF).
    predicted = _imbalance(matmul(r, g), matmul(transpose(r), f))
    return sum(x != 0 for row in add(change, predicted, -(eta**2)) for x in row)


def _normal(operator: list[Matrix], e: Matrix) -> Matrix:
    """`Σ_i ⟨A_i, e⟩ A_i`."""
    total = _scaled(e, Fraction(0))
    for a in operator:
        inner = sum(
            (x * y for p, q in zip(a, e, strict=True) for x, y in zip(p, q, strict=True)), Fraction(0)
        )
        total = add(total, a, inner)
    return total


def _imbalance(f: Matrix, g: Matrix) -> Matrix:
    return add(matmul(transpose(f), f), matmul(transpose(g), g), -1)


def _scaled(a: Matrix, factor: Fraction) -> Matrix:
    return [[factor * x for x in row] for row in a]
