"""Verdicts at their statements: from the records, never typed."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from docutils import nodes

from lowrank_core.claims import registry

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("claim_roles", ROOT / "tools" / "claim_roles.py")
claim_roles = sys.modules["claim_roles"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(claim_roles)
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


@pytest.mark.parametrize(
    "path", sorted((ROOT / "book" / "chapters").rglob("*.md")), ids=lambda path: path.stem
)
def test_a_chapter_closes_with_what_was_learnt(path):
    text = path.read_text(encoding="utf8")
    assert text.count("```{learnt}\n```") == 1
    assert text.index("## What we learnt") < text.index("```{learnt}") < text.index("## Exercises")
