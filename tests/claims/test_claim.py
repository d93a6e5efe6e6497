"""Declarations and evidence: what they accept and how they read."""

import math

import pytest
import torch

from lowrank_core.claims.claim import Criterion, Evidence
from lowrank_core.errors import ArgumentError

BAD = {
    "id without paper": ({"id": ".claim"}, "id", "the only dot"),
    "id without slug": ({"id": "test."}, "id", "the only dot"),
    "id without dot": ({"id": "test"}, "id", "the only dot"),
    "id with a dot too many": ({"id": "test.claim.again"}, "id", "the only dot"),
    "no criteria": ({"criteria": ()}, "criteria", "at least one"),
    "control breaks nothing": ({"breaks": ()}, "breaks", "size"),
    "control breaks another quantity": ({"breaks": ("weight",)}, "breaks", "size"),
    "a scale without seeds": ({"seeds": {"smoke": 3, "book": 8}}, "seeds, sizes", "smoke, book and full"),
    "a scale without sizes": ({"sizes": {"book": {}}}, "seeds, sizes", "smoke, book and full"),
    "a scale too many": (
        {"seeds": {"smoke": 3, "book": 8, "full": 8, "huge": 8}},
        "seeds, sizes",
        "smoke, book",
    ),
    "seven seeds in the book": ({"seeds": {"smoke": 3, "book": 7, "full": 8}}, "seeds", "8 or more"),
    "unknown kind": ({"kind": "theorem"}, "kind", "bound-upper"),
    "unknown provenance": ({"provenance": "heard"}, "provenance", "restated"),
    "unknown verdict": ({"expected": "proved"}, "expected", "inconclusive"),
    "unknown means of proof": ({"means": ("rhetoric",)}, "means", "symbolic"),
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


@pytest.mark.parametrize("ends", [{}, {"low": 2.0, "high": 1.0}, {"low": math.nan, "high": 1.0}])
def test_criteria_that_accept_everything_or_nothing_are_refused(ends):
    with pytest.raises(ArgumentError, match="criterion on 'x' accepts everything or nothing"):
        Criterion("x", **ends)


@pytest.mark.parametrize(
    ("criterion", "words"),
    [
        (Criterion("x", 0, 0), "x = 0"),
        (Criterion("x", high=1.5), "x ≤ 1.5"),
        (Criterion("x", low=-2), "x ≥ -2"),
        (Criterion("x", 0.99, 1.01, of_prediction=True), "x / predicted in [0.99, 1.01]"),
    ],
)
def test_criteria_in_words(criterion, words):
    assert str(criterion) == words


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


def test_predictions_by_quantity_or_by_variant():
    evidence = Evidence({}, {}, {"x": 2, "y": {"a": 3}})
    assert (evidence.prediction("x", "any"), evidence.prediction("y", "a")) == (2.0, 3.0)
    assert evidence.prediction("y", "b") is evidence.prediction("z", "") is None
