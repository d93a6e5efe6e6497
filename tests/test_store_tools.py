"""The tools that store runs: what they keep of a test report and of rows that speak of a target."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lowrank_core import claims

TOOLS = Path(__file__).parents[1] / "tools"


def tool(name):
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_test_report_is_counted(tmp_path):
    report = tmp_path / "report.xml"
    suite = '<testsuite errors="1" failures="2" skipped="3" tests="10"/>'
    report.write_text(f"<testsuites>{suite}</testsuites>")
    assert tool("store_device_tests").counted(report) == {"passed": 4, "failed": 3, "skipped": 3}


def test_targets_are_judged_by_the_rows_that_they_are_about(monkeypatch):
    store = tool("store_benchmarks")
    target = replace(store.TARGETS[0], name="gradient", size="n=4,", against="full", column="ratio", goal=2.0)
    monkeypatch.setattr(store, "TARGETS", (target, replace(target, size="n=8,")))
    row = {
        "name": "gradient, float64",
        "size": "n=4, m=3",
        "ratio": 3.0,
        "against": "full matvec",
        "limit_fraction": None,
        "seconds": 1.0,
        "rounds": 3,
        "spread": (2.0, 4.0),
        "threads": 1,
        "kernel": "torch",
    }
    met, absent = store.judged({"gradient": {"rows": [row, row | {"against": "einsum"}]}})
    assert (met["row"], met["on"], met["opponent"]) == ("gradient, float64", "n=4, m=3", "full matvec")
    assert (met["value"], met["reached"]) == (3.0, pytest.approx(1.5))
    assert (absent["size"], absent["value"], absent["reached"]) == ("n=8,", None, None)


class TestFreshSeeds:
    @pytest.fixture
    def fresh(self, declare, monkeypatch):
        """The tool, on one process and three claims: one as expected, one refuted on seed 11, one that fails."""
        declare(id="test.holds")
        declare(
            lambda s: declare.evidence([2.0 if s.seeds[0] == 11 else 1.0] * 3, [0.0] * 3), id="test.flips"
        )
        declare(lambda s: 1 / 0, id="test.fails")
        module = tool("fresh_seeds")
        run = module.side_by_side
        monkeypatch.setattr(module, "side_by_side", lambda *rest: run(*rest, alone=True))
        return module

    def test_every_unexpected_verdict_is_kept_with_its_reasons(self, fresh, tmp_path):
        found = fresh.run_passes("smoke", [1, 11], tmp_path, ["test.holds", "test.flips", "test.fails"])
        assert (found["claims"], found["seed0"]) == (["test.holds", "test.flips", "test.fails"], [1, 11])
        assert [(flip["id"], flip["seed0"], flip["verdict"]) for flip in found["flips"]] == [
            ("test.fails", 1, "error"),
            ("test.flips", 11, "refuted"),
            ("test.fails", 11, "error"),
        ]
        assert found["flips"][0]["reasons"] == ["ZeroDivisionError: division by zero"]
        assert found["flips"][1]["reasons"][0].endswith("violated")

    def test_what_is_there_is_not_run_again(self, fresh, tmp_path, monkeypatch):
        first = fresh.run_passes("smoke", [1], tmp_path, ["test.holds"])
        monkeypatch.setattr(fresh, "record", lambda *rest: pytest.fail("it ran again"))
        assert fresh.run_passes("smoke", [1], tmp_path, ["test.holds"]) == first

    def test_claims_that_ran_again_replace_their_flips_alone(self, fresh):
        names = [claim.id for claim in claims.all_claims() if claim.paper == "test"]
        flip = {"id": "test.flips", "seed0": 1}
        kept = {
            "claims": names,
            "seed0": [1],
            "flips": [{"id": "test.fails", "seed0": 1}, flip],
            "core_hash": "a",
        }
        again = {"claims": ["test.fails"], "seed0": [1], "flips": [], "core_hash": "b"}
        found = fresh.merged(kept, again, ["test.fails"])
        assert found == {"claims": names, "seed0": [1], "flips": [flip], "core_hash": "a, b"}

    def test_new_claims_join_in_the_order_of_the_book_and_claims_that_went_leave(self, fresh):
        flip = {"id": "test.gone", "seed0": 1}
        kept = {"claims": ["test.gone", "test.fails"], "seed0": [1], "flips": [flip], "core_hash": "a"}
        again = {"claims": ["test.holds"], "seed0": [1], "flips": [], "core_hash": "b"}
        found = fresh.merged(kept, again, ["test.holds"])
        assert found == {
            "claims": ["test.holds", "test.fails"],
            "seed0": [1],
            "flips": [],
            "core_hash": "a, b",
        }


class TestCompareRecords:
    @pytest.fixture
    def records(self, declare, monkeypatch, tmp_path):
        """Run one claim whose control measures `shift`, and keep it in a folder of that name."""
        module = tool("compare_records")
        state = {}
        declare(lambda s: declare.evidence([1.0] * 3, [state["shift"]] * 3), id="test.one")

        def kept(shift):
            state["shift"] = shift
            folder = tmp_path / str(shift)
            module.keep("test.one", "smoke", 0, folder / "test.one.pt")
            return folder

        return module, kept

    def test_equal_runs_do_not_differ(self, records, tmp_path):
        module, kept = records
        again = kept(0.0).rename(tmp_path / "before")
        assert module.compare(again, kept(0.0), 0.0) == []

    def test_a_changed_number_is_named_with_its_place_and_size(self, records):
        module, kept = records
        lines = module.compare(kept(0.25), kept(0.5), 0.0)
        assert any(
            "test.one [record][control][measured]" in line and "by up to 0.25" in line for line in lines
        )
        assert module.compare(kept(0.25), kept(0.25 + 1e-12), 1e-9) == []

    def test_a_claim_that_is_gone_is_a_difference(self, records, tmp_path):
        module, kept = records
        (tmp_path / "empty").mkdir()
        assert "not in" in module.compare(kept(0.0), tmp_path / "empty", 0.0)[0]
        assert "no records" in module.compare(tmp_path / "empty", tmp_path / "empty", 0.0)[0]

    @pytest.mark.parametrize(
        ("before", "after", "words"),
        [
            (torch.tensor([1.0, torch.nan, torch.inf]), torch.tensor([1.0, torch.nan, torch.inf]), ""),
            (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0 + 2**-20]), "by up to"),
            (torch.tensor([1.0, 2.0]), torch.tensor([1.0, torch.nan]), "by up to inf"),
            (torch.ones(2), torch.ones(3), "shape (2,) → (3,)"),
            ("holds", "refuted", "'holds' → 'refuted'"),
            ("1.0", torch.tensor(1.0), "→"),
        ],
    )
    def test_what_counts_as_a_difference(self, before, after, words):
        found = tool("compare_records").difference(before, after, 1e-9)
        assert words in found
        assert bool(words) == bool(found)
