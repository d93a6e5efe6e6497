"""The CSV of a figure holds what was drawn, and nothing that was not."""

import csv
import io

import pytest
import torch

from lowrank_core import plots
from lowrank_core.figure_data import as_csv, in_words

X = torch.tensor([1.0, 10.0, 100.0], dtype=torch.float64)


def read(figure):
    lines = as_csv(figure).splitlines()
    return list(csv.DictReader(io.StringIO("\n".join(line for line in lines if not line.startswith("#")))))


@pytest.fixture
def panel():
    figure, (axes,) = plots.figure()
    axes.set(xlabel="time  T", ylabel="error")
    return figure, axes


def test_a_spread_is_a_median_with_the_range_over_the_seeds_in_the_same_row(panel):
    figure, axes = panel
    plots.spread(axes, X, torch.stack([4 / X, 1 / X, 2 / X]), "measured", plots.COLOURS[0])
    assert read(figure)[1] == {
        "panel": "1",
        "series": "measured",
        "x": "10",
        "y": "0.2",
        "low": "0.1",
        "high": "0.4",
    }


def test_two_bands_without_labels_keep_their_own_numbers(panel):
    figure, axes = panel
    for height in (1.0, 5.0):
        plots.spread(axes, X, torch.stack([height + X, height - X]), "", plots.COLOURS[0])
    assert [row["high"] for row in read(figure)] == ["2", "11", "101", "6", "15", "105"]


def test_a_band_without_a_line_stands_alone(panel):
    figure, axes = panel
    axes.fill_between([1, 2], [3, 4], [1, 2])
    assert [(row["x"], row["low"], row["high"]) for row in read(figure)] == [("1", "1", "3"), ("2", "2", "4")]


def test_the_prediction_is_named_and_a_rule_across_the_panel_has_its_level_alone(panel):
    figure, axes = panel
    plots.predicted(axes, X, 1 / X)
    axes.axvline(3.0)
    axes.axhline(4.0, label="floor")
    found = [(row["series"], row["x"], row["y"]) for row in read(figure)[2:]]
    assert found == [("predicted", "100", "0.01"), ("line 2", "3", ""), ("floor", "", "4")]


def test_bars_of_error_are_the_ends_of_their_points(panel):
    figure, axes = panel
    axes.errorbar([1, 2], [3, 4], yerr=[1.0, 0.5], fmt="o", label="law")
    found = [(row["series"], row["y"], row["low"], row["high"]) for row in read(figure)]
    assert found == [("law", "3", "2", "4"), ("law", "4", "3.5", "4.5")]


def test_points_bars_and_maps_are_read_back(panel):
    figure, axes = panel
    axes.scatter([1], [2], c=[7.0], label="points")
    axes.bar([3], [4], label="bars")
    figure.colorbar(axes.pcolormesh([0, 2], [0, 1], [[9.0]]), ax=axes)
    found = {row["series"]: (row["x"], row["y"], row["value"]) for row in read(figure)}
    assert found == {"points": ("1", "2", "7"), "map 2": ("1", "0.5", "9"), "bars": ("3", "4", "")}


def test_the_head_says_what_the_axes_are(panel):
    figure, axes = panel
    axes.plot(X, X)
    assert as_csv(figure).splitlines()[0] == "# panel 1: x = time T, y = error"


def test_what_is_not_finite_is_left_empty(panel):
    figure, axes = panel
    axes.plot([1.0, 2.0], [float("nan"), 1e-30])
    assert [row["y"] for row in read(figure)] == ["", "1e-30"]


def test_a_drawing_without_axes_has_no_numbers(panel):
    figure, axes = panel
    axes.plot(X, X)
    axes.set_axis_off()
    assert as_csv(figure) == ""
    assert plots.themed(figure, "a drawing").download == ""


def test_the_download_is_in_the_page_and_named_after_the_figure(panel):
    figure, axes = panel
    axes.plot(X, X, label="λ & <b>")
    link = plots.themed(figure, "It grows, like x: a line").download
    assert 'download="it-grows-like-x-a-line.csv" href="data:text/csv;charset=utf-8,%23%20panel' in link
    assert "<b>" not in link
    assert "\n" not in link


class TestWords:
    def test_each_series_is_told_by_its_ends_whatever_the_order_of_its_points(self, panel):
        figure, axes = panel
        axes.plot([1e4, 1.0, 10.0], [2.5e-7, 1.0, 0.1], label="falls")
        axes.plot([1.0, 10.0], [2.0, 2.0], label="stays")
        axes.axhline(7.0, label="a rule")
        assert in_words(figure) == "time T from 1 to 1e4; error: falls 1 to 2.5e-7, stays 2 to 2."

    def test_panels_are_told_apart_and_a_map_by_its_values(self):
        figure, (left, right) = plots.figure(2)
        left.plot([1.0, 2.0], [3.0, float("nan")], label="cut")
        right.pcolormesh([0.0, 1.0, 2.0], [0.0, 1.0], [[0.25, 0.75]], label="share")
        assert (
            in_words(figure)
            == "Panel 1: x from 1 to 1; y: cut 3 to 3. Panel 2: x from 0.5 to 1.5; y: share 0.25 to 0.75."
        )

    def test_many_series_are_counted_and_frames_have_their_own_words(self, panel):
        figure, axes = panel
        for i in range(8):
            axes.plot([0.0, 1.0], [i, i], label=str(i))
        moving, (moved,) = plots.figure()
        moved.plot([0.0, 1.0], [0.0, 1.0])[0].set_gid("frame-3-1")
        assert in_words(figure).endswith("5 5 to 5, and 2 more.")
        assert in_words(moving) == ""
