"""The edges of a claim: sizes at which it must hold though nobody tuned it there, and sizes that it must refuse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lowrank_core.errors import require


@dataclass(frozen=True)
class Edge:
    """Sizes that replace those of the smoke scale.

    Attributes:
        why: what the edge is, e.g. "k = n"; for a refused one, why the statement does not speak of it.
        sizes: the sizes that change.
        refused: the hypothesis by whose name the claim must refuse these sizes; empty if it must hold there.
        seeds: how many seeds; None takes what the smoke scale declares.
    """

    why: str
    sizes: Mapping[str, Any] = field(default_factory=dict)
    refused: str = ""
    seeds: int | None = None

    @property
    def rule(self) -> str:
        """What is asked of the claim here."""
        return f"must refuse, for want of {self.refused}: {self}" if self.refused else f"must hold: {self}"

    def __str__(self) -> str:
        changed = ", ".join(f"{name} = {value}" for name, value in self.sizes.items())
        return f"{self.why} ({changed})"


def edge(why: str, *, seeds: int | None = None, **sizes: Any) -> Edge:
    """Sizes at which every criterion must be met; a control need not fire there."""
    return Edge(why, sizes, seeds=seeds)


def refused(hypothesis: str, why: str, **sizes: Any) -> Edge:
    """Sizes outside the hypotheses, which must be refused by the name of the hypothesis.

    Raises:
        ArgumentError: no hypothesis is named.
    """
    require(bool(hypothesis.strip()), "hypothesis", hypothesis, "it has no name", "say which one fails there")
    return Edge(why, sizes, refused=hypothesis)
