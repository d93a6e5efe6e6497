"""Step-size rules."""

import pytest
import torch

from lowrank_core.steps import Constant, Geometric, LossProportional, Polyak, StepRule, as_rule

VALUE = torch.tensor([2.0, 0.0, 3.0], dtype=torch.float64)
SQUARED = torch.tensor([4.0, 1.0, 0.0], dtype=torch.float64)


def test_constant():
    assert [Constant(0.3)(t, None, None) for t in (0, 7)] == [0.3, 0.3]


def test_constant_per_trajectory_broadcasts_over_factors():
    eta = Constant(torch.tensor([0.1, 0.2, 0.3]))(0, None, None)
    assert eta.shape == (3, 1, 1)
    assert torch.equal((eta * torch.ones(3, 4, 2))[:, 0, 0], torch.tensor([0.1, 0.2, 0.3]))


def test_geometric_decays_with_the_iteration():
    assert [Geometric(0.8, 0.5)(t, None, None) for t in (0, 1, 3)] == [0.8, 0.4, 0.1]


def test_loss_proportional():
    assert LossProportional(0.5)(9, VALUE, SQUARED).flatten().tolist() == [1.0, 0.0, 1.5]


@pytest.mark.parametrize(("minimum", "expected"), [(0.0, [0.5, 0.0, 0.0]), (1.0, [0.25, 0.0, 0.0])])
def test_polyak_is_zero_at_the_minimum_and_where_the_gradient_vanishes(minimum, expected):
    assert Polyak(minimum)(9, VALUE, SQUARED).flatten().tolist() == expected


@pytest.mark.parametrize(
    ("rule", "needs_value", "reducible"),
    [
        (Constant(0.1), False, True),
        (Geometric(0.1, 0.9), False, True),
        (LossProportional(0.1), True, True),
        (Polyak(), True, False),
    ],
)
def test_what_rules_need_and_allow(rule, needs_value, reducible):
    assert rule.needs_value is needs_value
    assert (rule.reduction_refusal is None) is reducible


@pytest.mark.parametrize("rule", [Polyak(), Geometric(0.1, 0.9)])
def test_rules_pass_through(rule):
    assert as_rule(rule) is rule


@pytest.mark.parametrize("number", [0.1, 1, torch.tensor([0.1, 0.2])])
def test_numbers_become_constant_rules(number):
    rule = as_rule(number)
    assert isinstance(rule, StepRule)
    assert torch.equal(torch.as_tensor(rule(0, None, None)).flatten(), torch.as_tensor(number).flatten())
