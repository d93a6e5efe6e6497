"""Student intervals against scipy."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from lowrank_core.analysis.statistics import mean_interval, pooled, student_quantile
from lowrank_core.errors import ArgumentError


@pytest.mark.parametrize(
    ("degrees", "accuracy"), [(2, 1e-2), (3, 2e-3), (4, 2e-3), (7, 2e-4), (15, 1e-5), (63, 1e-7)]
)
def test_student_quantile(degrees, accuracy):
    assert student_quantile(0.975, degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=accuracy)


@pytest.mark.parametrize("level", [0.6, 0.9, 0.975, 0.995])
def test_quantiles_are_odd(level):
    assert student_quantile(level, 7) == pytest.approx(-student_quantile(1 - level, 7), rel=1e-12)


@pytest.mark.parametrize("count", [4, 8, 64])
def test_mean_interval(count):
    values = np.random.default_rng(0).normal(3.0, 2.0, count)
    expected = stats.t.interval(0.95, count - 1, values.mean(), stats.sem(values))
    assert mean_interval(values.tolist()) == pytest.approx(expected, rel=5e-3)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0], [1.0, 2.0, math.nan], [1.0, 2.0, math.inf]])
def test_too_few_or_unusable_values_decide_nothing(values):
    assert mean_interval(values) == (-math.inf, math.inf)


def test_equal_values_have_an_interval_of_no_width():
    assert mean_interval([0.5] * 3) == (0.5, 0.5)


def sample(count, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(count))


@pytest.mark.parametrize("count", [8, 20, 60])
def test_the_interval_of_a_pooled_mean_is_close_to_students(count):
    values = sample(count)
    found = pooled(torch.mean, values)
    low, high = mean_interval(values.tolist())
    assert found.value == pytest.approx(float(values.mean()))
    assert found.high - found.low == pytest.approx(high - low, rel=0.15)
    assert found.low < found.value < found.high


@pytest.mark.parametrize(("count", "statistic"), [(8, torch.mean), (10, torch.median), (20, torch.median)])
def test_pooled_intervals_cover_the_truth_about_as_often_as_they_say(count, statistic):
    found = [pooled(statistic, sample(count, seed)) for seed in range(100)]
    covered = sum(each.low <= 0 <= each.high for each in found)
    assert covered >= 88  # of 100 at 95 %: less has a probability of 0.2 %


def test_samples_are_resampled_together():
    x = sample(12)
    found = pooled(lambda a, b: (a - b).abs().max(), x, x.clone())
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_a_pooled_value_repeats_itself_and_ignores_the_order_of_further_axes():
    x = torch.stack([sample(9, 1), sample(9, 2)], dim=1)
    assert pooled(lambda v: v.median(dim=0).values.sum(), x) == pooled(
        lambda v: v.median(dim=0).values.sum(), x
    )


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0], [1.0, 2.0, math.inf], [1.0, math.nan, 2.0]])
def test_where_nothing_can_be_said_the_interval_is_the_whole_line(values):
    found = pooled(torch.mean, torch.tensor(values, dtype=torch.float64))
    assert (found.low, found.high) == (-math.inf, math.inf)


@pytest.mark.parametrize("samples", [(), (torch.ones(3), torch.ones(4))])
def test_samples_of_different_seeds_are_refused(samples):
    with pytest.raises(ArgumentError, match="needs samples of one number of seeds"):
        pooled(torch.mean, *samples)
