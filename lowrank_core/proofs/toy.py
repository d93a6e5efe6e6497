r"""The toy problem of asymmetric factorisation: one noise entry, its flow in closed form, its exponent.

For ``M* = diag(1, 0)`` and diagonal factors the noise entries ``b`` of ``F`` and ``c`` of ``G`` obey
``b' = -c²b``, ``c' = -b²c``, whatever the signal entries do. ``Δ = b² - c²`` is constant, and with
``s = t + ln(b_0/c_0)/Δ``

    bc = Δ / (2 sinh Δs),    b² + c² = Δ coth Δs,    d ln (bc)² / d ln s = -2x coth x  at  x = Δs.

So the squared error turns from the power law ``s⁻²`` of the balanced case ``Δ = 0`` to an exponential around
``x = 1``. Derived here; the toy problem is that of Xiong, Ding and Du (2024), section 4. The controls are
weight decay and a wrong exponent in the closed form.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from random import Random
from typing import Any

from lowrank_core.proofs import multiprecision
from lowrank_core.proofs.instances import rational
from lowrank_core.proofs.symbolic import term_count

DIGITS = 30


def product(b0: Any, c0: Any, t: Any, exp: Any) -> Any:
    """Return ``bc`` at time ``t`` along the flow, in the arithmetic of the arguments, to which ``exp`` belongs.

    ``Δ / (2 sinh Δs)`` without the logarithm in ``s``; any signs of ``Δ``.
    """
    delta = b0 * b0 - c0 * c0
    if delta == 0:
        return b0 * c0 / (1 + 2 * b0 * c0 * t)
    grown = exp(delta * t)
    return delta * b0 * c0 / (b0 * b0 * grown - c0 * c0 / grown)


def descend(b: Any, c: Any, eta: Any, steps: int, decay: Any = 0) -> Iterator[tuple[Any, Any]]:
    """Yield ``(b, c)`` after 0, 1, ..., ``steps`` simultaneous gradient steps.

    ``decay > 0``, the weight of an added ``decay (b² + c²)/2``, is the control.
    """
    kept = 1 - eta * decay
    yield b, c
    for _ in range(steps):
        b, c = b * (kept - eta * c * c), c * (kept - eta * b * b)
        yield b, c


def proof_residuals(power: int = 2, decay: int = 0) -> dict[str, int]:
    """Return, for each step of the derivation, the number of terms by which its identity fails.

    ``power`` stands for the 2 in ``c² = Δ/(e^{2Δs} - 1)`` and ``decay`` for a weight decay; ``e^{Δs}`` is a
    symbol ``w`` with ``w' = Δw``.

    * ``imbalance``, ``product``, ``sum``: ``Δ' = 0``, ``p' = -pq`` and ``q' = -4p²`` for ``p = bc`` and
      ``q = b² + c²``;
    * ``flow``: ``(c²)' = -2b²c²`` for ``c² = Δ/(w² - 1)`` and ``b² = c² + Δ``;
    * ``start``: ``c = c_0`` where ``w = b_0/c_0``;
    * ``sinh``, ``coth``, ``exponent``: the forms of ``p²``, of ``q`` and of ``(ln p²)'``;
    * ``balanced``, ``late``: the limits ``1/(2s)`` for ``Δ → 0`` and ``p²w² → Δ²`` for ``s → ∞``;
    * ``symmetric``: ``x² = 1/(2t + x_0⁻²)`` solves ``x' = -x³``, and ``t²x⁴ → 1/4``.
    """
    import sympy

    b, c, b0, c0, delta, w, s, t = sympy.symbols("b c b0 c0 Delta w s t", positive=True)
    weight = decay * sympy.Symbol("lambda", positive=True)
    rates = {b: -(c**2) * b - weight * b, c: -(b**2) * c - weight * c}

    def rate(f: Any) -> Any:
        return sum(f.diff(x) * velocity for x, velocity in rates.items())

    def terms(f: Any) -> int:
        return term_count(sympy.cancel(f))

    c2 = delta / (w**power - 1)
    b2 = c2 + delta
    p2 = b2 * c2
    coth = (w**2 + 1) / (w**2 - 1)
    growth = delta * w
    x2 = 1 / (2 * t + 1 / c0**2)
    return {
        "imbalance": terms(rate(b**2 - c**2)),
        "product": terms(rate(b * c) + b * c * (b**2 + c**2)),
        "sum": terms(rate(b**2 + c**2) + 4 * (b * c) ** 2),
        "flow": terms(growth * c2.diff(w) + 2 * b2 * c2),
        "start": terms(c2.subs(w, b0 / c0).subs(delta, b0**2 - c0**2) - c0**2),
        "sinh": terms(p2 - (delta / (w - 1 / w)) ** 2),
        "coth": terms(b2 + c2 - delta * coth),
        "exponent": terms(growth * p2.diff(w) / p2 + 2 * delta * coth),
        "balanced": terms(sympy.limit(p2.subs(w, sympy.exp(delta * s)), delta, 0) - 1 / (2 * s) ** 2),
        "late": terms(sympy.limit(p2 * w**2, w, sympy.oo) - delta**2),
        "symmetric": terms(x2.diff(t) + 2 * x2**2)
        + terms(sympy.limit(t**2 * x2**2, t, sympy.oo) - sympy.Rational(1, 4)),
    }


def draw(seed: int, ratio: Fraction) -> tuple[Fraction, Fraction]:
    """Draw a start ``(b_0, c_0)`` with ``1/2 ≤ b_0 ≤ 1`` and ``c_0 = ratio b_0``."""
    b0 = rational(Random(f"toy/{seed}"), Fraction(1, 2), 1)
    return b0, ratio * b0


def largest_difference(
    seed: int, ratio: Fraction, times: tuple[int, ...] = (1, 3, 10), decay: Fraction = Fraction(0)
) -> float:
    """Return the largest relative difference of ``product`` from the flow integrated to 30 digits.

    The flow is integrated numerically, by Taylor series; ``decay > 0`` is the control.
    """
    import mpmath

    with multiprecision.digits(DIGITS):
        b0, c0 = (multiprecision.number(x) for x in draw(seed, ratio))
        weight = multiprecision.number(decay)
        flow = mpmath.odefun(
            lambda _, y: [-(y[1] ** 2 + weight) * y[0], -(y[0] ** 2 + weight) * y[1]], 0, [b0, c0]
        )
        states = ((t, *flow(t)) for t in times)
        return float(max(abs(product(b0, c0, t, mpmath.exp) / (b * c) - 1) for t, b, c in states))
