"""One letter, one meaning: the declared table of symbols against chapters, and against the words of claims."""

from __future__ import annotations

import re
from pathlib import Path

import notation
import pytest
import symbols

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "book"


CHAPTERS = {
    path.relative_to(BOOK).with_suffix("").as_posix(): path.read_text(encoding="utf8")
    for path in sorted(BOOK.glob("chapters/*/*.md"))
}
CLAIMS = sorted((ROOT / "lowrank_core" / "claims").rglob("*.py"))


@pytest.mark.parametrize("page", CHAPTERS)
def test_a_chapter_uses_no_symbol_in_two_senses(page):
    assert list(symbols.double_senses({page: CHAPTERS[page]})) == []


@pytest.mark.parametrize(
    ("good", "bad", "problem"),
    [
        ("the search rank $k$", "the search rank $r$", "where search ranks? is k"),
        ("the search rank $k$", 'xlabel="search rank r"', "where search ranks? is k"),
        ("the true rank $r$", r"the true rank $r^\star$", "stands for the true rank r"),
        ("the true rank $r$", "the true rank $k=2$", "where true rank is r"),
        (r"condition number $\kappa$", r"condition number $\lambda$", "where condition numbers? is"),
        (r"isometry constant $\delta<1$", r"isometry constant $\epsilon$", "where isometry constants? is"),
    ],
)
def test_a_second_sense_is_found(good, bad, problem):
    assert list(symbols.double_senses({"chapters/x/y": f"Take {good}."})) == []
    assert any(problem in line for line in symbols.double_senses({"chapters/x/y": f"Take {bad}."}))


def test_a_letter_that_is_declared_twice_for_a_page_is_found(monkeypatch):
    monkeypatch.setattr(
        symbols, "BY_PAGE", (*symbols.BY_PAGE, symbols.Symbol("k", "another", (symbols.SHARP,)))
    )
    lines = list(symbols.double_senses({symbols.SHARP: CHAPTERS[symbols.SHARP]}))
    assert any("k is “search rank" in line and "and “another”" in line for line in lines)


@pytest.mark.parametrize("symbol", [*symbols.WHOLE_BOOK, *symbols.BY_PAGE], ids=lambda symbol: symbol.tex)
def test_a_symbol_is_introduced_on_pages_that_there_are_and_use_it(symbol):
    assert set(symbol.on) <= set(CHAPTERS)
    for page in symbol.on:
        used = {letter for tex in symbols.formulas(CHAPTERS[page]) for letter in symbols.letters(tex)}
        assert set(symbols.marks(symbol)) <= used, page


def test_letters_are_told_apart_by_their_marks():
    found = list(
        symbols.letters(r"\|M^\star-M\|_F\le\delta^\pm_{4r}+\sigma_r\operatorname{rank}X_0+\mathcal A(a_0)")
    )
    assert found == [
        r"M^\star", "M", r"\le", r"\delta^\pm", "r", r"\sigma", "r", "X", r"\mathcal A", "a_0"
    ]  # fmt: skip


@pytest.mark.parametrize("path", CLAIMS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_claims_call_the_ranks_as_the_chapters_do(path):
    text = path.read_text(encoding="utf8")
    assert not re.search(r"\br[*⋆](?!\*)|true rank k\b", text)


def test_the_notation_page_is_made_of_the_table():
    text = (BOOK / "notation.md").read_text(encoding="utf8")
    assert re.findall(r"^```\{symbols\} (.*)$", text, re.M) == ["whole-book", "by-page"]
    lines = notation.table("whole-book", {symbols.SLOWDOWN})
    assert sum(f"{{doc}}`/{symbols.SLOWDOWN}`" in line for line in lines) > 5
    assert len(lines) == len(symbols.WHOLE_BOOK) + 4


def test_a_card_knows_the_character_that_is_drawn():
    codes = {
        letter: notation.character(letter) for letter in ("k", "h", "X", r"\kappa", r"\Delta", r"M^\star")
    }
    assert codes == {
        "k": "1D458",
        "h": "210E",
        "X": "1D44B",
        r"\kappa": "1D705",
        r"\Delta": "394",
        r"M^\star": "",
    }
    shown = notation.list_of(list(symbols.WHOLE_BOOK), {"k", r"\kappa", r"M^\star"})
    assert "<dt data-code='1D458'>k</dt><dd>search rank" in shown
    assert re.findall(">([^<>]*)</dt>", shown) == ["M⋆", "k", "κ"]
    assert notation.list_of([], set()) == ""
