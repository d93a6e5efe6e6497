"""Stored results are what was stored, and say where they come from."""

import json
from pathlib import Path

import pytest
import torch

from lowrank_core import artefacts, plots
from lowrank_core.claims import find
from lowrank_core.errors import ArgumentError

CONTENT = {"record": {"id": "a.b", "κ": 1.5}, "curves": {"x": [1e-30, 0.1]}}
STORED = "xiong2024-figure"


def test_what_is_written_is_read(tmp_path):
    artefacts.write("one", CONTENT, tmp_path)
    assert artefacts.read("one", tmp_path) == CONTENT


@pytest.mark.parametrize("change", [("1.5", "1.6"), ("a.b", "a.c"), ("1e-30", "1e-29")])
def test_any_change_is_found(tmp_path, change):
    path = artefacts.write("one", CONTENT, tmp_path)
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(ArgumentError, match="do not match their hash"):
        artefacts.read("one", tmp_path)


def test_an_unknown_name_shows_the_known_ones(tmp_path):
    artefacts.write("one", CONTENT, tmp_path)
    with pytest.raises(ArgumentError, match=r"name = 'two'.*\['one'\]"):
        artefacts.read("two", tmp_path)


def test_nothing_is_stored_that_json_cannot_say(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        artefacts.write("one", {"x": float("nan")}, tmp_path)


def test_what_is_stored_is_what_was_put_under_version_control_on_purpose():
    """An edited artefact with a new hash is found here; after a run that stores one, write its hash down."""
    found = {path.stem: json.loads(path.read_text())["sha256"] for path in artefacts.FOLDER.glob("*.json")}
    assert found == json.loads((Path(__file__).parent / "artefacts.json").read_text())


class TestBand:
    steps = torch.tensor([0, 1, 10])
    values = torch.tensor([[3.0, 30.0, 0.1], [1.0, 20.0, 0.3], [2.0, 10.0, 0.2]], dtype=torch.float64)

    def test_is_the_median_and_the_range_over_the_seeds(self):
        assert artefacts.band(self.steps, self.values) == {
            "steps": [0, 1, 10],
            "seeds": 3,
            "median": [2.0, 20.0, 0.2],
            "lowest": [1.0, 10.0, 0.1],
            "highest": [3.0, 30.0, 0.3],
        }

    def test_leaves_its_argument_alone(self):
        before = self.values.clone()
        artefacts.band(self.steps, self.values)
        assert torch.equal(self.values, before)

    def test_keeps_five_digits_of_numbers_of_any_size(self):
        values = torch.tensor([[1.23456789e-30, 123456.789, 0.0]], dtype=torch.float64)
        assert artefacts.band(self.steps, values)["median"] == [1.2346e-30, 123460.0, 0.0]

    def test_what_is_not_finite_is_none_where_it_shows_only(self):
        values = self.values.clone()
        values[0, 1] = torch.inf
        values[:, 2] = torch.inf
        found = artefacts.band(self.steps, values)
        assert found["median"] == [2.0, 20.0, None]
        assert found["lowest"] == [1.0, 10.0, None]
        assert found["highest"] == [3.0, None, None]
        values[0, 0] = torch.nan
        assert artefacts.band(self.steps, values)["highest"][0] is None

    def test_is_fit_to_be_stored(self, tmp_path):
        found = artefacts.band(self.steps, self.values / 0)
        artefacts.write("band", found, tmp_path)
        assert artefacts.read("band", tmp_path) == found
        assert found["median"] == [None] * 3

    def test_is_what_plots_draw(self):
        # An even number of seeds has two medians; the stored curve and the live one must take the same.
        values = torch.tensor([[1.0], [2.0], [3.0], [4.0]], dtype=torch.float64)
        _, (axes,) = plots.figure()
        plots.spread(axes, self.steps[:1], values, "", plots.COLOURS[0])
        assert artefacts.band(self.steps[:1], values)["median"] == list(axes.lines[0].get_ydata())


class TestPaperExperiment:
    content = artefacts.read(STORED)

    def test_is_small(self):
        assert (artefacts.FOLDER / f"{STORED}.json").stat().st_size < 200_000

    def test_was_run_as_the_claim_is_declared(self):
        record, claim = self.content["record"], find("xiong2024.paper-experiment")
        assert record["id"] == claim.id
        assert (record["scale"], record["verdict"]) == ("full", claim.expected)
        assert record["sizes"] == json.loads(json.dumps(claim.sizes["full"]))
        assert record["criterion"] == [str(criterion) for criterion in claim.criteria]
        assert {"core_hash", "versions", "device", "seeds", "seconds"} <= set(record)

    def test_holds_every_curve(self):
        alphas = self.content["record"]["sizes"]["alphas"]
        expected = {
            f"{rank}, {name}"
            for rank in ("k = r + 2", "k = r")
            for name in (
                "symmetric",
                *(f"{method}, α = {a:g}" for method in ("asymmetric", "rebalanced") for a in alphas),
            )
        }
        assert set(self.content["curves"]) == expected
        for curve in self.content["curves"].values():
            assert len(curve["steps"]) == len(curve["error"]) > 50
