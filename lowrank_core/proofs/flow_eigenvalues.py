r"""No eigenvalue of the symmetric gradient flow can fall faster than `1/t`.

For the flow `X' = (Σ - XXᵀ)X` with `Σ` positive semidefinite, `W = XXᵀ`, every `t ≥ 0` and every
`j`,

    λ_j(W(t)) ≥ λ_j(0) / (1 + 2 t λ_j(0)),

and if `rank Σ ≤ r`, the squared error `‖W - Σ‖_F²` is at least `Σ_{j>r} λ_j(W)²`. Together:
`Ω(1/t²)` from any start of rank above `r`, the form of the lower bound of Xiong, Ding and Du (2024);
statement and constants are derived here. The control drops the hypothesis that `Σ` is positive
semidefinite.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any, NamedTuple

from lowrank_core.proofs import enclosure, multiprecision
from lowrank_core.proofs.inertia import Certificate, certificate, eigenvalue_bounds
from lowrank_core.proofs.instances import Instance, badly_scaled, rational, rational_matrix
from lowrank_core.proofs.matrices import gram, squared_error
from lowrank_core.proofs.riccati import closed_form
from lowrank_core.proofs.symbolic import characteristic, term_count

DIGITS = 150
TIMES = (Fraction(1, 100), Fraction(1), Fraction(10), Fraction(40))
CERTIFIED_TIMES = (Fraction(1, 10), Fraction(1), Fraction(10))


def bound(initial: Any, t: Any) -> Any:
    """`λ / (1 + 2tλ)`, the least that an eigenvalue `λ` of the start can become by time `t`."""
    return initial / (1 + 2 * t * initial)


def proof_residuals(slope: int = 2) -> dict[str, int]:
    """For each step of the proof, the number of terms by which its identity fails.

    `slope` stands for the 2 in `E(t) ⪯ 2t e^{2Σt}`. The steps, with `P = I + X_0ᵀ E X_0` and
    `N = X_0ᵀ e^{2Σt} X_0`:

    * `kernel`: `2t e^{2σt} - (e^{2σt}-1)/σ = h(2σt)/σ` with `h(x) = x eˣ - eˣ + 1`, and `h(0) = 0`,
      `h' = x eˣ`; so `h ≥ 0`, and `E(t) ⪯ 2t e^{2Σt}` for `Σ ⪰ 0`;
    * `metric`: `I + 2tN - P = X_0ᵀ (2t e^{2Σt} - E) X_0`, hence `P ⪯ I + 2tN`;
    * `growth`: `N - X_0ᵀX_0 = X_0ᵀ (e^{2Σt} - I) X_0`, hence `λ_j(N) ≥ λ_j(0)`;
    * `spectrum`: `Y P⁻¹ Yᵀ` and `P⁻¹ Yᵀ Y` have the same nonzero eigenvalues (by characteristic
      polynomials, with a 3x2 `Y` and a 2x2 `P` of symbols); so those of `W` are those of
      `N^{1/2} P⁻¹ N^{1/2} ⪰ N (I + 2tN)⁻¹`;
    * `monotone`: `x/(1+2tx)` has derivative `1/(1+2tx)²`.
    """
    import sympy

    x, t = sympy.symbols("x t", real=True)
    sigma = sympy.Symbol("sigma", positive=True)
    h = x * sympy.exp(x) - sympy.exp(x) + 1
    grown = sympy.exp(2 * sigma * t)
    gap = sympy.expand(sigma * slope * t * grown - (grown - 1) - h.subs(x, 2 * sigma * t))

    e2, kernel, start, start_t = sympy.symbols("G2 E X Xt", commutative=False)
    n = start_t * e2 * start
    p = 1 + start_t * kernel * start

    y = sympy.Matrix(3, 2, sympy.symbols("y0:6"))
    a, b, c = sympy.symbols("a b c")
    p_inverse = sympy.Matrix([[a, b], [b, c]])

    return {
        "kernel": term_count(gap) + term_count(h.subs(x, 0)) + term_count(h.diff(x) - x * sympy.exp(x)),
        "metric": term_count(1 + slope * t * n - p - start_t * (2 * t * e2 - kernel) * start),
        "growth": term_count(n - start_t * start - start_t * (e2 - 1) * start),
        "spectrum": term_count(
            characteristic(y * p_inverse * y.T, x) - x * characteristic(p_inverse * y.T * y, x)
        ),
        "monotone": term_count(sympy.cancel(bound(x, t).diff(x) - 1 / (1 + 2 * t * x) ** 2)),
    }


class Measured(NamedTuple):
    """Smallest ratios minus one over a set of instances; the theorem says that none is negative."""

    eigenvalue: float
    """Smallest `λ_j(W(t)) / bound - 1` over instances and over `j ≤ rank X_0`."""
    tail: float
    """Smallest `‖W - Σ‖_F² / Σ_{j>r} λ_j(W)² - 1` over the instances with `rank X_0 > r`."""


def smallest_ratios(seed: int, count: int = 24, indefinite: bool = False, rank_error: int = 0) -> Measured:
    """Evaluate the closed form to 150 digits on badly scaled random instances and return the smallest ratios.

    Equality is attained (`Σ = 0`), so the exact minimum may be 0 and the measured one a rounding error.
    `indefinite` is the control of the eigenvalue bound: every second eigenvalue of `Σ` is negated.
    `rank_error` is the control of the tail bound: `r - rank_error` takes the place of `r`.
    """
    eigenvalue, tail = [], []
    for i, drawn in enumerate(badly_scaled("flow", seed, count)):
        instance = drawn.indefinite() if indefinite else drawn
        with multiprecision.digits(DIGITS):
            t = multiprecision.number(TIMES[i % len(TIMES)])
            start = multiprecision.numbers(instance.start)
            sigma = [multiprecision.number(value) for value in instance.sigma]
            w = closed_form(sigma, start, t, multiprecision.exp)
            initial, final = multiprecision.eigenvalues(gram(start)), multiprecision.eigenvalues(w)
            rank = instance.rank
            eigenvalue += [final[j] / bound(initial[j], t) - 1 for j in range(rank)]
            if rank > instance.r >= rank_error:
                rest = sum(value**2 for value in final[instance.r - rank_error : rank])
                tail.append(squared_error(w, sigma) / rest - 1)
    return Measured(float(min(eigenvalue)), float(min(tail)))


def certify(seed: int, count: int = 3, indefinite: bool = False) -> Certificate:
    """Compare the eigenvalues of `W(t)` with their bounds in rigorous arithmetic, at `t = 1/10, 1, 10`.

    `n = 4`, `r = 2`, `k = 3`; enclosures of the closed form, eigenvalues by inertia.
    """
    rng = Random(f"flow-certificate/{seed}")
    pairs = []
    for _ in range(count):
        sigma = (rational(rng, Fraction(1, 2), 1), rational(rng, Fraction(1, 2), 1), Fraction(0), Fraction(0))
        drawn = Instance(sigma, rational_matrix(rng, 4, 3))
        instance = drawn.indefinite() if indefinite else drawn
        start = gram(instance.start)
        initial = [eigenvalue_bounds(start, j, instance.size) for j in (1, 2, 3)]
        for t in CERTIFIED_TIMES:
            with enclosure.precision(256):
                balls = [[enclosure.ball(x) for x in row] for row in instance.start]
                w = closed_form([enclosure.ball(value) for value in instance.sigma], balls, enclosure.ball(t))
                top = enclosure.upper(sum((w[i][i] for i in range(4)), enclosure.ball(0)))
                final = [eigenvalue_bounds(w, j, top, enclosure.ball) for j in (1, 2, 3)]
            pairs += [
                (found, (bound(low, t), bound(high, t)))
                for found, (low, high) in zip(final, initial, strict=True)
            ]
    return certificate(pairs)
