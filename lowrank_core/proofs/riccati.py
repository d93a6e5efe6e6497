r"""The gradient flow of symmetric factorisation is a Riccati equation with a closed form.

For any symmetric `Σ`, the flow `X' = (Σ - XXᵀ) X` makes `W = XXᵀ` obey `W' = ΣW + WΣ - 2W²`, and

    W(t) = e^{Σt} X_0 (I + X_0ᵀ E(t) X_0)⁻¹ X_0ᵀ e^{Σt},    E(t) = ∫₀ᵗ 2 e^{2Σs} ds.

Derived here. `weight` stands for the 2 inside `E`: with any other weight the form must cease to solve
the equation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from lowrank_core.proofs import enclosure
from lowrank_core.proofs.instances import rational_matrix
from lowrank_core.proofs.matrices import Matrix, add, diagonal, inverse_form, matmul, transpose
from lowrank_core.proofs.symbolic import term_count


def closed_form(
    sigma: Sequence[Any], start: Matrix, t: Any, exp: Callable[[Any], Any] = enclosure.exp, weight: int = 2
) -> Matrix:
    """`W(t)` for `Σ = diag(sigma)`, in the arithmetic of the arguments, to which `exp` belongs.

    `P = I + X_0ᵀ E X_0` is positive definite for every `t ≥ 0` and every real `sigma`, so the inverse
    exists; `ArithmeticError` is raised if the working precision is too low to see it.
    """
    kernel = [(exp(2 * value * t) - 1) / (2 * value) if value != 0 else t for value in sigma]
    metric = add(
        diagonal([1] * len(start[0])), matmul(transpose(start), matmul(diagonal(kernel), start)), weight
    )
    grown = matmul(diagonal([exp(value * t) for value in sigma]), start)
    return inverse_form(metric, grown)


def flow_residual() -> int:
    """The number of terms left of `(XXᵀ)' - (ΣW + WΣ - 2W²)` along the flow.

    Noncommuting symbols.
    """
    import sympy

    target, x, xt = sympy.symbols("Sigma X Xt", commutative=False)
    w = x * xt
    velocity = (target - w) * x * xt + x * xt * (target - w)
    return term_count(velocity - (target * w + w * target - 2 * w**2))


def structural_residual(weight: int = 2) -> int:
    """The number of terms left of `W' - (ΣW + WΣ - 2W²)` for the closed form.

    Noncommuting symbols. Only three rules are used: `(e^{Σt})' = Σ e^{Σt} = e^{Σt} Σ`,
    `E' = weight e^{2Σt}` and `(P⁻¹)' = -P⁻¹ P' P⁻¹` for `P = I + X_0ᵀ E X_0`. The result therefore
    holds for every size, every symmetric `Σ` and every start.
    """
    import sympy

    target, growth, start, start_t, inverse = sympy.symbols("Sigma G X Xt K", commutative=False)
    factors = (growth, start, inverse, start_t, growth)
    rates = {growth: target * growth, inverse: -inverse * start_t * (weight * growth**2) * start * inverse}
    w = sympy.Mul(*factors)
    velocity = sum(
        sympy.Mul(*factors[:i], rates[factor], *factors[i + 1 :])
        for i, factor in enumerate(factors)
        if factor in rates
    )
    residual = sympy.expand(velocity - (target * w + w * target - 2 * w**2))
    return term_count(residual.subs(growth * target, target * growth))


def kernel_residual(weight: int = 2) -> int:
    """How many of the defining properties of `E(t)` the entries `(e^{2σt} - 1)/σ` and `2t` miss.

    The properties: `E(0) = 0` and `E' = weight e^{2σt}`, for `σ ≠ 0` and for `σ = 0`.
    """
    import sympy

    t = sympy.Symbol("t", real=True)
    sigma = sympy.Symbol("sigma", real=True, nonzero=True)
    entries = {sigma: (sympy.exp(2 * sigma * t) - 1) / sigma, sympy.Integer(0): 2 * t}
    missed = [entry.subs(t, 0) for entry in entries.values()]
    missed += [entry.diff(t) - weight * sympy.exp(2 * value * t) for value, entry in entries.items()]
    return sum(term_count(residual) > 0 for residual in missed)


def instance_residual(seed: int, n: int = 3, k: int = 2, weight: int = 2) -> int:
    """How many of the `n²` entries of `W' - (ΣW + WΣ - 2W²)` do not vanish identically.

    The start is rational, drawn from `seed`. `Σ` is diagonal with independent symbols `σ_i`, so
    positive, negative and zero eigenvalues are covered at once. The functions `e^{σ_i t}` and `E_ii(t)`
    are symbols with the derivatives `σ_i e^{σ_i t}` and `weight e^{2σ_i t}`; with `W = N/d` the
    residual times `d²` is then a polynomial, and its vanishing is decided exactly.
    """
    from sympy.polys.domains import QQ
    from sympy.polys.matrices import DomainMatrix

    names = [f"{name}{i}" for name in ("s", "e", "E") for i in range(n)]
    ring = QQ[tuple(names)]
    symbols = ring.gens
    sigma, growth, kernel = symbols[:n], symbols[n : 2 * n], symbols[2 * n :]
    drawn = rational_matrix(Random(f"riccati/{seed}"), n, k)
    start = DomainMatrix([[ring(QQ(x.numerator, x.denominator)) for x in row] for row in drawn], (n, k), ring)

    grown = DomainMatrix.diag(growth, ring) * start
    metric = (
        DomainMatrix.eye(k, ring).to_dense() + start.transpose() * DomainMatrix.diag(kernel, ring) * start
    )
    adjugate, d = metric.adj_det()
    numerator = (grown * adjugate * grown.transpose()).to_dense()
    square = (numerator * numerator).to_list()
    rates = [(e, s * e) for s, e in zip(sigma, growth, strict=True)]
    rates += [(entry, weight * e**2) for entry, e in zip(kernel, growth, strict=True)]

    def derivative(polynomial: Any) -> Any:
        return sum((polynomial.diff(symbol) * rate for symbol, rate in rates), ring.zero)

    d_rate = derivative(d)
    return sum(
        bool(derivative(entry) * d - entry * d_rate - (sigma[i] + sigma[j]) * entry * d + 2 * square[i][j])
        for i, row in enumerate(numerator.to_list())
        for j, entry in enumerate(row)
    )
