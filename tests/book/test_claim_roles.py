"""Verdicts at their statements: from the records, never typed."""

from __future__ import annotations

import io
import json
from pathlib import Path

import claim_roles
import pytest
from docutils import nodes
from sphinx.application import Sphinx

from lowrank_core.claims import registry

ROOT = Path(__file__).parents[2]
CLAIM = registry.find("zhang2025.sufficiency")


class Builder:
    name = "html"

    def get_relative_uri(self, source, target):
        return "" if source == target else f"{target}.html"


class App:
    builder = Builder()


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    def record(verdict):
        (tmp_path / f"{CLAIM.id}.json").write_text(json.dumps({"verdict": verdict}))

    monkeypatch.setenv("LOWRANK_RESULTS", str(tmp_path))
    monkeypatch.setattr(claim_roles, "claims", lambda: {CLAIM.id: CLAIM})
    return record


def page_with(*parts):
    document = nodes.document("", None)
    document.extend(parts)
    return document


@pytest.mark.parametrize("verdict", ["holds", "refuted"])
def test_a_statement_ends_with_the_verdict_that_this_run_found(recorded, verdict):
    recorded(verdict)
    statement = nodes.admonition("", nodes.paragraph("", "Let."), label=CLAIM.states[0])
    other = nodes.admonition("", nodes.paragraph("", "Let."), label="thm-of-nobody")
    claim_roles.show_verdicts(App(), page_with(statement, other), CLAIM.chapter)
    assert f"{claim_roles.MARKS[verdict]} {verdict} {CLAIM.id}" in statement.astext()
    link = next(statement.findall(nodes.reference))
    assert link["refid"] == f"claim-{CLAIM.id}"
    assert "On trial" not in other.astext()


def test_a_page_lists_its_verdicts_where_it_asks_for_them(recorded):
    recorded("holds")
    document = page_with(claim_roles.learnt())
    claim_roles.show_verdicts(App(), document, CLAIM.chapter)
    assert [line.astext() for line in document.findall(nodes.list_item)] == [f"✓ holds {CLAIM.title}"]


def test_a_claim_without_a_record_is_a_warning(recorded, caplog):
    claim_roles.LOG.logger.propagate = True
    assert claim_roles.verdict(CLAIM, CLAIM.chapter) == "inconclusive"
    assert f"no record of {CLAIM.id}" in caplog.text


def test_roles_lead_to_the_box_and_say_the_verdict_and_an_unknown_id_is_a_warning(recorded, tmp_path):
    recorded("holds")
    page = tmp_path / "book" / f"{CLAIM.chapter}.rst"
    page.parent.mkdir(parents=True)
    page.write_text("Page\n====\n\n", "utf8")
    (tmp_path / "book" / "index.rst").write_text(
        f"Index\n=====\n\n.. toctree::\n\n   {CLAIM.chapter}\n\n"
        f"See :claim:`{CLAIM.id}`, :claim:`its rate <{CLAIM.id}>`: it :claim:verdict:`{CLAIM.id}`.\n\n"
        "Nor :claim:`p.nobody` nor :claim:verdict:`p.none`.\n",
        "utf8",
    )
    warnings = io.StringIO()
    settings = {"extensions": ["claim_roles"], "nitpicky": True, "html_theme": "basic"}
    folders = [str(tmp_path / name) for name in ("out", "trees")]
    source = str(tmp_path / "book")
    Sphinx(source, None, *folders, "html", settings, status=None, warning=warnings).build()
    text = (tmp_path / "out" / "index.html").read_text("utf8")
    assert text.count(f'href="{CLAIM.chapter}.html#claim-{CLAIM.id}"') == 3
    assert ">its rate</" in text
    assert ">✓ holds</" in text
    assert [name for name in ("p.nobody", "p.none", CLAIM.id) if name in warnings.getvalue()] == [
        "p.nobody",
        "p.none",
    ]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "book" / "chapters").rglob("*.md")), ids=lambda path: path.stem
)
def test_a_chapter_closes_with_what_was_learnt(path):
    text = path.read_text(encoding="utf8")
    assert text.count("```{learnt}\n```") == 1
    assert text.index("## What we learnt") < text.index("```{learnt}") < text.index("## Exercises")
