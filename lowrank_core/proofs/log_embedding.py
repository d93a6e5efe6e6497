r"""Gradient descent as a perturbed flow, for one mode: the logarithm, the constant 2/3, and an enclosed escape.

A balanced mode `f = g = √s` follows `s_{k+1} = s_k(1 + ηg_k)²` with `g_k = σ - s_k`. On the two eigenvectors
of `S(g_k)` the embedded flow grows at `ln(1 ± ηg_k)/η`, and its perturbation there is the difference from
`±(σ - s(t))`. Derived here.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from lowrank_core.proofs import enclosure
from lowrank_core.proofs.symbolic import term_count


def proof_residuals(logarithm: bool = True) -> dict[str, int]:
    """The number of terms by which each statement fails.

    * `endpoint`: `e^{ηL} = 1 + ηg` for `L = ln(1 + ηg)/η`;
    * `order`: to first order in `η` the perturbation at the end of a step is `-ηg²/2 ± 2ηgs`, so its norm is
      `η(g²/2 + 2g(σ - g))`;
    * `maximum`: over `g` this is largest at `g = 2σ/3`, where it is `(2/3)ησ²`.

    Args:
        logarithm: whether the generator has the logarithm; with `L = g` the first two must fail.
    """
    import sympy

    eta, g, sigma = sympy.symbols("eta g sigma", positive=True)
    s = sigma - g

    def generator(sign: int) -> sympy.Expr:
        return sympy.log(1 + sign * eta * g) / eta if logarithm else sign * g

    remaining = sigma - s * (1 + eta * g) ** 2
    first = [
        sympy.series(generator(sign) - sign * remaining, eta, 0, 2).removeO().coeff(eta, 1)
        for sign in (1, -1)
    ]
    size = g**2 / 2 + 2 * g * s
    best = sympy.solve(sympy.diff(size, g), g)
    return {
        "endpoint": term_count(sympy.simplify(sympy.exp(eta * generator(1)) - (1 + eta * g))),
        "order": term_count(first[0] - (-(g**2) / 2 + 2 * g * s))
        + term_count(first[1] - (-(g**2) / 2 - 2 * g * s)),
        "maximum": term_count(best[0] - 2 * sigma / 3)
        + term_count(size.subs(g, best[0]) - 2 * sigma**2 / 3)
        + (0 if sympy.diff(size, g, 2).is_negative else 1),
    }


class Escape(NamedTuple):
    """A trajectory from its start to its plateau, enclosed."""

    crossing: int | None
    """The iteration K with `s_K < σ/2 ≤ s_{K+1}`, None if the enclosures do not decide it."""
    late: Fraction
    """Certified upper end of `|η'K - t½|/η`, `η' = ln(1 + ησ)/σ` or `η`, `t½ = ln(σ/s_0 - 1)/(2σ)`."""
    early: Fraction
    """Certified lower end of the same."""
    plateau: Fraction
    """Certified upper end of `|s - σ|/σ` at the end."""
    width: float
    """The relative width of the enclosure when it crosses."""


def enclose(
    sigma: Fraction, start: Fraction, eta: Fraction, steps: int, logarithm: bool = True, bits: int = 256
) -> Escape:
    """Run `s ← s(1 + η(σ - s))²`, `0 < s_0 < σ/2`, `2ησ < 1`, in rigorous arithmetic.

    Args:
        steps: how many iterations it may take to cross, and how many follow from there.
        logarithm: whether time is counted with the growth rate `ln(1 + ησ)/η` of the discrete recursion or with
            that of the flow, `σ`.
    """
    with enclosure.precision(bits):
        s, top, step = enclosure.ball(start), enclosure.ball(sigma), enclosure.ball(eta)
        crossing, width = None, Fraction(0)
        for t in range(steps):
            factor = 1 + step * (top - s)
            after = s * factor * factor
            if not after < top / 2:
                crossing = t if bool(s < top / 2) and bool(after > top / 2) else None
                width = 2 * enclosure.radius(s) / enclosure.lower(s)
                break
            s = after
        # Near the plateau the recursion is run for e = σ - s, in which it contracts; in s the balls would widen.
        gap, linear = top - s, 1 - 2 * step * top
        for _ in range(steps):
            gap = gap * (linear + (2 * step - step * step * top) * gap + step * step * gap * gap)
        half = enclosure.log(enclosure.ball(sigma / start - 1)) / enclosure.ball(2 * sigma)
        unit = enclosure.log(enclosure.ball(1 + eta * sigma)) / top if logarithm else step
        late = (unit * (crossing or 0) - half) / step
        ends = sorted(abs(end) for end in (enclosure.lower(late), enclosure.upper(late)))
        plateau = max(abs(enclosure.lower(gap)), abs(enclosure.upper(gap))) / sigma
    return Escape(crossing, ends[1], ends[0], plateau, float(width))
