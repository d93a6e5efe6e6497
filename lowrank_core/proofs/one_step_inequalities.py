r"""One step of gradient descent on the population loss, split into signal and residual (JMLR pp. 17-18).

In the eigenbasis of the truth `X = [S; E]` and `X_+ = X - η(XXᵀ - M*)X` has

    S_+ = S + η(Σ - SSᵀ)S - ηSEᵀE,    E_+ = E(I - ηXᵀX).

*The residual,* (19): if `η‖X‖² ≤ 1` and `η‖EEᵀ‖ ≤ 1/2`, then `‖E_+E_+ᵀ‖ ≤ ‖EEᵀ‖ - η‖EEᵀ‖²`. Derived here; it
fails beyond. *The signal,* (16): `λ_min(S_+S_+ᵀ) ≥ ((1 + ησ_r)² - 2η‖EEᵀ‖)λ - 2η(1 + ησ_r)λ²` with
`λ = λ_min(SSᵀ)`, is off at second order in `η`, by an exact instance; with the further term `-2η²σ₁‖SEᵀ‖²` it
is proved here for `r = 1`, and only measured beyond.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import NamedTuple

from lowrank_core.proofs import multiprecision
from lowrank_core.proofs.instances import rational, rational_matrix
from lowrank_core.proofs.matrices import gram
from lowrank_core.proofs.symbolic import term_count

DIGITS = 50


def residual_terms(square: int = 1) -> dict[str, int]:
    """For each step of the proof of (19), the number of terms by which its identity fails.

    `square` stands for the coefficient of `η(EEᵀ)²`. With `H = XᵀX = SᵀS + EᵀE` and `e` an eigenvalue:

    * `order`: `EEᵀ - η(EEᵀ)² - E_+E_+ᵀ = ηESᵀSEᵀ + ηEXᵀ(I - ηXXᵀ)XEᵀ`, positive semidefinite for `η‖X‖² ≤ 1`;
    * `monotone`: `d/de (e - ηe²) = 1 - 2ηe`, so `‖EEᵀ - η(EEᵀ)²‖` belongs to the largest
      `e` as long as `η‖EEᵀ‖ ≤ 1/2`.
    """
    import sympy

    eta, e = sympy.symbols("eta e", positive=True)
    names = ("S", "St", "E", "Et")
    s, st, r, rt = (sympy.Symbol(name, commutative=False) for name in names)
    h = st * s + rt * r
    stepped = r * (1 - eta * h) * (1 - eta * h) * rt
    left = r * rt - square * eta * r * rt * r * rt - stepped
    right = eta * r * st * s * rt + eta * r * (h - eta * h * h) * rt
    return {
        "order": term_count(sympy.expand(left) - sympy.expand(right)),
        "monotone": term_count((e - square * eta * e**2).diff(e) - (1 - 2 * eta * e)),
    }


def signal_terms(extra: int = 2) -> int:
    """The terms left in the proof of (16) with `-extra·η²σ₁‖SEᵀ‖²` for `r = 1` and `e = ‖EEᵀ‖`.

    With `λ = SSᵀ`, `q = ‖SEᵀ‖²` and `p = ‖SEᵀE‖²` the left side minus the bound is, for every step,

        2η(λe - q) + η²λ(λ + q/λ)² + η²(p - q²/λ),

    in which nothing is negative: `q ≤ λe`, and `q² ≤ λp` by the Cauchy-Schwarz inequality.
    """
    import sympy

    eta, sigma, size, e, q, p = sympy.symbols("eta sigma lambda e q p", positive=True)
    # S_+ = aS - ηSEᵀE with a = 1 + η(σ - λ).
    a = 1 + eta * (sigma - size)
    stepped = a**2 * size - 2 * eta * a * q + eta**2 * p
    bound = ((1 + eta * sigma) ** 2 - 2 * eta * e) * size - 2 * eta * (1 + eta * sigma) * size**2
    mended = bound - extra * eta**2 * sigma * q
    squares = 2 * eta * (size * e - q) + eta**2 * size * (size + q / size) ** 2 + eta**2 * (p - q**2 / size)
    return term_count(sympy.expand(stepped - mended) - sympy.expand(squares))


class Counterexample(NamedTuple):
    """An exact instance of (16) with `r = n - r = k = 1`; every number is a ratio of integers."""

    hypotheses: bool
    """Whether `0 < SSᵀ ≤ 2σ`, `EEᵀ ≤ σ` and `ησ ≤ 1/20` hold."""
    difference: Fraction
    """`λ_min(S_+S_+ᵀ)` minus the bound."""


def counterexample(extra: int = 0) -> Counterexample:
    """Evaluate (16), with `-extra·η²σ‖SEᵀ‖²` added, at `σ = 1`, `S = 1/10`, `E = 1`, `η = 1/20`."""
    sigma, s, e, eta = Fraction(1), Fraction(1, 10), Fraction(1), Fraction(1, 20)
    size = s * s
    stepped = (s + eta * (sigma - size) * s - eta * s * e * e) ** 2
    bound = ((1 + eta * sigma) ** 2 - 2 * eta * e * e) * size - 2 * eta * (1 + eta * sigma) * size**2
    met = 0 < size <= 2 * sigma and e * e <= sigma and eta * sigma <= Fraction(1, 20)
    return Counterexample(met, stepped - (bound - extra * eta**2 * sigma * size * e * e))


def residual_failure() -> Fraction:
    """`‖E_+E_+ᵀ‖ - (‖EEᵀ‖ - η‖EEᵀ‖²)` at `S = 0`, `EEᵀ = diag(1, 1/2)`, `η = 9/10`: positive."""
    eta = Fraction(9, 10)
    values = (Fraction(1), Fraction(1, 2))
    return max(e * (1 - eta * e) ** 2 for e in values) - (max(values) - eta * max(values) ** 2)


def largest_residual_ratio(seed: int, count: int = 20, load: Fraction = Fraction(1, 2)) -> float:
    """The largest `‖E_+E_+ᵀ‖/(‖EEᵀ‖ - η‖EEᵀ‖²) - 1` over random instances with `η‖EEᵀ‖ = load`.

    Evaluated to 50 digits; instances with `η‖X‖² > 1` are scaled to `S = 0`. A load above 1/2 is the control.
    """
    rng = Random(f"residual/{seed}")
    found = []
    for _ in range(count):
        r, rest, k = rng.randint(1, 2), rng.randint(1, 3), rng.randint(2, 3)
        drawn, scale = rational_matrix(rng, rest, k), rational(rng, 0, Fraction(1, 2))
        signal = [[scale * x for x in row] for row in rational_matrix(rng, r, k)]
        with multiprecision.digits(DIGITS):
            residual = multiprecision.numbers(drawn)
            top = multiprecision.eigenvalues(gram(residual))[0]
            eta = multiprecision.number(load) / top
            x = multiprecision.numbers(signal) + residual
            if eta * multiprecision.eigenvalues(gram(x))[0] > 1:
                x = residual
            kernel = gram([list(column) for column in zip(*x, strict=True)])
            stepped = [
                [
                    row[j] - eta * sum(row[i] * kernel[i][j] for i in range(k))
                    for j in range(k)
                ]
                for row in residual
            ]  # fmt: skip
            bound = top - eta * top * top
            found.append(multiprecision.eigenvalues(gram(stepped))[0] / bound - 1)
    return float(max(found))
