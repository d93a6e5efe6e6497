"""How a paper's claim comes out, derived from the verdicts that answer it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal, get_args

from lowrank_core.claims.papers.paper import Paper, Said

Outcome = Literal["held", "sharpened", "questioned", "not tested"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


def outcome(said: Said, records: Mapping[str, Mapping[str, Any]]) -> Outcome:
    """How one assertion comes out, by the records of its claims.

    Questioned if a claim of the paper's own is refuted or one whose finding stands against it holds; sharpened if
    a claim holds that adds a constant, an exponent or a condition; held if any other holds. An inconclusive verdict
    answers nothing.
    """
    held = [records[claim_id] for claim_id in said.answers if records[claim_id]["verdict"] == "holds"]
    if any(records[claim_id]["verdict"] == "refuted" for claim_id in said.answers) or any(
        records[claim_id]["verdict"] == "holds" for claim_id in said.questioned
    ):
        return "questioned"
    if any(record["origin"] == "sharpened" for record in held):
        return "sharpened"
    return "held" if held else "not tested"


def tally(paper: Paper, records: Mapping[str, Mapping[str, Any]]) -> dict[Outcome, int]:
    """How many of a paper's assertions come out how."""
    found = Counter(outcome(said, records) for said in paper.says)
    return {name: found[name] for name in OUTCOMES}
