"""Declarations and evidence: what they accept and how they read."""

import math
from fractions import Fraction

import pytest
import torch

from lowrank_core.analysis.statistics import Pooled
from lowrank_core.claims.grammar import Criterion, Evidence, at, edge, refused, scales
from lowrank_core.errors import ArgumentError

SIZE = Criterion("size", 1, 1)
WIDE = Criterion("size", 0.8, 1.2, width="invented")
BAD = {
    "id without paper": ({"id": ".claim"}, "id", "the only dot"),
    "id without slug": ({"id": "test."}, "id", "the only dot"),
    "id without dot": ({"id": "test"}, "id", "the only dot"),
    "id with a dot too many": ({"id": "test.claim.again"}, "id", "the only dot"),
    "no criteria": ({"criteria": ()}, "criteria", "at least one"),
    "one quantity twice": ({"criteria": (SIZE, SIZE)}, "criteria", "one range for each"),
    "no control and no reason": ({"control": ""}, "control", "hypothesis"),
    "a window without a reason": ({"criteria": (Criterion("size", 0.9, 1.1),)}, "criteria", "spread over"),
    "a wide window in an identity": ({"criteria": (WIDE,)}, "criteria", "measure better"),
    "a wide window in a rate": ({"criteria": (WIDE,), "kind": "rate"}, "criteria", "measure better"),
    "a wide window in a tight value": ({"criteria": (WIDE,), "kind": "tight"}, "criteria", "measure better"),
    "a one-sided window without a reason": (
        {"criteria": (Criterion("size", 0.9),)},
        "criteria",
        "spread over",
    ),
    "a void control": ({"control": " "}, "control", "hypothesis"),
    "a reason for one criterion of two": (
        {"control": "", "criteria": (SIZE, Criterion("y", 1, 1, uncontrolled="it is a check"))},
        "control",
        "hypothesis",
    ),
    "a positive control alone": ({"control": "", "positive": "there"}, "control", "hypothesis"),
    "a scale with no seeds": ({"seeds": {"smoke": 0, "book": 8, "full": 8}}, "seeds", "one or more"),
    "an edge that changes nothing": (
        {"sizes": scales(n=1), "edges": (edge("n = 1", n=1),)},
        "edges",
        "change a size",
    ),
    "an edge without seeds": (
        {"sizes": scales(n=1), "edges": (edge("n = 2", n=2, seeds=0),)},
        "edges",
        "seed",
    ),
    "refuted, but sharpened": ({"expected": "refuted", "origin": "sharpened"}, "expected", "paper's own"),
    "unknown needs": ({"needs": ("x",)}, "needs", "scipy"),
    **{
        f"no edges in a claim of kind {kind}": ({"edgeless": "", "kind": kind}, "edges", "edgeless")
        for kind in ("bound-upper", "bound-lower", "tight", "rate")
    },
    "a narrow window that is called wide": (
        {"criteria": (Criterion("size", 0.9, 1.1, width="w", wide="it is not"),)},
        "criteria",
        "measure better",
    ),
    "no edges": ({"edgeless": ""}, "edges", "edgeless"),
    "only edges that are refused": (
        {"edgeless": "", "sizes": scales(n=1), "edges": (refused("n > 0", "nothing", n=0),)},
        "edges",
        "edgeless",
    ),
    "an edge of an unknown size": ({"edges": (edge("m = 1", m=1),)}, "edges", "use some of []"),
    "an unknown standing assumption": ({"waives": ("n is prime",)}, "waives", "k ≥ r"),
    "refuted without a positive control": (
        {"expected": "refuted", "positive": ""},
        "positive",
        "same experiment",
    ),
    "refuted, but nobody's statement": (
        {"expected": "refuted", "origin": "ours", "known": None},
        "expected",
        "paper's own",
    ),
    "a paper's statement from nowhere": ({"origin": "paper"}, "known", "how the source is known"),
    "a sharpened statement from nowhere": ({"origin": "sharpened"}, "known", "how the source is known"),
    "a source of our own statement": ({"known": "read"}, "known", "nothing for one of ours"),
    "a log that quotes a note with a dot": (
        {"discrepancy": "off by {worst.value}"},
        "discrepancy",
        "plain names",
    ),
    "a log that quotes an index": ({"discrepancy": "off by {worst[0]}"}, "discrepancy", "plain names"),
    "a log that quotes nothing": ({"discrepancy": "off by {}"}, "discrepancy", "plain names"),
    "a scale without seeds": ({"seeds": {"smoke": 3, "book": 8}}, "seeds, sizes", "smoke, book and full"),
    "a scale without sizes": ({"sizes": {"book": {}}}, "seeds, sizes", "smoke, book and full"),
    "a scale too many": (
        {"seeds": {"smoke": 3, "book": 8, "full": 8, "huge": 8}},
        "seeds, sizes",
        "smoke, book",
    ),
    "a size that no record can hold": ({"sizes": scales(n=Fraction(1, 2))}, "sizes", "numbers, words"),
    "an edge that no record can hold": (
        {"sizes": scales(n=1), "edges": (edge("n = 1/2", n=Fraction(1, 2)),)},
        "sizes",
        "numbers, words",
    ),
    "seven seeds in the book": ({"seeds": {"smoke": 3, "book": 7, "full": 8}}, "seeds", "8 or more"),
    "unknown kind": ({"kind": "theorem"}, "kind", "bound-upper"),
    "unknown origin": ({"origin": "heard"}, "origin", "sharpened"),
    "unknown source": ({"origin": "paper", "known": "heard"}, "known", "restated"),
    "unknown verdict": ({"expected": "proved"}, "expected", "inconclusive"),
    "unknown means of proof": ({"certified_by": ("rhetoric",)}, "certified_by", "symbolic"),
    "unknown fit": ({"fit": "perfect"}, "fit", "illustrates"),
}


@pytest.mark.parametrize(("changes", "argument", "fix"), BAD.values(), ids=BAD)
def test_bad_declarations_are_refused(declare, changes, argument, fix):
    with pytest.raises(ArgumentError, match=r"claim \S+: ") as caught:
        declare(**changes)
    assert caught.value.argument.endswith(f": {argument}")
    assert fix in caught.value.fix


def test_a_claim_belongs_to_the_paper_that_its_id_names_and_needs_no_sizes(declare):
    declared = declare(id="other2024.claim")
    assert declared.paper == "other2024"
    assert declared.sizes == {"smoke": {}, "book": {}, "full": {}}


@pytest.mark.parametrize("kind", ["ordering", "existence", "bound-upper", "bound-lower"])
def test_orderings_existences_and_bounds_may_have_wide_windows(declare, kind):
    assert declare(kind=kind, criteria=(WIDE,)).broken == ("size",)


def test_without_a_control_every_criterion_says_why(declare):
    criteria = tuple(Criterion(name, 1, 1, uncontrolled="it is a check") for name in "ab")
    assert declare(control="", criteria=criteria).broken == ()


@pytest.mark.parametrize(
    ("ends", "wide"),
    [
        ((0.8, 1.2), True),
        ((-1.2, -0.8), True),
        ((8, 12), True),
        ((0.9, 1.2), False),
        ((-0.1, 0.1), True),
        ((-0.2, 0.35), True),
        ((0, 0.2), True),
        ((-0.05, 0.09), False),
        ((0, 1e-12), False),
        ((0, 0), False),
        ((1, 1), False),
        ((1, math.inf), False),
        ((-math.inf, 1), False),
    ],
)
def test_which_windows_are_wide(ends, wide):
    assert Criterion("x", *ends).is_wide is wide


def test_a_criterion_is_not_both_pooled_and_exact():
    with pytest.raises(ArgumentError, match="the criterion on 'x' cannot be both"):
        Criterion("x", 1, 1, pooled="median", exact="an instance")


@pytest.mark.parametrize("ends", [{}, {"low": 2.0, "high": 1.0}, {"low": math.nan, "high": 1.0}])
def test_criteria_that_accept_everything_or_nothing_are_refused(ends):
    with pytest.raises(ArgumentError, match="criterion on 'x' accepts everything or nothing"):
        Criterion("x", **ends)


@pytest.mark.parametrize(
    ("criterion", "words", "refuter"),
    [
        (Criterion("x", 0, 0), "x = 0", "x other than 0"),
        (Criterion("x", high=1.5), "x ≤ 1.5", "x above 1.5"),
        (Criterion("x", low=-2), "x ≥ -2", "x below -2"),
        (
            Criterion("x", 0.99, 1.01, of_prediction=True),
            "x / predicted in [0.99, 1.01]",
            "x / predicted outside [0.99, 1.01]",
        ),
    ],
)
def test_criteria_in_words(criterion, words, refuter):
    assert (str(criterion), criterion.refuter()) == (words, refuter)


def test_evidence_takes_tensors_lists_numbers_and_variants():
    evidence = Evidence(
        measured={
            "tensor": torch.tensor([1.0, 2.0]),
            "number": 3,
            "variants": {"a": torch.tensor(1.5), "b": [1]},
        },
        control={"tensor": [0.0]},
    )
    assert evidence.measured == {
        "tensor": {"": [1.0, 2.0]},
        "number": {"": [3.0]},
        "variants": {"a": [1.5], "b": [1.0]},
    }
    assert evidence.control == {"tensor": {"": [0.0]}}


def test_evidence_keeps_the_interval_of_what_is_pooled():
    evidence = Evidence({"x": {"a": Pooled(1.0, 0.5, 1.5), "b": [1.0]}}, {"x": Pooled(3.0, 2.0, 4.0)})
    assert evidence.measured == {"x": {"a": [1.0], "b": [1.0]}}
    assert evidence.intervals == {("measured", "x", "a"): (0.5, 1.5), ("control", "x", ""): (2.0, 4.0)}
    assert list(evidence.series()) == [
        ("measured", "x", "a", [1.0]),
        ("measured", "x", "b", [1.0]),
        ("control", "x", "", [3.0]),
    ]


def test_predictions_by_quantity_or_by_variant():
    evidence = Evidence({}, {}, {"x": 2, "y": {"a": 3}})
    assert (evidence.prediction("x", "any"), evidence.prediction("y", "a")) == (2.0, 3.0)
    assert evidence.prediction("y", "b") is evidence.prediction("z", "") is None


def test_evidence_row_by_row_is_the_evidence_of_whole_series():
    size, law = Criterion("size", 1, 1), Criterion("law", low=0, width="")
    rows = Evidence(notes={"n": 3.0})
    for k in (2, 3):
        rows.found(size, torch.full((3,), float(k)), at(k=k), predicted=k)
    rows.found(law, {at(k=4): [1.0], "other": 2}, predicted=7)
    rows.broken("size", [0.0], "none", predicted=5)
    rows.broken(law, Pooled(0.0, -1.0, 1.0))
    rows.met(size, 1)
    whole = Evidence(
        measured={size: {"k = 2": [2.0] * 3, "k = 3": [3.0] * 3}, law: {"k = 4": [1.0], "other": [2.0]}},
        predicted={size: {"k = 2": 2.0, "k = 3": 3.0, "none": 5.0}, law: {"k = 4": 7.0, "other": 7.0}},
        control={size: {"none": [0.0]}, law: Pooled(0.0, -1.0, 1.0)},
        notes={"n": 3.0},
        positive={size: 1},
    )
    assert list(rows.series()) == list(whole.series())
    assert (rows.predicted, rows.intervals) == (whole.predicted, whole.intervals)
    assert rows.numbers == {"k = 2": {"k": 2}, "k = 3": {"k": 3}, "k = 4": {"k": 4}}
    assert all(type(name) is str for _, _, name, _ in rows.series())


def test_a_control_is_judged_by_the_prediction_of_the_unnamed_variant():
    evidence = Evidence()
    evidence.found("x", [1.0], predicted=2)
    evidence.broken("x", [3.0], "k = r")
    evidence.broken("x", [3.0], "k > n", predicted=4)
    evidence.found("x", [1.0], "other")
    assert [evidence.prediction("x", name) for name in ("k = r", "k > n", "other")] == [2.0, 4.0, None]


def test_variants_of_one_name_are_refused():
    with pytest.raises(ArgumentError, match="has it already"):
        Evidence({"x": {1: [1.0], "1": [2.0]}})


def test_a_refusal_names_a_hypothesis():
    with pytest.raises(ArgumentError, match="hypothesis = ' ': it has no name"):
        refused(" ", "nothing", n=1)


@pytest.mark.parametrize("ends", [(4.0, 6.0), (-1.0, 0.5)])
def test_the_interval_of_a_pooled_value_contains_it(ends):
    with pytest.raises(ArgumentError, match="the interval does not contain the value"):
        Pooled(1.0, *ends)
