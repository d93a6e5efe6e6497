r"""The toy problem of asymmetric factorisation: one noise entry, its flow in closed form, its exponent.

For `M* = diag(1, 0)` and diagonal factors the noise entries `b` of `F` and `c` of `G` obey
`b' = -c²b`, `c' = -b²c`, whatever the signal entries do. `Δ = b² - c²` is constant, and with
`s = t + ln(b_0/c_0)/Δ`

    bc = Δ / (2 sinh Δs),    b² + c² = Δ coth Δs,    d ln (bc)² / d ln s = -2x coth x  at  x = Δs.

So the squared error turns from the power law `s⁻²` of the balanced case `Δ = 0` to an exponential around
`x = 1`. Derived here; Xiong, Ding and Du (2024) discuss a toy problem of this kind, whose numbers were not read.
The controls are weight decay, a wrong exponent in the closed form, and the balanced law in the place of the
imbalanced one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

from lowrank_core.proofs import multiprecision
from lowrank_core.proofs.instances import rational
from lowrank_core.proofs.symbolic import term_count

DIGITS = 20


def product(b0: Any, c0: Any, t: Any, exp: Callable[[Any], Any] = math.exp) -> Any:
    """`bc` at time `t` along the flow, in the arithmetic of the arguments, to which `exp` belongs.

    `Δ / (2 sinh Δs)` without the logarithm in `s`; any sign of `Δ`.
    """
    delta = b0 * b0 - c0 * c0
    if delta == 0:
        return b0 * c0 / (1 + 2 * b0 * c0 * t)
    grown = exp(delta * t)
    return delta * b0 * c0 / (b0 * b0 * grown - c0 * c0 / grown)


def descend(b: Any, c: Any, eta: Any, steps: int, decay: Any = 0) -> Iterator[tuple[Any, Any]]:
    """Yield `(b, c)` after 0, 1, ..., `steps` simultaneous gradient steps.

    `decay > 0`, the weight of an added `decay (b² + c²)/2`, is the control.
    """
    kept = 1 - eta * decay
    yield b, c
    for _ in range(steps):
        b, c = b * (kept - eta * c * c), c * (kept - eta * b * b)
        yield b, c


def exponent(x: float) -> float:
    """`-2x coth x`, the exponent of the squared error in `s` at `Δs = x`."""
    return -2 * x / math.tanh(x) if x else -2.0


def proof_residuals(power: int = 2, decay: int = 0) -> dict[str, int]:
    """For each step of the derivation, the number of terms by which its identity fails.

    `power` stands for the 2 in `c² = Δ/(e^{2Δs} - 1)` and `decay` for a weight decay; `e^{Δs}` is a
    symbol `w` with `w' = Δw`.

    * `imbalance`, `product`, `sum`: `Δ' = 0`, `p' = -pq` and `q' = -4p²` for `p = bc` and
      `q = b² + c²`;
    * `flow`: `(c²)' = -2b²c²` for `c² = Δ/(w² - 1)` and `b² = c² + Δ`;
    * `start`: `c = c_0` where `w = b_0/c_0`;
    * `sinh`, `coth`, `exponent`: the forms of `p²`, of `q` and of `(ln p²)'`;
    * `balanced`, `late`: the limits `1/(2s)` for `Δ → 0` and `p²w² → Δ²` for `s → ∞`;
    * `symmetric`: `x² = 1/(2t + x_0⁻²)` solves `x' = -x³`, and `t²x⁴ → 1/4`.
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


def draw(seed: int, ratio: Fraction | None = None) -> tuple[Fraction, Fraction]:
    """Draw a start with `1/2 ≤ b_0 ≤ 1` and `c_0 = ratio b_0`; by default `1/4 ≤ c_0/b_0 ≤ 2`."""
    rng = Random(f"toy/{seed}")
    b0 = rational(rng, Fraction(1, 2), 1)
    return b0, b0 * (rational(rng, Fraction(1, 4), 2) if ratio is None else ratio)


def largest_difference(seed: int, times: tuple[int, ...] = (1, 5), decay: Fraction = Fraction(0)) -> float:
    """The largest relative difference of `product` from the flow integrated to 20 digits.

    The flow is integrated numerically, by Taylor series; `decay > 0` is the control.
    """
    import mpmath

    with multiprecision.digits(DIGITS):
        b0, c0 = (multiprecision.number(x) for x in draw(seed))
        weight = multiprecision.number(decay)
        flow = mpmath.odefun(
            lambda _, y: [-(y[1] ** 2 + weight) * y[0], -(y[0] ** 2 + weight) * y[1]], 0, [b0, c0]
        )
        states = ((t, *flow(t)) for t in times)
        return float(max(abs(product(b0, c0, t, mpmath.exp) / (b * c) - 1) for t, b, c in states))


def largest_error(
    b0: float, c0: float, eta: float, time: float, decay: float = 0, balanced: bool = False
) -> float:
    """The largest relative error of the flow's `bc` as a prediction of gradient descent up to `time`.

    Controls: `decay > 0`, and `balanced`, which predicts by the balanced law from the same `b_0 c_0`.
    """
    p0 = b0 * c0
    steps = round(time / eta)
    return max(
        abs(b * c / (p0 / (1 + 2 * p0 * eta * t) if balanced else product(b0, c0, eta * t)) - 1)
        for t, (b, c) in enumerate(descend(b0, c0, eta, steps, decay))
    )


def exponents(
    b0: float, c0: float, eta: float, until: float = 8, decay: float = 0
) -> list[tuple[float, float]]:
    """`(x, local exponent)` along gradient descent until `x = Δs` reaches `until`.

    The exponent is the slope of `ln (bc)²` against `ln s` over one step. For `b_0 = c_0`, where `x` stays
    0, the run ends when `s` reaches `100 until`.
    """
    delta = b0**2 - c0**2
    offset = math.log(b0 / c0) / delta if delta else 1 / (2 * b0 * c0)
    end = until / delta if delta else 100 * until
    products = (b * c for b, c in descend(b0, c0, eta, math.ceil((end - offset) / eta), decay))
    found = []
    for t, (p, p_next) in enumerate(pairwise(products)):
        s = offset + eta * (t + 0.5)
        found.append((delta * s, 2 * s * math.log(p_next / p) / eta))
    return found


def crossing(found: list[tuple[float, float]], level: float = -2.5) -> float:
    """The `x` at which the exponent passes `level`, by linear interpolation; NaN if it does not."""
    for (x, value), (x_next, value_next) in pairwise(found):
        if value_next <= level < value:
            return x + (x_next - x) * (level - value) / (value_next - value)
    return math.nan
