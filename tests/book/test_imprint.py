"""Every page says which copy it belongs to, how to cite it and where to write."""

import re
from pathlib import Path
from types import SimpleNamespace

import imprint
import pytest

import lowrank_core

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "book" / "_build" / "html"


@pytest.fixture
def this(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    return imprint.imprint()


def test_it_is_read_from_the_citation_file_and_dated_by_the_build(this):
    assert this.version == lowrank_core.__version__
    assert this.date == "14 November 2023"
    assert this.citation == (
        f"The Low-Rank Recovery, Verified maintainers (2023). Low-Rank Recovery, Verified, version {this.version}."
    )


def test_it_leads_to_the_changelog_and_to_the_issues_if_there_are_any(this):
    foot = imprint.footer(this, "../changelog.html", "https://example.org/book")
    assert "<a href='../changelog.html'>what changed</a>" in foot
    assert "<a href='https://example.org/book/issues'>open an issue</a>" in foot
    assert "<a" not in imprint.footer(this)


@pytest.mark.parametrize(("pages", "way"), [({"changelog"}, "up/changelog"), (set(), "")])
def test_a_page_gets_it_with_the_way_from_there(this, pages, way):
    context = {"pathto": lambda page: f"up/{page}"}
    app = SimpleNamespace(env=SimpleNamespace(found_docs=pages))
    imprint.sign(app, "chapters/one", "page.html", context, None)
    assert context["theme_extra_footer"] == imprint.footer(this, way)


@pytest.mark.built
def test_every_page_of_the_built_book_is_signed():
    for page in BUILT.rglob("*.html"):
        if "_static" not in page.parts:
            assert len(re.findall("class=.imprint", page.read_text("utf8"))) == 1, page
