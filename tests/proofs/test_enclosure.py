"""Both enclosure backends: same statements, overlapping enclosures, no claim where none is certain."""

import subprocess
import sys
from fractions import Fraction

import pytest

from lowrank_core.proofs import enclosure


def needs(name):
    return pytest.mark.skipif(name not in enclosure.available(), reason=f"{name} is not installed")


@pytest.fixture(params=[pytest.param(name, marks=needs(name)) for name in ("flint", "mpmath")])
def backend(request):
    with enclosure.using(request.param), enclosure.precision(100):
        yield request.param


@pytest.mark.parametrize("value", [0, 7, -(10**40) - 1, Fraction(1, 3), "0.1", "-22/7"])
def test_ball_contains_its_exact_value(backend, value):
    assert enclosure.backend() == backend
    for bits in (10, 53, 300):
        with enclosure.precision(bits):
            x = enclosure.ball(value)
            assert enclosure.contains(x, value)
            assert enclosure.radius(x) <= abs(Fraction(value)) / 2 ** (bits - 2)


def test_arithmetic_encloses_the_exact_result(backend):
    a, b = Fraction(22, 7), Fraction(-5, 3)
    with enclosure.precision(12):
        x, y = enclosure.ball(a), enclosure.ball(b)
        pairs = (
            (x + y, a + b),
            (x - y, a - b),
            (x * y, a * b),
            (x / y, a / b),
            (1 - 2 * x, 1 - 2 * a),
            (x**2, a**2),
        )
        for found, exact in pairs:
            assert enclosure.contains(found, exact)


def test_elementary_functions(backend):
    two = enclosure.ball(2)
    assert enclosure.contains(enclosure.sqrt(two) * enclosure.sqrt(two), 2)
    assert enclosure.contains(enclosure.exp(enclosure.log(two)), 2)
    # sqrt 2, e and log 2 to 25 digits, from tables
    for x, digits in (
        (enclosure.sqrt(two), "1.414213562373095048801688724"),
        (enclosure.exp(enclosure.ball(1)), "2.718281828459045235360287471"),
        (enclosure.log(two), "0.693147180559945309417232121"),
    ):
        assert abs((enclosure.lower(x) + enclosure.upper(x)) / 2 - Fraction(digits)) < Fraction(1, 10**26)


def test_domain_errors(backend):
    straddling = enclosure.sqrt(enclosure.ball(2)) - enclosure.sqrt(enclosure.ball(2))
    with pytest.raises(ValueError, match="logarithm"):
        enclosure.log(straddling)
    with pytest.raises(ValueError, match="square root"):
        enclosure.sqrt(enclosure.ball(-1))
    with pytest.raises(ArithmeticError, match="unbounded"):
        enclosure.lower(1 / straddling)


def test_comparisons_are_claimed_only_when_certain(backend):
    with enclosure.precision(20):
        third = enclosure.ball(Fraction(1, 3))
        assert enclosure.certainly_le(third, enclosure.ball("0.34"))
        assert not enclosure.certainly_le(enclosure.ball("0.34"), third)
        # 1/3 cannot be told from a number within the ball, in either direction
        near = enclosure.ball(Fraction(1, 3))
        assert not enclosure.certainly_le(third, near)
        assert not third > near


def test_precision_is_restored(backend):
    before = enclosure.radius(enclosure.ball(Fraction(1, 3)))
    with pytest.raises(RuntimeError), enclosure.precision(10):
        raise RuntimeError
    assert enclosure.radius(enclosure.ball(Fraction(1, 3))) == before


def test_unknown_backend():
    with pytest.raises(ValueError, match="no enclosure backend"), enclosure.using("guesswork"):
        pass


@needs("flint")
def test_backends_overlap():
    def run():
        with enclosure.precision(120):
            x = enclosure.ball("0.3")
            for _ in range(20):
                x = x * (1 - x) * enclosure.ball("3.7")
            values = (x, enclosure.exp(x), enclosure.sqrt(x), enclosure.log(x))
            return [(enclosure.lower(value), enclosure.upper(value)) for value in values]

    with enclosure.using("flint"):
        arb = run()
    with enclosure.using("mpmath"):
        intervals = run()
    for (low, high), (other_low, other_high) in zip(arb, intervals, strict=True):
        assert max(low, other_low) <= min(high, other_high)


def test_import_loads_no_arithmetic_library():
    code = """
import pkgutil, sys
import lowrank_core.proofs
for module in pkgutil.iter_modules(lowrank_core.proofs.__path__):
    __import__(f"lowrank_core.proofs.{module.name}")
print([name for name in ("sympy", "mpmath", "flint") if name in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
