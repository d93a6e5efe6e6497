r"""One population step of symmetric gradient descent, split into blocks (Zhuo et al., JMLR 25, Lemma 6).

In the eigenbasis of `X* = diag(D_S, D_T)` the iterate is `F = [S; T]`, and `F_+ = F - η(FFᵀ - X*)F` is

    S_+ = S - ηSK + ηD_S S,    T_+ = T - ηTK + ηD_T T,    K = SᵀS + TᵀT.

*The cross block* `C = STᵀ`: with `P = SSᵀ - D_S` and `R = TTᵀ - D_T`

    S_+T_+ᵀ = C - η[(D_S + 2P)C + C(TTᵀ + R)] + η²[PSSᵀC + PCR + CCᵀC + CTTᵀR].

With all block errors at most `ρσ_r`, `η = 1/(100σ₁)` and `‖D_T‖ ≤ σ_r` the first bracket contracts at
least by `(1 - 3ρ)ησ_r`, or `(1 - 2ρ)ησ_r` if `D_T = 0`, and the second adds at most `ησ_r ρ(2 +
4ρ)/100`, or `ησ_r ρ(1 + 4ρ)/100`. At `ρ = 0.07` this leaves more than `0.78` and `0.85`; derived here.
The lemma prints `1` (its part b), which exact instances exclude.

*The residual block*, part d, drops a term `η²‖TTᵀ‖³`: exact for `ST^⊤ = 0`, `D_T = 0` and scalar `T`.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil, log

from lowrank_core.proofs.symbolic import term_count

RADIUS = Fraction(7, 100)
"""ρ of Assumption 1 (p. 7)."""
STEP = Fraction(1, 100)
"""ησ₁ of every theorem there."""


def proof_residuals(factor: int = 2) -> dict[str, int]:
    """For each step of the proof, the number of terms left; `factor` stands for the 2 before `P`.

    * `expansion`: the display above, with noncommuting symbols, which covers every size.
    * `residual`: `T_+T_+ᵀ` for `D_T = 0` is `TTᵀ - ηTKTᵀ - ηTK^½(I - ηK)K^½Tᵀ`, at most `TTᵀ - η(TTᵀ)²`.
    * `signal`: for scalar `S²= 1 - d` and `D_S = 1` alone the error is multiplied by
      `1 - 2η(1 - d) - η²d(1 - d)`.
    """
    import sympy

    eta, d = sympy.symbols("eta d")
    s, st, t, tt, ds, dt = (
        sympy.Symbol(name, commutative=False) for name in ("S", "Sᵀ", "T", "Tᵀ", "D_S", "D_T")
    )
    kernel = st * s + tt * t
    stepped = (s - eta * s * kernel + eta * ds * s) * (tt - eta * kernel * tt + eta * tt * dt)
    c, ct, p, r = s * tt, t * st, s * st - ds, t * tt - dt
    first = (ds + factor * p) * c + c * (t * tt + r)
    second = p * s * st * c + p * c * r + c * ct * c + c * t * tt * r
    moved = (t - eta * t * kernel) * (tt - eta * kernel * tt)
    residual = t * tt - eta * t * kernel * tt - eta * (t * kernel * tt - eta * t * kernel * kernel * tt)
    error = 1 - (1 - d) * (1 + eta * d) ** 2
    return {
        "expansion": term_count(sympy.expand(stepped) - sympy.expand(c - eta * first + eta**2 * second)),
        "residual": term_count(sympy.expand(moved) - sympy.expand(residual)),
        "signal": term_count(error - d * (1 - factor * eta * (1 - d) - eta**2 * d * (1 - d))),
    }


def proved_coefficient(exact_rank: bool, radius: Fraction = RADIUS) -> Fraction:
    """The coefficient that the proof leaves in front of `ησ_r`."""
    if exact_rank:
        return 1 - 2 * radius - STEP * radius * (1 + 4 * radius)
    return 1 - 3 * radius - STEP * radius * (2 + 4 * radius)


def aligned_coefficient(signal: Fraction, residual: Fraction, tail: Fraction) -> Fraction:
    """`(1 - ‖S_+T_+ᵀ‖/‖STᵀ‖)/(ησ_r)` for `d = 2`, `D_S = 1`, `D_T = tail` and one column in `F`.

    `signal` is `S²` and `residual` is `T²`; the quotient of `S_+T_+` and `ST` is a polynomial in them.
    """
    kernel = signal + residual
    quotient = (1 - STEP * (kernel - 1)) * (1 - STEP * (kernel - tail))
    return (1 - abs(quotient)) / STEP


def within_assumption(
    signal: Fraction, residual: Fraction, tail: Fraction, radius: Fraction = RADIUS
) -> bool:
    """Whether `‖FFᵀ - X*‖ ≤ ρσ_r` for that instance, by the characteristic polynomial."""
    a, b, cross = signal - 1, residual - tail, signal * residual
    # Both eigenvalues of [[a, c], [c, b]] lie in [-ρ, ρ] iff both shifted matrices are positive semidefinite.
    return all(
        radius + s * a >= 0 and radius + s * b >= 0 and (radius + s * a) * (radius + s * b) >= cross
        for s in (1, -1)
    )


def dropped_term(size: Fraction) -> Fraction:
    """The excess of `‖T_+T_+ᵀ‖` over part d for `STᵀ = 0`, `D_T = 0` and scalar `TTᵀ = size`."""
    return size * (1 - STEP * size) ** 2 - size * (1 - 2 * STEP * size)


def signal_errors(error: Fraction, steps: int) -> Iterator[float]:
    """Yield `|1 - S²|` along population descent with `D_S = 1`, `STᵀ = 0`, from `1 - S² = error` on."""
    d, eta = float(error), float(STEP)
    for _ in range(steps + 1):
        yield abs(d)
        d *= 1 - 2 * eta * (1 - d) - eta * eta * d * (1 - d)


def printed_count(accuracy: float) -> int:
    """`⌈2 log(σ_r/ε)⌉`, the count of Theorem 4(a) (p. 8)."""
    return ceil(2 * log(1 / accuracy))


def sufficient_count(accuracy: float, condition: float) -> int:
    """`⌈200κ log(σ_r/ε)⌉`."""
    return ceil(200 * condition * log(1 / accuracy))
