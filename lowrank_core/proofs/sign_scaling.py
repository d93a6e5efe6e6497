r"""The scaling function of the ℓ1 sub-gradient: `E Q(X) = φ(X) X/‖X‖_F` for Gaussian measurements.

Let `u = ⟨A, X⟩ ~ N(0, n²)` with `n = ‖X‖_F`, `v = ⟨A, Y⟩` with `E uv = ⟨X, Y⟩ = c`, and `s` independent
of both. Ma & Fattahi (2023, Lemma 46) for laws of mean zero; that any law will do is derived here.

1. `E[v | u] = (c/n²) u`, so `E[sign(u - s) v] = (c/n²) E[sign(u - s) u]`.
2. `E[sign(u - s) u] = n √(2/π) exp(-s²/(2n²))` for every real number `s`, of either sign.
3. Hence `φ = √(2/π) E exp(-s²/(2n²))`, and it remains to take the mean over the law of `s = σz`. With
   `a = σ²/(2n²)` it is `1/√(1 + 2a)` for Gaussian `z`, `exp(-a)` for signs and constants,
   `exp(a) erfc(√a)` for Cauchy `z`, and for Student's law with three degrees `K(3a)` with
   `K(c) = (1 - 2c) exp(c) erfc(√c) + 2√(c/π)`: the density of `w = z/√3` is `2/(1 + w²)` times the Cauchy
   one, so that `K` is the solution of `K - K' = 2J`, `K(0) = 1`, where `J` is the Cauchy mean.
"""

from __future__ import annotations

import functools
from typing import Any, Literal

from lowrank_core.proofs.symbolic import term_count

Exponent = Literal["s²/2n²", "s²/2n", "s/2n²"]
"""The exponent in step 2; the last two, with one square missing, are the control."""


def regression_residual() -> int:
    """Terms left of step 1: `∫ v p(u, v) dv - (c/n²) u p(u)` for jointly Gaussian `u` and `v`."""
    import sympy

    n = sympy.Symbol("n", positive=True)
    u, v, c = sympy.symbols("u v c", real=True)
    spread = sympy.Symbol("tau", positive=True)
    # v - (c/n²)u is independent of u; tau² is its variance.
    given = sympy.exp(-((v - c * u / n**2) ** 2) / (2 * spread**2)) / (spread * sympy.sqrt(2 * sympy.pi))
    mean = sympy.integrate(sympy.expand(given * v), (v, -sympy.oo, sympy.oo))
    return term_count(sympy.simplify(mean - c * u / n**2))


def sign_residual(exponent: Exponent = "s²/2n²") -> int:
    """Terms left of step 2, for a symbol `s` that may have either sign."""
    import sympy

    n, s, _, _ = gaussian_symbols()
    printed = {"s²/2n²": s**2 / (2 * n**2), "s²/2n": s**2 / (2 * n), "s/2n²": s / (2 * n**2)}[exponent]
    return term_count(sympy.simplify(_sign_mean() - n * sympy.sqrt(2 / sympy.pi) * sympy.exp(-printed)))


@functools.cache
def _sign_mean() -> Any:
    """`E[sign(u - s) u]`, integrated."""
    import sympy

    _, s, u, density = gaussian_symbols()
    return sympy.integrate(u * density, (u, s, sympy.oo)) - sympy.integrate(u * density, (u, -sympy.oo, s))


def law_residuals(cauchy: int = 1) -> dict[str, int]:
    """Terms left of step 3, for each law; Gaussian noise on every measurement is the Gaussian law.

    `cauchy` multiplies the exponent of `exp(a)` in the Cauchy mean; anything but 1 is the control.
    """
    import sympy

    z = sympy.Symbol("z", real=True)
    a = sympy.Symbol("a", positive=True)
    line = (z, -sympy.oo, sympy.oo)
    kernel = sympy.exp(-a * z**2)
    gaussian = sympy.integrate(kernel * sympy.exp(-(z**2) / 2) / sympy.sqrt(2 * sympy.pi), line)
    cauchy_mean = sympy.integrate(kernel / (sympy.pi * (1 + z**2)), line)
    stated = sympy.exp(cauchy * a) * sympy.erfc(sympy.sqrt(a))
    student = (1 - 2 * a) * stated + 2 * sympy.sqrt(a / sympy.pi)
    # In the equation for Student's law `a` stands for c = 3a.
    return {
        "Gaussian": term_count(sympy.simplify(gaussian - 1 / sympy.sqrt(1 + 2 * a))),
        "Cauchy": term_count(sympy.simplify(cauchy_mean - stated)),
        "Student, equation": term_count(sympy.simplify(student - student.diff(a) - 2 * stated)),
        "Student, start": term_count(student.subs(a, 0) - 1),
    }


def gaussian_symbols() -> tuple[Any, Any, Any, Any]:
    """`n > 0`, real `s` and `u`, and the density of `u ~ N(0, n²)`."""
    import sympy

    n = sympy.Symbol("n", positive=True)
    s, u = sympy.symbols("s u", real=True)
    return n, s, u, sympy.exp(-(u**2) / (2 * n**2)) / (n * sympy.sqrt(2 * sympy.pi))
