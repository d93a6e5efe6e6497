r"""The constant of the power law: `t² ‖W(t) - Σ‖_F² → (rank X_0 - r)/4` along the symmetric flow.

`Σ` is positive semidefinite of rank `r` and the `r` signal rows `U_0` of `X_0` (in the eigenbasis
of `Σ`) are linearly independent. Derived here. The control makes the signal rows dependent: a direction
is then never learnt and `t²` times the error grows like `t²`.

Let `J_0` be the other rows and `B = J_0 Π`, `Π` the projector on `ker U_0`. The blocks of `W - Σ`
that touch a signal row vanish exponentially, and the remaining one tends exponentially fast to
`B (I + 2tBᵀB)⁻¹ Bᵀ`. With `p(t) = det(I + 2tBᵀB)`, of degree `d = rank B = rank X_0 - r`, the squared
norm of that block is `(p'² - p p'')/(4p²)`, so `t²` times it tends to `(d² - d(d-1))/4 = d/4`.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, log
from random import Random
from typing import Any, NamedTuple

from lowrank_core.errors import ArgumentError
from lowrank_core.proofs import enclosure
from lowrank_core.proofs.instances import Instance, rational, rational_matrix
from lowrank_core.proofs.matrices import add, diagonal, gram, inverse_form, matmul, squared_error, transpose
from lowrank_core.proofs.riccati import closed_form


def draw(seed: int, n: int, r: int, k: int, rank: int | None = None, dependent: bool = False) -> Instance:
    """Draw an instance with `1 ≤ r ≤ n` whose start has the given `rank` (by default `min(n, k)`).

    `dependent` is the control, for `r ≥ 2`: the second signal row is replaced by half the first.
    """
    rng = Random(f"limit/{seed}/{n}/{r}/{k}")
    sigma = tuple(rational(rng, Fraction(1, 2), 1) if i < r else Fraction(0) for i in range(n))
    start = rational_matrix(rng, n, k)
    if rank is not None:
        start = matmul(rational_matrix(rng, n, rank), rational_matrix(rng, rank, k))
    if dependent:
        start[1] = [x / 2 for x in start[0]]
    return Instance(sigma, start)


def exact_expansion(instance: Instance) -> tuple[Fraction, Fraction]:
    """`(c_0, c_1)` of `t² ‖W(t) - Σ‖_F² = c_0 - c_1/t + O(1/t²)`, in exact arithmetic.

    Both are read off the coefficients of `p(t) = det(I + 2tBᵀB)`: with leading terms
    `p_d t^d + p_{d-1} t^{d-1}`, `c_0` is the coefficient of `t^{2d-2}` in `(p'² - p p'')/(4p_d²)`,
    and `c_1 = p_{d-1} / (2p_d)`. Raises `ArithmeticError` if the signal rows are dependent.
    """
    import sympy

    signal, noise = instance.start[: instance.r], instance.start[instance.r :]
    identity = diagonal([Fraction(1)] * len(signal[0]))
    b = matmul(noise, add(identity, inverse_form(gram(signal), transpose(signal)), -1))
    t = sympy.Symbol("t")
    size = sympy.Matrix([[sympy.Rational(x.numerator, x.denominator) for x in row] for row in gram(b)])
    # det(I + 2tBBᵀ) is the characteristic polynomial of BBᵀ read backwards, in powers of -2t.
    coefficients = size.charpoly(t).all_coeffs()
    p = sympy.Poly(sum(c * (-2 * t) ** i for i, c in enumerate(coefficients)), t)
    d, top = p.degree(), p.LC()
    if d == 0:
        return Fraction(0), Fraction(0)
    squared = p.diff() ** 2 - p * p.diff().diff()
    limit = squared.coeff_monomial(t ** (2 * d - 2)) / (4 * top**2)
    return _fraction(limit), _fraction(p.coeff_monomial(t ** (d - 1)) / (2 * top))


def _fraction(value: Any) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def scaled_error(instance: Instance, t: int) -> enclosure.Ball:
    """A rigorous enclosure of `t² ‖W(t) - Σ‖_F²`, from the closed form.

    The working precision grows with `t`, because the closed form holds numbers of size `e^{2σ_1 t}`
    next to 1 (`2/ln 2 < 3`).
    """
    with enclosure.precision(128 + ceil(3 * max(instance.sigma) * t)):
        start = [[enclosure.ball(x) for x in row] for row in instance.start]
        sigma = [enclosure.ball(value) for value in instance.sigma]
        time = enclosure.ball(t)
        return time * time * squared_error(closed_form(sigma, start, time), sigma)


class Approach(NamedTuple):
    """How `t² ‖W(t) - Σ‖_F²` approaches its limit."""

    limit: Fraction
    """The exact limit `c_0`."""
    values: tuple[float, ...]
    """The scaled error at each time."""
    width: float
    """The widest of the rigorous enclosures of these values."""
    first_order: tuple[float, ...]
    """`t (c_0 - value) / c_1` at each time: tends to 1 from below.

    The other blocks apart, each nonzero eigenvalue `β` of `BᵀB` contributes `(1 + 1/(2tβ))⁻² / 4`,
    which lies between `1/4 - 1/(4tβ)` and `1/4`; so the ratio is in `(0, 1]` at every time.
    """


def approach(instance: Instance, times: tuple[int, ...] = (10**2, 10**3, 10**4)) -> Approach:
    """Evaluate the scaled error at `times` and compare it with the exact expansion.

    Raises `ArgumentError` if the limit is zero (`rank X_0 = r`): there is then no power law to compare with.
    """
    limit, slope = exact_expansion(instance)
    if limit == 0:
        raise ArgumentError(
            "instance",
            instance,
            "the start has the rank of the target: the limit is zero",
            "give the start more columns",
        )
    balls = [scaled_error(instance, t) for t in times]
    middles = [(enclosure.lower(x) + enclosure.upper(x)) / 2 for x in balls]
    first_order = (t * (limit - value) / slope for t, value in zip(times, middles, strict=True))
    return Approach(
        limit,
        tuple(float(value) for value in middles),
        max(float(2 * enclosure.radius(x)) for x in balls),
        tuple(float(value) for value in first_order),
    )


def growth_exponent(instance: Instance, times: tuple[int, int] = (1000, 10_000)) -> float:
    """The exponent of `t` in `t² ‖W(t) - Σ‖_F²` between two times.

    It tends to 0, and to 2 for the control.
    """
    early, late = (float(enclosure.lower(scaled_error(instance, t))) for t in times)
    return log(late / early) / log(times[1] / times[0])
