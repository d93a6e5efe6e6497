"""Step-size rules."""

import math

import pytest
import torch

from lowrank_core.errors import ArgumentError
from lowrank_core.steps import (
    Constant,
    Geometric,
    LossProportional,
    Normalised,
    Polyak,
    Seen,
    StepRule,
    as_rule,
    matched,
)


def values(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


NOTHING = Seen()
SEEN = Seen(values(2, 0, 3), values(4, 1, 0), values(0.5, 4, 0))
ETAS, RATIOS = values(0.8, 0.4, 0.2), values(0.5, 1, 0.25)


def test_constant():
    assert [Constant(0.3)(t, NOTHING) for t in (0, 7)] == [0.3, 0.3]


def test_constant_per_trajectory_broadcasts_over_factors():
    eta = Constant(torch.tensor([0.1, 0.2, 0.3]))(0, NOTHING)
    assert eta.shape == (3, 1, 1)
    assert torch.equal((eta * torch.ones(3, 4, 2))[:, 0, 0], torch.tensor([0.1, 0.2, 0.3]))


def test_geometric_decays_with_the_iteration():
    assert [Geometric(0.8, 0.5)(t, NOTHING) for t in (0, 1, 3)] == [0.8, 0.4, 0.1]


@pytest.mark.parametrize(
    ("eta", "ratio", "expected"),
    [
        (ETAS, 0.5, [0.2, 0.1, 0.05]),
        (0.8, RATIOS, [0.2, 0.8, 0.05]),
        (ETAS, RATIOS, [0.2, 0.4, 0.0125]),
        (values(0.8), RATIOS, [0.2, 0.8, 0.05]),
    ],
    ids=["eta", "ratio", "both", "one eta for all"],
)
def test_geometric_per_trajectory(eta, ratio, expected):
    found = Geometric(eta, ratio)(2, NOTHING)
    assert found.shape == (3, 1, 1)
    assert found.flatten().tolist() == pytest.approx(expected, rel=1e-15)


def test_loss_proportional():
    assert LossProportional(0.5)(9, SEEN).flatten().tolist() == [1.0, 0.0, 1.5]
    assert LossProportional(values(0.5, 1, 2))(9, SEEN).flatten().tolist() == [1.0, 0.0, 6.0]


@pytest.mark.parametrize(("minimum", "expected"), [(0.0, [0.5, 0.0, 0.0]), (1.0, [0.25, 0.0, 0.0])])
def test_polyak_is_zero_at_the_minimum_and_where_the_gradient_vanishes(minimum, expected):
    assert Polyak(minimum)(9, SEEN).flatten().tolist() == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (0.5, [1.0, 0.125, 0.0]),
        (Constant(ETAS), [1.6, 0.1, 0.0]),
        (Geometric(0.8, 0.5), [0.4, 0.05, 0.0]),
        (Geometric(ETAS, RATIOS), [0.4, 0.1, 0.0]),
        (LossProportional(0.5), [2.0, 0.0, 0.0]),
        (Polyak(), [1.0, 0.0, 0.0]),
    ],
    ids=["number", "constant", "geometric", "geometric, each its own", "loss", "Polyak"],
)
def test_normalised_divides_by_the_norm_of_the_slope_and_is_zero_where_that_vanishes(rule, expected):
    found = Normalised(rule)(2, SEEN)
    assert found.shape == (3, 1, 1)
    assert found.flatten().tolist() == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("rule", "needs_value", "reducible", "fit_for_noise"),
    [
        (Constant(0.1), False, True, True),
        (Geometric(0.1, 0.9), False, True, True),
        (LossProportional(0.1), True, True, False),
        (Polyak(), True, False, True),
    ],
)
def test_what_rules_need_and_allow(rule, needs_value, reducible, fit_for_noise):
    # A rule that is normalised needs what it needed, and one thing more; and it is chaotic, whatever it was.
    for wrapped, needs_slope_norm in ((rule, False), (Normalised(rule), True)):
        assert wrapped.needs_value is needs_value
        assert wrapped.needs_slope_norm is needs_slope_norm
        assert (wrapped.reduction_refusal is None) is (reducible and not needs_slope_norm)
        assert wrapped.noise_warning == rule.noise_warning
        assert (wrapped.noise_warning is None) is fit_for_noise


@pytest.mark.parametrize("rule", [Polyak(), Geometric(0.1, 0.9), Normalised(0.1)])
def test_rules_pass_through(rule):
    assert as_rule(rule) is rule


@pytest.mark.parametrize("number", [0.1, 1, torch.tensor([0.1, 0.2])])
def test_numbers_become_constant_rules(number):
    for rule in (as_rule(number), Normalised(number).rule):
        assert isinstance(rule, StepRule)
        assert torch.equal(torch.as_tensor(rule(0, NOTHING)).flatten(), torch.as_tensor(number).flatten())


def test_rules_can_be_told_apart_in_a_recipe():
    assert repr(Normalised(Geometric(0.1, 0.9))) == "Normalised(rule=Geometric(eta=0.1, ratio=0.9))"
    assert repr(Normalised(0.1)) == "Normalised(rule=Constant(eta=0.1))"


@pytest.mark.parametrize("bad", [0.0, -0.1, math.nan, math.inf, values(0.1, 0), values(0.1, math.nan)])
@pytest.mark.parametrize(
    "make",
    [Constant, LossProportional, lambda eta: Geometric(eta, 0.9), Normalised],
    ids=["constant", "loss-proportional", "geometric", "normalised"],
)
def test_step_sizes_that_are_not_positive_and_finite_are_refused(make, bad):
    with pytest.raises(ArgumentError, match=r"(?s)(eta|rule) = .*positive and finite.*one per trajectory"):
        make(bad)


@pytest.mark.parametrize("eta", [torch.ones(3, 1), torch.ones(3, 1, 1)])
def test_step_sizes_have_no_axis_but_that_of_the_batch(eta):
    with pytest.raises(ArgumentError, match=r"(?s)eta = .*\(B,\) with one per trajectory"):
        Constant(eta)


@pytest.mark.parametrize(
    "ratio",
    [1.5, math.nan, math.inf, values(0.9, 1.0001, 0.9), values(0.9, math.nan, 1), 0.0, values(0.9, -1)],
)
def test_decays_outside_zero_and_one_are_refused(ratio):
    with pytest.raises(
        ArgumentError, match=r"(?s)^ratio = .*(lies in \(0, 1\]|positive and finite).*Fix: use"
    ):
        Geometric(0.1, ratio)


def test_a_decay_of_one_is_none():
    assert Geometric(0.1, values(1.0, 0.5))(3, NOTHING).flatten().tolist() == [0.1, 0.0125]


def test_as_many_step_sizes_as_decays():
    with pytest.raises(ArgumentError, match=r"ratio = \[0.5, 0.5\]: .*as many.*one value per trajectory"):
        Geometric(ETAS, values(0.5, 0.5))


def test_a_step_size_is_matched_to_what_it_scales():
    single = torch.ones(3, dtype=torch.float32)
    assert matched(0.1, single) == 0.1
    assert matched(values(1, 2, 3).reshape(3, 1, 1), single).dtype == torch.float32
    for rule in (LossProportional(ETAS), Normalised(ETAS), Normalised(Geometric(ETAS, RATIOS))):
        assert rule(1, Seen(single, single, single)).dtype == torch.float32


@pytest.mark.parametrize(
    "rule",
    [LossProportional(ETAS[:2]), Normalised(ETAS[:2]), Normalised(Geometric(0.1, RATIOS[:2]))],
    ids=["loss-proportional", "constant", "geometric"],
)
def test_as_many_values_as_trajectories(rule):
    with pytest.raises(ArgumentError, match=r"step_size = \(.*2 values for 3 trajectories.*Fix: give one"):
        rule(1, SEEN)
