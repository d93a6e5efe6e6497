"""All claims: one decorated function each, one module or package per paper, and one about the solvers."""

from __future__ import annotations

import difflib
import functools
import importlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from lowrank_core import inputs
from lowrank_core.claims.claim import Claim, Evidence, Setting
from lowrank_core.errors import ArgumentError, require

PAPERS = (
    "xiong2024",
    "ma2023",
    "wind2023",
    "soltanolkotabi2023",
    "stoger2021",
    "jin2023",
    "jiang2022",
    "zhang2025",
    "zhang2019",
    "zhuo2024",
    "tong2021",
    "ma2021",
    "zhang2023",
    "xu2023",
    "engine",
)
"""Keys of papers, which the bibliography lists, in the order of the book; `engine` is the book's own part."""

_CLAIMS: dict[str, Claim] = {}


def claim(**declaration: Any) -> Callable[[Callable[[Setting], Evidence]], Claim]:
    """Declare a claim; the arguments are the fields of `Claim`, the function gathers the evidence.

    Raises:
        ArgumentError: an incomplete or inconsistent declaration, or an id declared twice.
    """

    def register(function: Callable[[Setting], Evidence]) -> Claim:
        try:
            declared = Claim(function=function, **declaration)
        except TypeError as error:
            raise ArgumentError(
                "claim", declaration.get("id", "?"), str(error), "declare the fields of claims.Claim"
            ) from None
        require(
            declared.id not in _CLAIMS,
            "id",
            declared.id,
            "this claim is declared already",
            "use another slug",
        )
        _CLAIMS[declared.id] = declared
        return declared

    return register


def _modules(name: str) -> Iterator[str]:
    """The modules that declare the claims of a package, as its `MODULES` orders them; a plain module itself."""
    parts = getattr(importlib.import_module(name), "MODULES", None)
    if parts is None:
        yield name
    else:
        for part in parts:
            yield from _modules(f"{name}.{part}")


@functools.cache
def _load() -> dict[str, int]:
    """All modules with claims, imported, and their places in the book."""
    modules = [name for paper in PAPERS for name in _modules(f"lowrank_core.claims.{paper}")]
    for declared in _CLAIMS.values():
        missing = sorted(set(declared.uses) - set(_CLAIMS))
        require(
            not missing,
            f"claim {declared.id}: uses",
            missing,
            "no such claims",
            "name ids of declared claims",
        )
    return {name: place for place, name in enumerate(modules)}


def all_claims(paper: str | None = None) -> list[Claim]:
    """All claims in the order of the book, or those of one paper.

    Raises:
        ArgumentError: unknown paper.
    """
    places = _load()
    if paper is not None:
        inputs.choice("paper", paper, PAPERS, "no claims of such a paper")
    chosen = [declared for declared in _CLAIMS.values() if paper in (None, declared.paper)]

    def place(declared: Claim) -> tuple[int, int]:
        """By module and line: who imports a module first decides when its claims are declared."""
        function = declared.function
        return places.get(function.__module__, len(places)), function.__code__.co_firstlineno

    return sorted(chosen, key=place)


def find(claim_id: str) -> Claim:
    """The claim with this id.

    Raises:
        ArgumentError: there is none; the message suggests the nearest ids.
    """
    _load()
    claim_id = inputs.text("claim_id", claim_id, "`python -m lowrank_core claims list` shows all")
    if claim_id in _CLAIMS:
        return _CLAIMS[claim_id]
    near = difflib.get_close_matches(claim_id, _CLAIMS, n=3, cutoff=0.3)
    raise ArgumentError(
        "claim_id",
        claim_id,
        "no such claim",
        f"did you mean {' or '.join(near)}? `python -m lowrank_core claims list` shows all"
        if near
        else "`python -m lowrank_core claims list` shows all",
    )


def source(claim_id: str) -> str:
    """The source of a claim, declaration and function: what is read is what runs."""
    return inspect.getsource(find(claim_id).function)
