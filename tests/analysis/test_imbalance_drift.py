"""The drift law against gradient descent on one row, and the signal's share of a known imbalance."""

import pytest
import torch

from lowrank_core.analysis.imbalance import imbalance
from lowrank_core.analysis.imbalance_drift import signal_drift, signal_share
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors, imbalanced_start
from lowrank_core.truth import rectangular


def test_the_law_follows_one_row_through_its_growth():
    unit = Factors(*(torch.tensor([[[x], [0.0]]], dtype=torch.float64) for x in (0.3, 0.1)))
    truth = rectangular(2, 2, (2.0,), [0])
    eta, steps = 0.01, 200
    alpha = (1 + 2 * eta) ** -float(steps)
    left, right = 0.3, 0.1
    for _ in range(steps):
        left, right = left + 2 * eta * right, right + 2 * eta * left
    expected = left**2 - right**2 - (0.3**2 - 0.1**2)
    found = signal_drift(unit, truth, eta, (1.0, alpha))
    assert found.shape == (1, 2, 1, 1)
    assert float(found[0, 0]) == 0
    assert float(found[0, 1]) == pytest.approx(expected, rel=1e-9)


def test_the_signal_rows_are_all_rows_of_a_truth_of_full_rank():
    start = imbalanced_start(3, 3, 4, 0.5, 1 / 3, [1, 2])
    whole = signal_share(start, rectangular(3, 3, (1.0, 1.0, 1.0), [1, 2]))
    assert torch.allclose(whole, imbalance(start), rtol=1e-12, atol=1e-14)


def test_symmetric_factors_have_no_share():
    with pytest.raises(ArgumentError, match="factors"):
        signal_share(Factors(torch.ones(1, 2, 1, dtype=torch.float64)), rectangular(2, 2, (1.0,), [0]))
