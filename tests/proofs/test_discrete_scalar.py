"""Two-sided bounds of the scalar recursion, certified, with controls."""

import math
from fractions import Fraction

import pytest

from lowrank_core.proofs import discrete_scalar, enclosure


def test_symbolic_proof_and_wrong_constant():
    assert set(discrete_scalar.proof_residuals().values()) == {0}
    wrong = discrete_scalar.proof_residuals(slope=1)
    assert wrong["increment"] > 0
    assert wrong["integral"] > 0


@pytest.mark.parametrize("name", enclosure.available())
def test_both_bounds_certified(name):
    pairs = [*discrete_scalar.draw(0, 2), (Fraction(1), Fraction(999, 1000))]
    with enclosure.using(name):
        found = discrete_scalar.certify(pairs, steps=2000)
    assert found.checks == found.upper_proved == found.lower_proved > 200
    assert found.upper_refuted == 0
    assert found.width < 1e-30


@pytest.mark.parametrize("u", [Fraction(151, 100), Fraction(9, 4)])
def test_upper_bound_fails_beyond_three_halves(u):
    assert discrete_scalar.certify([(Fraction(1), u)], steps=1).upper_refuted == 1


def test_upper_bound_holds_up_to_three_halves():
    found = discrete_scalar.certify([(Fraction(1), Fraction(3, 2))], steps=500)
    assert found.upper_proved == found.checks


def test_a_smaller_constant_would_be_false():
    # The excess of 1/z_t over 1/z_0 + 2ηt is below the bound with c, and above the one with 2 in its place.
    z, eta, steps = 1.0, 0.05, 2000
    for _ in range(steps):
        z *= (1 - eta * z) ** 2
    excess = 1 / z - 1 - 2 * eta * steps
    c = (3 - 2 * eta) / (1 - eta) ** 2
    unit = eta**2 + eta / 2 * math.log(1 + 2 * eta * steps)
    assert 2 * unit < excess < c * unit


def test_recorded_steps():
    assert discrete_scalar.recorded(20) == list(range(1, 21))
    times = discrete_scalar.recorded(10_000)
    assert times[:50] == list(range(1, 51))
    assert times[-1] == 10_000
    assert len(times) < 150
