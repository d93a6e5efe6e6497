"""The two losses and their derivatives."""

import pytest
import torch

from lowrank_core.loss import dual, value

WEIGHT = 0.25
RESIDUAL = torch.tensor([[3.0, -1.0, 0.0], [0.5, 0.0, -2.0]], dtype=torch.float64)


@pytest.mark.parametrize(("loss", "expected"), [("l2", [1.25, 0.53125]), ("l1", [1.0, 0.625])])
def test_values_by_hand(loss, expected):
    assert value(RESIDUAL, WEIGHT, loss).tolist() == expected


def test_dual_of_l2_is_the_weighted_residual():
    assert torch.equal(dual(RESIDUAL, WEIGHT, "l2"), WEIGHT * RESIDUAL)


def test_dual_of_l1_is_the_weighted_sign_with_sign_zero_zero():
    expected = torch.tensor([[0.25, -0.25, 0.0], [0.25, 0.0, -0.25]], dtype=torch.float64)
    assert torch.equal(dual(RESIDUAL, WEIGHT, "l1"), expected)


@pytest.mark.parametrize("loss", ["l2", "l1"])
def test_what_is_lost_stays_lost(loss):
    residual = torch.tensor([[torch.nan, 1.0]], dtype=torch.float64)
    assert dual(residual, WEIGHT, loss).isnan().tolist() == [[True, False]]
    assert value(residual, WEIGHT, loss).isnan().all()


@pytest.mark.parametrize("loss", ["l2", "l1"])
def test_dual_is_the_derivative_of_the_value(loss):
    residual = RESIDUAL.clone().requires_grad_()
    value(residual, WEIGHT, loss).sum().backward()
    assert torch.equal(dual(RESIDUAL, WEIGHT, loss), residual.grad)
