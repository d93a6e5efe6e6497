"""The map of all claims: a row a chapter, a mark a claim, and for each claim a drawing of what it rests on.

All is HTML and SVG with links. Which drawing is open stands in the address, `map.html#graph-<id>`: no script.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lowrank_core.claims.box import MARKS, ORIGINS, anchor
from lowrank_core.claims.markup import Fragment, Markup, table
from lowrank_core.claims.neighbourhood import LINE, WIDTH, Layout, layout, neighbours
from lowrank_core.claims.statements import BOOK

Record = Mapping[str, Any]
BORDERS = {"paper": "solid", "sharpened": "double", "ours": "dashed"}
"""How the border of a mark is drawn, by whose statement it is; see map.css."""


def graph_anchor(claim_id: str) -> str:
    """The permanent id of a claim's drawing on the page of the map."""
    return f"graph-{claim_id}"


def uses_of(records: Sequence[Record]) -> dict[str, list[str]]:
    """What each claim rests on, among those given."""
    given = {record["id"] for record in records}
    return {record["id"]: [used for used in record["uses"] if used in given] for record in records}


def joined(records: Sequence[Record]) -> frozenset[str]:
    """The claims that rest on another, or on which another rests; only they have a drawing."""
    uses = uses_of(records)
    return frozenset(i for user, used in uses.items() if used for i in (user, *used))


def legend() -> Fragment:
    """What the borders of the marks say: whose statement it is."""
    marks = "; ".join(
        f"<span class='claim-mark claim-{origin}' aria-hidden='true'>✓</span> {BORDERS[origin]}: {says}"
        for origin, says in ORIGINS.items()
    )
    words = "; ".join(f"{BORDERS[origin]}: {says}" for origin, says in ORIGINS.items())
    return Fragment(f"<p class='map-legend'>The border says whose statement it is. {marks}.</p>", words)


def overview(records: Sequence[Record]) -> Fragment:
    """Every claim as a mark in the row of its chapter; it leads to its drawing or, alone, to its box."""
    drawn = joined(records)
    chapters: dict[str, list[Record]] = {chapter: [] for chapter in reading_order()}
    for record in records:
        chapters.setdefault(record["chapter"], []).append(record)
    chapters = {chapter: claims for chapter, claims in chapters.items() if claims}
    rows = [
        [
            Markup(f"<a href='{chapter}.html'>{html.escape(chapter_title(chapter))}</a>"),
            Markup(" ".join(_mark(r, r["id"] in drawn) for r in claims)),
        ]
        for chapter, claims in chapters.items()
    ]
    shown = table(["chapter", "claims"], rows, "claim-map", True, caption="All claims, a row a chapter")
    words = "\n".join(
        f"{chapter}: {' '.join(MARKS[r['verdict']] for r in claims)}" for chapter, claims in chapters.items()
    )
    return Fragment(f"<div class='map' id='map'>{shown}</div>", words)


def _mark(record: Record, drawn: bool) -> str:
    where = f"#{graph_anchor(record['id'])}" if drawn else _box(record)
    alone = "" if drawn else " claim-alone"
    return (
        f"<a class='claim-mark{alone} {_look(record)}' href='{where}' title='{html.escape(_says(record))}'>"
        f"<span aria-hidden='true'>{MARKS[record['verdict']]}</span>"
        f"<span class='unseen'>{html.escape(_says(record))}</span></a>"
    )


def neighbourhoods(records: Sequence[Record]) -> Fragment:
    """Of each claim that is joined to another, the drawing of what it rests on and of what rests on it."""
    by = {record["id"]: record for record in records}
    uses, drawn = uses_of(records), joined(records)
    users: dict[str, list[str]] = {i: [] for i in uses}
    for user, used in uses.items():
        for one in used:
            users[one].append(user)
    titles = {i: f"{MARKS[r['verdict']]} {r['title']}" for i, r in by.items()}
    parts, words = [], []
    for i, record in by.items():
        if i not in drawn:
            continue
        plan = layout(uses, titles, neighbours(uses, i))
        lists = "".join(
            f"<p>{says} " + ", ".join(_link(by[other]) for other in others) + "</p>"
            for says, others in (("Rests on", uses[i]), ("Is used by", users[i]))
            if others
        )
        parts.append(
            f"<section class='neighbourhood' id='{graph_anchor(i)}' aria-label='What {i} rests on'>"
            f"<p><strong>{html.escape(record['title'])}</strong> <a href='{_box(record)}'>to its verdict</a> "
            f"<a href='#map'>all claims</a></p>"
            f"<div class='neighbourhood-drawing' tabindex='0' role='region' aria-label='Drawing around {i}'>"
            f"{_drawing(plan, by, i)}</div>{lists}</section>"
        )
        if uses[i]:
            words.append(f"{i} rests on {', '.join(uses[i])}")
    return Fragment("".join(parts), "\n".join(words))


def _drawing(plan: Layout, by: Mapping[str, Record], focus: str) -> str:
    arrows = "".join(f"<path class='use' d='{_curve(points)}'/>" for points in plan.ways.values())
    boxes = ""
    for i, box in plan.boxes.items():
        top = box.y - box.height // 2
        first = box.y + 4 - LINE * (len(box.lines) - 1) // 2
        lines = "".join(
            f"<text x='{box.x + WIDTH // 2}' y='{first + LINE * n}'>{html.escape(line)}</text>"
            for n, line in enumerate(box.lines)
        )
        where, look = (_box(by[i]), "focus ") if i == focus else (f"#{graph_anchor(i)}", "")
        boxes += (
            f"<a class='{look}{_look(by[i])}' href='{where}' aria-label='{html.escape(_says(by[i]))}'>"
            f"<rect x='{box.x}' y='{top}' width='{WIDTH}' height='{box.height}' rx='5'/>{lines}</a>"
        )
    return (
        f"<svg viewBox='0 0 {plan.width} {plan.height}' style='width: {plan.width}px' role='group' "
        f"aria-label='What {focus} rests on, to the left, and what rests on it, to the right'>{arrows}{boxes}</svg>"
    )


def _curve(points: Sequence[tuple[int, int]]) -> str:
    """Through all points, level at each; a small head at the last."""
    (x, y), *rest = points
    path = f"M{x} {y}"
    for n, (u, v) in enumerate(rest):
        if n == len(rest) - 1:
            u -= 2
        middle = (x + u) // 2
        path += f"C{middle} {y} {middle} {v} {u} {v}" if y != v else f"H{u}"
        x, y = u, v
    return f"{path}m-6 -4l6 4l-6 4"


def reading_order() -> list[str]:
    """The pages of the book as its contents list them; none where they are not at hand."""
    contents = BOOK.parent / "_toc.yml"
    return re.findall(r"file: (\S+)", contents.read_text(encoding="utf8")) if contents.is_file() else []


def chapter_title(chapter: str) -> str:
    """The title of a page of the book; its name where its source is not at hand."""
    page = BOOK / f"{chapter}.md"
    if not page.is_file():
        return chapter.rsplit("/", 1)[-1]
    lines = page.read_text(encoding="utf8").splitlines()
    return next(line.removeprefix("# ") for line in lines if line.startswith("# "))


def _box(record: Record) -> str:
    return f"{record['chapter']}.html#{anchor(record['id'])}"


def _link(record: Record) -> str:
    return f"<a href='#{graph_anchor(record['id'])}'>{html.escape(record['title'])}</a> ({record['verdict']})"


def _look(record: Record) -> str:
    return f"verdict-{record['verdict']} claim-{record['origin']}"


def _says(record: Record) -> str:
    return f"{record['title']}: {record['verdict']}, {ORIGINS[record['origin']]}"
