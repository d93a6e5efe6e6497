"""The drawing of a criterion: nothing where there is nothing to see, and marks on the right side of its ends."""

import math
import re

import pytest

from lowrank_core.claims.strip import WIDTH, strip


def places(drawn):
    """(ends of the window, of the seeds, the crosses), in pixels."""
    left, width = map(float, re.search(r'<rect x="([\d.]+)" y="3" width="([\d.]+)"', drawn).groups())
    first, last = map(float, re.search(r"M([\d.]+) 11H([\d.]+)", drawn).groups())
    crosses = [float(x) + 3 for x in re.findall(r"M([\d.]+) 8l", drawn)]
    return (left, left + width), (first, last), crosses


@pytest.mark.parametrize(
    ("low", "high", "values"), [(0, 0, [0.0]), (0, 1, []), (0, 1, [math.nan]), (0, math.inf, [1.0, math.inf])]
)
def test_there_is_nothing_to_draw_of_one_value_or_without_numbers(low, high, values):
    assert strip(low, high, values) == ""


def test_seeds_inside_lie_inside_and_controls_outside_lie_outside():
    (left, right), (first, last), (cross,) = places(strip(0.9, 1.1, [0.95, 1.0, 1.02], [2.0]))
    assert 0 < left < first < last < right < cross <= WIDTH
    assert math.isclose((left + right) / 2, WIDTH / 2)


def test_a_value_that_misses_the_window_lies_outside_of_it():
    (_, right), (first, last), _ = places(strip(0.9, 1.1, [1.0, 1.3]))
    assert first < right < last


@pytest.mark.parametrize(
    ("low", "high", "value", "control"), [(100, math.inf, 1e5, 1e-3), (-math.inf, 1e-9, 1e-15, 2.0)]
)
def test_one_end_is_drawn_on_a_logarithmic_axis(low, high, value, control):
    (left, right), (first, _), (cross,) = places(strip(low, high, [value], [control]))
    assert left <= first <= right
    assert not left <= cross <= right


def test_a_control_without_a_logarithm_stands_at_the_border():
    assert places(strip(100, math.inf, [1e5], [-1.0, math.nan]))[2] == [5.0]
