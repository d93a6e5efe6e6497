"""One step on the population loss: identities, the exact instances, and both sides of the step condition."""

from fractions import Fraction

import numpy as np
import pytest

from lowrank_core.proofs import one_step_inequalities


def test_identities_and_wrong_constants():
    assert set(one_step_inequalities.residual_terms().values()) == {0}
    assert all(one_step_inequalities.residual_terms(square=2).values())
    assert one_step_inequalities.signal_terms() == 0
    assert one_step_inequalities.signal_terms(extra=0) > 0


def test_counterexample_in_floating_point():
    found = one_step_inequalities.counterexample()
    assert found.hypotheses
    assert found.difference == Fraction(-9799, 400_000_000)
    x, truth = np.array([[0.1], [1.0]]), np.diag([1.0, 0.0])
    stepped = x - 0.05 * (x @ x.T - truth) @ x
    bound = (1.05**2 - 0.1) * 0.01 - 0.1 * 1.05 * 0.01**2
    assert stepped[0, 0] ** 2 - bound == pytest.approx(float(found.difference), rel=1e-9)
    mended = one_step_inequalities.counterexample(extra=2).difference
    assert mended - found.difference == Fraction(2, 400) * Fraction(1, 100)
    assert mended > 0


def test_residual_failure_in_floating_point():
    e = np.diag([1.0, 0.5**0.5])
    stepped = e @ (np.eye(2) - 0.9 * e.T @ e)
    excess = np.linalg.norm(stepped @ stepped.T, 2) - (1 - 0.9)
    assert excess == pytest.approx(float(one_step_inequalities.residual_failure()), rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_residual_inequality_needs_its_condition(seed):
    assert one_step_inequalities.largest_residual_ratio(seed, 10) <= 0
    assert one_step_inequalities.largest_residual_ratio(seed, 10, Fraction(9, 10)) > 0
