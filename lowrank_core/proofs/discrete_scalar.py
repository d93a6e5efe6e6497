r"""Two-sided bounds for the scalar recursion `z_{t+1} = z_t (1 - ηz_t)²` behind the power law.

For `u = ηz_0 < 1` and `c = (3-2u)/(1-u)²`, for every `t ≥ 0`,

    1 / (1/z_0 + 2ηt + c(η²z_0 + (η/2) ln(1 + 2ηz_0t)))  ≤  z_t  ≤  1 / (1/z_0 + 2ηt).

Derived here. The upper bound holds up to `u = 3/2` and fails at the first step beyond; the lower one
fails at `u = 1`, where `z_1 = 0`. The controls take `u > 3/2`.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import NamedTuple

from lowrank_core.proofs import enclosure
from lowrank_core.proofs.enclosure import Ball
from lowrank_core.proofs.instances import rational
from lowrank_core.proofs.symbolic import term_count


def proof_residuals(slope: int = 2) -> dict[str, int]:
    """For each step of the proof, the number of terms by which its identity fails.

    `slope` stands for the 2 in `2ηt`. With `w = ηz`:

    * `increment`: `1/z_{t+1} - 1/z_t - 2η = ηw (3-2w)/(1-w)²`: non-negative for `w ≤ 3/2`, hence the
      upper bound;
    * `monotone`: `(3-2w)/(1-w)²` has derivative `(4-2w)/(1-w)³ > 0` on `[0, 1)`, so the increment
      is at most `cηw_t`, and `w_t ≤ η/(1/z_0 + 2ηt)` by the upper bound;
    * `integral`: `d/dt [(1/(2η)) ln(1 + 2ηz_0t)] = 1/(1/z_0 + 2ηt)`, a decreasing function: its sum over
      `0 ≤ s < t` is at most `z_0` plus its integral from 0 to `t`, hence the lower bound.
    """
    import sympy

    z, eta, w, t = sympy.symbols("z eta w t", positive=True)
    increment = 1 / (z * (1 - eta * z) ** 2) - 1 / z - slope * eta
    claimed = (eta * w * (3 - 2 * w) / (1 - w) ** 2).subs(w, eta * z)
    growth = (3 - 2 * w) / (1 - w) ** 2
    integral = sympy.log(1 + 2 * eta * z * t) / (2 * eta)
    return {
        "increment": term_count(sympy.cancel(increment - claimed)),
        "monotone": term_count(sympy.cancel(growth.diff(w) - (4 - 2 * w) / (1 - w) ** 3)),
        "integral": term_count(sympy.cancel(integral.diff(t) - 1 / (1 / z + slope * eta * t))),
    }


class Bounds(NamedTuple):
    """Certified comparisons along trajectories of the recursion."""

    checks: int
    """Recorded steps, each compared with both bounds."""
    upper_proved: int
    """Steps at which the upper bound certainly holds."""
    lower_proved: int
    """Steps at which the lower bound certainly holds."""
    upper_refuted: int
    """Steps at which the iterate is certainly above the upper bound."""
    width: float
    """The largest relative width of the enclosures of the iterates."""


def recorded(steps: int, early: int = 50, per_octave: int = 8) -> list[int]:
    """Every step up to `early`, then `per_octave` log-spaced steps an octave, up to `steps`."""
    late = (early, *(round(early * 2 ** (i / per_octave)) for i in range(64 * per_octave)), steps)
    return sorted({*range(1, min(early, steps) + 1), *(t for t in late if t <= steps)})


def draw(seed: int, count: int) -> list[tuple[Fraction, Fraction]]:
    """Draw `count` pairs `(z_0, η)` with `ηz_0` between 1/100 and 19/20."""
    rng = Random(f"discrete-scalar/{seed}")
    pairs = []
    for _ in range(count):
        z0 = rational(rng, Fraction(1, 20), 2)
        pairs.append((z0, rational(rng, Fraction(1, 100), Fraction(19, 20)) / z0))
    return pairs


def certify(pairs: list[tuple[Fraction, Fraction]], steps: int = 10_000, bits: int = 128) -> Bounds:
    """Run the recursion in rigorous arithmetic from each `(z_0, η)` and compare it with its bounds.

    The lower bound is compared only where it exists, for `ηz_0 < 1`; with `ηz_0 > 3/2` this is the
    control.
    """
    checks = upper_proved = lower_proved = upper_refuted = 0
    width = Fraction(0)
    times = recorded(steps)
    with enclosure.precision(bits):
        for z0, eta in pairs:
            for t, z in zip(times, _trajectory(z0, eta, times), strict=True):
                reciprocal = enclosure.ball(1 / z0 + 2 * eta * t)
                checks += 1
                upper_proved += enclosure.certainly_le(z * reciprocal, 1)
                upper_refuted += bool(z * reciprocal > 1)
                if eta * z0 < 1:
                    lower_proved += enclosure.certainly_le(1, z * (reciprocal + _excess(z0, eta, t)))
                    width = max(width, 2 * enclosure.radius(z) / enclosure.lower(z))
    return Bounds(checks, upper_proved, lower_proved, upper_refuted, float(width))


def _trajectory(z0: Fraction, eta: Fraction, times: list[int]) -> list[Ball]:
    step = enclosure.ball(eta)
    z, found = enclosure.ball(z0), []
    keep = set(times)
    for t in range(1, times[-1] + 1):
        contraction = 1 - step * z
        z = z * contraction * contraction
        if t in keep:
            found.append(z)
    return found


def _excess(z0: Fraction, eta: Fraction, t: int) -> Ball:
    u = eta * z0
    c = (3 - 2 * u) / (1 - u) ** 2
    return enclosure.ball(c * eta * u) + enclosure.ball(c * eta / 2) * enclosure.log(
        enclosure.ball(1 + 2 * u * t)
    )
