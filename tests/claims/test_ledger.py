"""The ledger is complete and of one version of the code, or it is refused."""

import json

import pytest

from lowrank_core import claims
from lowrank_core.claims import ledger, registry
from lowrank_core.claims.result import UnexpectedVerdict
from lowrank_core.claims.runner import RESULTS_VARIABLE
from lowrank_core.errors import ArgumentError


@pytest.fixture
def folder(declare, monkeypatch, tmp_path):
    """A registry of two claims, whose results lie in a folder named by the environment."""
    monkeypatch.setattr(registry, "_CLAIMS", {})
    declare(id="test.first")
    declare(id="test.second", expected="refuted")
    folder = tmp_path / "results"
    monkeypatch.setenv(RESULTS_VARIABLE, str(folder))
    for claim_id in ("test.second", "test.first"):
        claims.run(claim_id, "smoke")
    return folder


def test_results_come_back_in_the_order_of_the_registry(folder):
    records = ledger.read()
    assert [record["id"] for record in records] == ["test.first", "test.second"]
    assert records == ledger.read(folder)
    assert {path.name for path in folder.iterdir()} == {"test.first.json", "test.second.json"}


def test_a_ledger_with_a_missing_result_is_refused(folder):
    (folder / "test.first.json").unlink()
    with pytest.raises(ArgumentError, match=r"no result of test.first.*claims run test.first"):
        ledger.read()


def test_a_result_of_other_code_is_refused(folder):
    path = folder / "test.second.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"core_hash": "0123456789abcdef"}))
    with pytest.raises(
        ArgumentError, match=r"test.second = '0123456789abcdef'.*from other code.*run it again"
    ):
        ledger.read()


@pytest.mark.parametrize("where", [None, "", "nowhere"])
def test_without_results_there_is_no_ledger(monkeypatch, where):
    monkeypatch.delenv(RESULTS_VARIABLE, raising=False)
    with pytest.raises(ArgumentError, match=f"no results to show.*{RESULTS_VARIABLE}"):
        ledger.read(where)


def test_nothing_is_written_unless_asked(declare, monkeypatch, tmp_path):
    monkeypatch.delenv(RESULTS_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    declare()
    claims.run("test.claim", "smoke")
    assert not list(tmp_path.iterdir())


def test_counts(folder):
    found = {"all": 2, "holds": 2, "refuted": 0, "inconclusive": 0, "unexpected": 1}
    assert ledger.counts(ledger.read()) == found


@pytest.mark.parametrize(
    ("expected", "fired", "good"), [("holds", True, True), ("refuted", True, False), ("holds", False, False)]
)
def test_as_expected_asks_for_the_verdict_and_the_control(expected, fired, good):
    record = {"verdict": "holds", "expected": expected, "control": {"fired": fired}}
    assert ledger.as_expected(record) is good


def test_the_ledger_is_not_shown_if_a_verdict_is_not_the_expected_one(folder):
    records = ledger.read()
    ledger.as_the_book_says(records[:1])
    with pytest.raises(UnexpectedVerdict, match=r"^test\.second: holds, expected refuted$"):
        ledger.as_the_book_says(records)
