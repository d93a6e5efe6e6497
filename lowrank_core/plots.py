"""One look for every figure: vector graphics that take the page's own colours, light or dark.

Text and axes are drawn in the colour of the surrounding text; data colours are of middle lightness, so that
they stand out on both grounds. Every figure must be given a text alternative.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from math import log10, nan
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import torch

from lowrank_core import figure_data
from lowrank_core.errors import require
from lowrank_core.solver import Trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#2f86d6", "#e07b22", "#1f9e77", "#c2569b", "#8a77d8", "#a88a1c")
# Matplotlib cannot say "currentColor", so text and axes are drawn in this colour, which is then replaced.
INK = "#010203"
SINGLE = 6.4
"""Inches of a figure of one panel."""
WIDE = 9.0
"""Inches beyond which a drawing is not squeezed into the page's width."""
SHORT = 2.0
"""Decades that a logarithmic axis has to span, at least, for labels at the powers of ten alone."""


class ThemedSvg:
    """A figure as inline SVG, with its text alternative and its numbers as CSV, "" if it has none."""

    def __init__(self, svg: str, alt: str, numbers: str = "") -> None:
        self.svg, self.alt, self.numbers = svg, alt, numbers

    @property
    def download(self) -> str:
        """A link to the numbers, which are part of the page, so that it works from a file."""
        if not self.numbers:
            return ""
        name = "-".join(re.findall(r"[a-z0-9]+", self.alt.lower())[:6])
        data = quote(self.numbers, safe=",=:()/*+")
        return (
            f'<p class="figure-data"><a download="{name}.csv" href="data:text/csv;charset=utf-8,{data}">'
            "numbers of this figure (CSV)</a></p>"
        )

    def _repr_html_(self) -> str:
        # What scrolls can be reached by keyboard.
        scrolls = ' tabindex="0"' if re.search(r'<svg[^>]*style="--least', self.svg) else ""
        return f'<div class="themed-figure"{scrolls}>{self.svg}{self.download}</div>'

    def __repr__(self) -> str:
        return f"Figure: {self.alt}"


def figure(panels: int = 1, height: float = 3.6) -> tuple[Figure, list[Axes]]:
    """A figure with panels side by side, in the house style; draw, then hand it to `themed`."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_STYLE):
        width = {1: SINGLE, 2: 8.4}.get(panels, 3.0 * panels)
        made = Figure(figsize=(width, height), layout="constrained")
        axes = [made.add_subplot(1, panels, i + 1) for i in range(panels)]
    return made, axes


def themed(drawn: Figure, alt: str) -> ThemedSvg:
    """The finished figure, following the theme of the page.

    Args:
        alt: what the figure shows, for readers who cannot see it; the ends of its series are added.

    Raises:
        ArgumentError: the text alternative is empty.
    """
    from matplotlib import rc_context

    require(bool(alt.strip()), "alt", alt, "a figure needs a text alternative", "say in words what it shows")
    for axes in drawn.axes:
        _label_between_powers(axes)
    for legend in filter(None, (axes.get_legend() for axes in drawn.axes)):
        legend.set_frame_on(False)
        for text in legend.get_texts():
            text.set_color(INK)
    buffer = io.StringIO()
    with rc_context(_STYLE):
        drawn.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue().replace(INK, "currentColor")
    svg = svg[svg.index("<svg") :]
    # What stands for the figure in text is the author's words alone: they do not change in the last digit.
    said = " ".join(filter(None, (alt, figure_data.in_words(drawn))))
    # The page decides the width, down to where text stays readable and a wide drawing scrolls instead: on a phone
    # that is any of several panels. The label makes the drawing an image with a name to screen readers.
    width = drawn.get_figwidth()
    smallest = f"--least: {75 * width:.0f}px" if width > SINGLE else ""
    smallest += "; min-width: var(--least)" if width > WIDE else ""
    label = said.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    named = f'role="img" aria-label="{label}" style="{smallest}"'
    # A function, because a backslash in the label would mean something in a replacement text.
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', lambda found: f"{found[1]} {named}", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    return ThemedSvg(svg, alt, figure_data.as_csv(drawn))


def _label_between_powers(axes: Axes) -> None:
    """Short labels on short logarithmic axes; matplotlib's, like 6 × 10², run into each other."""
    from matplotlib.scale import LogTransform
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    for axis in (axes.xaxis, axes.yaxis):
        # Ticks that were placed by hand stay as they are, and powers of two are all labelled.
        placed = not isinstance(axis.get_major_locator(), LogLocator)
        scale = axis.get_transform()
        decimal = isinstance(scale, LogTransform) and scale.base == 10
        if placed or isinstance(axis.get_minor_locator(), NullLocator) or not decimal:
            continue
        low, high = sorted(axis.get_view_interval())
        if log10(high / low) >= SHORT:
            continue
        digits = "123456789" if log10(high / low) < SHORT / 4 else "125"
        plain = low >= 1e-3 and high <= 1e5

        def label(value: float, _: int, digits: str = digits, plain: bool = plain) -> str:
            shown = f"{value:.0e}"[0] in digits
            return (f"{value:g}" if plain else f"{value:.0e}") if shown else ""

        axis.set_minor_locator(LogLocator(subs=range(2, 10)))
        axis.set_major_formatter(FuncFormatter(label))
        axis.set_minor_formatter(FuncFormatter(label))


def spread(axes: Axes, x: torch.Tensor, y: torch.Tensor, label: str, colour: str, **style: Any) -> None:
    """The median over seeds as a line and the range over seeds as a band; x (R,), y (B, R)."""
    axes.plot(x, y.median(dim=0).values, color=colour, label=label, **style)
    # The label that the legend leaves out tells the CSV to which line the band belongs.
    low, high = y.amin(dim=0), y.amax(dim=0)
    axes.fill_between(x, low, high, label=f"_{label}", color=colour, alpha=0.25, linewidth=0)


def stored_band(
    axes: Axes,
    x: Sequence[float] | torch.Tensor,
    curve: Mapping[str, Any],
    label: str,
    colour: str,
    **style: Any,
) -> None:
    """Like `spread`, for a curve as of `artefacts.band`; x (R,). What is stored as None is left out."""
    middle, low, high = (
        [nan if value is None else value for value in curve[name]] for name in ("median", "lowest", "highest")
    )
    axes.plot(x, middle, color=colour, label=label, **style)
    axes.fill_between(x, low, high, label=f"_{label}", color=colour, alpha=0.25, linewidth=0)


def predicted(axes: Axes, x: torch.Tensor, y: torch.Tensor, label: str | None = None) -> None:
    """A prediction: a dashed line in the colour of the text, over the measurement."""
    axes.plot(x, y, color=INK, linestyle=(0, (5, 3)), linewidth=1.1, label=label or "_predicted", zorder=5)


def published(
    stored: Mapping[str, Mapping[str, Any]], live: Mapping[str, Any], names: Sequence[str] = ()
) -> tuple[Figure, list[Axes]]:
    """A paper's figure on logarithmic axes: the stored run at its size on the left, the live one on the right.

    Args:
        stored: name -> curve, as of `artefacts.band`.
        live: "steps" (R,) and "curves", name -> (S, R); curves are coloured as on the left.
        names: the curves to be drawn; by default all that are stored.

    Raises:
        ArgumentError: none of them was run live.
    """
    chosen = list(names or stored)
    require(
        any(name in live["curves"] for name in chosen),
        "live",
        list(live["curves"]),
        "none of the curves to be drawn is among them",
        f"call some as they are called on the left: {', '.join(chosen)}",
    )
    drawn, (left, right) = figure(2, 3.8)
    for i, name in enumerate(chosen):
        colour, linestyle = COLOURS[i % len(COLOURS)], "-" if i < len(COLOURS) else ":"
        if name in stored:
            stored_band(left, stored[name]["steps"], stored[name], name, colour, linestyle=linestyle)
        if name in live["curves"]:
            spread(right, live["steps"], live["curves"][name], name, colour, linestyle=linestyle)
    for axes, title in ((left, "stored, the paper's size"), (right, "live")):
        axes.set(yscale="log", title=title, xlabel="iteration")
    (left if stored else right).legend(fontsize=7)
    return drawn, [left, right]


def error_panel(axes: Axes, runs: Mapping[str, Trajectory], scale: float = 1.0, **style: Any) -> None:
    """Squared Frobenius error of several runs against `scale` × iteration, on logarithmic axes."""
    for (name, run), colour in zip(runs.items(), COLOURS, strict=False):
        shown = run.steps > 0
        spread(axes, scale * run.steps[shown], run.error[:, shown], name, colour, **style)
    axes.set(xscale="log", yscale="log", ylabel="squared error  ‖XXᵀ − M*‖²")


_STYLE: Any = {
    "svg.fonttype": "path",
    # Without a salt the ids in the file, and so the page, would differ from build to build.
    "svg.hashsalt": "lowrank",
    "font.size": 10,
    "font.family": "DejaVu Sans",
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#888888",
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "figure.dpi": 100,
}
