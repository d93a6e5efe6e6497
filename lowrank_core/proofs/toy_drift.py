r"""The imbalance of the toy problem under gradient descent: exact recursion, bounds, certified runs.

Simultaneous gradient descent `b_+ = b (1 - ηc²)`, `c_+ = c (1 - ηb²)` from `b_0 > c_0 > 0` with
`η b_0² ≤ 1` gives `Δ_{t+1} = Δ_t (1 - η² b_t² c_t²)` for `Δ = b² - c²`. So `Δ` keeps its sign and
never grows, and its relative drift `D_T = 1 - Δ_T/Δ_0` obeys

    1 - exp(-η (q_0 - q_T)/4)  ≤  D_T  ≤  η c_0² / (2 - η b_0²),    q = b² + c²,

so that `D_∞ = η c_0²/2 + O(η²)`. Derived here. The controls are weight decay, under which `D` does not
fall with `η`, and alternating updates from `c_0 > b_0`, under which `|Δ|` grows.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import NamedTuple

from lowrank_core.proofs import enclosure
from lowrank_core.proofs.discrete_scalar import recorded
from lowrank_core.proofs.enclosure import Ball
from lowrank_core.proofs.instances import rational
from lowrank_core.proofs.symbolic import term_count

BITS = 128


def proof_residuals(alternating: bool = False) -> dict[str, int]:
    """For each step of the proof, the number of terms by which its identity fails.

    `alternating` is the control: the second update then uses the new `b`.

    * `imbalance`: `Δ_+ = Δ (1 - η²p²)` with `p = bc`, so `1 - D_T = Π (1 - η²p_t²)` lies between
      `1 - S` and `e^{-S}` with `S = η² Σ p_t²`;
    * `sum`: `q_+ = q - ηp² (4 - ηq)`, which sums to `η(q_0 - q_T)/4 ≤ S ≤ η(q_0 - q_T)/(4 - ηq_0)`,
      because `0 ≤ ηq_t ≤ ηq_0 ≤ 2`;
    * `closing`: with `q_T ≥ Δ_T` and `D_T ≤ S` this is `D (4 - ηq_0) ≤ η (q_0 - Δ_0 + Δ_0D)`, and the
      two sides differ by `2D (2 - ηb_0²) - 2ηc_0²`.
    """
    import sympy

    b, c, eta, drift = sympy.symbols("b c eta D", positive=True)
    b_next = b * (1 - eta * c**2)
    c_next = c * (1 - eta * (b_next if alternating else b) ** 2)
    delta, p, q = b**2 - c**2, b * c, b**2 + c**2
    return {
        "imbalance": term_count(b_next**2 - c_next**2 - delta * (1 - eta**2 * p**2)),
        "sum": term_count(b_next**2 + c_next**2 - q + eta * p**2 * (4 - eta * q)),
        "closing": term_count(
            drift * (4 - eta * q)
            - eta * (q - delta + delta * drift)
            - 2 * drift * (2 - eta * b**2)
            + 2 * eta * c**2
        ),
    }


class Start(NamedTuple):
    """A start in the units `u = ηb²`, `v = ηc²`, in which the step size is one."""

    u: Fraction
    v: Fraction

    def halved(self) -> Start:
        """The same start with half the step size."""
        return Start(self.u / 2, self.v / 2)


def draw(seed: int, count: int, step: Fraction = Fraction(1, 20)) -> list[Start]:
    """Draw starts with `1/2 ≤ b_0 ≤ 1` and `1/5 ≤ c_0/b_0 ≤ 4/5`, and `η = step`."""
    rng = Random(f"toy-drift/{seed}")
    starts = []
    for _ in range(count):
        b0 = rational(rng, Fraction(1, 2), 1)
        c0 = b0 * rational(rng, Fraction(1, 5), Fraction(4, 5))
        starts.append(Start(step * b0**2, step * c0**2))
    return starts


def drifts(
    start: Start, times: list[int], decay: Fraction = Fraction(0), alternating: bool = False
) -> list[tuple[Ball, Ball]]:
    """Run in rigorous arithmetic and return enclosures of `(D_t, η q_t)` at `times`.

    `decay` is `ηλ` for a weight decay `λ`; with `alternating` `c` sees the new `b`.
    """
    u, v = enclosure.ball(start.u), enclosure.ball(start.v)
    kept = enclosure.ball(1 - decay)
    initial = enclosure.ball(start.u - start.v)
    found, keep = [], set(times)
    for t in range(1, times[-1] + 1):
        left = kept - v
        u_next = u * left * left
        right = kept - (u_next if alternating else u)
        u, v = u_next, v * right * right
        if t in keep:
            found.append((1 - (u - v) / initial, u + v))
    return found


class Drift(NamedTuple):
    """Certified comparisons of the drift with its bounds."""

    checks: int
    """Comparisons made: two at every recorded step."""
    proved: int
    """Those that certainly hold."""
    refuted: int
    """Those that certainly fail."""
    final: tuple[Fraction, Fraction]
    """Enclosure of the drift at the last step."""
    history: list[tuple[int, float, float, float]]
    """Recorded steps, with lower bound, drift and upper bound, rounded."""


def certify(
    start: Start, steps: int = 4000, decay: Fraction = Fraction(0), alternating: bool = False
) -> Drift:
    """Run `steps` steps and compare the drift with both bounds at log-spaced steps.

    The bounds are those for the larger of `b_0`, `c_0` in the place of `b_0`.
    """
    times = recorded(steps, early=10, per_octave=2)
    large, small = max(start), min(start)
    checks = proved = refuted = 0
    history = []
    with enclosure.precision(BITS):
        upper = enclosure.ball(small / (2 - large))
        balls = drifts(start, times, decay, alternating)
        for t, (drift, size) in zip(times, balls, strict=True):
            lower = 1 - enclosure.exp((size - enclosure.ball(start.u + start.v)) / 4)
            for below, above in ((lower, drift), (drift, upper)):
                checks += 1
                proved += enclosure.certainly_le(below, above)
                refuted += bool(below > above)
            low, middle, high = (float(enclosure.lower(x)) for x in (lower, drift, upper))
            history.append((t, low, middle, high))
        final = balls[-1][0]
        return Drift(checks, proved, refuted, (enclosure.lower(final), enclosure.upper(final)), history)
