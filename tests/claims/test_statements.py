"""Statements stand in the chapters once; claims name them, and every hypothesis can be read there."""

import dataclasses
import re

import pytest

from lowrank_core.__main__ import main
from lowrank_core.claims import registry, statements
from lowrank_core.claims.edges import edge, refused
from lowrank_core.claims.readable import plain, readable
from lowrank_core.claims.sizes import scales
from lowrank_core.claims.standing import RANK
from lowrank_core.errors import ArgumentError

PAGE = r"""
# A page

:::{prf:theorem} A bound
:label: thm-bound
Paper (2024), Theorem 1. With $k>r$ and $\eta\sigma_1\le\tfrac12$ the error is at most

$$\|X\|^2.$$
:::

:::{prf:proof}
None. $\square$
:::

::::{prf:lemma}
:label: lem-known
:class: background dropdown
Known.
::::
"""


@pytest.fixture
def found():
    return {statement.label: statement for statement in statements.parse(PAGE, "chapters/test")}


@pytest.fixture
def claim(declare):
    return declare(
        states=("thm-bound",),
        sizes=scales(n=3),
        edges=(
            edge("n = 4", n=4),
            refused("k > r", "nothing", n=1),
            refused("ησ₁ ≤ ½", "too long", n=2),
            refused(RANK, "standing, and so assumed by all", n=0),
        ),
    )


def test_numbered_statements_are_read_with_label_title_and_text(found):
    assert list(found) == ["thm-bound", "lem-known"]
    bound = found["thm-bound"]
    assert (bound.kind, bound.title, bound.chapter) == ("theorem", "A bound", "chapters/test")
    assert bound.text.startswith("Paper (2024), Theorem 1.")
    assert bound.text.endswith("$$")
    assert [statement.background for statement in found.values()] == [False, True]


def test_a_claim_and_its_statement_fit(claim, found):
    assert statements.problems([claim], found) == []


CHANGES = {
    "the label in the claim": ({"states": ()}, "", "", "names no statement"),
    "another label": ({"states": ("thm-other",)}, "", "", "thm-other, which does not exist"),
    "another chapter": ({"chapter": "chapters/other"}, "", "", "which stands in chapters/test"),
    "the label in the chapter": ({}, ":label: thm-bound\n", "", "thm-bound, which does not exist"),
    "a hypothesis in the chapter": ({}, "$k>r$ and ", "", "assumes k > r, which thm-bound does not say"),
    "another hypothesis": ({}, r"\tfrac12", "1", "assumes ησ₁ ≤ ½, which thm-bound does not say"),
    "the mark of background": ({}, "background ", "", "lem-known in chapters/test is neither on trial"),
    "background on trial": ({"states": ("thm-bound", "lem-known")}, "", "", "is background, and on trial"),
}


@pytest.mark.parametrize(("change", "before", "after", "problem"), CHANGES.values(), ids=CHANGES)
def test_whatever_is_lost_on_one_side_is_found(claim, change, before, after, problem):
    assert before in PAGE
    pages = statements.parse(PAGE.replace(before, after) if before else PAGE, "chapters/test")
    changed = dataclasses.replace(claim, **change)
    lines = statements.problems([changed], {statement.label: statement for statement in pages})
    assert any(problem in line for line in lines), lines


def test_claims_and_chapters_of_the_book_fit():
    assert statements.problems(registry.all_claims(), statements.all_statements()) == []


def test_every_numbered_statement_of_the_book_is_read_and_has_a_label_of_its_own():
    text = "".join(
        page.read_text(encoding="utf-8") for page in sorted(statements.BOOK.glob("chapters/*/*.md"))
    )
    count = len(re.findall(r"^:{3,}\{prf:(?:theorem|proposition|lemma|corollary)\}", text, re.MULTILINE))
    assert len(statements.all_statements()) == count > 150


@pytest.mark.parametrize("claim", registry.all_claims(), ids=lambda claim: claim.id)
def test_every_hypothesis_that_a_claim_refuses_by_is_tried(claim):
    """An `assume` without an edge that it refuses would be a hypothesis that nobody tries."""
    source = registry.source(claim.id)
    body = source.partition("\ndef ")[2]
    named = re.findall(r'setting\.assume\([^\n]*?,\s*"([^"]+)"', body)
    assert set(named) <= {edge.refused for edge in claim.edges}


READABLE = [
    ("k > r", r"with $r<k\le n$", True),
    ("k > r", "with $k>r$ columns", True),
    ("k > r", r"with $k\ge r$", False),
    ("ησ₁ ≤ ½", r"$\eta\sigma_1\le\tfrac12$", True),
    ("ησ₁ ≤ ½", r"$\eta\sigma_1\le\frac{1}{2}$", True),
    ("ησ₁ ≤ ½", r"$\eta\sigma_1\le1$", False),
    ("α ≤ 10⁻⁶", r"$\alpha\le10^{-6}$", True),
    ("η max(σ₁, ‖X₀‖²) ≤ ½", r"$\eta\max(\sigma_1,\|X_0\|^2)\le\tfrac12$", True),
    ("δ/(1 − δ) > √(n − 1)", r"$\delta/(1-\delta)>\sqrt{n-1}$", True),
    ("σ√n ≪ 1", r"$\sigma\sqrt n\ll1$", True),
    ("rank F₀ > r*", r"$\operatorname{rank}F_0>r^\star$", True),
    ("distinct eigenvalues", "a truth with distinct\neigenvalues", True),
    ("r < n₁, n₂", r"$r<n_1,n_2$", True),
]


@pytest.mark.parametrize(("hypothesis", "text", "expected"), READABLE)
def test_a_hypothesis_is_read_in_latex(hypothesis, text, expected):
    assert readable(hypothesis, text) is expected, (plain(hypothesis), plain(text))


def test_the_command_line_shows_the_statement_of_the_chapter(capsys):
    assert main(["claims", "show", "xiong2024.exact-rank-linear"]) == 0
    out = capsys.readouterr().out
    assert "prop-linear" in out
    assert statements.all_statements()["prop-linear"].text in out


def test_without_the_book_beside_it_the_package_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(statements, "BOOK", tmp_path / "nowhere")
    statements.all_statements.cache_clear()
    with pytest.raises(ArgumentError, match="from a checkout"):
        statements.all_statements()
