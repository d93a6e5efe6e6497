"""Results: what is recorded, what is shown, and what raises."""

import json
import math

import pytest

from lowrank_core import claims, provenance
from lowrank_core.analysis.statistics import Pooled
from lowrank_core.claims.claim import Criterion, Evidence
from lowrank_core.claims.result import UnexpectedVerdict, intervals

KEYS = {
    *(
        "id",
        "paper",
        "kind",
        "verdict",
        "expected",
        "criterion",
        "measured",
        "predicted",
        "interval",
        "control",
    ),
    *("seeds", "seed0", "scale", "device", "dtype", "seconds", "core_hash", "versions"),
}


def test_the_record_has_what_the_ledger_needs_and_is_json(declare):
    declare()
    record = claims.run("test.claim", "smoke", device="cpu", seed0=5).record
    assert set(record) >= KEYS
    assert record["control"] == {
        "dropped": "it is zero",
        "fired": True,
        "breaks": ["size"],
        "missing": {},
        "measured": {"size": {"": [0.0, 0.0, 0.0]}},
    }
    assert (record["seeds"], record["seed0"], record["scale"]) == ([5, 6, 7], 5, "smoke")
    assert (record["device"], record["dtype"]) == ("cpu", "float64")
    assert record["core_hash"] == provenance.core_hash()
    assert record["versions"] == provenance.versions()
    assert record["interval"] == {"size": {"": [1.0, 1.0]}}
    assert record["criterion"] == ["size = 1"]
    (window,) = record["windows"]
    assert (window["quantity"], window["low"], window["high"], window["basis"]) == (
        "size",
        1,
        1,
        "every seed",
    )
    assert Criterion.recorded(window) == Criterion("size", 1, 1)
    assert (record["origin"], record["known"]) == ("ours", None)
    assert json.loads(json.dumps(record, allow_nan=False)) == record


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_become_null(declare, bad):
    declare(
        lambda s: declare.evidence(
            [1.0, bad, 1.0], [0.0, bad, 0.0], predicted={"size": bad}, notes={"n": bad}
        )
    )
    record = claims.run("test.claim", "smoke").record
    assert record["verdict"] == "inconclusive"
    assert record["measured"] == {"size": {"": [1.0, None, 1.0]}}
    assert record["control"]["measured"] == {"size": {"": [0.0, None, 0.0]}}
    assert (record["predicted"], record["notes"]) == ({"size": None}, {"n": None})
    assert record["interval"] == {"size": {"": [None, None]}}
    json.dumps(record, allow_nan=False)


def test_require_returns_what_is_as_expected(declare):
    declare()
    result = claims.run("test.claim", "smoke")
    assert result.require() is result


@pytest.mark.parametrize(
    ("measured", "control", "expected"),
    [
        ([2.0] * 3, [0.0] * 3, "holds"),
        ([1.0] * 3, [1.0] * 3, "holds"),
        ([1.0] * 3, [0.0] * 3, "refuted"),
        ([1.0] * 3, [1.0] * 3, "inconclusive"),
    ],
    ids=["refuted", "silent control", "holds against expectation", "inconclusive, but for want of a control"],
)
def test_require_raises_on_what_is_not(declare, measured, control, expected):
    declare(lambda s: declare.evidence(measured, control), expected=expected)
    result = claims.run("test.claim", "smoke")
    with pytest.raises(UnexpectedVerdict, match=f"(?s)test.claim: {result.verdict}.*expected: {expected}"):
        result.require()


def test_the_words_are_rounded_so_that_replays_can_compare_them(declare):
    values = [1.0, 1.0 + 3e-9, 1.0 - 3e-9]
    declare(lambda s: declare.evidence(values, predicted={"size": 1 + 1e-9}))
    assert repr(claims.run("test.claim", "smoke")).splitlines()[:2] == [
        "test.claim: refuted",
        "  size: 1 (1)",
    ]


def test_a_window_with_one_end_comes_back_from_json(declare):
    criterion = Criterion("size", low=0.5, width="invented", uncontrolled="nothing is smaller")
    declare(criteria=(criterion,))
    (window,) = json.loads(json.dumps(claims.run("test.claim", "smoke").record["windows"]))
    assert window["high"] is None
    assert Criterion.recorded(window) == criterion


def test_too_few_seeds_give_no_interval():
    evidence = Evidence({"x": {"a": [1.0, 2.0]}})
    assert intervals(evidence) == {"x": {"a": [None, None]}}


def test_the_interval_of_a_pooled_value_is_its_own():
    evidence = Evidence({"x": {"a": Pooled(1.0, 0.5, 2.0), "b": Pooled(1.0, -math.inf, math.inf)}})
    assert intervals(evidence) == {"x": {"a": [0.5, 2.0], "b": [None, None]}}


def test_discrepancies_quote_the_notes(declare):
    declare(lambda s: declare.evidence(notes={"worst": 0.12345}), discrepancy="off by {worst:.2f}")
    assert claims.run("test.claim", "smoke").record["discrepancy"] == "off by 0.12"
