"""The papers on trial, one module each: what they say, sentence by sentence, and which claims answer.

`paper` declares, `outcome` derives how an assertion comes out, `tables` shows both on the pages of the book.
"""

from __future__ import annotations

import functools
import importlib

from lowrank_core.claims.papers.paper import Paper
from lowrank_core.errors import require

KEYS = (
    "xiong2024",
    "ma2023",
    "wind2023",
    "zhang2025",
    "soltanolkotabi2023",
    "stoger2021",
    "jin2023",
    "jiang2022",
    "zhang2019",
    "zhuo2024",
    "tong2021",
    "ma2021",
    "zhang2023",
    "xu2023",
)
"""The papers in the order of the book's part about them, the seed papers first."""


@functools.cache
def all_papers() -> tuple[Paper, ...]:
    """All papers, in the order of `KEYS`."""
    return tuple(importlib.import_module(f"{__name__}.{key}").PAPER for key in KEYS)


def find(key: str) -> Paper:
    """The paper with this key.

    Raises:
        ArgumentError: there is none.
    """
    require(key in KEYS, "paper", key, "no such paper is declared", f"use one of {', '.join(KEYS)}")
    return all_papers()[KEYS.index(key)]
