"""The numbers that a figure shows, read back from what was drawn, as CSV."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = ("panel", "frame", "series", "x", "y", "low", "high", "value")
"""`low` and `high` bound a band, `value` is what a colour stands for, `frame` the position of a slider."""
FRAME = "frame-"
"""How the group id of an artist begins that belongs to a frame of a moving figure."""

Row = dict[str, Any]


def as_csv(drawn: Figure) -> str:
    """All series of a figure, a point a row; "" if it has none, as a drawing without axes.

    Level lines are left out, which are no numbers but a drawing of some. Lines that begin with "#" say what the
    axes of each panel are. Numbers have five digits.
    """
    panels = _panels(drawn)
    rows = [row | {"panel": i} for i, axes in enumerate(panels, 1) for row in _rows(axes)]
    if not rows:
        return ""
    text = io.StringIO()
    for i, axes in enumerate(panels, 1):
        text.write(f"# panel {i}: x = {_plain(axes.get_xlabel())}, y = {_plain(axes.get_ylabel())}\n")
    used = [name for name in COLUMNS if any(row.get(name, "") != "" for row in rows)]
    writer = csv.DictWriter(text, used, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: _short(entry) for name, entry in row.items()} for row in rows)
    return text.getvalue()


def in_words(drawn: Figure, most: int = 6) -> str:
    """Where the series of each panel begin and end, for those who hear a figure; the CSV has what is between.

    Series in the frames of a moving figure are left out: each position of its slider has words of its own.

    Args:
        most: how many series of a panel are told; of the others it is said how many there are.
    """
    told, panels = [], _panels(drawn)
    for i, axes in enumerate(panels, 1):
        series: dict[str, list[tuple[float, float]]] = {}
        for row in _rows(axes):
            x, y = (float(row.get(name, math.nan)) for name in ("x", "value" if "value" in row else "y"))
            if not row.get("frame") and math.isfinite(x) and math.isfinite(y):
                series.setdefault(row["series"], []).append((x, y))
        if not series:
            continue
        ends = {name: (min(points), max(points)) for name, points in series.items()}
        across = [x for pair in ends.values() for x, _ in pair]
        words = [f"{name} {_spoken(first[1])} to {_spoken(last[1])}" for name, (first, last) in ends.items()]
        words[most:] = [f"and {len(words) - most} more"] if len(words) > most else []
        panel = f"Panel {i}: " if len(panels) > 1 else ""
        along, up = _plain(axes.get_xlabel()) or "x", _plain(axes.get_ylabel()) or "y"
        told.append(
            f"{panel}{along} from {_spoken(min(across))} to {_spoken(max(across))}; {up}: {', '.join(words)}."
        )
    return " ".join(told)


def _panels(drawn: Figure) -> list[Axes]:
    """Without colour bars, which repeat what their panels have."""
    return [axes for axes in drawn.axes if axes.axison and axes.get_label() != "<colorbar>"]


def _rows(axes: Axes) -> Iterator[Row]:
    """The series of one panel; a band that belongs to a line stands in the rows of that line."""
    from matplotlib.collections import FillBetweenPolyCollection, PathCollection, QuadMesh
    from matplotlib.container import BarContainer, ErrorbarContainer

    bands = [(_key(c), _band(c)) for c in axes.collections if isinstance(c, FillBetweenPolyCollection)]
    barred = {c[0]: c for c in axes.containers if isinstance(c, ErrorbarContainer)}
    for i, line in enumerate(axes.lines, 1):
        x, y = (np.asarray(values).tolist() for values in line.get_data(orig=False))
        named = {"frame": _frame(line), "series": _label(barred.get(line, line), f"line {i}")}
        if line.get_transform() != axes.transData:  # a rule across the panel has one coordinate of the data
            level = line.get_transform() == axes.get_yaxis_transform(which="grid")
            yield named | ({"y": float(y[0])} if level else {"x": float(x[0])})
            continue
        own = [(key, band) for key, band in bands if key == _key(line) and [place[0] for place in band] == x]
        ends = [{"low": low, "high": high} for _, low, high in own[0][1]] if own else [{}] * len(x)
        if line in barred and barred[line].has_yerr:
            bars = barred[line][2][-1].get_segments()  # those of x, if there are any, come first
            ends = [{"low": float(low), "high": float(high)} for (_, low), (_, high) in bars]
        yield from (named | {"x": across, "y": up} | end for across, up, end in zip(x, y, ends, strict=True))
        bands = [band for band in bands if band not in own[:1]]
    for i, ((frame, name), band) in enumerate(bands, 1):
        for across, low, high in band:
            yield {"frame": frame, "series": name or f"band {i}", "x": across, "low": low, "high": high}
    for i, drawn in enumerate(axes.collections, 1):
        named = {"frame": _frame(drawn)}
        if isinstance(drawn, PathCollection):
            colours = drawn.get_array()
            for j, (x, y) in enumerate(np.asarray(drawn.get_offsets()).tolist()):
                shown = {} if colours is None else {"value": float(colours[j])}
                yield named | {"series": _label(drawn, f"points {i}"), "x": x, "y": y} | shown
        elif isinstance(drawn, QuadMesh):
            corners = np.asarray(drawn.get_coordinates())
            centres = ((corners[:-1, :-1] + corners[1:, 1:]) / 2).reshape(-1, 2).tolist()
            for (x, y), value in zip(centres, np.asarray(drawn.get_array()).ravel().tolist(), strict=True):
                yield named | {"series": _label(drawn, f"map {i}"), "x": x, "y": y, "value": value}
    for i, bars in enumerate((c for c in axes.containers if isinstance(c, BarContainer)), 1):
        for bar in bars:
            (x, y), width, height = bar.get_xy(), bar.get_width(), bar.get_height()
            end = (x + width / 2, height) if bars.orientation == "vertical" else (width, y + height / 2)
            yield {"series": _label(bars, f"bars {i}"), **dict(zip("xy", end, strict=True))}


def _band(filled: Any) -> list[tuple[float, float, float]]:
    """(x, low, high) along a band; its outline runs along one side and back along the other."""
    found = []
    for path in filled.get_paths():
        outline = path.vertices.tolist()
        half = (len(outline) - 3) // 2
        there, back = outline[1 : half + 1], outline[half + 2 : 2 * half + 2][::-1]
        found += [(x, *sorted((one, other))) for (x, one), (_, other) in zip(there, back, strict=True)]
    return found


def _key(artist: Any) -> tuple[str, str]:
    """By what a band finds its line: the frame and the label, without the "_" that hides it from the legend."""
    return _frame(artist), _label(artist, "")


def _frame(artist: Any) -> str:
    gid = artist.get_gid() or ""
    return gid.removeprefix(FRAME).rpartition("-")[0] if gid.startswith(FRAME) else ""


def _label(artist: Any, otherwise: str) -> str:
    label = _plain(str(artist.get_label() or "")).lstrip("_")
    return otherwise if not label or re.fullmatch(r"child\d+|container\d+|nolegend_", label) else label


def _plain(text: str) -> str:
    return " ".join(text.split())


def _spoken(value: float) -> str:
    """Three digits, and an exponent without signs and zeros that say nothing: 1e4, 2.5e-7."""
    return re.sub(r"e([+-])0*", lambda found: "e" + found[1].strip("+"), f"{value:.3g}")


def _short(entry: Any) -> Any:
    if not isinstance(entry, float):
        return entry
    return f"{entry:.5g}" if math.isfinite(entry) else ""
