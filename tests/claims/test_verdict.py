"""Verdicts on invented evidence: what the four rules say, and what they must not be talked into."""

import math

import pytest

from lowrank_core.claims.claim import Criterion, Evidence
from lowrank_core.claims.verdict import judge
from lowrank_core.errors import ArgumentError

NAN, INF = math.nan, math.inf
FIRED, SILENT = [5.0] * 4, [1.0] * 4
BOUNDS = ["identity", "bound-upper", "bound-lower"]
TYPICAL = ["rate", "tight", "ordering", "existence"]
KINDS = BOUNDS + TYPICAL
IN_RANGE = Criterion("x", 0.9, 1.1)


@pytest.fixture
def verdict(declare):
    """The verdict on one quantity, "x", that ought to lie in [0.9, 1.1]."""

    def derive(measured, control=FIRED, kind="rate", criterion=IN_RANGE, predicted=None):
        claim = declare(id=f"test.{declare.count}", kind=kind, criteria=(criterion,), breaks=("x",))
        declare.count += 1
        predicted = {} if predicted is None else {"x": predicted}
        return judge(claim, Evidence({"x": measured}, {"x": control}, predicted))

    declare.count = 0
    return derive


@pytest.mark.parametrize("kind", KINDS)
def test_holds_if_every_seed_and_every_variant_is_in_range(verdict, kind):
    found = verdict({"a": [0.9, 1.0, 1.1, 1.0], "b": [1.0]}, kind=kind)
    assert (found.verdict, found.control_fired) == ("holds", True)
    assert found.reasons[0] == "“x in [0.9, 1.1]” met on 5 of 5"


@pytest.mark.parametrize("kind", BOUNDS)
def test_one_violation_refutes_a_bound(verdict, kind):
    assert verdict([1.0, 1.0, 1.0, 1.1000001], kind=kind).verdict == "refuted"
    assert verdict({"a": [1.0] * 4, "b": [1.0, 0.8, 1.0, 1.0]}, kind=kind).verdict == "refuted"


@pytest.mark.parametrize("kind", TYPICAL)
@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        ([1.0, 1.0, 1.0, 1.2], "inconclusive"),
        ([1.15, 1.0, 1.3, 1.05], "inconclusive"),
        ([1.21, 1.2, 1.19, 1.2], "refuted"),
        ([0.81, 0.8, 0.79, 0.8], "refuted"),
        ([1.2, 1.2], "inconclusive"),
    ],
    ids=["one out", "interval over the edge", "above", "below", "too few seeds"],
)
def test_a_rate_is_refuted_only_by_an_interval_outside(verdict, kind, measured, expected):
    assert verdict(measured, kind=kind).verdict == expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "measured", [[1.0, 1.0, 1.0, NAN], [NAN] * 4, [5.0, 5.0, 5.0, NAN], [1.0, 1.0, 1.0, INF], []]
)
def test_what_is_not_finite_or_not_there_is_inconclusive(verdict, kind, measured):
    assert verdict(measured, kind=kind).verdict == "inconclusive"


@pytest.mark.parametrize("kind", BOUNDS)
def test_a_violated_variant_outweighs_an_unclear_one(verdict, kind):
    assert verdict({"a": [NAN, 1.0], "b": [5.0, 5.0]}, kind=kind).verdict == "refuted"


CONTROLS = {
    "all in range": SILENT,
    "one in range": [5.0, 5.0, 5.0, 1.0],
    "one NaN": [5.0, 5.0, 5.0, NAN],
    "all infinite": [INF] * 4,
    "one minus infinity": [5.0, 5.0, 5.0, -INF],
    "no seeds": [],
    "one variant of two": {"a": FIRED, "b": SILENT},
    "one variant without seeds": {"a": FIRED, "b": []},
}


@pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("measured", [[1.0] * 4, [5.0] * 4], ids=["perfect numbers", "failing numbers"])
def test_without_a_firing_control_nothing_is_concluded(verdict, control, kind, measured):
    found = verdict(measured, control, kind)
    assert (found.verdict, found.control_fired) == ("inconclusive", False)


def test_reasons_name_the_variant_that_fails_and_why(verdict):
    found = verdict({"a": [1.0], "b": [5.0], "c": [NAN]}, kind="identity")
    assert (
        found.reasons[0]
        == "“x in [0.9, 1.1]” met on 1 of 3; b: violated; c: values or prediction missing or not finite"
    )


def test_reasons_count_how_often_the_control_breaks(verdict):
    found = verdict([1.0] * 4, {"k = r": [5.0, 5.0, 5.0, 1.0]})
    assert found.reasons[-1] == "control breaks “x in [0.9, 1.1]” on 3 of 4"


@pytest.mark.parametrize(
    ("criterion", "measured", "expected"),
    [
        (Criterion("x", 0.9, 1.1, of_prediction=True), -2.1, "holds"),
        (Criterion("x", 0.9, 1.1, of_prediction=True), -2.3, "refuted"),
        (Criterion("x", 0.9, 1.1, of_prediction=True), 2.0, "refuted"),
        (Criterion("x", high=1.1, of_prediction=True), -2.1, "holds"),
        (Criterion("x", high=1.1, of_prediction=True), -2.3, "refuted"),
        (Criterion("x", high=1.1, of_prediction=True), 100.0, "holds"),
        (Criterion("x", low=0.9, of_prediction=True), -100.0, "holds"),
        (Criterion("x", low=0.9, of_prediction=True), -1.7, "refuted"),
    ],
)
def test_criteria_relative_to_a_negative_prediction_speak_of_the_quotient(
    verdict, criterion, measured, expected
):
    quotient = measured / -2.0
    assert (criterion.low <= quotient <= criterion.high) == (expected == "holds")
    control = [-20.0 if math.isfinite(criterion.high) else 20.0] * 4
    assert verdict([measured] * 4, control, "identity", criterion, predicted=-2.0).verdict == expected


def test_predictions_may_differ_by_variant(verdict):
    criterion = Criterion("x", 0.99, 1.01, of_prediction=True)
    predicted = {"a": 1.0, "b": 2.0, "control": 1.0}
    control = {"control": FIRED}
    assert verdict({"a": [1.0], "b": [2.0]}, control, "rate", criterion, predicted).verdict == "holds"
    swapped = {"a": [2.0] * 3, "b": [1.0] * 3}
    assert verdict(swapped, control, "rate", criterion, predicted).verdict == "refuted"


@pytest.mark.parametrize("predicted", [NAN, INF, -INF, 0.0])
@pytest.mark.parametrize("kind", KINDS)
def test_a_prediction_that_says_nothing_decides_nothing(verdict, kind, predicted):
    criterion = Criterion("x", high=1.1, of_prediction=True)
    found = verdict([1.0] * 4, [5.0] * 4, kind, criterion, predicted)
    assert (found.verdict, found.control_fired) == ("inconclusive", False)


@pytest.mark.parametrize(
    ("measured", "control", "predicted", "missing"),
    [
        ({}, {"x": FIRED}, {"x": 1.0}, "measured = .*no series for 'x'"),
        ({"x": {}}, {"x": FIRED}, {"x": 1.0}, "measured = .*no series for 'x'"),
        ({"x": SILENT}, {}, {"x": 1.0}, "control = .*no series for 'x'"),
        ({"x": SILENT}, {"x": FIRED}, {}, "no prediction of 'x' for variant ''"),
        ({"x": {"a": SILENT}}, {"x": FIRED}, {"x": {"": 1.0}}, "no prediction of 'x' for variant 'a'"),
        ({"x": SILENT}, {"x": {"b": FIRED}}, {"x": {"": 1.0}}, "no prediction of 'x' for variant 'b'"),
    ],
)
def test_evidence_that_lacks_something_is_an_error(declare, measured, control, predicted, missing):
    claim = declare(criteria=(Criterion("x", 0.9, 1.1, of_prediction=True),), breaks=("x",))
    with pytest.raises(ArgumentError, match=rf"claim test\.claim: .*{missing}"):
        judge(claim, Evidence(measured, control, predicted))


def test_only_what_the_control_must_break_is_asked_of_it(declare):
    claim = declare(criteria=(IN_RANGE, Criterion("y", low=0)), breaks=("x",))
    found = judge(claim, Evidence({"x": [1.0], "y": [1.0]}, {"x": [5.0], "y": [1.0]}))
    assert (found.verdict, found.control_fired) == ("holds", True)


def test_every_criterion_counts(declare):
    claim = declare(criteria=(IN_RANGE, Criterion("y", low=0)), breaks=("x",))
    assert judge(claim, Evidence({"x": [1.0], "y": [-1.0]}, {"x": [5.0]})).verdict == "refuted"
