"""Verdicts on invented evidence: what the rules say, and what they must not be talked into."""

import math

import pytest

from lowrank_core.analysis.statistics import Pooled
from lowrank_core.claims.claim import Criterion, Evidence
from lowrank_core.claims.verdict import judge
from lowrank_core.errors import ArgumentError

NAN, INF = math.nan, math.inf
FIRED, SILENT = [5.0] * 4, [1.0] * 4
BOUNDS = ["identity", "bound-upper", "bound-lower"]
TYPICAL = ["rate", "tight", "ordering", "existence"]
KINDS = BOUNDS + TYPICAL
IN_RANGE = Criterion("x", 0.9, 1.1, width="invented")
SEEDS = 4


@pytest.fixture
def verdict(declare):
    """The verdict on one quantity, "x", that ought to lie in [0.9, 1.1]."""

    def derive(measured, control=FIRED, kind="rate", criterion=IN_RANGE, predicted=None):
        claim = declare(id=f"test.{declare.count}", kind=kind, criteria=(criterion,))
        declare.count += 1
        predicted = {} if predicted is None else {"x": predicted}
        return judge(claim, Evidence({"x": measured}, {"x": control}, predicted), SEEDS)

    declare.count = 0
    return derive


@pytest.mark.parametrize("kind", KINDS)
def test_holds_if_every_seed_and_every_variant_is_in_range(verdict, kind):
    found = verdict({"a": [0.9, 1.0, 1.1, 1.0], "b": [1.0] * 4}, kind=kind)
    assert (found.verdict, found.control_fired, found.by_criteria) == ("holds", True, "holds")
    assert found.reasons[0] == "“x in [0.9, 1.1]” met on 8 of 8"


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
    ],
    ids=["one out", "interval over the edge", "above", "below"],
)
def test_a_rate_is_refuted_only_by_an_interval_outside(verdict, kind, measured, expected):
    assert verdict(measured, kind=kind).verdict == expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "measured", [[1.0, 1.0, 1.0, NAN], [NAN] * 4, [5.0, 5.0, 5.0, NAN], [1.0, 1.0, 1.0, INF]]
)
def test_what_is_not_finite_or_not_there_is_inconclusive(verdict, kind, measured):
    assert verdict(measured, kind=kind).verdict == "inconclusive"


@pytest.mark.parametrize("kind", BOUNDS)
def test_a_violated_variant_outweighs_an_unclear_one(verdict, kind):
    unclear, violated = [NAN, 1.0, 1.0, 1.0], [5.0] * 4
    assert verdict({"a": unclear, "b": violated}, kind=kind).verdict == "refuted"
    assert verdict({"a": violated, "b": unclear}, kind=kind).verdict == "refuted"


@pytest.mark.parametrize("kind", TYPICAL)
def test_a_variant_decisively_outside_outweighs_unclear_ones_before_and_after(verdict, kind):
    outside, unclear = [1.2, 1.21, 1.19, 1.2], [1.0, 1.0, 1.0, 1.2]
    for order in (("a", "b", "c"), ("b", "a", "c"), ("b", "c", "a")):
        series = dict(zip(order, (outside, unclear, unclear), strict=True))
        assert verdict(dict(sorted(series.items())), kind=kind).verdict == "refuted"


CONTROLS = {
    "all in range": SILENT,
    "one in range": [5.0, 5.0, 5.0, 1.0],
    "one NaN": [5.0, 5.0, 5.0, NAN],
    "all infinite": [INF] * 4,
    "one minus infinity": [5.0, 5.0, 5.0, -INF],
    "the second variant of two": {"a": FIRED, "b": SILENT},
    "the first variant of two": {"a": SILENT, "b": FIRED},
    "the middle variant of three": {"a": FIRED, "b": [5.0, 5.0, 5.0, 1.0], "c": FIRED},
}


@pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("measured", [[1.0] * 4, [5.0] * 4], ids=["perfect numbers", "failing numbers"])
def test_without_a_firing_control_nothing_is_concluded(verdict, control, kind, measured):
    found = verdict(measured, control, kind)
    assert (found.verdict, found.control_fired) == ("inconclusive", False)


def test_reasons_name_the_variant_that_fails_and_why(verdict):
    found = verdict({"a": [1.0] * 4, "b": [5.0] * 4, "c": [NAN] * 4}, kind="identity")
    assert (
        found.reasons[0]
        == "“x in [0.9, 1.1]” met on 4 of 12; b: violated; c: values or prediction missing or not finite"
    )
    assert found.by_criteria == "refuted"


def test_reasons_count_how_often_the_control_breaks(verdict):
    found = verdict([1.0] * 4, {"k = r": [5.0, 5.0, 5.0, 1.0]})
    assert found.reasons[-1] == "control breaks “x in [0.9, 1.1]” on 3 of 4"


@pytest.mark.parametrize(
    ("criterion", "measured", "expected"),
    [
        (Criterion("x", 0.9, 1.1, of_prediction=True, width="invented"), -2.1, "holds"),
        (Criterion("x", 0.9, 1.1, of_prediction=True, width="invented"), -2.3, "refuted"),
        (Criterion("x", 0.9, 1.1, of_prediction=True, width="invented"), 2.0, "refuted"),
        (Criterion("x", high=1.1, of_prediction=True, width="invented"), -2.1, "holds"),
        (Criterion("x", high=1.1, of_prediction=True, width="invented"), -2.3, "refuted"),
        (Criterion("x", high=1.1, of_prediction=True, width="invented"), 100.0, "holds"),
        (Criterion("x", low=0.9, of_prediction=True, width="invented"), -100.0, "holds"),
        (Criterion("x", low=0.9, of_prediction=True, width="invented"), -1.7, "refuted"),
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
    criterion = Criterion("x", 0.99, 1.01, of_prediction=True, width="invented")
    predicted = {"a": 1.0, "b": 2.0, "control": 1.0}
    control = {"control": FIRED}
    right = {"a": [1.0] * 4, "b": [2.0] * 4}
    assert verdict(right, control, "rate", criterion, predicted).verdict == "holds"
    swapped = {"a": [2.0] * 4, "b": [1.0] * 4}
    assert verdict(swapped, control, "rate", criterion, predicted).verdict == "refuted"


@pytest.mark.parametrize("predicted", [NAN, INF, -INF, 0.0])
@pytest.mark.parametrize("kind", KINDS)
def test_a_prediction_that_says_nothing_decides_nothing(verdict, kind, predicted):
    criterion = Criterion("x", high=1.1, of_prediction=True, width="invented")
    found = verdict([1.0] * 4, [5.0] * 4, kind, criterion, predicted)
    assert (found.verdict, found.control_fired) == ("inconclusive", False)


@pytest.mark.parametrize(
    ("measured", "control", "predicted", "missing"),
    [
        ({}, {"x": FIRED}, {"x": 1.0}, "measured = .*no series for 'x'"),
        ({"x": {}}, {"x": FIRED}, {"x": 1.0}, "measured = .*no series for 'x'"),
        ({"x": SILENT}, {}, {"x": 1.0}, "control = .*no series for 'x'"),
        ({"x": SILENT}, {"x": FIRED}, {}, "no prediction of 'x' for variant ''"),
        ({"x": {"": SILENT, "a": SILENT}}, {"x": FIRED}, {"x": {"": 1.0}}, "'x' for variant 'a'"),
        ({"x": SILENT}, {"x": {"b": FIRED}}, {"x": {"": 1.0}}, "no prediction of 'x' for variant 'b'"),
    ],
)
def test_evidence_that_lacks_something_is_an_error(declare, measured, control, predicted, missing):
    claim = declare(criteria=(Criterion("x", 0.9, 1.1, of_prediction=True, width="invented"),))
    with pytest.raises(ArgumentError, match=rf"claim test\.claim: .*{missing}"):
        judge(claim, Evidence(measured, control, predicted), SEEDS)


SANITY = Criterion("y", low=0, width="invented", uncontrolled="it is a check of the experiment")


def test_what_says_why_no_control_can_break_it_is_not_asked_of_the_control(declare):
    claim = declare(criteria=(IN_RANGE, SANITY))
    found = judge(claim, Evidence({"x": SILENT, "y": [1.0] * 4}, {"x": FIRED, "y": [1.0] * 4}), SEEDS)
    assert (found.verdict, found.control_fired) == ("holds", True)
    assert found.reasons[-1] == "no control of “y ≥ 0”, because it is a check of the experiment"


def test_every_other_criterion_is_asked_of_the_control(declare):
    claim = declare(criteria=(IN_RANGE, Criterion("y", low=0, width="invented")))
    half = Evidence({"x": SILENT, "y": [1.0] * 4}, {"x": FIRED, "y": [1.0] * 4})
    found = judge(claim, half, SEEDS)
    assert (found.verdict, found.control_fired, found.by_criteria) == ("inconclusive", False, "holds")
    half.control["x"], half.control["y"] = {"": [1.0] * 4}, {"": [-1.0] * 4}
    assert not judge(claim, half, SEEDS).control_fired
    half.control["x"] = {"": FIRED}
    assert judge(claim, half, SEEDS).control_fired
    with pytest.raises(ArgumentError, match=r"control = .*no series for 'y'"):
        judge(claim, Evidence({"x": SILENT, "y": [1.0] * 4}, {"x": FIRED}), SEEDS)


def test_every_criterion_counts(declare):
    claim = declare(criteria=(IN_RANGE, SANITY))
    assert judge(claim, Evidence({"x": SILENT, "y": [-1.0] * 4}, {"x": FIRED}), SEEDS).verdict == "refuted"


@pytest.mark.parametrize("role", ["measured", "control", "positive"])
@pytest.mark.parametrize("short", [[1.0], [1.0] * 3, [1.0] * 5, []])
def test_a_series_that_has_not_one_value_per_seed_is_an_error(declare, role, short):
    claim = declare(criteria=(IN_RANGE,))
    found = {"measured": {"x": {"a": SILENT, "b": SILENT}}, "control": {"x": {"a": FIRED}}}
    found["positive"] = {"x": {"a": SILENT}}
    found[role]["x"]["a"] = short
    with pytest.raises(ArgumentError, match=rf"{role} = 'x \(a\)': it has {len(short)} values for 4 seeds"):
        judge(claim, Evidence(**found), SEEDS)


def test_what_is_measured_besides_has_one_value_per_seed_too(declare):
    claim = declare(criteria=(IN_RANGE,))
    with pytest.raises(ArgumentError, match="measured = 'weight': it has 1 values for 4 seeds"):
        judge(claim, Evidence({"x": SILENT, "weight": 2.0}, {"x": FIRED}), SEEDS)


def test_exact_certificates_do_not_depend_on_seeds_and_fall_with_one_violation(declare):
    criterion = Criterion("x", 1, 1, exact="one instance")
    claim = declare(kind="rate", criteria=(criterion,))
    assert judge(claim, Evidence({"x": 1.0}, {"x": 5.0}), SEEDS).verdict == "holds"
    assert judge(claim, Evidence({"x": [1.0, 5.0]}, {"x": 5.0}), SEEDS).verdict == "refuted"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("measured", "control", "expected", "fired"),
    [
        (Pooled(1.0, 0.5, 1.5), Pooled(5.0, 4.0, 6.0), "holds", True),
        (Pooled(1.2, 1.15, 1.3), Pooled(5.0, 4.0, 6.0), "refuted", True),
        (Pooled(0.8, 0.7, 0.85), Pooled(5.0, 4.0, 6.0), "refuted", True),
        (Pooled(1.2, 1.05, 1.3), Pooled(5.0, 4.0, 6.0), "inconclusive", True),
        (Pooled(1.2, -INF, INF), Pooled(5.0, 4.0, 6.0), "inconclusive", True),
        (Pooled(1.0, -INF, INF), Pooled(5.0, 4.0, 6.0), "inconclusive", True),
        (Pooled(NAN, -INF, INF), Pooled(5.0, 4.0, 6.0), "inconclusive", True),
        (Pooled(1.0, 0.5, 1.5), Pooled(5.0, 1.0, 6.0), "inconclusive", False),
    ],
)
def test_pooled_values_are_judged_by_their_interval(declare, kind, measured, control, expected, fired):
    claim = declare(kind=kind, criteria=(Criterion("x", 0.9, 1.1, width="invented", pooled="median"),))
    found = judge(claim, Evidence({"x": measured}, {"x": control}), SEEDS)
    assert (found.verdict, found.control_fired) == (expected, fired)
    if measured.value > 1.1 or measured.value < 0.9:
        assert "interval of the median" in found.reasons[0]


@pytest.mark.parametrize(
    ("pooled", "measured", "control"),
    [("median", SILENT, Pooled(5.0, 4.0, 6.0)), ("", Pooled(1.0, 1.0, 1.0), FIRED), ("median", 1.0, FIRED)],
)
def test_a_pooled_value_needs_a_pooled_criterion_and_the_other_way_round(declare, pooled, measured, control):
    claim = declare(criteria=(Criterion("x", 0.9, 1.1, width="invented", pooled=pooled),))
    with pytest.raises(ArgumentError, match="a pooled value and a pooled criterion go together"):
        judge(claim, Evidence({"x": measured}, {"x": control}), SEEDS)


@pytest.mark.parametrize(
    ("predicted", "named"),
    [({"x": {"a": 1.0, "b": 1.0}}, r"\['b'\]"), ({"x": {"": 1.0}}, r"\[''\]"), ({"weight": 1.0}, "'weight'")],
)
def test_a_prediction_that_no_series_has_is_an_error(declare, predicted, named):
    claim = declare(criteria=(IN_RANGE,))
    with pytest.raises(ArgumentError, match=f"predicted = {named}: a prediction of .* that no series has"):
        judge(claim, Evidence({"x": {"a": SILENT}}, {"x": {"a": FIRED}}, predicted), SEEDS)


@pytest.mark.parametrize(
    ("positive", "fired"),
    [({"a": SILENT}, True), ({"a": SILENT, "b": [1.0, 1.0, 1.0, 2.0]}, False), ({"a": [NAN] * 4}, False)],
)
@pytest.mark.parametrize(("measured", "verdict"), [([2.0] * 4, "refuted"), (SILENT, "inconclusive")])
def test_a_positive_control_must_meet_every_criterion(declare, positive, fired, measured, verdict):
    claim = declare(
        origin="paper",
        known="read",
        criteria=(IN_RANGE,),
        control="",
        positive="elsewhere",
        expected="refuted",
    )
    found = judge(claim, Evidence({"x": measured}, positive={"x": positive}), SEEDS)
    assert (found.verdict, found.control_fired) == (verdict if fired else "inconclusive", fired)
    with pytest.raises(ArgumentError, match=r"positive = .*no series for 'x'"):
        judge(claim, Evidence({"x": measured}), SEEDS)


@pytest.mark.parametrize("predicted", [NAN, INF, -INF, 0.0])
@pytest.mark.parametrize("ends", [{"high": 1.1}, {"low": 0.9}, {"low": 0.9, "high": 1.1}])
@pytest.mark.parametrize("measured", [0.0, 1.0, 1e9, -INF, INF])
@pytest.mark.parametrize("kind", ["rate", "identity"])
def test_a_prediction_of_the_measurement_alone_that_says_nothing_decides_nothing(
    declare, kind, measured, ends, predicted
):
    criterion = Criterion("x", **ends, of_prediction=True, width="invented")
    claim = declare(kind=kind, criteria=(criterion,))
    control = [5.0 if "high" in ends else -5.0] * 4
    evidence = Evidence({"x": [measured] * 4}, {"x": {"c": control}}, {"x": {"": predicted, "c": 1.0}})
    found = judge(claim, evidence, SEEDS)
    assert (found.verdict, found.control_fired) == ("inconclusive", True)


@pytest.mark.parametrize(("value", "ends"), [(INF, {"low": 1}), (-INF, {"high": 1})])
@pytest.mark.parametrize("kind", KINDS)
def test_infinite_values_meet_nothing(declare, kind, value, ends):
    claim = declare(kind=kind, criteria=(Criterion("x", **ends, width="invented"),))
    evidence = Evidence({"x": [value] * 4}, {"x": [0.0 if "low" in ends else 2.0] * 4})
    assert judge(claim, evidence, SEEDS).verdict == "inconclusive"


def test_exact_criteria_need_a_control_too(declare):
    claim = declare(criteria=(Criterion("x", 1, 1, exact="one instance"),))
    assert not judge(claim, Evidence({"x": 1.0}, {"x": 1.0}), SEEDS).control_fired


def test_an_interval_that_only_touches_the_range_refutes_nothing(declare):
    claim = declare(kind="rate", criteria=(Criterion("x", 0.9, 1.1, width="invented", pooled="median"),))
    for touching in (Pooled(1.2, 1.1, 1.3), Pooled(0.8, 0.7, 0.9)):
        evidence = Evidence({"x": touching}, {"x": Pooled(5.0, 4.0, 6.0)})
        assert judge(claim, evidence, SEEDS).verdict == "inconclusive"
