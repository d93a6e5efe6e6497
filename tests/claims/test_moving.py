"""Figures that move say what their claims found, at every position, and agree with what is predicted there."""

import json
import re

import pytest

from lowrank_core import artefacts
from lowrank_core.claims import find, grids, moving
from lowrank_core.errors import ArgumentError


@pytest.mark.parametrize("name", grids.GRIDS)
class TestStoredGrid:
    def test_says_where_it_comes_from(self, name):
        record = artefacts.read(name)["record"]
        grid = grids.GRIDS[name]
        declared = {**find(grid.claim).sizes["book"], **grid.sizes}
        assert record["id"] == grid.claim
        assert record["sizes"] == json.loads(json.dumps(declared))
        assert record["seeds"] == list(range(grid.seeds))
        assert {"core_hash", "versions", "device", "seconds"} <= set(record)

    def test_is_small(self, name):
        assert (artefacts.FOLDER / f"{name}.json").stat().st_size < 200_000


def test_an_unknown_grid_shows_the_known_ones():
    with pytest.raises(ArgumentError, match=r"name = 'none'.*grid-slowdown"):
        grids.compute("none")


def test_the_grid_of_the_slowdown_is_what_the_claim_runs(monkeypatch):
    """At smoke size: the curves are those of the claim, by k − r, and k = r is its control."""
    small = grids.Grid(
        "xiong2024.symmetric-lower-bound",
        {"n": 20, "spectrum": (2.0, 1.0), "ks": (3, 4), "eta": 0.1, "steps": 2_000},
        grids.slowdown,
        seeds=2,
    )
    monkeypatch.setitem(grids.GRIDS, "small", small)
    curves = grids.compute("small")["curves"]
    assert list(curves) == ["0", "1", "2"]
    ends = [curve["median"][-1] for curve in curves.values()]
    assert ends[0] < 1e-20
    assert [1.6e5 * end for end in ends[1:]] == pytest.approx([1, 2], rel=0.1)  # 4(ηT)² err = k − r


def test_every_stored_curve_of_the_slowdown_ends_on_its_prediction():
    stored = artefacts.read("grid-slowdown")
    eta = stored["record"]["sizes"]["eta"]
    for extra, curve in stored["curves"].items():
        if extra != "0":
            assert 4 * (eta * curve["steps"][-1]) ** 2 * curve["median"][-1] == pytest.approx(
                int(extra), rel=2e-3
            )


def test_the_first_screen_says_the_errors_and_the_predictions():
    lines = repr(moving.slowdown()).splitlines()
    assert len(lines) == 1 + 9
    assert lines[2] == "k − r = 1: the squared error ends at 6.2·10⁻⁸; (k − r)/(4(ηT)²) is 6.2·10⁻⁸"


def test_outliers_have_a_frame_for_every_level_and_number_of_measurements():
    sizes = artefacts.read("grid-outliers")["record"]["sizes"]
    assert len(moving.outliers().frames) == len(sizes["ps"]) * len(sizes["grid_ms"])


def test_the_trap_opens_at_one_half_and_the_formula_says_so():
    below, above = repr(moving.trap(deltas=(0.45, 0.55))).splitlines()[1:]
    for line in (below, above):
        found, formula = re.search(r"is ([−.\d]+) \(the formula has ([−.\d]+)\)", line).groups()
        assert found == formula
    assert "a saddle; a descent from nearby ends at the truth" in below
    assert "a minimum; a descent from nearby ends in the trap" in above


@pytest.mark.parametrize(
    ("value", "text"), [(6.24e-8, "6.2·10⁻⁸"), (0.025, "0.025"), (1.5e5, "1.5·10⁵"), (2, "2")]
)
def test_small_numbers_have_a_power_of_ten(value, text):
    assert moving._power(value) == text
