"""Student intervals against scipy."""

import math

import numpy as np
import pytest
from scipy import stats

from lowrank_core.analysis.statistics import mean_interval, student_quantile


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
