"""The pages of the papers: complete, derived from verdicts, and naming nothing that does not exist."""

import dataclasses
import re

import pytest
import yaml

from lowrank_core import artefacts
from lowrank_core.claims import papers, registry
from lowrank_core.claims.papers import tables
from lowrank_core.claims.papers.outcome import outcome, tally
from lowrank_core.claims.papers.paper import Experiment, Said
from lowrank_core.claims.statements import BOOK, all_statements
from lowrank_core.errors import ArgumentError

PAPERS = papers.all_papers()
SEEDS = [paper for paper in PAPERS if paper.seed]
CLAIMS = {claim.id: claim for claim in registry.all_claims()}
by_key = pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.key)


@pytest.fixture(scope="module")
def records():
    """Records of all claims, as if each had come out as the book expects."""
    return [
        {
            "id": claim.id,
            "paper": claim.paper,
            "title": claim.title,
            "chapter": claim.chapter,
            "states": list(claim.states),
            "origin": claim.origin,
            "fit": claim.fit,
            "verdict": claim.expected,
            "expected": claim.expected,
            "discrepancy": claim.discrepancy,
            "control": {"fired": True},
        }
        for claim in CLAIMS.values()
    ]


def page(paper):
    return (BOOK / "papers" / f"{paper.key}.md").read_text(encoding="utf8")


@by_key
def test_a_paper_names_claims_and_stored_runs_that_exist(paper):
    assert set(paper.claims) <= set(CLAIMS)
    for shown in paper.experiments:
        for name in shown.stored:
            assert artefacts.read(name)["record"]["id"] in shown.claims


def test_every_paper_of_the_registry_has_a_page_and_every_page_a_paper():
    assert set(registry.PAPERS) - {"engine"} <= set(papers.KEYS)
    assert [paper.key for paper in PAPERS] == list(papers.KEYS)
    assert {path.stem for path in (BOOK / "papers").glob("*.md")} == set(papers.KEYS)
    parts = yaml.safe_load((BOOK.parent / "_toc.yml").read_text(encoding="utf8"))["parts"]
    (files,) = [
        [entry["file"] for entry in part["chapters"]] for part in parts if "papers" in part.get("caption", "")
    ]
    assert files == ["papers", *(f"papers/{key}" for key in papers.KEYS)]


@pytest.mark.parametrize("paper", SEEDS, ids=lambda paper: paper.key)
def test_every_claim_of_a_seed_papers_abstract_is_answered_by_a_verdict(paper, records):
    said = [said for said in paper.says if said.in_abstract]
    assert said
    known = tables.by_id(records)
    for one in said:
        assert any(known[claim_id]["verdict"] in ("holds", "refuted") for claim_id in one.claims), one.text
        assert outcome(one, known) != "not tested"


def test_the_parts_of_the_book_are_named_after_its_seed_papers():
    folders = {claim.chapter.split("/")[1] for claim in CLAIMS.values()} - {"engine"}
    assert {paper.key for paper in SEEDS} == folders


@pytest.mark.parametrize(
    "claim", [c for c in CLAIMS.values() if c.origin in ("paper", "sharpened")], ids=lambda claim: claim.id
)
def test_a_claim_that_states_a_paper_answers_something_and_is_on_its_papers_page(claim, records):
    assert any(claim.id in paper.claims for paper in PAPERS)
    shown = [f(claim.paper, records) for f in (tables.claims, tables.experiments, tables.beyond)]
    assert any(claim.id in repr(fragment) and claim.id in fragment.markup for fragment in shown)


@by_key
def test_nothing_that_was_not_read_is_called_read(paper):
    """A claim that restates a paper cannot answer for a text of which only the abstract was read."""
    for claim_id in paper.claims:
        claim = CLAIMS[claim_id]
        if claim.paper == paper.key and claim.known == "read":
            assert any(said.known == "read" for said in paper.says if claim_id in said.claims) or any(
                shown.known == "read" for shown in paper.experiments if claim_id in shown.claims
            )


@pytest.mark.parametrize(
    ("chapter", "said", "no_more"),
    [
        # The condition number of a factor is the root of that of the matrix.
        ("wind2023/escape-times", r"\lesssim\kappa^{-2}r^{-1/2}$", r"\kappa^{-4}"),
        ("wind2023/escape-times", r"exponentially small in $\kappa$", r"exponentially small in $\kappa^2$"),
        # Of an experiment only what is reported of it is the paper's.
        (
            "xiong2024/rebalancing",
            r"so $k=5$, $m$, $\eta$ and $\alpha$ below are ours",
            "The paper's experiment",
        ),
        (
            "xiong2024/asymmetric-linear",
            r"$\exp(-\Omega(\alpha^2T))$",
            "at a rate that depends on the start scale",
        ),
        ("ma2023/search-rank", "Property 1", "Proposition 1 "),
        ("zhang2025/noise-and-accuracy", "{cite:t}`mabi2021`", "Neither paper"),
        ("zhang2025/preconditioning", "{cite:t}`zhang2021`", "Neither paper proves"),
        ("zhang2025/which-method", r"guarantees an exponent of $\frac13$", "only the abstract"),
        ("zhang2025/published-figures", "calls the slope approximately one", r"like $\alpha^2$"),
    ],
)
def test_what_was_corrected_stays_corrected(chapter, said, no_more):
    text = (BOOK / "chapters" / f"{chapter}.md").read_text(encoding="utf8")
    assert said in text
    assert no_more not in text


def test_numbers_of_theorems_of_a_paper_of_two_versions_say_which():
    stated = [claim.reference for claim in CLAIMS.values() if claim.paper == "wind2023"]
    stated += [said.where for said in papers.find("wind2023").says]
    numbered = [where for where in stated if re.search(r"(Theorem|Remark) \d", where)]
    assert len(numbered) > 5
    assert all(re.search(r"second version|of the second", where) for where in numbered)


def test_what_simulations_show_is_not_called_a_theorem():
    stated = [claim.reference for claim in CLAIMS.values() if claim.paper == "ma2023"]
    stated += [said.where for said in papers.find("ma2023").says]
    assert any("Property 1" in where for where in stated)
    assert not any(re.search(r"Proposition 1\b", where) for where in stated)


@by_key
def test_a_page_is_made_of_the_declaration_and_types_no_count(paper):
    text = page(paper)
    assert f"\n# {paper.name}\n" in text
    assert "execution_mode: force" in text
    for function in ("source", "claims", "experiments", "discrepancies", "beyond"):
        assert len(re.findall(rf'tables\.{function}\("{paper.key}"', text)) == 1
    prose = re.sub(r"^---.*?^---$|^```.*?^```$|^# .*$|\{cite:t\}`[^`]*`", "", text, flags=re.S | re.M)
    assert not re.search(r"\d", prose), prose


def test_the_overview_types_no_count_either():
    text = (BOOK / "papers.md").read_text(encoding="utf8")
    prose = re.sub(r"^---.*?^---$|^```.*?^```$", "", text, flags=re.S | re.M)
    assert not re.search(r"\d", prose)


@by_key
def test_all_that_a_paper_says_is_on_its_page(paper, records):
    claims, shown = tables.claims(paper.key, records), tables.experiments(paper.key, records)
    assert len(repr(claims).splitlines()) == len(paper.says) == claims.markup.count("data-outcome")
    for said in paper.says:
        assert said.where in repr(claims)
        assert said.remark in repr(claims)
    for one in paper.experiments:
        assert f"{one.where}: {one.repeated}" in repr(shown)
    linked = re.findall(r"href='\.\./(chapters/[^']*)\.html#([^']*)'", claims.markup + shown.markup)
    assert linked or not paper.claims
    assert all(all_statements()[label].chapter == chapter for chapter, label in linked)
    assert paper.read in repr(tables.source(paper.key))


def test_the_cards_are_those_of_the_seed_papers_and_count_what_their_pages_show(records):
    cards = repr(tables.cards(records)).splitlines()
    assert len(cards) == len(SEEDS) == tables.cards(records).markup.count("class='paper-card'")
    for paper, card in zip(SEEDS, cards, strict=True):
        found = tally(paper, tables.by_id(records))
        assert sum(found.values()) == len(paper.says)
        assert card.startswith(f"{paper.name}: {len(paper.says)} claims")
        assert all(f"{number} {name}" in card for name, number in found.items())
    assert "tables.cards(records)" in (BOOK / "index.md").read_text(encoding="utf8")


def test_the_overview_has_a_line_for_every_paper(records):
    assert len(repr(tables.overview(records)).splitlines()) == len(PAPERS)


def test_discrepancies_stand_on_the_page_of_the_paper_that_they_are_about(records):
    told = repr(tables.discrepancies("zhuo2024", records))
    assert "zhuo2024.linear-phase: " in told
    assert "ma2023." not in told
    assert repr(tables.discrepancies("jin2023", records)) == "none was found"


def test_a_claim_about_another_paper_is_named_so():
    record = {
        "id": "zhang2025.balancing-free",
        "paper": "zhang2025",
        "title": "a < b",
        "chapter": "chapters/zhang2025/balancing",
        "states": [],
        "origin": "paper",
        "fit": "illustrates",
        "verdict": "holds",
        "expected": "refuted",
        "control": {"fired": True},
    }
    rest = tables.beyond("zhang2025", [record])
    assert repr(rest) == "zhang2025.balancing-free: holds, about Ma, Li and Chi (2021)"
    assert "a &lt; b" in rest.markup
    assert ", expected refuted" in rest.markup


SAID = Said("it holds", "abstract", answers=("a.paper", "a.ours"), questioned=("a.against",))


@pytest.mark.parametrize(
    ("verdicts", "origin", "expected"),
    [
        (("holds", "holds", "inconclusive"), "paper", "held"),
        (("holds", "holds", "inconclusive"), "sharpened", "sharpened"),
        (("inconclusive", "holds", "inconclusive"), "sharpened", "held"),
        (("holds", "holds", "holds"), "sharpened", "questioned"),
        (("refuted", "holds", "inconclusive"), "paper", "questioned"),
        (("inconclusive", "inconclusive", "inconclusive"), "paper", "not tested"),
    ],
)
def test_an_outcome_follows_from_the_verdicts(verdicts, origin, expected):
    origins = (origin, "ours", "ours")
    known = {
        claim_id: {"verdict": verdict, "origin": whose}
        for claim_id, verdict, whose in zip(SAID.claims, verdicts, origins, strict=True)
    }
    assert outcome(SAID, known) == expected


def test_what_nobody_tried_is_not_tested():
    assert outcome(Said("it holds", "Theorem 1", remark="nothing tries it"), {}) == "not tested"


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: Said("x", "abstract"), "nothing answers it, and nothing says why"),
        (lambda: Said("x", "abstract", known="heard", remark="y"), "unknown value"),
        (lambda: Said("x", "abstract", answers=("a.b",), questioned=("a.b",)), "named twice"),
        (lambda: Experiment("Figure 1", "x", "reproduced"), "an experiment that is repeated has claims"),
        (lambda: Experiment("Figure 1", "x", "not run"), "one that is not says why"),
        (lambda: Experiment("Figure 1", "x", "not run", ("a.b",), remark="y"), "one that is not says why"),
        (lambda: Experiment("Figure 1", "x", "perhaps", ("a.b",)), "unknown value"),
        (
            lambda: dataclasses.replace(SEEDS[0], says=(Said("x", "abstract", remark="too hard"),)),
            "no claim answers it",
        ),
        (lambda: dataclasses.replace(SEEDS[0], read=""), "say what was read"),
        (lambda: papers.find("ma1999"), "no such paper is declared"),
    ],
)
def test_an_incomplete_declaration_is_refused(make, problem):
    with pytest.raises(ArgumentError, match=problem):
        make()
