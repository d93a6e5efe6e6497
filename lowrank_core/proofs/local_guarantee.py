r"""How near is near enough, for rank one: the identities behind the local theorems, and exact rational instances.

With `R = ‖x‖²/‖z‖²`, `C = cos²φ`, `S = 1 - C` and `D² = R² - 2RC + 1` as in `analysis.rank_one`:

* *ball*: a critical point has `δ ≥ √(1 - S²/D²)`, and `D² - (1 - C²) = (R - C)² ≥ 0`;
* *level*: `D² - tS = t(1 + C - t) + 2R(S - t) + (R - 1 + t)²`, so by the inequality of the means
  `(D² - tS)³ ≥ 27 R² t (S - t)² (1 + C - t)`, which is `f(x)/(f(0) - f(x)) ≥ 27((1 - δ)/(1 + δ))²`.

The second half looks at two steps of the printed proof of Corollary 5 of Zhang, Sojoudi & Lavaei (2019).
"""

from __future__ import annotations

import math
from fractions import Fraction
from random import Random
from typing import Literal, NamedTuple

from lowrank_core.proofs.instances import rational
from lowrank_core.proofs.symbolic import term_count


def ball_residuals(constant: int = 2) -> dict[str, int]:
    """Terms by which the identities of the local theorem fail; `constant` is the 2 in `√(2c/(1 + c))`.

    * `branches`: the second branch of Theorem 12 is `s = √(1 - α²)` plus a square over `1 - β²`;
    * `distance`: `D² - (1 - C²)` is a square;
    * `threshold`: `1 - (1 - c)/(1 + c) = 2c/(1 + c)`;
    * `attained`: at `R = C = c` the bound is an equality;
    * `level`: with `c = δ²/(2 - δ²)`, `2c/(1 + c) = δ²` and `1 - c² = 4(1 - δ²)/(2 - δ²)²`.
    """
    import sympy

    s, beta, size, cosine, c, delta = sympy.symbols("s beta R C c delta", positive=True)
    alpha = sympy.sqrt(1 - s**2)
    square = (1 + s) * beta**2 - 2 * alpha * beta + alpha**2 / (1 + s)
    squared = size**2 - 2 * size * cosine + 1
    bound = constant * c / (1 + c)
    reached = 1 - ((1 - cosine) ** 2 / squared).subs({size: c, cosine: c})
    inverse = delta**2 / (2 - delta**2)
    return {
        "branches": term_count(sympy.cancel(1 - 2 * alpha * beta + beta**2 - s * (1 - beta**2) - square)),
        "distance": term_count(squared - (1 - cosine**2) - (size - cosine) ** 2),
        "threshold": term_count(sympy.cancel(1 - (1 - c) / (1 + c) - bound)),
        "attained": term_count(sympy.cancel(reached - bound)),
        "level": term_count(sympy.cancel(bound.subs(c, inverse) - delta**2))
        + term_count(sympy.cancel(1 - inverse**2 - 4 * (1 - delta**2) / (2 - delta**2) ** 2)),
    }


def beyond_residuals() -> dict[str, int]:
    """Terms by which the minimum of Theorem 12's bound on `D = ε` fails beyond `ε² = √3/2`.

    There the second branch is `((R - 1)² + R²)/(ε² - R²)`. It is stationary at `R² - (1 + 2ε²)R + ε² = 0`, with
    the value `1/R - 2 = (1 - 2ε² + √(1 + 4ε⁴))/(2ε²)`; at the seam both formulas give `√3 - 1`.
    """
    import sympy

    size, squared = sympy.symbols("R E", positive=True)  # E = ε²
    bound = ((size - 1) ** 2 + size**2) / (squared - size**2)
    quadratic = size**2 - (1 + 2 * squared) * size + squared
    root = (1 + 2 * squared - sympy.sqrt(1 + 4 * squared**2)) / 2
    value = (1 - 2 * squared + sympy.sqrt(1 + 4 * squared**2)) / (2 * squared)
    slope = sympy.numer(sympy.cancel(bound.diff(size)))
    c = (sympy.sqrt(3) - 1) / 2
    seam = value.subs(squared, sympy.sqrt(3) / 2)
    return {
        "stationary": term_count(sympy.rem(slope, quadratic, size)),
        "value": term_count(sympy.rem(sympy.numer(sympy.cancel(bound - 1 / size + 2)), quadratic, size)),
        "root": term_count(quadratic.subs(size, root)) + term_count(sympy.radsimp(1 / root - 2 - value)),
        "seam": term_count(sympy.simplify(seam - (sympy.sqrt(3) - 1)))
        + term_count(sympy.radsimp(2 * c / (1 + c) - (sympy.sqrt(3) - 1) ** 2)),
    }


def constant_residuals(coupling: int = 1) -> dict[str, int]:
    """Terms by which the closed form of the constant fails; `coupling = 0` drops `H₁₃` and `H₃₃ - (1 + δ)`.

    In the coordinates `(11, 22, √2·12)` of a basis along `x`, with `d` of the worst operator:

    * `lowest`: `|d|² - 2δ⟨d, e⟩ = (1 + δ)((1 + δ)t² - 2tS + (1 - δ)D²)`, so `H ⪰ (1 - δ)I` is `δ ≥ …`;
    * `determinant`: the Hessian's determinant has the sign of `t² - (1 + C + R)t + RS`;
    * `below R`: that polynomial is `-2RC` at `t = R`, so `t₋ ≤ R`: Theorem 12 is a lower bound.
    """
    import sympy

    size, cosine, t, delta = sympy.symbols("R C t delta", positive=True)
    off = 1 - cosine
    squared = size**2 - 2 * size * cosine + 1
    e = sympy.Matrix([size - cosine, -off, -sympy.sqrt(2) * sympy.sqrt(cosine * off)])
    d = (1 + delta) * (e + sympy.Matrix([0, t, 0]))
    along = sympy.expand(d.dot(e))
    h = (1 + delta) * sympy.eye(3) - d * d.T / along
    h33 = (1 + delta) + coupling * (h[2, 2] - (1 + delta))
    corner = 2 * size * h33 - 2 * (1 + delta) * t
    determinant = 4 * size * h[0, 0] * corner - 8 * size**2 * coupling * h[0, 2] ** 2
    polynomial = t**2 - (1 + cosine + size) * t + size * off
    positive = 8 * size * (1 + delta) ** 2 * off / (squared - t * off)
    return {
        "image": term_count(sympy.simplify((h * e)[1] + (1 + delta) * t)),
        "lowest": term_count(
            d.dot(d)
            - 2 * delta * along
            - (1 + delta) * ((1 + delta) * t**2 - 2 * t * off + (1 - delta) * squared)
        ),
        "determinant": term_count(sympy.cancel(determinant - positive * polynomial)),
        "below R": term_count(polynomial.subs(t, size) + 2 * size * cosine),
    }


def level_residuals(constant: int = 27) -> dict[str, int]:
    """Terms by which the sharp level fails; `constant` is its 27.

    * `square`: the identity for `D² - tS` above;
    * `ratio`: `f(x)/(f(0) - f(x)) = t(D² - tS)/(R²(1 + C - t))` for the worst operator, from its `H`;
    * `condition`: at the smallest `δ`, `(1 - δ)/(1 + δ) = t(S - t)/(D² - tS)`;
    * `attained`: equality at the sharpest point, which satisfies `t(1 + C - t) = R(S - t)`, that is `t = t₋`.
    * `room`: `9 - 4(7 - 13δ + 7δ²) = (2δ - 1)(19 - 14δ)`, so the sharp level is at least `3(1 - δ)²`;
    * `ball`: roots of `27(2 - δ²)² - 16(7 - 13δ + 7δ²)` in `[1/2, 1]`: none, so that one is above the ball's.
    """
    import sympy

    size, cosine, t, delta = sympy.symbols("R C t delta", positive=True)
    off = 1 - cosine
    squared = size**2 - 2 * size * cosine + 1
    inner = squared - t * off
    # ⟨e, He⟩ and ⟨xxᵀ, Hxxᵀ⟩, which add up to f(0) because they are H-orthogonal.
    here = (1 + delta) * t * off
    first = (1 + delta) * (size - cosine)
    energy = size**2 * ((1 + delta) - first**2 / ((1 + delta) * inner))
    smallest = (squared - 2 * t * off + t**2) / (squared - t**2)
    point = (1 + delta) / (2 * (2 - delta))
    at = {size: point, cosine: (2 * delta - 1) * (1 + delta) / (2 * (2 - delta) ** 2), t: 1 - point}
    ratio = t * inner / (size**2 * (1 + cosine - t))
    u = (1 - delta) / (1 + delta)
    quadratic = 7 - 13 * delta + 7 * delta**2
    above_ball = sympy.Poly(27 * (2 - delta**2) ** 2 - 16 * quadratic, delta)
    return {
        "square": term_count(inner - t * (1 + cosine - t) - 2 * size * (off - t) - (size - 1 + t) ** 2),
        "ratio": term_count(sympy.cancel(here / energy - ratio)),
        "condition": term_count(sympy.cancel((1 - smallest) / (1 + smallest) - t * (off - t) / inner)),
        "constant": term_count(sympy.cancel(smallest.subs(at) - delta)),
        "singular": term_count(sympy.cancel((t * (1 + cosine - t) - size * (off - t)).subs(at))),
        "attained": term_count(sympy.cancel(ratio.subs(at) - constant * u**2)),
        "room": term_count(9 - 4 * quadratic - (2 * delta - 1) * (19 - 14 * delta)),
        "ball": above_ball.count_roots(sympy.Rational(1, 2), 1),
    }


class Route(NamedTuple):
    """An exact instance for two steps of the printed proof of Corollary 5; `M* = zzᵀ` has norm one.

    `ε² = 1 - δ²` is rational together with `ε`, and `δ` lies in the range of the headline, above 0.787.
    `A*A = (1 + δ)I - 2δ ee^T/‖e‖²` and `x` is a unit vector, all with rational entries.
    """

    delta: Fraction
    epsilon: Fraction
    sine: Fraction
    """`sin²` of the angle between `x` and `z`, so that `‖E‖_F² = 2 sin²`."""

    @property
    def level(self) -> Fraction:
        """`f(x)/((1 - δ)ε² f(0))`: below one inside the printed level."""
        return 2 * self.sine / (self.epsilon**2 * (1 + self.delta - self.delta * self.sine))

    @property
    def distance(self) -> Fraction:
        """`(‖E‖_F/(ε‖M*‖_F))²`, which the proof takes to be at most one inside the level."""
        return 2 * self.sine / self.epsilon**2

    @property
    def excess(self) -> Fraction:
        """`δ² - (1 - ε²/(2(1 - ε)))`, which the proof takes to be at most zero."""
        return self.delta**2 - 1 + self.epsilon**2 / (2 * (1 - self.epsilon))


Level = Literal["printed", "repaired", "without"]
"""`(1 - δ)ε² f(0)`; the same over `1 + δ`; the same without `1 - δ`."""


def route(
    seed: int,
    share: Fraction = Fraction(95, 100),
    level: Level = "printed",
    tangents: tuple[float, float] = (0.27, 0.34),
) -> Route:
    """An instance at about `share` of a level, with `ε = 2q/(1 + q²)` for `q` between `tangents`."""
    rng = Random(f"corollary-5/{seed}")
    q = rational(rng, Fraction(tangents[0]), Fraction(tangents[1]))
    delta, epsilon = (1 - q * q) / (1 + q * q), 2 * q / (1 + q * q)
    factor = {"printed": Fraction(1), "repaired": 1 / (1 + delta), "without": 1 / (1 - delta)}[level]
    goal = share * epsilon**2 * factor
    target = min(goal * (1 + delta) / (2 + goal * delta), Fraction(9, 10))
    # The tangent of half the angle, rounded down, keeps the vector rational and on the same side.
    half = Fraction(int(1000 * math.tan(math.asin(math.sqrt(target)) / 2)), 1000)
    return Route(delta, epsilon, (2 * half / (1 + half * half)) ** 2)
