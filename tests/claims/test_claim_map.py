"""The map: every claim is a mark and a link, and a drawing shows what a claim rests on and what rests on it."""

import re
from itertools import pairwise

import pytest

from lowrank_core.claims import claim_map, pages
from lowrank_core.claims.neighbourhood import GAP, WIDTH, layout, neighbours

USES = {
    "p.root": [],
    "p.other": [],
    "p.middle": ["p.root"],
    "p.far": ["p.root", "p.middle"],
    "p.end": ["p.far", "p.root"],
    "p.aside": ["p.other"],
    "p.alone": [],
}


def record(claim_id, **changes):
    return {
        "id": claim_id,
        "title": f"Title of {claim_id} & more",
        "verdict": "holds",
        "origin": "ours",
        "chapter": "chapters/p/one",
        "uses": USES[claim_id],
    } | changes


@pytest.fixture
def records():
    odd = {"p.other": {"verdict": "refuted", "origin": "paper"}, "p.alone": {"chapter": "chapters/p/two"}}
    return [record(i, **odd.get(i, {})) for i in USES]


def test_neighbours_are_what_a_claim_rests_on_and_what_rests_on_it_however_far():
    assert neighbours(USES, "p.middle") == ["p.root", "p.middle", "p.far", "p.end"]
    assert neighbours(USES, "p.aside") == ["p.other", "p.aside"]
    assert neighbours(USES, "p.alone") == ["p.alone"]


def test_arrows_lead_to_the_right_and_boxes_of_a_layer_do_not_touch():
    plan = layout(
        USES, {i: "a title of several words, long enough to wrap " * 2 for i in USES}, list(USES)[:5]
    )
    for (source, user), way in plan.ways.items():
        assert way[0] == (plan.boxes[source].x + WIDTH, plan.boxes[source].y)
        assert way[-1] == (plan.boxes[user].x, plan.boxes[user].y)
        assert all(left[0] <= right[0] for left, right in pairwise(way))
    layers = {}
    for box in plan.boxes.values():
        layers.setdefault(box.x, []).append(box)
        assert box.y - box.height / 2 >= 0
        assert box.y + box.height / 2 <= plan.height
        assert box.x + WIDTH < plan.width
    assert len(layers) == 4
    for layer in layers.values():
        for above, below in pairwise(sorted(layer, key=lambda box: box.y)):
            assert below.y - below.height / 2 - (above.y + above.height / 2) >= GAP - 1


def test_an_arrow_that_passes_a_layer_crosses_no_box_of_it():
    plan = layout(USES, dict.fromkeys(USES, "t"), ["p.root", "p.middle", "p.far", "p.end"])
    way = plan.ways["p.root", "p.end"]
    assert len(way) == 6  # two layers are between
    for x, y in way[1:-1]:
        for box in plan.boxes.values():
            assert not (box.x <= x <= box.x + WIDTH and abs(y - box.y) < box.height / 2)


def test_arrows_cross_no_more_than_they_must():
    crossed = {"a": [], "b": [], "x": ["b"], "y": ["a"]}
    plan = layout(crossed, dict.fromkeys(crossed, "t"), crossed)
    (a, b), (x, y) = (plan.boxes["a"].y, plan.boxes["b"].y), (plan.boxes["x"].y, plan.boxes["y"].y)
    assert (a < b) == (y < x)


def test_every_claim_is_a_mark_in_the_row_of_its_chapter(records):
    shown = claim_map.overview(records)
    assert repr(shown) == "chapters/p/one: ✓ ✗ ✓ ✓ ✓ ✓\nchapters/p/two: ✓"
    assert re.findall(r"<a class='claim-mark[^']*' href='([^']*)'", shown.markup) == [
        *(f"#graph-{i}" for i in list(USES)[:-1]),
        "chapters/p/two.html#claim-p.alone",
    ]
    assert "claim-mark verdict-refuted claim-paper" in shown.markup
    # In words as well as by mark, colour and border, and escaped.
    assert "Title of p.other &amp; more: refuted, the paper&#x27;s</span>" in shown.markup


def test_a_drawing_links_to_the_other_drawings_and_its_claim_to_its_box(records):
    shown = claim_map.neighbourhoods(records)
    drawings = re.findall(r"<section class='neighbourhood' id='([^']*)'.*?</section>", shown.markup)
    assert drawings == [f"graph-{i}" for i in list(USES)[:-1]]
    (aside,) = re.findall(r"<section class='neighbourhood' id='graph-p.aside'.*?</section>", shown.markup)
    (drawing,) = re.findall("<svg.*</svg>", aside)
    assert re.findall("href='([^']*)'", drawing) == ["#graph-p.other", "chapters/p/one.html#claim-p.aside"]
    assert "✗ Title of p.other" in drawing
    assert "p>Rests on <a href='#graph-p.other'>Title of p.other &amp; more</a> (refuted)</p>" in aside
    assert repr(shown).splitlines()[0] == "p.middle rests on p.root"


def test_a_use_of_what_is_not_given_is_left_out(records):
    assert "p.root" not in repr(claim_map.neighbourhoods(records[1:]))


def test_the_ledger_leads_to_the_drawing_of_what_has_one(records):
    assert claim_map.joined(records) == set(USES) - {"p.alone"}
    assert "map.html#graph-p.root" in pages._rests_on(records[0], True)
    assert pages._rests_on(records[-1], False) == ""


def test_chapters_stand_as_in_the_contents_and_others_behind_them(monkeypatch, tmp_path):
    (tmp_path / "_toc.yml").write_text(
        "root: index\nparts:\n- chapters:\n  - file: p/b\n  - file: p/a\n", "utf8"
    )
    monkeypatch.setattr(claim_map, "BOOK", tmp_path / "book")
    given = [record("p.root", chapter=chapter) for chapter in ("p/c", "p/a", "p/b")]
    assert repr(claim_map.overview(given)).splitlines() == ["p/b: ✓", "p/a: ✓", "p/c: ✓"]


def test_chapters_go_by_their_titles():
    assert claim_map.chapter_title("chapters/zhang2025/which-method") == "Which method should I use?"
    assert claim_map.chapter_title("chapters/p/one") == "one"
