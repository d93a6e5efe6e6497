"""One population step in blocks: the identities, and the exact instances against a step in floating point."""

from fractions import Fraction

import numpy as np
import pytest

from lowrank_core.proofs import block_contraction


def stepped(f, truth):
    return f - 0.01 * (f @ f.T - truth) @ f


def test_identities_and_a_wrong_constant():
    assert set(block_contraction.proof_residuals().values()) == {0}
    wrong = block_contraction.proof_residuals(factor=1)
    assert wrong["expansion"] > 0
    assert wrong["signal"] > 0
    assert wrong["residual"] == 0


@pytest.mark.parametrize("tail", [Fraction(0), Fraction(698, 10_000)])
def test_an_instance_in_floating_point(tail):
    signal, residual = Fraction(9302, 10_000), Fraction(1, 10**8)
    truth = np.diag([1.0, float(tail)])
    f = np.sqrt(np.array([[float(signal)], [float(residual)]]))
    after = stepped(f, truth)
    ratio = float(after[0, 0] * after[1, 0] / (f[0, 0] * f[1, 0]))
    found = float(block_contraction.aligned_coefficient(signal, residual, tail))
    assert found == pytest.approx((1 - ratio) / 0.01, rel=1e-9)
    assert found < 0.9
    assert found > block_contraction.proved_coefficient(exact_rank=tail == 0)
    assert np.linalg.norm(f @ f.T - truth, 2) <= 0.07
    assert block_contraction.within_assumption(signal, residual, tail)
    assert not block_contraction.within_assumption(signal, residual, tail, Fraction(69, 1000))


def test_the_proved_coefficients():
    assert block_contraction.proved_coefficient(exact_rank=True) > Fraction(85, 100)
    assert block_contraction.proved_coefficient(exact_rank=False) > Fraction(78, 100)


def test_the_dropped_term():
    size = Fraction(1, 20)
    t = np.array([[float(size) ** 0.5]])
    after = stepped(t, np.zeros((1, 1)))
    excess = float((after @ after.T)[0, 0]) - float(size) * (1 - 0.02 * float(size))
    assert float(block_contraction.dropped_term(size)) == pytest.approx(excess, rel=1e-6)
    assert block_contraction.dropped_term(size) == block_contraction.STEP**2 * size**3


def test_the_signal_error_against_descent():
    errors = list(block_contraction.signal_errors(Fraction(-7, 100), 50))
    f = np.array([[1.07**0.5]])
    for error in errors:
        assert abs(1 - f[0, 0] ** 2) == pytest.approx(error, rel=1e-9)
        f = stepped(f, np.ones((1, 1)))
    assert block_contraction.printed_count(1e-8) == 37
    assert block_contraction.sufficient_count(1e-8, 2.0) == 7369
    assert errors[37] > 0.03
