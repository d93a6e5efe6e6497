r"""How much geometric steps can multiply (Lemma 37 of Ma & Fattahi 2023).

For `a > 0` and `0 < ρ < 1`,

    exp(aTρᵀ/(1 + a))  ≤  ∏_{t=1}^{T} (1 + aρᵗ)  ≤  ∏_{t=0}^{T} (1 + aρᵗ)  ≤  exp(a/(1 - ρ)),

with `ρᵀ` the power of `ρ`. The control halves the last exponent.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import NamedTuple

from lowrank_core.proofs import enclosure
from lowrank_core.proofs.instances import rational
from lowrank_core.proofs.symbolic import term_count


def proof_residuals(share: Fraction = Fraction(1)) -> dict[str, int]:
    """For each step of the proof, the number of terms by which its identity fails.

    `share` multiplies the exponent `a/(1 - ρ)`. Both differences vanish at `x = 0`:

    * `upper`: `d/dx (x - log(1 + x)) = x/(1 + x)`, so `log(1 + x) ≤ x`;
    * `lower`: `d/dx (log(1 + x) - x/(1 + x)) = x/(1 + x)²`, so `log(1 + x) ≥ x/(1 + x)`, and every factor
      up to `T` has `x/(1 + x) ≥ aρᵀ/(1 + a)`;
    * `series`: `(1 - ρ) · a/(1 - ρ) = a`, the sum of `aρᵗ` over all `t`.
    """
    import sympy

    x, a, ratio = sympy.symbols("x a rho", positive=True)
    fraction = sympy.Rational(share.numerator, share.denominator)
    return {
        "upper": term_count(sympy.cancel((x - sympy.log(1 + x)).diff(x) - x / (1 + x))),
        "lower": term_count(sympy.cancel((sympy.log(1 + x) - x / (1 + x)).diff(x) - x / (1 + x) ** 2)),
        "series": term_count(sympy.cancel((1 - ratio) * fraction * a / (1 - ratio) - a)),
    }


class Bounds(NamedTuple):
    """Certified comparisons of products with both bounds."""

    checks: int
    """Comparisons made."""
    proved: int
    """Comparisons that certainly hold."""
    refuted: int
    """Comparisons that certainly fail."""


def certify(
    seed: int,
    count: int = 10,
    share: Fraction = Fraction(1),
    bits: int = 128,
    a: tuple[Fraction, Fraction] = (Fraction(1, 100), Fraction(1, 2)),
    ratio: tuple[Fraction, Fraction] = (Fraction(1, 2), Fraction(99, 100)),
    steps: tuple[int, int] = (20, 200),
) -> Bounds:
    """Compare products with both bounds in ball arithmetic, for random `a`, `ρ`, `T` between these ends."""
    rng = Random(f"product-bound/{seed}")
    checks = proved = refuted = 0
    with enclosure.precision(bits):
        for _ in range(count):
            gain, decay, last = rational(rng, *a), rational(rng, *ratio), rng.randint(*steps)
            factor = enclosure.ball(decay)
            power, product = enclosure.ball(1), enclosure.ball(1)
            for _ in range(last):
                power = power * factor
                product = product * (1 + enclosure.ball(gain) * power)
            low = enclosure.exp(power * enclosure.ball(gain * last / (1 + gain)))
            high = enclosure.exp(enclosure.ball(share * gain / (1 - decay)))
            whole = product * enclosure.ball(1 + gain)
            checks += 2
            proved += enclosure.certainly_le(low, product) + enclosure.certainly_le(whole, high)
            refuted += bool(low > product) + bool(whole > high)
    return Bounds(checks, proved, refuted)
