"""The runs that all others are held to are what they say."""

import math
from types import SimpleNamespace

import pytest
import torch

from lowrank_core.claims.claim import Setting
from lowrank_core.claims.engine import agreement, precision, reference
from lowrank_core.methods import GradientDescent, mixed
from lowrank_core.solver import solve

SETTING = Setting((0, 1), SimpleNamespace(n=6), torch.device("cpu"))


def test_the_definition_is_the_derivative_of_the_loss():
    problem, start = reference.recovery(SETTING, 23), reference.start_of(SETTING)
    x = start.left.clone().requires_grad_()
    residual = problem.operator.forward(x @ x.mT) - problem.observations
    (residual.square().sum() / (4 * 23)).backward()
    assert reference.gap(agreement.by_definition(problem, start), x.grad).max() < 1e-14


def test_the_mistakes_of_the_control_are_those_that_are_named():
    problem, start = reference.recovery(SETTING, 23), reference.start_of(SETTING)
    operator = problem.operator
    assert agreement.without_tail(operator).m == 20
    assert agreement.without_tail(operator).weight == operator.weight
    rooted = agreement.with_float32_root(operator)
    factor = rooted.entries / operator.entries
    root = float(torch.tensor(2.0, dtype=torch.float32).sqrt()) / 2**0.5
    rows, columns = torch.triu_indices(6, 6)
    assert torch.equal(factor[..., rows == columns], torch.ones_like(factor[..., rows == columns]))
    assert (factor[..., rows != columns] - root).abs().max() < 1e-15
    assert agreement.gradient_gap(problem, start).max() < 1e-14
    assert agreement.gradient_gap(problem, start, rooted).min() > 1e-9


def test_the_plain_loop_is_gradient_descent_by_hand():
    problem, start = reference.recovery(SETTING, 80), reference.start_of(SETTING)
    errors, last = reference.by_torch(problem, GradientDescent(0.2), start, 5)
    x, truth = start.left, problem.truth.matrix
    for t in range(6):
        size = (x @ x.mT - truth).flatten(1).norm(dim=1) / truth.flatten(1).norm(dim=1)
        assert (errors[:, t] - size).abs().max() < 1e-14
        if t < 5:
            slope = problem.operator.adjoint(problem.operator.forward(x @ x.mT) - problem.observations)
            x = x - 0.2 / 80 * slope @ x
    assert reference.gap(last, x @ x.mT).max() < 1e-13


def test_all_in_low_precision_is_near_float64_and_not_equal():
    problem, start = reference.recovery(SETTING, 80), reference.start_of(SETTING)
    exact = solve(problem, GradientDescent(0.2), start, 20, record=[20]).factors.product()
    for dtype, low, high in ((torch.float32, 1e-9, 1e-5), (torch.bfloat16, 1e-5, 0.1)):
        off = reference.gap(reference.all_low(problem, start, 0.2, 20, dtype).product(), exact)
        assert low < off.min()
        assert off.max() < high


def test_arrivals_count_to_the_first_error_below_the_goal():
    errors = torch.tensor([[1.0, 1e-11, 1.0, 1e-12], [1.0, 1.0, 1.0, 1.0]])
    assert reference.arrivals(errors).tolist() == [1.0, 4.0]


def test_never_anew_lasts_as_long_as_its_block():
    before = mixed.LARGEST_AGE, mixed.LARGEST_ROUNDING
    with precision.never_anew():
        assert mixed.LARGEST_AGE > 10**9
        assert math.isinf(mixed.LARGEST_ROUNDING)
    assert before == (mixed.LARGEST_AGE, mixed.LARGEST_ROUNDING)


@pytest.mark.parametrize("storage", ["float32", "bfloat16"])
def test_foreign_observations_are_off_by_the_rounding(storage):
    exact, own = reference.recovery(SETTING, 80), reference.recovery(SETTING, 80, storage=storage)
    gap = (exact.operator.entries - own.operator.entries.double()).abs().max()
    assert 0 < gap < exact.operator.entries.abs().max() * torch.finfo(precision.LOW[storage]).eps
    assert torch.equal(exact.truth.matrix, own.truth.matrix)
