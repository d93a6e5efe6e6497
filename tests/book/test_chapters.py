"""Every claim that a chapter runs is required there, in a cell of its own end, and stands in that chapter alone."""

import re
from pathlib import Path

import pytest

from lowrank_core import claims

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted((ROOT / "book" / "chapters").rglob("*.md"))
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```", re.S | re.M)


def cells(text):
    """The code of each cell, without its options."""
    for block in CELL.findall(text):
        lines = [line for line in block.splitlines() if not line.startswith(":")]
        code = "\n".join(lines)
        yield code.split("---\n", 2)[-1] if code.startswith("---\n") else code


def required(text):
    """(ids that are run, ids whose `require()` is the last expression of a cell)."""
    ran, shown = {}, set()
    for code in cells(text):
        ran |= {name: claim_id for name, claim_id in re.findall(r'(\w+) = claims\.run\(\s*"([^"]+)"', code)}
        last = code.rstrip().splitlines()[-1] if code.strip() else ""
        if found := re.fullmatch(r"(\w+)\.require\(\)", last):
            shown.add(ran.get(found[1], found[1]))
        shown |= set(re.findall(r'^claims\.run\(\s*"([^"]+)"[^)]*\)\.require\(\)$', last))
    return set(re.findall(r'claims\.run\(\s*"([^"]+)"', text)), shown


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_requires_and_shows_every_claim_that_it_runs(path):
    ran, shown = required(path.read_text(encoding="utf8"))
    assert ran == shown
    name = path.relative_to(ROOT / "book").with_suffix("").as_posix()
    assert ran == {claim.id for claim in claims.all_claims() if claim.chapter == name}


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_what_would_refute_a_chapter_is_made_of_its_criteria(path):
    text = path.read_text(encoding="utf8")
    name = path.relative_to(ROOT / "book").with_suffix("").as_posix()
    assert text.count(f'pages.refuters("{name}")') == 1
    assert "would refute it.**" not in text


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_number_is_read_out_of_a_label(path):
    """Variants carry their numbers: `name.number`."""
    code = "\n".join(cells(path.read_text(encoding="utf8")))
    assert not re.findall(r"(?:int|float)\(\w+(?:\.(?:split|removeprefix|partition)|\[\d+:)[^\n]*", code)


@pytest.mark.parametrize(
    ("code", "ran", "shown"),
    [
        ('a = claims.run("p.a")\na.require()', {"p.a"}, {"p.a"}),
        ('a = claims.run("p.a")', {"p.a"}, set()),
        ('a = claims.run("p.a")\na.require()\nprint(1)', {"p.a"}, set()),
        ('# claims.run is here\nclaims.run("p.a").require()', {"p.a"}, {"p.a"}),
    ],
)
def test_a_claim_that_is_run_and_not_required_is_seen(code, ran, shown):
    assert required(f"```{{code-cell}} ipython3\n{code}\n```\n") == (ran, shown)
