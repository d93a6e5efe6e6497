"""Sources are cited in one style, in the text as in the list, and each can be followed to arXiv and by its DOI."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import citations
import pytest
from pybtex.database import parse_file

from lowrank_core.claims import papers

from .conftest import REPOSITORY

BOOK = REPOSITORY / "book"
SOURCES = parse_file(BOOK / "references.bib").entries
TEXTS = {path.relative_to(BOOK).as_posix(): path.read_text(encoding="utf8") for path in BOOK.glob("**/*.md")}
TEXTS = {name: text for name, text in TEXTS.items() if not name.startswith("_build")}


def plain(title: str) -> str:
    """A title without marks of LaTeX, case and spacing."""
    return re.sub(r"\s+", " ", title.replace("--", "–").translate(str.maketrans("", "", "{}"))).casefold()


@pytest.mark.parametrize("key", SOURCES)
def test_a_source_has_its_number_on_arxiv_and_a_doi(key):
    fields = SOURCES[key].fields
    assert re.fullmatch(r"\d{4}\.\d{5}", fields["eprint"])
    assert fields["doi"].startswith("10.")
    if fields["doi"].startswith("10.48550/"):
        assert fields["doi"] == f"10.48550/arXiv.{fields['eprint']}"


@pytest.mark.parametrize("paper", papers.all_papers(), ids=lambda paper: paper.key)
def test_a_paper_is_declared_as_the_list_of_sources_has_it(paper):
    entry = SOURCES[paper.key]
    assert (paper.arxiv, paper.doi, str(paper.year)) == tuple(
        entry.fields[name] for name in ("eprint", "doi", "year")
    )
    assert plain(paper.title) == plain(entry.fields["title"])
    assert paper.authors == citations.names(entry)


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_text_cites_in_one_style_and_nothing_that_is_not_listed(name):
    text = TEXTS[name]
    cited = re.findall(r"\{cite(:\w+)?\}`([^`]*)`", text)
    assert {role for role, _ in cited} <= {":t", ":p"}
    assert {key for _, keys in cited for key in keys.split(",")} <= set(SOURCES)
    # A name with its year, typed, would be a second style; in the headings of the papers there can be no role.
    prose = re.sub(r"^#.*$|^```.*?^```$", "", text, flags=re.M | re.S)
    assert not re.search(r"[A-Z]\w+ \((?:19|20)\d\d\)", prose)


def test_every_source_is_cited():
    cited = {key for text in TEXTS.values() for key in re.findall(r"\{cite:\w\}`([^`]*)`", text)}
    assert set(SOURCES) == cited


def test_text_and_list_agree(tmp_path: Path) -> None:
    settings = f"""
import sys
sys.path.insert(0, {str(REPOSITORY / "tools")!r})
extensions = ["myst_parser", "sphinxcontrib.bibtex", "citations"]
bibtex_bibfiles = [{str(BOOK / "references.bib")!r}]
bibtex_reference_style = bibtex_default_style = "names_and_year"
"""
    (tmp_path / "conf.py").write_text(settings)
    (tmp_path / "index.md").write_text(
        "# Page\n\n{cite:t}`xiong2024` and {cite:t}`stoger2021` {cite:p}`wind2023`\n\n```{bibliography}\n```\n"
    )
    build = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", str(tmp_path), str(tmp_path / "out")]
    subprocess.run(build, check=True)
    page = (tmp_path / "out" / "index.html").read_text()
    words = re.sub(r"<[^>]*>", "", page)
    assert "Xiong, Ding and Du (2024) and Stöger and Soltanolkotabi (2021) (Wind, 2023)" in words
    for label in ("Xiong, Ding and Du (2024)", "Stöger and Soltanolkotabi (2021)", "Wind (2023)"):
        assert re.search(rf"\[\s*{re.escape(label)}\s*\]", words)
    assert 'href="https://arxiv.org/abs/2310.01769"' in page
    assert 'href="https://doi.org/10.48550/arXiv.2106.15013"' in page
