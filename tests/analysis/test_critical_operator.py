"""Operators for which a pair is critical: the slope that they promise, and the curvature that it leaves."""

import pytest
import torch

from lowrank_core.analysis import landscape
from lowrank_core.analysis.critical_operator import made_critical, negative_eigenvalues
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors, coupled_start
from lowrank_core.problem import observe
from lowrank_core.sensing import Identity
from lowrank_core.truth import rectangular

SEEDS = range(3)


def pair():
    truth = rectangular(4, 5, [1.5, 1.0], SEEDS, basis="random")
    return truth, coupled_start(4, 5, 2, 1.0, SEEDS)


@pytest.mark.parametrize("size", [1e-4, 10.0])
def test_the_point_is_critical_with_the_slope_of_that_size(size):
    truth, point = pair()
    problem = made_critical(truth, point, size)
    found = landscape.gradient(problem, point)
    assert float(found.left.abs().max()) < 1e-12 * max(1, size)
    assert float(found.right.abs().max()) < 1e-12 * max(1, size)
    operator = problem.operator
    residual = operator.forward(point.product()) - problem.observations
    slope = operator.weight * operator.adjoint(residual)
    off = [
        torch.eye(n, dtype=torch.float64) - x @ torch.linalg.pinv(x)
        for n, x in zip((4, 5), point, strict=True)
    ]
    expected = size * off[0] @ (point.product() - truth.matrix) @ off[1]
    torch.testing.assert_close(slope, expected, rtol=1e-9, atol=1e-12)


def test_small_slopes_leave_no_negative_curvature_and_large_ones_do():
    truth, point = pair()
    assert float(negative_eigenvalues(made_critical(truth, point, 1e-4), point).max()) == 0
    assert float(negative_eigenvalues(made_critical(truth, point, 10.0), point).min()) >= 1


def test_negative_eigenvalues_at_zero_are_counted_by_hand():
    # At U = V = 0 the form is −2⟨M*, UVᵀ⟩: one negative direction for each singular value and column.
    truth = rectangular(4, 5, [1.5, 1.0], SEEDS, basis="random")
    zero = Factors(torch.zeros(3, 4, 3, dtype=torch.float64), torch.zeros(3, 5, 3, dtype=torch.float64))
    found = negative_eigenvalues(observe(truth, Identity(4, 5)), zero)
    assert found.tolist() == [6.0, 6.0, 6.0]


def test_one_factor_is_refused():
    truth, point = pair()
    with pytest.raises(ArgumentError):
        made_critical(truth, Factors(point.left), 1.0)
