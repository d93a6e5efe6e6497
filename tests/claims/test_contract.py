"""What the verdicts of the book rest on, and that the figures which say so are counted and not typed."""

import pytest

from lowrank_core import artefacts, claims
from lowrank_core.analysis.statistics import Pooled
from lowrank_core.claims import contract, pages
from lowrank_core.claims.claim import SHARP_KINDS, Criterion, Evidence, edge, refused
from lowrank_core.claims.grammar import scales

CLAIMS = claims.all_claims()
EDGES = {contract.edge_key(claim, what): (claim, what) for claim in CLAIMS for what in claim.edges}


def test_few_criteria_have_no_control_and_each_says_why():
    reasons = [c.uncontrolled for claim in CLAIMS for c in claim.criteria if c.uncontrolled]
    assert len(reasons) <= contract.MAX_UNCONTROLLED == 40
    assert all(len(reason.split()) >= 4 for reason in reasons)


def test_no_wide_window_is_without_a_reason():
    wide = [c for claim in CLAIMS if claim.kind in SHARP_KINDS for c in claim.criteria if c.is_wide]
    assert all(len(c.wide.split()) >= 4 for c in wide)


def test_every_edge_has_a_name_of_its_own():
    assert len(EDGES) == sum(len(claim.edges) for claim in CLAIMS)


def test_the_stored_edges_are_the_declared_ones_and_all_passed():
    # tests/claims/test_edges.py runs them; this is what the ledger shows.
    assert artefacts.read(contract.EDGES)["edges"] == dict.fromkeys(EDGES, "")


@pytest.mark.parametrize(("scale", "passes"), [("book", 3), ("smoke", 10)])
def test_no_verdict_flips_on_fresh_seeds(scale, passes):
    # tools/fresh_seeds.py runs the passes; this is what the ledger shows.
    stored = artefacts.read(contract.FRESH)["scales"][scale]
    assert stored["claims"] == [claim.id for claim in CLAIMS]
    assert len(set(stored["seed0"])) >= passes
    assert stored["flips"] == []


@pytest.fixture
def invented(declare):
    sizes = scales(n=3)
    narrow = Criterion("x", 0.9, 1.1, width="invented", uncontrolled="it is a check of the experiment")
    wide = Criterion("y", 0.5, 1.5, width="invented", wide="there is nothing better", pooled="median")
    exact = Criterion("z", 0, 0, exact="an instance")
    return [
        declare(id="test.one", sizes=sizes, edges=(edge("n = 1", n=1), refused("n > 0", "none", n=0))),
        declare(id="test.two", origin="paper", known="read", kind="rate", criteria=(narrow, wide)),
        declare(id="other.three", origin="sharpened", known="restated", criteria=(narrow, exact)),
        declare(
            id="other.four", origin="paper", known="restated", kind="ordering", criteria=(wide_of(wide),)
        ),
    ]


def wide_of(criterion):
    return Criterion("y", criterion.low, criterion.high, width="invented")


def test_the_figures_are_counted(invented, monkeypatch):
    one = invented[0]
    passed = {contract.edge_key(one, one.edges[0]): "", contract.edge_key(one, one.edges[1]): "not refused"}
    stored = {
        contract.EDGES: {"edges": passed, "machine": {"date": "today"}, "core_hash": "abc"},
        contract.FRESH: {
            "scales": {
                "smoke": {
                    "claims": ["a", "b", "c", "d"],
                    "seed0": [1, 2],
                    "flips": [{"verdict": "error"}],
                    "core_hash": "abc",
                },
                "book": {"claims": ["a", "b", "c", "d"], "seed0": [1, 2, 3], "flips": [], "core_hash": "def"},
            }
        },
    }
    monkeypatch.setattr(artefacts, "read", stored.get)
    assert contract.summary(invented) == {
        "claims": 4,
        "statements of the papers": "2 (test 1, other 1)",
        "statements sharpened here": "1 (other 1)",
        "statements of our own": "1 (test 1)",
        "criteria": 6,
        "criteria without control, each with its reason": 2,
        "two-sided windows of ±20 % or wider in rate, tight and identity claims": 1,
        "of them without a reason": 0,
        "criteria on one value per seed": 4,
        "criteria on a statistic over the seeds, with its interval": 1,
        "criteria on exact certificates": 1,
        "edges that must hold": 1,
        "edges that must be refused": 1,
        "edges run and passed": "1 of 2, on today, core abc",
        "fresh seeds": "book scale, 4 claims × 3 passes: 0 flips, core def; "
        "smoke scale, 4 claims × 2 passes: 1 flips, core abc",
        "fresh runs that ended in an error, such as a series that is not tied to the seeds": 1,
    }


def test_what_no_control_breaks_is_listed_with_its_reason(invented, monkeypatch):
    monkeypatch.setattr(pages.registry, "all_claims", lambda: invented)
    assert repr(pages.uncontrolled()).splitlines() == [
        "test.two: x in [0.9, 1.1]: because it is a check of the experiment",
        "other.three: x in [0.9, 1.1]: because it is a check of the experiment",
    ]


def test_a_statistic_of_the_seeds_is_evidence_only_with_its_interval():
    assert Evidence({"x": Pooled(1.0, 0.5, 2.0)}).intervals == {("measured", "x", ""): (0.5, 2.0)}
