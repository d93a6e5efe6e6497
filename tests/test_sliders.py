"""Figures that move: one frame for each position, all of them in words, and one seen without a script."""

import re

import pytest
import torch

from lowrank_core import plots, sliders
from lowrank_core.errors import ArgumentError

X = torch.tensor([1.0, 10.0, 100.0])


def frames(**options):
    figure, (axes,) = plots.figure()
    plots.predicted(axes, X, X)
    chosen = {"sliders": {"k": [0, 1, 2]}, "shown": (1,)} | options
    return sliders.Frames(figure, **chosen), axes


def moving():
    made, axes = frames()
    for k in range(3):
        with made.at(k, says=f"k = {k} & all"):
            plots.spread(axes, X, torch.stack([X + k, X - k]), "measured", plots.COLOURS[0])
    return made.themed("the curve moves")


def test_every_position_has_its_artists_and_one_is_seen():
    groups = re.findall(r'<g class="frame" data-frame="(\d)"( display="none")?', moving().svg)
    assert groups.count(("1", "")) == 2  # a line and a band
    assert groups.count(("0", ' display="none"')) == groups.count(("2", ' display="none"')) == 2
    assert len(groups) == 6


def test_what_is_drawn_outside_belongs_to_no_frame():
    assert moving().svg.count("stroke-dasharray: 5.5") == 1
    outside = re.sub(r'<g class="frame".*?</g>', "", moving().svg, flags=re.S)
    assert "stroke-dasharray: 5.5" in outside


def test_a_replay_compares_every_position():
    assert repr(moving()).splitlines() == [
        "Figure: the curve moves",
        "k = 0 & all",
        "k = 1 & all",
        "k = 2 & all",
    ]


def test_without_a_script_there_is_no_slider_and_every_position_in_words():
    page = moving()._repr_html_()
    assert '<p class="moving-control" hidden>' in page
    assert '<p class="moving-says" aria-live="polite">k = 1 &amp; all</p>' in page
    assert page.count("<li data-frame=") == 3


def test_the_slider_has_a_name_and_says_its_value():
    page = moving()._repr_html_()
    name = re.search(r'<label for="([^"]+)">k</label>', page)[1]
    assert f'<input type="range" id="{name}" min="0" max="2" step="1" value="1" data-texts="0|1|2">' in page


def test_the_numbers_of_every_frame_are_in_the_download():
    first = next(line for line in moving().numbers.splitlines() if line.startswith("1,2,measured"))
    assert first == "1,2,measured,1,-1,-1,3"


def test_a_figure_is_the_same_each_time():
    assert moving()._repr_html_() == moving()._repr_html_()


def test_two_sliders_have_a_frame_for_every_pair():
    made, axes = frames(sliders={"p": [0.1, 0.2], "m": [5, 6]}, shown=(0.2, 5))
    for p in (0.1, 0.2):
        for m in (5, 6):
            with made.at(p, m, says=f"{p}, {m}"):
                axes.plot(X, p * X + m)
    found = made.themed("two sliders")
    assert found.frames == {"0,0": "0.1, 5", "0,1": "0.1, 6", "1,0": "0.2, 5", "1,1": "0.2, 6"}
    assert re.findall(r'data-frame="([\d,]+)">', found.svg) == ["1,0"]


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"sliders": {}, "shown": ()}, "sliders"),
        ({"sliders": {"k": [1]}, "shown": (1,)}, "sliders"),
        ({"sliders": {"a": [1, 2], "b": [1, 2], "c": [1, 2]}, "shown": (1, 1, 1)}, "sliders"),
        ({"shown": (7,)}, "position"),
        ({"shown": (1, 1)}, "position"),
    ],
)
def test_sliders_that_cannot_be_moved_are_refused(options, argument):
    with pytest.raises(ArgumentError, match=rf"^{argument} ="):
        frames(**options)


def test_a_position_is_drawn_once_and_none_is_missing():
    made, _ = frames()
    with made.at(0, says="first"):
        pass
    with pytest.raises(ArgumentError, match="has been drawn"), made.at(0, says="again"):
        pass
    with pytest.raises(ArgumentError, match="needs a text"), made.at(1, says=" "):
        pass
    with pytest.raises(ArgumentError, match="positions without a frame"):
        made.themed("half of it")
