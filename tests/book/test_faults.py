"""A page that could look right while it is wrong is refused before it runs."""

import pytest
from chapters import claims_of, faults
from nbformat.v4 import new_code_cell, new_notebook

from book import BookError, check_records

from .conftest import record


@pytest.mark.parametrize(
    ("code", "ran", "shown"),
    [
        ('a = claims.run("p.a")\na.require()', {"p.a"}, {"p.a"}),
        ('a = claims.run("p.a")', {"p.a"}, set()),
        ('a = claims.run("p.a")\na.require()\nprint(1)', {"p.a"}, set()),
        ('# claims.run is here\nclaims.run("p.a").require()', {"p.a"}, {"p.a"}),
        ('if False:\n    claims.run("p.a").require()', {"p.a"}, set()),
        ('"""claims.run("p.a").require()"""', set(), set()),
    ],
)
def test_a_claim_that_is_run_and_not_required_is_seen(code, ran, shown):
    assert claims_of([code]) == (ran, shown)


GOOD = 'claims.run("p.a").require()'
WRONG = {
    "a verdict that may raise": (
        [new_code_cell(GOOD, metadata={"tags": ["raises-exception"]})],
        {},
        "may raise",
    ),
    "a verdict that may raise, for the replay": (
        [new_code_cell(f"# NBVAL_RAISES_EXCEPTION\n{GOOD}")],
        {},
        "may raise",
    ),
    "a cell that skips itself": ([new_code_cell(f"# NBVAL_SKIP\n{GOOD}")], {}, "skips itself"),
    "a cell that Sphinx skips": (
        [new_code_cell("1", metadata={"tags": ["skip-execution"]})],
        {},
        "skips itself",
    ),
    "a verdict that is not compared": (
        [new_code_cell(f"# NBVAL_IGNORE_OUTPUT\n{GOOD}")],
        {},
        "are not compared",
    ),
    "a claim without require()": ([new_code_cell('a = claims.run("p.a")\na')], {}, "never requires it"),
    "a claim by a name": ([new_code_cell("claims.run(name).require()")], {}, "id is not written there"),
    "errors allowed": ([new_code_cell(GOOD)], {"mystnb": {"execution_allow_errors": True}}, "hides failures"),
    "a page that does not run": (
        [new_code_cell(GOOD)],
        {"mystnb": {"execution_mode": "off"}},
        "hides failures",
    ),
    "another kernel": (
        [new_code_cell(GOOD)],
        {"kernelspec": {"name": "R", "display_name": "R"}},
        "kernel 'R'",
    ),
}


@pytest.mark.parametrize(("cells", "metadata", "words"), WRONG.values(), ids=WRONG)
def test_a_page_that_could_hide_a_failure_is_refused(cells, metadata, words):
    assert words in "\n".join(faults(new_notebook(cells=cells, metadata=metadata)))


def test_a_page_that_hides_nothing_is_not_refused():
    footer = new_code_cell("pages.footer(a)", metadata={"tags": ["remove-input", "nbval-ignore-output"]})
    notebook = new_notebook(cells=[new_code_cell(f"a = {GOOD[:-10]}\na.require()"), footer])
    assert list(faults(notebook)) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"verdict": "refuted"}, "test.claim: refuted, expected holds"),
        ({"control": {"fired": False}}, "its control did not fire"),
        ({"id": "test.other"}, "runs test.other and never requires it"),
    ],
)
def test_a_chapter_is_refused_by_the_records_of_its_claims_whatever_its_cells_made_of_them(changes, words):
    notebook = new_notebook(cells=[new_code_cell('claims.run("test.claim").require()')])
    check_records("page", notebook, {"a.json": record()})
    with pytest.raises(BookError, match=words):
        check_records("page", notebook, {"a.json": record(**changes)})
