"""Rates and bounds on runs whose contraction is known."""

import pytest
import torch

from lowrank_core.analysis import contraction

STEPS = torch.arange(201)
RATES = torch.tensor([0.8, 0.9], dtype=torch.float64)
ERRORS = RATES[:, None] ** (2 * STEPS)


def test_the_rate_of_an_exponential():
    found = contraction.passing_rate(STEPS, ERRORS, 1e-14, 1e-4)
    assert found == pytest.approx(RATES, rel=1e-12)


def test_only_the_first_passage_counts():
    returning = ERRORS.clone()
    returning[0, 100:] = 1e-8
    found = contraction.passing_rate(STEPS, returning, 1e-14, 1e-4)
    assert found == pytest.approx(RATES, rel=1e-12)


def test_the_rate_of_the_second_half():
    kinked = torch.where(STEPS < 100, 1.0, 0.7 ** (2.0 * (STEPS - 100))).to(torch.float64)
    assert float(contraction.second_half_rate(STEPS, kinked[None])) == pytest.approx(0.7, rel=1e-6)


def test_the_largest_part_of_a_bound():
    values = 0.1 * ERRORS.sqrt()
    values[0, 3] *= 2
    found = contraction.largest_over_bound(values, STEPS, 0.1, 0.9)
    assert found == pytest.approx(torch.tensor([2 * (8 / 9) ** 3, 1.0], dtype=torch.float64))


def test_no_bound_is_followed_below_rounding():
    values = torch.ones(1, 201, dtype=torch.float64)
    found = contraction.largest_over_bound(values, STEPS, 1.0, 0.2)
    assert float(found) == pytest.approx(5.0**11)


def test_the_largest_step():
    values = torch.tensor([[1.0, 0.5, 0.4, 1e-9, 1.0]], dtype=torch.float64)
    assert float(contraction.largest_step(values)) == pytest.approx(0.8)
