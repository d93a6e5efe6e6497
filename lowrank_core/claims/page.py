"""The claims of one page of the book, with what they have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lowrank_core.claims.claim import Claim, Setting
from lowrank_core.claims.criterion import Criterion
from lowrank_core.claims.evidence import Evidence
from lowrank_core.claims.registry import claim
from lowrank_core.claims.seeds import SEEDS


@dataclass(frozen=True)
class Page:
    """A page of the book, whose claims are declared by `Page.claim`: `Page("chapters/x/y", full=64)`.

    Attributes:
        chapter: its path without suffix, as in `_toc.yml`.
        seeds: how many seeds its claims take at each scale, unless they say otherwise.
    """

    chapter: str
    seeds: Mapping[str, int]

    def __init__(self, chapter: str, **seeds: int) -> None:
        object.__setattr__(self, "chapter", chapter)
        object.__setattr__(self, "seeds", {**SEEDS, **seeds})

    def claim(
        self, id: str, title: str, *criteria: Criterion, **declaration: Any
    ) -> Callable[[Callable[[Setting], Evidence]], Claim]:
        """Declare a claim of this page.

        Args:
            id: "paper.slug".
            title: a short name for tables.
            criteria: what is judged.
            declaration: the other fields of `Claim`; `states` may be a single label, and `seeds` may name only the
                scales that differ from the page's.

        Raises:
            ArgumentError: an incomplete or inconsistent declaration, or an id declared twice.
        """
        states = declaration.pop("states", ())
        return claim(
            id=id,
            title=title,
            criteria=criteria,
            chapter=self.chapter,
            states=(states,) if isinstance(states, str) else states,
            seeds={**self.seeds, **declaration.pop("seeds", {})},
            **declaration,
        )
