"""What pages show of records: every claim, its verdict in words and in markup, and nothing unescaped."""

import pytest

from lowrank_core import claims
from lowrank_core.claims import pages


@pytest.fixture(scope="module")
def result():
    return claims.run("xiong2024.discrete-two-sided", scale="smoke")


def test_the_table_has_a_row_and_a_line_for_every_record(result):
    records = [dict(result.record), dict(result.record) | {"id": "xiong2024.other", "verdict": "refuted"}]
    table = pages.table(records)
    assert table.markup.count("<tr data-paper='xiong2024'") == 2
    assert "<option>refuted</option>" in table.markup
    assert repr(table).splitlines()[1] == "xiong2024.other: refuted (expected holds)"


def test_what_is_certified_is_listed_with_its_means_and_nothing_else(result):
    measured = dict(result.record) | {"id": "xiong2024.measured", "means": []}
    page = pages.certified([measured, dict(result.record)])
    assert repr(page) == "xiong2024.discrete-two-sided: symbols, ball arithmetic: holds"
    assert page.markup.count("●") == 2
    assert "xiong2024.measured" not in page.markup


def test_the_state_counts_what_is_not_as_expected(result):
    wrong = dict(result.record) | {"verdict": "refuted"}
    assert "2 claims: 1 hold, 1 refuted, 0 inconclusive; 1 came out other" in repr(
        pages.state([dict(result.record), wrong])
    )


def test_discrepancies_are_escaped_and_only_where_there_are_any(result):
    noted = dict(result.record) | {"discrepancy": "a < b"}
    log = pages.discrepancies([dict(result.record), noted])
    assert log.markup.count("<li>") == 1
    assert "a &lt; b" in log.markup
    assert repr(log) == f"{noted['id']}: a < b"


def test_the_source_shown_is_the_source_that_runs(result):
    shown = pages.source(result.record["id"])
    assert repr(shown) == claims.source(result.record["id"])
    assert "def discrete_two_sided" in repr(shown)


def test_the_footer_says_where_numbers_come_from(result):
    words = repr(pages.footer(result))
    for part in (result.record["core_hash"], "torch", "cpu", "float64", "seeds 0–2", "1 claims"):
        assert part in words
