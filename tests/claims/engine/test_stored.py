"""What the chapter on speed shows: stored rows are found by name, and targets are told as they were stored."""

import json
import math

import pytest

from lowrank_core import artefacts
from lowrank_core.bench.targets import TARGETS
from lowrank_core.claims.engine import stored

ROW = {
    "name": "gradient, float64 storage",
    "size": "n=4, r=3, k=3, m=20",
    "ratio": 4.0,
    "against": "full matvec, torch",
    "limit_fraction": 0.5,
    "seconds": 1e-6,
    "rounds": 3,
    "spread": [3.0, 5.0],
    "threads": 1,
    "kernel": "numba",
}
RUN = {
    "date": "2026-01-02",
    "processor": "Fast",
    "cores": 2,
    "quick": False,
    "core_hash": "abc",
    "versions": {"a": "1"},
}
TARGET = {
    "label": "T1",
    "name": "gradient",
    "size": "n=4,",
    "against": "full",
    "column": "limit_fraction",
    "goal": 0.9,
    "row": ROW["name"],
    "on": ROW["size"],
    "opponent": ROW["against"],
    "value": 0.5,
    "reached": 0.5 / 0.9,
}


def row(**changes):
    return ROW | changes


@pytest.fixture
def keep(tmp_path, monkeypatch):
    """Store other rows and targets for one test."""

    def write(rows, targets=()):
        content = {"benchmarks": {"gradient": RUN | {"rows": rows}}, "targets": list(targets)}
        artefacts.write("benchmarks", content, tmp_path)
        monkeypatch.setattr(stored.artefacts, "read", lambda name: artefacts_read(name, tmp_path))

    artefacts_read = artefacts.read
    return write


def test_rows_are_found_by_the_beginning_of_name_and_opponent(keep):
    keep([row(), row(against="autograd, torch"), row(name="other"), row(name="limit: read", against=None)])
    assert [r.against for r in stored.rows("gradient")] == ["full matvec, torch", "autograd, torch"]
    assert [r.name for r in stored.rows("", "full")] == ["gradient, float64 storage", "other"]
    assert len(stored.once(stored.rows("gradient"))) == 1


def test_numbers_of_a_size_and_the_time_of_the_opponent(keep):
    keep([row(name="gradient per trajectory, B=8")])
    (found,) = stored.rows()
    assert [found.number(letter) for letter in "nkmBz"] == [4, 3, 20, 8, 1]
    assert found.theirs == pytest.approx(4e-6)


def test_rates_are_the_middle_one_of_all_runs(keep):
    keep([row(name="limit: read", seconds=s) for s in (1e-10, 4e-10, 2e-10)])
    assert stored.rate("read") == pytest.approx(5e9)


def test_the_roofline_counts_four_operations_with_each_stored_entry(keep):
    keep([row(), row(name="gradient per trajectory, B=8"), row(name="gradient, bfloat16 storage")])
    points = stored.roofline()
    operations = 4 * 20 * 10 / 1e-6
    assert points["gradient, float64 storage"] == [(0.5, pytest.approx(operations))]
    assert points["gradient per trajectory"] == [(4.0, pytest.approx(operations))]
    assert points["gradient, bfloat16 storage"] == [(2.0, pytest.approx(operations))]


def test_fractions_are_those_of_the_largest_size(keep):
    keep([row(size="n=64, m=1", limit_fraction=0.7), row(), row(name="growth of x", limit_fraction=0.1)])
    assert stored.fractions() == {"gradient, float64 storage, n=64": 0.7}


def test_runs_to_accuracy_are_ours_and_theirs_slowest_first(keep):
    keep(
        [
            row(name="ours", size="n=4, to 1e-10", against="slow"),
            row(name="ours", size="n=4, to 1e-10", against="fastest of all"),
            row(name="better", size="n=4, to 1e-10", against="slow", seconds=1e-7, ratio=40.0),
        ]
    )
    times = stored.to_accuracy()
    assert list(times) == ["slow", "ours", "better"]
    assert times["slow"] == (pytest.approx(4e-6), False)


def test_targets_are_met_missed_or_not_run(keep):
    absent = TARGET | dict.fromkeys(("row", "on", "opponent", "value", "reached"))
    met = TARGET | {"label": "T9", "column": "seconds", "value": 0.1, "goal": 0.5, "reached": 5.0}
    keep([row()], [TARGET, met, absent])
    words = repr(stored.targets()).splitlines()
    assert words == [
        "T1 missed: gradient, float64 storage (n=4, r=3, k=3, m=20): at least 0.9 of the limit, 0.5",
        "T1 not run: gradient (n=4): at least 0.9 of the limit, –",
        "T9 met: gradient, float64 storage (n=4, r=3, k=3, m=20): at most 0.5 seconds, 0.1",
    ]
    assert all(f"<em>{stored.MEANING[label]}</em>" in stored.targets().markup for label in ("T1", "T9"))
    assert repr(stored.missed()).endswith("56% of it")
    ratio = TARGET | {"column": "ratio", "value": 4.0}
    assert stored.asked(ratio | {"goal": 2.0}) == "at least 2 times as fast as full matvec, torch"
    assert stored.asked(ratio | {"goal": 1.0}) == "no slower than full matvec, torch"
    keep([row()], [met])
    assert repr(stored.missed()) == "No target that was run is missed."


def test_provenance_names_the_machine_once_for_runs_that_agree(keep):
    keep([row()])
    assert repr(stored.provenance()) == (
        "gradient: Fast, 2 cores, one thread used · 2026-01-02 · core abc · full sizes · a 1"
    )


class TestWhatIsStored:
    content = artefacts.read("benchmarks")

    def test_says_where_it_comes_from(self):
        for run in self.content["benchmarks"].values():
            assert {"date", "processor", "cores", "versions", "core_hash", "quick"} <= set(run)

    def test_every_target_is_told_as_it_is_declared(self):
        told = {(t["label"], t["name"], t["size"], t["against"], t["goal"]) for t in self.content["targets"]}
        assert told == {(t.label, t.name, t.size, t.against, t.goal) for t in TARGETS}

    def test_every_target_has_a_meaning_in_words(self):
        assert {t.label for t in TARGETS} == set(stored.MEANING)

    def test_values_are_finite(self):
        assert all(math.isfinite(row.theirs) for row in stored.rows("gradient", "f"))
        json.dumps(self.content, allow_nan=False)
