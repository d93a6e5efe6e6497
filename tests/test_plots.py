"""Figures: they follow the page's theme, have a text alternative, and are the same from build to build."""

import pytest
import torch

from lowrank_core import artefacts, plots
from lowrank_core.errors import ArgumentError


def drawn():
    figure, (axes,) = plots.figure()
    x = torch.tensor([1.0, 10.0, 100.0])
    plots.spread(axes, x, torch.stack([1 / x, 2 / x, 4 / x]), "measured", plots.COLOURS[0])
    plots.predicted(axes, x, 2 / x, "predicted")
    axes.legend()
    return plots.themed(figure, 'falls like "1/x" & stays < 4')


def test_ink_becomes_the_colour_of_the_page():
    assert plots.INK not in drawn().svg
    assert "currentColor" in drawn().svg


def test_the_text_alternative_is_escaped_and_repeated_in_words():
    figure = drawn()
    assert 'role="img" aria-label="falls like &quot;1/x&quot; &amp; stays &lt; 4 ' in figure.svg
    assert repr(figure) == 'Figure: falls like "1/x" & stays < 4'


def test_a_figure_is_the_same_each_time():
    assert drawn().svg == drawn().svg


def test_the_page_decides_the_size():
    tag = drawn().svg.partition(">")[0]
    assert " width=" not in tag
    assert " height=" not in tag


def test_a_figure_without_a_text_alternative_is_refused():
    figure, _ = plots.figure()
    with pytest.raises(ArgumentError, match=r"alt = .*text alternative"):
        plots.themed(figure, " ")


def labels(ends, act=lambda axes: None):
    figure, (axes,) = plots.figure()
    axes.plot(ends, [1, 2])
    axes.set(xscale="log", xlim=ends)
    act(axes)
    plots.themed(figure, "a line")
    return [text for text in (label.get_text() for label in axes.get_xticklabels(which="both")) if text]


@pytest.mark.parametrize(
    ("ends", "shown"),
    [
        ((400, 9000), {"500", "1000", "2000", "5000"}),
        ((0.3, 0.8), {"0.3", "0.4", "0.5", "0.6", "0.7", "0.8"}),
        ((2e-5, 9e-5), {"2e-05", "5e-05"}),
    ],
)
def test_a_short_logarithmic_axis_has_short_labels(ends, shown):
    assert shown <= set(labels(ends))
    assert not any("times" in label for label in labels(ends))


def test_a_long_axis_powers_of_two_and_ticks_that_were_placed_keep_their_labels():
    assert all("10^" in label for label in labels((1, 1e3)))
    assert all("2^" in label for label in labels((1, 8), lambda axes: axes.set_xscale("log", base=2)))
    placed = ["a", "b"]
    hand = lambda axes: (axes.minorticks_off(), axes.set_xticks([2, 4], placed))  # noqa: E731
    assert labels((1, 8), hand) == placed


def test_three_panels_are_as_wide_as_the_page_and_more_scroll():
    widths = {n: plots.figure(n)[0].get_figwidth() for n in (1, 2, 3, 4)}
    assert max(widths[1], widths[2], widths[3]) <= plots.WIDE < widths[4]


def test_a_published_figure_stands_beside_its_live_run():
    steps, values = torch.tensor([0, 1]), torch.tensor([[1.0, 0.5], [3.0, 0.1]], dtype=torch.float64)
    stored = {"a": artefacts.band(steps, values), "gone": artefacts.band(steps, values / 0)}
    drawn, (left, right) = plots.published(stored, {"steps": steps, "curves": {"a": values}})
    assert [line.get_label() for line in left.lines] == ["a", "gone"]
    assert list(left.lines[0].get_ydata()) == list(right.lines[0].get_ydata()) == [1.0, 0.1]
    assert "stored" in left.get_title()
    plots.themed(drawn, "Two panels.")
    with pytest.raises(ArgumentError, match="none of the curves to be drawn"):
        plots.published(stored, {"steps": steps, "curves": {"b": values}})


def test_a_figure_that_scrolls_can_be_reached_by_keyboard():
    for panels, style in ((4, "--least: 900px; min-width: var(--least)"), (2, "--least: 630px")):
        shown = plots.themed(plots.figure(panels)[0], "several panels")._repr_html_()
        assert 'class="themed-figure" tabindex="0"' in shown
        assert f'style="{style}"' in shown
    assert "tabindex" not in drawn()._repr_html_()
