"""The numbered statements of the chapters: they stand there once, and a claim names them by their labels."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lowrank_core.claims.claim import Claim
from lowrank_core.claims.readable import readable
from lowrank_core.claims.standing import STANDING
from lowrank_core.errors import require

BOOK = Path(__file__).resolve().parents[2] / "book"
"""The book's sources, beside the package in a checkout."""
BACKGROUND = "background"
"""Class of the numbered statements that no claim puts on trial, such as a known lemma that a proof needs."""
_NUMBERED = re.compile(
    r"^(?P<fence>:{3,})\{prf:(?P<kind>theorem|proposition|lemma|corollary)\} *(?P<title>.*?)\n"
    r"(?P<body>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
_OPTION = re.compile(r"^:(?P<name>\w+): *(?P<value>.*)\n", re.MULTILINE)


@dataclass(frozen=True)
class Statement:
    """A numbered statement of a chapter.

    Attributes:
        label: by which the book refers to it.
        kind: theorem, proposition, lemma or corollary.
        title: its heading.
        text: Markdown with LaTeX, with where it comes from.
        chapter: its page, as in `Claim.chapter`.
        background: whether the book uses it without putting it on trial.
    """

    label: str
    kind: str
    title: str
    text: str
    chapter: str
    background: bool


def parse(markdown: str, chapter: str) -> list[Statement]:
    """The numbered statements of a chapter's source, in their order."""
    found = []
    for match in _NUMBERED.finditer(markdown):
        body = match["body"]
        options = {}
        while option := _OPTION.match(body):
            options[option["name"]], body = option["value"].strip(), body[option.end() :]
        background = BACKGROUND in options.get("class", "").split()
        label = options.get("label", "")
        found.append(Statement(label, match["kind"], match["title"], body.strip(), chapter, background))
    return found


@functools.cache
def all_statements() -> Mapping[str, Statement]:
    """Every numbered statement of the book by its label.

    Raises:
        ArgumentError: the book's sources are not beside the package, as they are in a checkout.
    """
    require(
        BOOK.is_dir(),
        "book",
        str(BOOK),
        "the statements stand in the book",
        "run from a checkout of the repository",
    )
    found = {}
    for page in sorted(BOOK.glob("chapters/*/*.md")):
        chapter = page.relative_to(BOOK).with_suffix("").as_posix()
        for statement in parse(page.read_text(encoding="utf-8"), chapter):
            found[statement.label] = statement
    return found


def problems(claims: Iterable[Claim], statements: Mapping[str, Statement]) -> list[str]:
    """What is wrong between claims and statements, a line each; none is as it should be.

    Each claim puts statements of its own chapter on trial, in which every hypothesis by which it refuses sizes can
    be read; each statement is on trial or marked as background.
    """
    lines: list[str] = []
    tried: set[str] = set()
    for claim in claims:
        tried.update(claim.states)
        if not claim.states:
            lines.append(f"{claim.id} names no statement")
        for label in claim.states:
            if label not in statements:
                lines.append(f"{claim.id} states {label}, which does not exist")
            elif statements[label].chapter != claim.chapter:
                lines.append(f"{claim.id} states {label}, which stands in {statements[label].chapter}")
        text = " ".join(statements[label].text for label in claim.states if label in statements)
        for hypothesis in dict.fromkeys(edge.refused for edge in claim.edges if edge.refused):
            if hypothesis not in STANDING and not readable(hypothesis, text):
                lines.append(f"{claim.id} assumes {hypothesis}, which {', '.join(claim.states)} does not say")
    for label, statement in statements.items():
        if not label:
            lines.append(f"“{statement.title}” in {statement.chapter} has no label")
        elif statement.background == (label in tried):
            problem = (
                "is background, and on trial"
                if statement.background
                else "is neither on trial nor background"
            )
            lines.append(f"{label} in {statement.chapter} {problem}")
    return lines
