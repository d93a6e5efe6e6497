"""What a claim rests on and what rests on it, laid out in layers: an arrow always leads to the right."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH, LINE, PADDING, GAP, AISLE = 190, 15, 14, 12, 48
"""Of a box, of a line of its text, around the text, between boxes of a layer and between layers, in pixels."""
LETTERS = 26
"""How many letters of a title fit into a line of a box."""
SWEEPS = 8


@dataclass(frozen=True)
class Placed:
    """A claim's box: the middle of its left side, its height and the lines of its title."""

    x: int
    y: int
    height: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """A drawing of `width` by `height` pixels.

    Attributes:
        boxes: by id, layer after layer.
        ways: of each arrow the points from the box that is used to the one that uses it.
    """

    width: int
    height: int
    boxes: Mapping[str, Placed]
    ways: Mapping[tuple[str, str], tuple[tuple[int, int], ...]]


def neighbours(uses: Mapping[str, Sequence[str]], claim_id: str) -> list[str]:
    """The claim, all that it rests on, however far, and all that rests on it, in the order of `uses`."""
    users: dict[str, list[str]] = {}
    for user, used in uses.items():
        for one in used:
            users.setdefault(one, []).append(user)
    found = _reached(uses, claim_id) | _reached(users, claim_id)
    return [i for i in uses if i in found]


def _reached(graph: Mapping[str, Sequence[str]], start: str) -> set[str]:
    found, left = {start}, [start]
    while left:
        new = set(graph.get(left.pop(), ())) - found
        found |= new
        left += new
    return found


def layout(uses: Mapping[str, Sequence[str]], titles: Mapping[str, str], chosen: Iterable[str]) -> Layout:
    """Where the chosen claims and the arrows among them go; the same every time.

    A claim stands one layer after the last of those that it uses. Arrows that pass a layer have a place there,
    too, and the places of a layer are ordered by the mean place of their neighbours, back and forth.
    """
    members = list(chosen)
    used = {i: [u for u in uses[i] if u in members] for i in members}
    level: dict[str, int] = {}

    def depth(claim_id: str) -> int:
        if claim_id not in level:
            level[claim_id] = 1 + max(map(depth, used[claim_id]), default=-1)
        return level[claim_id]

    layers: list[list[str]] = [[] for _ in range(1 + max(map(depth, members)))]
    for i in members:
        layers[level[i]].append(i)
    chains: dict[tuple[str, str], list[str]] = {}
    for user in members:
        for source in used[user]:
            passed = range(level[source] + 1, level[user])
            chain = [f"{source}→{user}@{j}" for j in passed]
            for j, place in zip(passed, chain, strict=True):
                layers[j].append(place)
            chains[source, user] = [source, *chain, user]
    _order(layers, [link for chain in chains.values() for link in pairwise(chain)])

    lines = {i: tuple(textwrap.wrap(titles[i], LETTERS)) for i in members}
    heights = {i: LINE * len(words) + PADDING for i, words in lines.items()}
    tall = max(sum(heights.get(i, 0) + GAP for i in layer) for layer in layers)
    middle: dict[str, tuple[int, int]] = {}
    for j, layer in enumerate(layers):
        y = (tall - sum(heights.get(i, 0) + GAP for i in layer)) // 2
        for i in layer:
            height = heights.get(i, 0)
            middle[i] = (GAP + j * (WIDTH + AISLE), y + (height + GAP) // 2)
            y += height + GAP
    boxes = {i: Placed(*middle[i], heights[i], lines[i]) for layer in layers for i in layer if i in heights}
    ways = {}
    for ends, chain in chains.items():
        points = [point for i in chain for point in (middle[i], (middle[i][0] + WIDTH, middle[i][1]))]
        ways[ends] = tuple(points[1:-1])
    width = 2 * GAP + len(layers) * WIDTH + (len(layers) - 1) * AISLE
    return Layout(width, tall, boxes, ways)


def _order(layers: list[list[str]], links: Sequence[tuple[str, str]]) -> None:
    """Sort each layer by the mean place of its neighbours, in the layer before, then in the one after."""
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for left, right in links:
        before.setdefault(right, []).append(left)
        after.setdefault(left, []).append(right)
    for _ in range(SWEEPS):
        for fixed, sorted_, beside in (
            *((a, b, before) for a, b in pairwise(layers)),
            *((b, a, after) for a, b in reversed(list(pairwise(layers)))),
        ):
            place = {i: (n + 0.5) / len(fixed) for n, i in enumerate(fixed)}
            here = {i: (n + 0.5) / len(sorted_) for n, i in enumerate(sorted_)}
            mean = {
                i: sum(place[k] for k in beside[i]) / len(beside[i]) if i in beside else here[i]
                for i in sorted_
            }
            sorted_.sort(key=mean.__getitem__)
