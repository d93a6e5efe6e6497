"""How far the book keeps its contract: what the verdicts rest on, counted over all claims.

Counts of statements, controls and windows come from the declarations; those of edges and of fresh seeds from the
last runs that were stored, see tools/fresh_seeds.py and tools/store_edges.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from lowrank_core import artefacts
from lowrank_core.claims.claim import SHARP_KINDS, Claim, Edge

EDGES, FRESH = "edges", "fresh-seeds"
"""Names of the stored runs."""

MAX_UNCONTROLLED = 40
"""Criteria that no control breaks, at most; each says why."""


def summary(claims: Sequence[Claim]) -> dict[str, Any]:
    """The figures of the contract, by name, in the order in which they are shown."""
    criteria = [(claim, criterion) for claim in claims for criterion in claim.criteria]
    origins = Counter((str(claim.origin), claim.paper) for claim in claims)
    wide = [(claim, c) for claim, c in criteria if claim.kind in SHARP_KINDS and c.is_wide]
    edges = [edge for claim in claims for edge in claim.edges]
    return {
        "claims": len(claims),
        "statements of the papers": _by_paper(origins, "paper"),
        "statements sharpened here": _by_paper(origins, "sharpened"),
        "statements of our own": _by_paper(origins, "ours"),
        "criteria": len(criteria),
        "criteria without control, each with its reason": sum(bool(c.uncontrolled) for _, c in criteria),
        "two-sided windows of ±20 % or wider in rate, tight and identity claims": len(wide),
        "of them without a reason": sum(not c.wide for _, c in wide),
        "criteria on one value per seed": sum(not c.pooled and not c.exact for _, c in criteria),
        "criteria on a statistic over the seeds, with its interval": sum(bool(c.pooled) for _, c in criteria),
        "criteria on exact certificates": sum(bool(c.exact) for _, c in criteria),
        "edges that must hold": sum(not edge.refused for edge in edges),
        "edges that must be refused": sum(bool(edge.refused) for edge in edges),
        "edges run and passed": _edges_passed(claims),
        "fresh seeds": _fresh(),
        "fresh runs that ended in an error, such as a series that is not tied to the seeds": _errors(),
    }


def _by_paper(origins: Counter[tuple[str, str]], origin: str) -> str:
    found = {paper: count for (kind, paper), count in origins.items() if kind == origin}
    return f"{sum(found.values())} ({', '.join(f'{paper} {count}' for paper, count in found.items())})"


def edge_key(claim: Claim, edge: Edge) -> str:
    """By what an edge of a claim is named in the stored runs."""
    return f"{claim.id}: {edge}" + (f", refused for {edge.refused}" if edge.refused else "")


def _edges_passed(claims: Sequence[Claim]) -> str:
    stored = artefacts.read(EDGES)
    declared = [edge_key(claim, edge) for claim in claims for edge in claim.edges]
    passed = sum(stored["edges"].get(key) == "" for key in declared)
    return f"{passed} of {len(declared)}, on {stored['machine']['date']}, core {stored['core_hash']}"


def _errors() -> int:
    passes = artefacts.read(FRESH)["scales"].values()
    return sum(flip["verdict"] == "error" for found in passes for flip in found["flips"])


def _fresh() -> str:
    stored = artefacts.read(FRESH)
    return "; ".join(
        f"{scale} scale, {len(found['claims'])} claims × {len(found['seed0'])} passes: "
        f"{len(found['flips'])} flips, core {found['core_hash']}"
        for scale, found in sorted(stored["scales"].items())
    )
