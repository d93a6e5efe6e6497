"""A Sphinx extension: claims as objects that texts can name, and the verdicts shown where the statements stand.

`` {claim}`id` `` and `` {claim}`words <id>` `` lead to the box of a claim, `` {claim:verdict}`id` `` prints its
verdict as this run found it. A numbered statement that claims put on trial ends with their verdicts, and `{learnt}`
lists all those of its page. Nothing of this is typed: verdicts come from the records that the chapters wrote.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.domains import Domain, ObjType
from sphinx.environment import BuildEnvironment
from sphinx.roles import XRefRole
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from lowrank_core.claims import registry
from lowrank_core.claims.box import MARKS, anchor
from lowrank_core.claims.claim import Claim
from lowrank_core.claims.runner import RESULTS_VARIABLE

LOG = logging.getLogger(__name__)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_domain(ClaimDomain)
    app.add_role("claim", BoxRole())
    app.add_node(learnt)
    app.add_directive("learnt", Learnt)
    app.connect("doctree-resolved", show_verdicts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class ClaimDomain(Domain):
    """Every claim of the registry, at its box; ids that do not exist fail a strict build."""

    name, label = "claim", "Claim"
    # The base class declares these for the instance, and Sphinx reads them from the class.
    object_types: ClassVar = {"box": ObjType("claim", "box", "verdict")}  # type: ignore[misc]
    roles: ClassVar = {"box": XRefRole(), "verdict": XRefRole()}  # type: ignore[misc]

    def resolve_xref(
        self,
        env: BuildEnvironment,
        fromdocname: str,
        builder: Builder,
        typ: str,
        target: str,
        node: pending_xref,
        contnode: nodes.Element,
    ) -> nodes.reference | None:
        claim = claims().get(target)
        if claim is None or claim.chapter not in env.found_docs:
            return None  # a strict build warns, and fails
        if typ == "verdict":
            contnode = word(verdict(claim, fromdocname))
        elif node["refexplicit"]:
            contnode = nodes.inline("", contnode.astext())  # words are words, an id is code
        return to_box(builder, fromdocname, claim, contnode)

    def resolve_any_xref(self, *_: Any) -> list[tuple[str, nodes.reference]]:
        return []  # only by their own role

    def get_objects(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        for claim in claims().values():
            if claim.chapter in self.env.found_docs:
                yield claim.id, claim.title, "box", claim.chapter, anchor(claim.id), 1

    def merge_domaindata(self, docnames: Any, otherdata: Any) -> None:
        """There is nothing to merge: all is in the registry."""


class BoxRole(XRefRole):
    """The role without the name of its domain."""

    def result_nodes(
        self, document: nodes.document, env: BuildEnvironment, node: nodes.Element, is_ref: bool
    ) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        node["refdomain"], node["reftype"] = "claim", "box"
        return [node], []


class learnt(nodes.General, nodes.Element):
    """Where the verdicts of a page are listed."""


class Learnt(SphinxDirective):
    """The verdicts of the page that it stands on."""

    def run(self) -> list[nodes.Node]:
        return [learnt()]


def claims() -> dict[str, Claim]:
    """All claims by their ids."""
    return {claim.id: claim for claim in registry.all_claims()}


def verdict(claim: Claim, page: str) -> str:
    """What this run found; a strict build fails where it found nothing."""
    path = Path(os.environ.get(RESULTS_VARIABLE, "")) / f"{claim.id}.json"
    if not path.is_file():
        LOG.warning("no record of %s: its chapter has to run it", claim.id, location=page)
        return "inconclusive"
    return str(json.loads(path.read_text(encoding="utf8"))["verdict"])


def word(found: str) -> nodes.inline:
    """A verdict, with a mark besides its colour."""
    return nodes.inline("", f"{MARKS[found]} {found}", classes=["verdict-word", f"verdict-{found}"])


def to_box(builder: Builder, page: str, claim: Claim, words: nodes.Element) -> nodes.reference:
    return make_refnode(builder, page, claim.chapter, anchor(claim.id), words, claim.title)


def show_verdicts(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Verdicts under the statements of a page, and where it lists them."""
    here = [claim for claim in claims().values() if claim.chapter == page]
    tried = defaultdict(list)
    for claim in here:
        for label in claim.states:
            tried[label].append(claim)
    for statement in doctree.findall(nodes.Admonition):  # sphinx-proof's, too
        if on_trial := tried.get(statement.get("label", "")):
            statement += under_statement(app.builder, page, on_trial)
    for place in list(doctree.findall(learnt)):
        place.replace_self(summary(app.builder, page, here))


def under_statement(builder: Builder, page: str, on_trial: list[Claim]) -> nodes.paragraph:
    """One line: each claim that puts the statement on trial, with its verdict."""
    line = nodes.paragraph("", classes=["statement-verdicts"])
    line += nodes.Text(
        "On trial here: " if len(on_trial) == 1 else f"On trial here, by {len(on_trial)} claims: "
    )
    for i, claim in enumerate(on_trial):
        line += nodes.Text("; " if i else "")
        line += word(verdict(claim, page))
        line += nodes.Text(" ")
        line += to_box(builder, page, claim, nodes.literal("", claim.id))
    return line


def summary(builder: Builder, page: str, here: list[Claim]) -> nodes.bullet_list:
    """Each claim of a page by its title, with its verdict."""
    found = nodes.bullet_list("", classes=["learnt"])
    for claim in here:
        line = nodes.paragraph("", "", word(verdict(claim, page)), nodes.Text(" "))
        line += to_box(builder, page, claim, nodes.inline("", claim.title))
        found += nodes.list_item("", line)
    return found
