"""Rigorous real enclosures: Arb balls where python-flint is installed, mpmath's intervals elsewhere.

A ball is the backend's own number: it takes part in `+ - * /` with balls and integers, and a comparison
such as `x > 0` is true only if it holds for every real number the ball encloses. The functions below are
all that differs between the backends. The elementary functions are as rigorous as the library behind them:
Arb's error bounds are proved, mpmath's directed rounding is documented.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from importlib.util import find_spec
from typing import Any, TypeAlias

from lowrank_core.errors import ArgumentError

Ball: TypeAlias = Any
"""`flint.arb` or `mpmath`'s `ivmpf`; neither library is loaded before the first ball is made."""

_chosen: list[str] = []


def available() -> list[str]:
    """The names of the installed backends, the preferred one first."""
    return [name for name, module in (("flint", "flint"), ("mpmath", "mpmath")) if find_spec(module)]


def backend() -> str:
    """The name of the active backend: `"flint"` or `"mpmath"`."""
    return _chosen[-1] if _chosen else available()[0]


@contextmanager
def using(name: str) -> Iterator[None]:
    """Work with the backend `name` inside the block. Raises `ArgumentError` if it is not installed."""
    if name not in available():
        raise ArgumentError(
            "name", name, "there is no enclosure backend of this name", f"use one of {available()}"
        )
    _chosen.append(name)
    try:
        yield
    finally:
        _chosen.pop()


def _context() -> Any:
    if backend() == "flint":
        import flint

        return flint.ctx
    import mpmath

    return mpmath.iv


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Round outward to `bits` significant bits inside the block."""
    context = _context()
    saved, context.prec = context.prec, bits
    try:
        yield
    finally:
        context.prec = saved


def ball(value: int | str | Fraction) -> Ball:
    """Enclose an integer, a decimal or ratio written as a string, or a `Fraction`."""
    exact = Fraction(value)
    if backend() == "flint":
        import flint

        return flint.arb(flint.fmpq(exact.numerator, exact.denominator))
    return _context().mpf(exact.numerator) / exact.denominator


def _apply(name: str, x: Ball) -> Ball:
    return getattr(x, name)() if backend() == "flint" else getattr(_context(), name)(x)


def exp(x: Ball) -> Ball:
    """Enclose the exponential."""
    return _apply("exp", x)


def log(x: Ball) -> Ball:
    """Enclose the natural logarithm. Raises `ValueError` unless `x > 0` is certain."""
    if not x > 0:
        raise ArgumentError(
            "x", x, "the logarithm needs a ball of positive numbers", "enclose it more tightly"
        )
    return _apply("log", x)


def sqrt(x: Ball) -> Ball:
    """Enclose the square root. Raises `ValueError` unless `x >= 0` is certain."""
    if not x >= 0:
        raise ArgumentError(
            "x", x, "the square root needs a ball of non-negative numbers", "enclose it more tightly"
        )
    return _apply("sqrt", x)


def _ends(x: Ball) -> tuple[Fraction, Fraction]:
    if backend() == "flint":
        if not x.is_finite():
            raise ArithmeticError("the enclosure is unbounded")
        (mid, mid_exp), (rad, rad_exp) = x.mid().man_exp(), x.rad().man_exp()
        middle, half = _dyadic(mid, mid_exp), _dyadic(rad, rad_exp)
        return middle - half, middle + half
    ends = []
    for sign, magnitude, exponent, _ in x._mpi_:
        if exponent and not magnitude:  # how mpmath writes an infinity
            raise ArithmeticError("the enclosure is unbounded")
        ends.append(_dyadic(-magnitude if sign else magnitude, exponent))
    return ends[0], ends[1]


def _dyadic(mantissa: Any, exponent: Any) -> Fraction:
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def lower(x: Ball) -> Fraction:
    """The exact lower end. Raises `ArithmeticError` if the enclosure is unbounded."""
    return _ends(x)[0]


def upper(x: Ball) -> Fraction:
    """The exact upper end. Raises `ArithmeticError` if the enclosure is unbounded."""
    return _ends(x)[1]


def radius(x: Ball) -> Fraction:
    """Half the width of the enclosure."""
    return (upper(x) - lower(x)) / 2


def contains(x: Ball, value: int | str | Fraction) -> bool:
    """Tell whether the enclosure holds the exact `value`."""
    return lower(x) <= Fraction(value) <= upper(x)


def certainly_le(a: Ball, b: Ball) -> bool:
    """True only if `a <= b` is proved: no value in `a` exceeds any value in `b`."""
    return (a <= b) is True
