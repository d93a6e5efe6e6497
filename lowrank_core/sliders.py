"""Figures that move: a slider, or two, chooses what of a drawing is seen.

Everything is in the page: a frame for each position, of which `figures.js` shows one. Without the script, and on
paper, the position that the author chose is seen, and below it, in words, all of them.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from typing import TYPE_CHECKING

from lowrank_core import plots
from lowrank_core.errors import require
from lowrank_core.figure_data import FRAME

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Frames:
    """The frames of a figure; what is drawn outside of them is seen at every position.

    Args:
        drawn: made by `plots.figure`.
        sliders: what each slider, one or two, is called -> the texts of its positions.
        shown: the position at which a page opens.

    Raises:
        ArgumentError: not one slider or two; a slider with fewer than two positions; a position that is not there.
    """

    def __init__(
        self, drawn: Figure, sliders: Mapping[str, Sequence[object]], shown: Sequence[object]
    ) -> None:
        self.drawn = drawn
        self.sliders = {name: [str(value) for value in values] for name, values in sliders.items()}
        self.says: dict[tuple[str, ...], str] = {}
        require(
            1 <= len(sliders) <= 2 and all(len(values) > 1 for values in self.sliders.values()),
            "sliders",
            self.sliders,
            "a reader moves one slider or two, each to at least two positions",
            'use e.g. {"k − r": [0, 1, 2]}',
        )
        self.shown = self._position(shown)

    @contextmanager
    def at(self, *position: object, says: str) -> Iterator[None]:
        """What is drawn inside is seen at this position alone, and said in a sentence with its numbers.

        Raises:
            ArgumentError: a position that is not there, or that has been drawn; no sentence.
        """
        key = self._position(position)
        require(key not in self.says, "position", key, "it has been drawn", "draw each position once")
        require(bool(says.strip()), "says", says, "a frame needs a text", "say in words what it shows")
        before = {child for axes in self.drawn.axes for child in axes.get_children()}
        yield
        added = [child for axes in self.drawn.axes for child in axes.get_children() if child not in before]
        name = ",".join(str(i) for i in self._indices(key))
        for i, artist in enumerate(added):
            artist.set_gid(f"{FRAME}{name}-{i}")
        self.says[key] = says

    def themed(self, alt: str) -> MovingSvg:
        """The finished figure.

        Raises:
            ArgumentError: no text alternative, or a position that was not drawn.
        """
        every = list(product(*self.sliders.values()))
        missing = [key for key in every if key not in self.says]
        require(not missing, "frames", missing, "positions without a frame", "draw each with `at`")
        chosen = ",".join(str(i) for i in self._indices(self.shown))
        still = plots.themed(self.drawn, alt)

        def group(found: re.Match[str]) -> str:
            # An attribute of SVG: a notebook, which has no style sheet of the book, would show what is `hidden`.
            unseen = "" if found[1] == chosen else ' display="none"'
            return f'<g class="frame" data-frame="{found[1]}"{unseen}'

        svg = re.sub(rf'<g id="{FRAME}([\d,]+)-\d+"', group, still.svg)
        # There are many curves; a hundredth of a point is finer than any screen.
        svg = re.sub(
            r' d="[^"]*"', lambda d: re.sub(r"-?\d+\.\d{3,}", lambda n: f"{float(n[0]):.2f}", d[0]), svg
        )
        frames = {",".join(str(i) for i in self._indices(key)): self.says[key] for key in every}
        return MovingSvg(svg, alt, still.numbers, self.sliders, frames, chosen)

    def _position(self, position: Sequence[object]) -> tuple[str, ...]:
        key = tuple(str(value) for value in position)
        there = len(key) == len(self.sliders) and all(
            value in values for value, values in zip(key, self.sliders.values(), strict=True)
        )
        require(there, "position", key, "the sliders do not have it", f"choose from {self.sliders}")
        return key

    def _indices(self, key: Sequence[str]) -> list[int]:
        return [values.index(value) for value, values in zip(key, self.sliders.values(), strict=True)]


class MovingSvg(plots.ThemedSvg):
    """A figure with its sliders, and all frames in words."""

    def __init__(
        self,
        svg: str,
        alt: str,
        numbers: str,
        sliders: Mapping[str, Sequence[str]],
        frames: Mapping[str, str],
        shown: str,
    ) -> None:
        super().__init__(svg, alt, numbers)
        self.sliders, self.frames, self.shown = sliders, frames, shown

    def _repr_html_(self) -> str:
        mark = "slider-" + hashlib.sha256(self.alt.encode()).hexdigest()[:8]
        controls = "".join(
            f'<label for="{mark}-{i}">{html.escape(name)}</label> <input type="range" id="{mark}-{i}" min="0" '
            f'max="{len(values) - 1}" step="1" value="{at}" data-texts="{html.escape("|".join(values))}"> '
            f'<output for="{mark}-{i}">{html.escape(values[int(at)])}</output> '
            for i, ((name, values), at) in enumerate(
                zip(self.sliders.items(), self.shown.split(","), strict=True)
            )
        )
        lines = "".join(
            f'<li data-frame="{key}">{html.escape(says)}</li>' for key, says in self.frames.items()
        )
        return (
            f'<div class="themed-figure moving-figure"><p class="moving-control" hidden>{controls}</p>{self.svg}'
            f'<p class="moving-says" aria-live="polite">{html.escape(self.frames[self.shown])}</p>'
            f"<details><summary>all {len(self.frames)} positions in words</summary><ul>{lines}</ul></details>"
            f"{self.download}</div>"
        )

    def __repr__(self) -> str:
        return "\n".join([super().__repr__(), *self.frames.values()])
