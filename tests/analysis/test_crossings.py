"""Crossings of curves whose crossing is known."""

import math

import pytest
import torch

from lowrank_core.analysis.crossings import crossing, falls_below, first_record_below, half_way, stays_below

X = torch.tensor([0, 3, 4, 10])


def test_straight_lines_are_met_exactly():
    y = torch.stack([3.5 - X.double(), 9.0 - X.double(), 3.0 - X.double()])
    assert crossing(X, y).tolist() == pytest.approx([3.5, 9.0, 3.0], rel=1e-15)


def test_the_first_of_several_crossings_counts():
    assert crossing(torch.arange(5), torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0])).item() == 0.5


def test_what_never_crosses_is_inf_and_what_begins_there_is_nan():
    y = torch.tensor([[1.0, 2.0, 1.0, 0.5], [-1.0, 1.0, 1.0, 1.0], [0.0, 1.0, -1.0, 1.0]]).double()
    assert crossing(X, y)[0] == math.inf
    assert crossing(X, y)[1:].isnan().all()


def test_a_decay_is_followed_between_records():
    rates = torch.tensor([0.5, 2.0], dtype=torch.float64)
    y = torch.exp(-rates[:, None] * X)
    assert falls_below(X, y, 0.1).tolist() == pytest.approx((math.log(10) / rates).tolist(), rel=1e-12)
    own = torch.tensor([0.1, 0.01], dtype=torch.float64)
    assert falls_below(X, y, own).tolist() == pytest.approx((-own.log() / rates).tolist(), rel=1e-12)


def test_a_logistic_curve_is_followed_between_records():
    y = torch.sigmoid(2 * (X.double() - 3.7))[None, None]
    assert half_way(X, y).shape == (1, 1)
    assert half_way(X, y).item() == pytest.approx(3.7, rel=1e-12)
    # Saturated to exactly one, as a curve in float64 is.
    assert half_way(X, torch.tensor([0.0, 0.1, 1.0, 1.0]).double()).isfinite()


def test_records_are_taken_as_they_are():
    y = torch.tensor([[5.0, 2.0, 2.0, 1.0], [5.0, 4.0, 4.0, 4.0]]).double()
    assert first_record_below(X, y, 2.0).tolist() == [3.0, math.inf]
    assert first_record_below(X, y, torch.tensor([1.0, 4.0])).tolist() == [10.0, 3.0]


def test_what_returns_above_the_level_does_not_stay_below_it():
    y = [[1.0, 0.001, 0.5, 0.001], [0.01, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]]
    assert stays_below(X, torch.tensor(y, dtype=torch.float64), 0.01).tolist() == [10.0, 3.0, 0.0, 10.0]
