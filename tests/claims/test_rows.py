"""The numbers of a record: rounded, medians with their range, cases with equal numbers together."""

import pytest

from lowrank_core import claims
from lowrank_core.analysis.statistics import Pooled
from lowrank_core.claims.claim import Criterion, Evidence
from lowrank_core.claims.rows import pretty, rows, spread


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "none"),
        ([1.0], "1"),
        ([1.00001, 1.00002], "1"),
        ([1.0, 2.0, 9.0], "2 [1, 9]"),
        ([1.0, 3.0], "2 [1, 3]"),
        ([1.0, None], "not finite"),
        ([None, None], "not finite"),
        ([None, 1.0], "not finite"),
    ],
)
def test_spreads(values, words):
    assert spread(values) == words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-1.996", "−1.996"),
        ("2.13e+05", "2.13·10<sup>5</sup>"),
        ("-2e-09", "−2·10<sup>−9</sup>"),
        ("1e-10 to 1", "10<sup>−10</sup> to 1"),
        ("–", "–"),
        ("k-means", "k-means"),
    ],
)
def test_numbers_on_a_page(text, shown):
    assert pretty(text) == shown


def test_neighbours_with_equal_numbers_share_a_row(declare):
    measured = {"a": [1.0] * 3, "b": [1.0] * 3, "c": [1.0, 1.0, 3.0], "d": [1.0] * 3}
    declare(
        lambda s: declare.evidence(measured, predicted={"size": {"a": 1.0, "b": 1.0, "c": 1.0, "d": 2.0}})
    )
    found = rows(claims.run("test.claim", "smoke").record)
    assert [(row.name, row.predicted, row.spread) for row in found] == [
        ("size (a; b)", "1", "1"),
        ("size (c)", "1", "1 [1, 3]"),
        ("size (d)", "2", "1"),
    ]


def test_a_pooled_value_has_its_interval_and_others_have_none(declare):
    declare(
        lambda s: Evidence({"size": Pooled(1.0, 0.5, 2.0)}, {"size": Pooled(9.0, 8.0, 10.0)}),
        criteria=(Criterion("size", 0.4, 3, width="invented", pooled="median"),),
        kind="ordering",
    )
    record = claims.run("test.claim", "smoke").record
    assert [row.interval for row in rows(record)] == ["0.5 to 2"]
    assert [(row.spread, row.interval) for row in rows(record, "control")] == [("9", "")]
