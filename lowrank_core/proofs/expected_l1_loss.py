r"""The expected ℓ1 loss for Gaussian measurements, and its derivative.

`u = ⟨A, X⟩ ~ N(0, n²)` with `n = ‖X‖_F`. Without errors `E|u| = √(2/π) n` (Ma & Fattahi 2023, Lemma 15);
the rest is derived here.

1. For every real `s`, `E|u - s| = n √(2/π) exp(-s²/(2n²)) + s erf(s/(n√2))`.
2. Its derivative in `n` is `√(2/π) exp(-s²/(2n²))`: for errors of any law the slope of the expected loss in
   `‖X‖_F` is the scaling function φ.
3. For `s ~ N(0, ν²)` the mean is `√(2/π) √(n² + ν²)`.

`stretch` multiplies the argument of `erf`; anything but 1 is the control.
"""

from __future__ import annotations

from typing import Any

from lowrank_core.proofs.sign_scaling import gaussian_symbols
from lowrank_core.proofs.symbolic import term_count


def fixed_error_residual(stretch: int = 1) -> int:
    """Terms left of step 1."""
    import sympy

    _, s, u, density = gaussian_symbols()
    right = sympy.integrate((u - s) * density, (u, s, sympy.oo))
    mean = right - sympy.integrate((u - s) * density, (u, -sympy.oo, s))
    return term_count(sympy.simplify((mean - _stated(stretch)).rewrite(sympy.erf)))


def slope_residual(stretch: int = 1) -> int:
    """Terms left of step 2."""
    import sympy

    n, s, _, _ = gaussian_symbols()
    phi = sympy.sqrt(2 / sympy.pi) * sympy.exp(-(s**2) / (2 * n**2))
    return term_count(sympy.simplify(_stated(stretch).diff(n) - phi))


def gaussian_noise_residual(weight: int = 1) -> int:
    """Terms left of step 3, by integrating φ from 0 to n and adding `E|s| = √(2/π) ν`.

    `weight` multiplies `ν²` in the claimed mean; anything but 1 is the control.
    """
    import sympy

    n, nu, x = sympy.symbols("n nu x", positive=True)
    root = sympy.sqrt(2 / sympy.pi)
    slope = root * x / sympy.sqrt(x**2 + nu**2)
    mean = root * nu + sympy.integrate(slope, (x, 0, n))
    return term_count(sympy.simplify(mean - root * sympy.sqrt(n**2 + weight * nu**2)))


def _stated(stretch: int) -> Any:
    import sympy

    n, s, _, _ = gaussian_symbols()
    bump = n * sympy.sqrt(2 / sympy.pi) * sympy.exp(-(s**2) / (2 * n**2))
    return bump + s * sympy.erf(stretch * s / (n * sympy.sqrt(2)))
