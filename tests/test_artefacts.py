"""Stored results are what was stored, and say where they come from."""

import json

import pytest

from lowrank_core import artefacts
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
