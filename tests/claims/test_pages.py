"""What pages show of records: every claim, its verdict in words and in markup, and nothing unescaped."""

import re
from pathlib import Path

import pytest

from lowrank_core import claims
from lowrank_core.claims import pages
from lowrank_core.claims.claim import Criterion, edge
from lowrank_core.claims.grammar import each, scales
from lowrank_core.errors import ArgumentError


@pytest.fixture(scope="module")
def result():
    return claims.run("xiong2024.discrete-two-sided", scale="smoke")


def test_the_table_has_a_row_and_a_line_for_every_record(result):
    records = [dict(result.record), dict(result.record) | {"id": "xiong2024.other", "verdict": "refuted"}]
    table = pages.ledger(records)
    assert table.markup.count("data-paper='xiong2024'") == 2
    assert "<option value='refuted'>refuted</option>" in table.markup
    assert "<option value='ours'>ours</option>" in table.markup
    assert repr(table).splitlines()[1] == "xiong2024.other: refuted (expected holds)"


def test_what_is_certified_is_listed_with_its_means_and_nothing_else(result):
    measured = dict(result.record) | {"id": "xiong2024.measured", "certified_by": []}
    page = pages.certified([measured, dict(result.record)])
    assert repr(page) == "xiong2024.discrete-two-sided: symbols, ball arithmetic: holds"
    assert page.markup.count("●") == 2
    assert "xiong2024.measured" not in page.markup


def test_the_state_counts_what_is_not_as_expected(result):
    wrong = dict(result.record) | {"verdict": "refuted"}
    told = repr(pages.state([dict(result.record), wrong])).splitlines()
    assert told[2] == "2 statements of our own: 1 hold, 1 refuted, 0 inconclusive"
    assert told[-1] == "1 came out other than expected"


def test_the_state_counts_by_origin_and_the_papers_come_first(result):
    mine = dict(result.record)
    papers = mine | {"origin": "paper", "known": "read", "verdict": "refuted", "expected": "refuted"}
    sharper = mine | {"origin": "sharpened", "known": "read"}
    assert repr(pages.state([mine, sharper, papers])).splitlines() == [
        "1 statements of the papers: 0 hold, 1 refuted, 0 inconclusive",
        "1 statements of the papers, sharpened here by a constant, an exponent or a condition: "
        "1 hold, 0 refuted, 0 inconclusive",
        "1 statements of our own: 1 hold, 0 refuted, 0 inconclusive",
        "0 came out other than expected",
    ]


def test_the_state_is_a_table_whose_last_row_counts_all(result):
    papers = dict(result.record) | {"origin": "paper", "known": "read"}
    shown = pages.state([dict(result.record), papers]).markup
    rows = [
        re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", row)
        for row in shown.partition("<tbody>")[2].split("</tr>")
    ]
    assert rows[0] == ["the paper&#x27;s", "1", "0", "0", "1"]
    assert rows[3] == ["all", "2", "0", "0", "2"]


def test_the_ways_in_lead_to_pages_of_the_book():
    book = Path(__file__).parents[2] / "book"
    for where, _ in pages.PATHS.values():
        assert (book / where).with_suffix(".md").exists()
    assert repr(pages.paths()).splitlines()[0].startswith("Learn the theory: ")


def test_the_table_shows_the_verdict_that_was_found_and_says_if_another_was_expected(result):
    found = dict(result.record) | {"verdict": "inconclusive", "expected": "holds"}
    silent = dict(result.record) | {"control": dict(result.record["control"]) | {"fired": False}}
    row = pages.ledger([found]).markup.partition("<tbody>")[2]
    assert "<span aria-hidden='true'>?</span> inconclusive</span><br>expected holds<br>control fired" in row
    assert "data-verdict='inconclusive'" in row
    row = pages.ledger([silent]).markup.partition("<tbody>")[2]
    assert "<br>control did not fire</td>" in row
    assert "expected holds" in row
    row = pages.ledger([dict(result.record)]).markup.partition("<tbody>")[2]
    assert "expected" not in row
    assert "<br>control fired</td>" in row


X = Criterion("x", 0.9, 1.1, width="invented")
W = Criterion("w", high=1, width="invented", pooled="median")


def test_what_would_refute_a_page_is_made_of_its_criteria(declare):
    declare(id="test.one", kind="rate", title="a < b", criteria=(X, W))
    declare(id="test.two", criteria=(Criterion("y", 0, 0), Criterion("z", high=2, width="invented")))
    page = pages.refuters("chapters/test")
    assert repr(page).splitlines() == [
        "What would refute it: 4 measured quantities of 2 claims",
        "test.one: x outside [0.9, 1.1] (by the whole interval of the mean); "
        "w above 1 (by the whole interval of the median)",
        "test.two: y other than 0 (by one violation); z above 2 (by one violation)",
    ]
    assert "a &lt; b" in page.markup
    with pytest.raises(ArgumentError, match="no claim stands in it"):
        pages.refuters("chapters/none")


def test_discrepancies_are_escaped_and_only_where_there_are_any(result):
    noted = dict(result.record) | {"discrepancy": "a < b"}
    log = pages.discrepancies([dict(result.record), noted])
    assert log.markup.count("<li id=") == 1
    assert f"<li id='discrepancy-{noted['id']}'>" in log.markup
    assert "a &lt; b" in log.markup
    assert repr(log) == f"{noted['id']}: a < b"


def test_the_log_begins_with_what_weighs_most_and_can_be_shown_in_parts(result):
    def noted(slug, **changes):
        return dict(result.record) | {"id": f"p.{slug}", "discrepancy": slug} | changes

    records = [
        noted("ours"),
        noted("sharper", origin="sharpened", known="read"),
        noted("kept", origin="paper", known="read"),
        noted("broken", origin="paper", known="restated", verdict="refuted"),
    ]
    whole = repr(pages.discrepancies(records)).splitlines()
    assert whole == ["p.broken: broken", "p.kept: kept", "p.sharper: sharper", "p.ours: ours"]
    assert [repr(pages.discrepancies(records, weight)) for weight in pages.WEIGHTS] == whole
    assert repr(pages.discrepancies(records[:1], "paper")) == "none"
    with pytest.raises(ArgumentError, match="weight = 'heavy'"):
        pages.discrepancies(records, "heavy")


def test_a_claim_has_a_permanent_address_in_the_ledger_and_leads_to_its_box(result):
    resting = dict(result.record) | {"id": "xiong2024.other", "uses": [result.record["id"]]}
    shown = pages.ledger([dict(result.record), resting]).markup
    here = "claim-xiong2024.discrete-two-sided"
    assert f"<tr id='{here}' data-paper='xiong2024'" in shown
    assert f"<a href='{result.record['chapter']}.html#{here}'>" in shown
    assert f"<a href='#{here}'>xiong2024.discrete-two-sided</a>" in shown
    assert pages.to_box(result.record, "../").startswith("<a href='../chapters/xiong2024/")
    assert f"id='{here}'" in result._repr_html_()


def test_the_source_shown_is_the_source_that_runs(result):
    shown = pages.source(result.record["id"])
    assert repr(shown).endswith(claims.source(result.record["id"]))
    assert "def discrete_two_sided" in repr(shown)


def test_the_source_comes_with_every_constant_resolved(declare):
    sizes = scales(n=each(3, 4, 5), eta=0.1)
    one = Criterion("size", 0.9, 1.1, width="spread of 50 pilot seeds")
    exact = Criterion("terms", 0, 0, exact="an instance", uncontrolled="there is nothing that could break it")
    declare(
        id="test.one",
        states=("thm-one", "prop-two"),
        criteria=(one, exact),
        sizes=sizes,
        edges=(edge("n = 1", n=1),),
    )
    resolved = pages.declaration(claims.find("test.one"))
    assert resolved["statement"] == ["thm-one", "prop-two"]
    assert resolved["criteria"] == [
        "size in [0.9, 1.1]: every seed; spread of 50 pilot seeds",
        "terms = 0: an instance; one value",
    ]
    assert resolved["no control"] == ["terms = 0: because there is nothing that could break it"]
    assert resolved["sizes"] == ["n = 4", "eta = 0.1"]
    assert resolved["edges"] == ["must hold: n = 1 (n = 1)"]
    assert "positive control" not in resolved
    markup = pages.source("test.one").markup
    assert "<a href='#thm-one'>thm-one</a>" in markup
    assert "spread of 50 pilot seeds" in markup


def test_the_footer_says_where_numbers_come_from(result):
    words = repr(pages.footer(result))
    for part in (result.record["core_hash"], "torch", "cpu", "float64", "seeds 0–2", "1 claims"):
        assert part in words
