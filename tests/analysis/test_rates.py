"""Rates: exact laws are recovered, windows keep clear of the floor, masks silence what lies outside."""

import pytest
import torch

from lowrank_core.analysis import rates
from lowrank_core.errors import ArgumentError
from lowrank_core.solver import log_spaced

EXACT = 1e-10
STEPS = log_spaced(100_000, 40)
TIME = STEPS.to(torch.float64)
ALL = torch.ones(2, len(STEPS), dtype=torch.bool)


def rows(*laws):
    return torch.stack(laws)


def test_power_laws_are_recovered():
    error = rows(3.0 * TIME**-2, 0.5 * TIME**-1.5)
    found = rates.compare(STEPS, error, rates.late_window(STEPS, error, 100))
    assert found.exponent.tolist() == pytest.approx([-2.0, -1.5], rel=EXACT)
    assert found.rss_ratio.min() > 1e10


def test_exponentials_are_recovered():
    error = rows(3.0 * torch.exp(-0.001 * TIME), 0.5 * torch.exp(-0.0003 * TIME))
    found = rates.compare(STEPS, error, rates.late_window(STEPS, error, 100, floor=1e-28))
    assert found.rate.tolist() == pytest.approx([-0.001, -0.0003], rel=EXACT)
    assert found.rss_ratio.max() < 1e-10


def test_residuals_of_a_line_fit_by_hand():
    x = torch.tensor([0, 1, 2])
    y = torch.tensor([[0.0, 1.0, 0.0], [1.0, 3.0, 5.0]], dtype=torch.float64)
    fit = rates.line_fit(x, y, torch.ones(2, 3, dtype=torch.bool))
    assert fit.slope.tolist() == pytest.approx([0.0, 2.0], abs=EXACT)
    assert fit.intercept.tolist() == pytest.approx([1 / 3, 1.0], rel=EXACT)
    assert fit.rss.tolist() == pytest.approx([2 / 3, 0.0], abs=EXACT)


@pytest.mark.parametrize("garbage", [torch.nan, torch.inf, -torch.inf, 1e300])
def test_what_lies_outside_the_window_is_silent(garbage):
    y = 2.0 * TIME.expand(2, -1).clone()
    window = torch.zeros_like(ALL)
    window[0, 10:30] = window[1, 50:60] = True
    y[~window] = garbage
    fit = rates.line_fit(STEPS, y, window)
    assert fit.slope.tolist() == pytest.approx([2.0, 2.0], rel=EXACT)
    assert fit.intercept.abs().max() < 1e-6


def test_the_affine_fit_removes_the_bias_of_an_offset():
    offset = 3000.0
    error = rows(0.25 / (TIME + offset) ** 2, 2.0 / (TIME + offset) ** 2)
    window = rates.late_window(STEPS, error, 10_000)
    assert rates.inverse_square_constant(TIME, error, window).tolist() == pytest.approx(
        [0.25, 2.0], rel=EXACT
    )
    assert (rates.compare(STEPS, error, window).exponent + 2).min() > 0.05


def test_last_clear_is_a_factor_thousand_above_the_floor():
    error = rows(TIME.clamp(min=0.5) ** -1, TIME.clamp(min=0.5) ** -2)
    last = rates.last_clear(STEPS, error, 1e-7)
    for row, step in zip(error, last, strict=True):
        assert row[step == STEPS].item() > 1e-4 >= row[step < STEPS].max().item()


def test_last_clear_wants_every_trajectory_clear():
    error = rows(TIME.clamp(min=0.5) ** -1, torch.full_like(TIME, 1e-9))
    with pytest.raises(ArgumentError, match=r"floor = 1e-07.*never a factor 1000 above"):
        rates.last_clear(STEPS, error, 1e-7)


def test_windows_include_their_ends_for_each_trajectory():
    steps, error = torch.arange(20), torch.ones(2, 20, dtype=torch.float64)
    window = rates.late_window(steps, error, torch.tensor([3, 5]), torch.tensor([9, 12]))
    assert [steps[row].tolist() for row in window] == [list(range(3, 10)), list(range(5, 13))]
    window = rates.late_window(steps, error, 4)
    assert [steps[row].tolist() for row in window] == [list(range(4, 20))] * 2


def test_windows_keep_clear_of_the_floor():
    steps = torch.arange(20)
    error = (10.0 ** -torch.arange(20, dtype=torch.float64)).expand(1, -1)
    assert steps[rates.late_window(steps, error, 2, floor=2e-13)[0]].tolist() == list(range(2, 10))


def test_windows_need_five_records():
    steps, error = torch.arange(20), torch.ones(2, 20, dtype=torch.float64)
    assert rates.late_window(steps, error, 15).sum(1).tolist() == [5, 5]
    with pytest.raises(ArgumentError, match=r"window = .*keeps only 4 records"):
        rates.late_window(steps, error, torch.tensor([3, 16]))


def test_at_time_takes_the_nearest_record():
    values = rows(TIME, 2 * TIME)
    nearest = TIME[(TIME - 777).abs().argmin()]
    assert abs(nearest - 777) < 777 / 40
    assert rates.at_time(STEPS, values, 777).tolist() == [nearest, 2 * nearest]


def test_scaling_exponents_of_either_sign():
    x = [0.1, 0.2, 0.4, 0.8]
    grid = torch.tensor(x, dtype=torch.float64)
    found = rates.scaling_exponent(x, rows(3 * grid**2, -0.5 * grid**-1))
    assert found.tolist() == pytest.approx([2.0, -1.0], rel=EXACT)


def test_the_smallest_growth_of_t_squared_times_the_error():
    time = torch.tensor([1, 2, 4, 8])
    error = torch.tensor([[9.0, 0.5, 0.25, 0.0625], [1.0, 4.0, 1.0, 0.1]], dtype=torch.float64)
    window = torch.tensor([[False, True, True, True], [True, True, True, False]])
    # t²·err is 2, 4, 4 in the first window, and 1, 16, 16 in the second.
    assert rates.smallest_growth(time, error, window).tolist() == [1.0, 1.0]
    # With 6.4 at the end, 6.4/16 of the largest before is left.
    assert rates.smallest_growth(time, error, torch.ones_like(window)).tolist() == [2 / 9, 0.4]
