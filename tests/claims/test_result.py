"""Results: what is recorded, what is shown, and what raises."""

import json
import math
import re

import pytest

from lowrank_core import claims, provenance
from lowrank_core.analysis.statistics import Pooled
from lowrank_core.claims.claim import Criterion, Evidence, edge, refused
from lowrank_core.claims.grammar import scales
from lowrank_core.claims.result import UnexpectedVerdict, intervals, summary

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
    assert record["windows"] == [{"quantity": "size", "basis": "every seed", "width": "", "wide": ""}]
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


def cells(page):
    """The texts of a box's table, row by row."""
    rows = re.findall(r"<tr>(.*?)</tr>", page)
    return [re.findall(r"<t[dh]>(.*?)</t[dh]>", row) for row in rows]


def test_measurement_and_control_stand_in_their_own_columns(declare):
    declare(
        lambda s: declare.evidence(
            {"a": [1.0, 1.0, 1.0], "b": [1.0, 1.0, 3.0]},
            {"c": [5.0, 6.0, 7.0], "d": [8.0] * 3},
            predicted={"size": {"a": 0.5}},
        )
    )
    page = claims.run("test.claim", "smoke")._repr_html_()
    assert cells(page) == [
        ["quantity", "predicted", "measured, 3 seeds", "control"],
        ["size (a)", "0.5", "1", "c: 6 [5, 7]; d: 8"],
        ["size (b)", "–", "1.667 [1, 3]", ""],
    ]
    assert '<span class="verdict-word">refuted</span>' in page


def test_the_box_says_what_windows_rest_on_and_where_the_claim_was_tried(declare):
    declare(
        criteria=(Criterion("size", 0.9, 1.1, width="spread <= 0.05"),),
        sizes=scales(n=3),
        edges=(edge("n = 1", n=1), refused("n > 0", "nothing is measured", n=0)),
        waives=("k ≥ r",),
    )
    page = claims.run("test.claim", "smoke")._repr_html_()
    for line in (
        "<li>size in [0.9, 1.1]: every seed; spread &lt;= 0.05</li>",
        "<li>must hold: n = 1 (n = 1)</li>",
        "<li>must refuse, for want of n &gt; 0: nothing is measured (n = 0)</li>",
        "<li>does not assume k ≥ r</li>",
    ):
        assert line in page


@pytest.mark.parametrize(("control", "word"), [([0.0] * 3, "fired"), ([1.0] * 3, "did not fire")])
def test_the_head_of_the_box_says_whether_the_control_fired(declare, control, word):
    declare(lambda s: declare.evidence([1.0] * 3, control))
    assert f"control {word}</p>" in claims.run("test.claim", "smoke")._repr_html_()


def test_html_is_escaped(declare):
    declare(control="a < b & c")
    page = claims.run("test.claim", "smoke")._repr_html_()
    assert "Control: a &lt; b &amp; c" in page
    assert "python -m lowrank_core claims run test.claim --scale smoke" in page


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "none"),
        ([1.0], "1"),
        ([1.00001, 1.00002], "1"),
        ([1.0, 3.0], "2 [1, 3]"),
        ([1.0, None], "not finite"),
        ([None, None], "not finite"),
        ([None, 1.0], "not finite"),
    ],
)
def test_summaries(values, words):
    assert summary(values) == words


def test_too_few_seeds_give_no_interval():
    evidence = Evidence({"x": {"a": [1.0, 2.0]}})
    assert intervals(evidence) == {"x": {"a": [None, None]}}


def test_the_interval_of_a_pooled_value_is_its_own():
    evidence = Evidence({"x": {"a": Pooled(1.0, 0.5, 2.0), "b": Pooled(1.0, -math.inf, math.inf)}})
    assert intervals(evidence) == {"x": {"a": [0.5, 2.0], "b": [None, None]}}


def test_discrepancies_quote_the_notes(declare):
    declare(lambda s: declare.evidence(notes={"worst": 0.12345}), discrepancy="off by {worst:.2f}")
    assert claims.run("test.claim", "smoke").record["discrepancy"] == "off by 0.12"
