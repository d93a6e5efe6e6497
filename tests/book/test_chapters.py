"""Every claim that a chapter runs is required there, in a cell of its own end, and stands in that chapter alone."""

import re
from pathlib import Path

import pytest
from chapters import claims_of, code_cells, faults, read_page

from lowrank_core import claims

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted((ROOT / "book" / "chapters").rglob("*.md"))
PAGES = sorted(set((ROOT / "book").rglob("*.md")) - set((ROOT / "book" / "_build").rglob("*")))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_requires_and_shows_every_claim_that_it_runs(path):
    notebook = read_page(path)
    ran, shown = claims_of([cell.source for cell in code_cells(notebook)])
    assert ran == shown
    name = path.relative_to(ROOT / "book").with_suffix("").as_posix()
    assert ran == {claim.id for claim in claims.all_claims() if claim.chapter == name}


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_foot_of_a_chapter_counts_every_claim_that_it_runs(path):
    code = "\n".join(cell.source for cell in code_cells(read_page(path)))
    ran = set(re.findall(r"(\w+) = claims\.run\(", code))
    (counted,) = re.findall(r"pages\.footer\(([^)]*)\)", code)
    assert set(re.findall(r"\w+", counted)) == ran


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_page_of_the_book_hides_a_failure(path):
    notebook = read_page(path)
    assert notebook is None or list(faults(notebook)) == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_what_would_refute_a_chapter_is_made_of_its_criteria(path):
    text = path.read_text(encoding="utf8")
    name = path.relative_to(ROOT / "book").with_suffix("").as_posix()
    assert text.count(f'pages.refuters("{name}")') == 1
    assert "would refute it.**" not in text


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_number_is_read_out_of_a_label(path):
    """Variants carry their numbers: `name.number`."""
    code = "\n".join(cell.source for cell in code_cells(read_page(path)))
    assert not re.findall(r"(?:int|float)\(\w+(?:\.(?:split|removeprefix|partition)|\[\d+:)[^\n]*", code)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_code_of_a_figure_is_folded(path):
    """What teaches is the experiment; who wants the plotting code opens it."""
    figures = [c for c in code_cells(read_page(path)) if "figure" in c.metadata.get("mystnb", {})]
    assert figures
    assert all({"hide-input", "remove-input"} & set(c.metadata.get("tags", [])) for c in figures)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_sketch_looks_like_one_and_does_not_end_like_a_proof(path):
    proofs = re.findall(r"^:::+\{prf:proof\}\n(.*?)^:::+$", path.read_text(encoding="utf8"), re.M | re.S)
    for proof in proofs:
        is_sketch = proof.startswith(":class: sketch\n*Sketch")
        assert is_sketch == ("sketch" in proof[:60].lower()), proof[:80]
        assert not (is_sketch and r"\square" in proof), proof[:80]
