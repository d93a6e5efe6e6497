"""The verdict box: what was asked, found and broken, each in its place; equal rows together; and addresses."""

import re

import pytest

from lowrank_core import claims
from lowrank_core.claims.box import box
from lowrank_core.claims.claim import Criterion, Evidence, edge, refused
from lowrank_core.claims.grammar import scales


def boxed(declare, function=None, **changes):
    declare(function, **changes)
    return claims.run("test.claim", "smoke")._repr_html_()


def words(markup):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", markup)).strip()


def tables(page):
    """Of each table its rows, of each row the words of its cells."""
    return [
        [
            [words(cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)]
            for row in re.findall(r"<tr[^>]*>(.*?)</tr>", table)
        ]
        for table in re.findall(r"<table.*?</table>", page, re.S)
    ]


def test_measurement_and_control_stand_in_their_own_columns(declare):
    page = boxed(
        declare,
        lambda s: declare.evidence(
            {"a": [1.0, 1.0, 1.0], "b": [1.0, 2.0, 9.0]},
            {"c": [5.0, 6.0, 7.0], "d": [8.0] * 3},
            predicted={"size": {"a": 0.5}},
        ),
    )
    deciding, measured, controls, *_ = tables(page)
    assert deciding[1] == [
        "size 2 cases × 3 seeds",
        "= 1",
        "1 (1 to 9) missed by 2 of 6",
        "breaks it: 7.5 (5 to 8)",
    ]
    assert measured[1:] == [["size", "a", "0.5", "1"], ["size", "b", "–", "2 (1 to 9)"]]
    assert controls[1:] == [["size", "c", "–", "6 (5 to 7)"], ["size", "d", "–", "8"]]


def test_the_first_line_has_the_verdict_and_the_second_what_was_predicted_measured_and_broken(declare):
    page = boxed(declare, lambda s: declare.evidence([2.0, 3.0, 4.0], predicted={"size": 1.0}), title="a < b")
    first, second = re.findall(r"<p class='verdict-(?:line|sum)'>(.*?)</p>", page)
    assert words(first) == "✗ refuted a &lt; b #"
    assert (
        words(second) == "Predicted: size = 1. Measured: 3 (2 to 4) , 3 seeds. Control (it is zero): fired."
    )


def test_a_row_is_divided_by_the_prediction_where_its_window_is(declare):
    page = boxed(
        declare,
        lambda s: declare.evidence(
            {"a": [2.0] * 3, "b": [30.0] * 3},
            {"": [1.0] * 3},
            predicted={"size": {"a": 2.0, "b": 20.0, "": 2.0}},
        ),
        criteria=(Criterion("size", 0.9, 1.1, of_prediction=True, width="spread of 50 seeds"),),
    )
    row, reason = tables(page)[0][1:]
    assert row[0] == "size / predicted 2 cases × 3 seeds"
    assert row[2] == "1.25 (1 to 1.5) missed by 3 of 6"
    assert row[4] == "breaks it: 0.5"
    assert reason == ["window: spread of 50 seeds"]
    assert "Asked: size / predicted 0.9 to 1.1" in page


def zeros(_):
    found = {"x": {"a": [0.0] * 3, "b": [0.0] * 3}, "y": [0.0] * 3, "z": [2.0] * 3}
    return Evidence(found, {"x": [1.0] * 3, "y": [2.0] * 3, "z": [0.0] * 3})


def test_criteria_with_one_and_the_same_value_share_a_row(declare):
    page = boxed(declare, zeros, criteria=(Criterion("x", 0, 0), Criterion("y", 0, 0), Criterion("z", 2, 2)))
    head, *rows = tables(page)[0]
    assert rows == [
        ["x; y 2 quantities, 3 cases", "= 0", "all 0 met", "breaks it: 1.5 (1 to 2)"],
        ["z 3 seeds", "= 2", "2 met", "breaks it: 0"],
    ]
    assert head == ["criterion", "window", "measured: median , lowest to highest", "control"]


def test_a_criterion_without_a_control_says_why_in_the_fold(declare):
    lone = Criterion("size", 1, 1, uncontrolled="nothing can")
    page = boxed(declare, criteria=(lone,), control="")
    assert tables(page)[0][1][-1] == "none can break it"
    assert ["no control", "size, because nothing can"] in tables(page)[-1]


def test_a_silent_control_is_counted(declare):
    page = boxed(declare, lambda s: declare.evidence([1.0] * 3, [1.0, 0.0, 0.0]))
    assert tables(page)[0][1][-1] == "silent on 1 of 3 : 0 (0 to 1)"
    assert "Control (it is zero): did not fire." in page


def test_the_fold_says_what_was_declared(declare):
    page = boxed(
        declare,
        criteria=(Criterion("size", 0.9, 1.1, width="spread <= 0.05"),),
        sizes=scales(n=3),
        edges=(edge("n = 1", n=1), refused("n > 0", "nothing is measured", n=0)),
        waives=("k ≥ r",),
    )
    assert "window: spread &lt;= 0.05" in page.partition("<details>")[0]
    folded = page.partition("<details>")[2]
    for line in (
        "<li>must hold: n = 1 (n = 1)</li>",
        "<li>must refuse, for want of n &gt; 0: nothing is measured (n = 0)</li>",
        "<li>does not assume k ≥ r</li>",
        "<a href='#prop-one'>prop-one</a>",
        "python -m lowrank_core claims run test.claim --scale smoke",
    ):
        assert line in folded


def test_a_box_has_an_address_and_can_be_copied_from(declare):
    page = boxed(declare)
    assert page.startswith("<section class='verdict verdict-holds' id='claim-test.claim'")
    assert "href='#claim-test.claim'" in page
    assert "data-copy='python -m lowrank_core claims run test.claim --scale smoke' hidden>" in page


def test_everything_is_escaped(declare):
    page = boxed(declare, control="a < b & c", title="x < y", reference="p < q")
    for text in ("a &lt; b &amp; c", "x &lt; y", "p &lt; q"):
        assert text in page
    assert " < " not in page


@pytest.mark.parametrize(("measured", "shown"), [([1.0, float("nan"), 1.0], "not finite"), ([1.0] * 3, "1")])
def test_numbers_that_are_not_finite_are_named(declare, measured, shown):
    page = boxed(declare, lambda s: declare.evidence(measured))
    assert f"<td data-head='measured'><b>{shown}</b>" in page


def test_the_box_is_made_of_the_record_alone(declare):
    declare()
    result = claims.run("test.claim", "smoke")
    assert box(result.record) == result._repr_html_()
