"""A drawing of one criterion: the accepted range, where the seeds lie, and where the controls do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

WIDTH, HEIGHT, MIDDLE = 150, 22, 75
LEGEND = (
    f'<svg class="verdict-strip" viewBox="0 0 {WIDTH} 14" width="{WIDTH}" height="14" aria-hidden="true" '
    'fill="currentColor" font-size="11"><rect x="2" y="2" width="16" height="10" opacity="0.16"/>'
    '<text x="21" y="11">window</text><path d="M66 7H78" stroke="currentColor" stroke-width="2.4"/>'
    '<circle cx="72" cy="7" r="3"/><text x="81" y="11">seeds</text>'
    '<path d="M115 4l6 6m0 -6l-6 6" stroke="currentColor" stroke-width="1.6"/>'
    '<text x="124" y="11">ctrl</text></svg>'
)
"""What the marks are."""


def strip(low: float, high: float, values: Sequence[float], controls: Sequence[float] = ()) -> str:
    """The drawing, for eyes alone; empty where there is nothing to see: a window of one value, or no numbers.

    A window with one end is drawn on a logarithmic axis if its end and the values are positive. Whatever lies
    farther off stands at the border.
    """
    if low == high or not values or not all(map(math.isfinite, values)):
        return ""
    ends = [end for end in (low, high) if math.isfinite(end)]
    logarithmic = len(ends) == 1 and min(*ends, *values) > 0
    farthest = max(abs(_at(v, logarithmic) - _middle(ends, logarithmic)) for v in values)
    unit = max(farthest / 64, (ends[-1] - ends[0]) / 2 / 52) or 1.0

    def place(value: float) -> float:
        away = (_at(value, logarithmic) - _middle(ends, logarithmic)) / unit
        return MIDDLE + max(-MIDDLE + 5, min(MIDDLE - 5, away))

    left = 0.0 if math.isinf(low) else place(low)
    right = float(WIDTH) if math.isinf(high) else place(high)
    crosses = sorted({round(place(v), 1) for v in _extremes(controls)})
    return (
        f'<svg class="verdict-strip" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'aria-hidden="true" fill="currentColor" stroke="currentColor">'
        f'<rect x="{left:.1f}" y="3" width="{right - left:.1f}" height="16" opacity="0.16" stroke="none"/>'
        + "".join(f'<path d="M{x - 3:.1f} 8l6 6m0 -6l-6 6" stroke-width="1.6"/>' for x in crosses)
        + f'<path d="M{place(min(values)):.1f} 11H{place(max(values)):.1f}" stroke-width="2.4"/>'
        f'<circle cx="{place(median(values)):.1f}" cy="11" r="3.2"/></svg>'
    )


def _middle(ends: Sequence[float], logarithmic: bool) -> float:
    return _at(sum(ends) / len(ends), logarithmic)


def _at(value: float, logarithmic: bool) -> float:
    if not logarithmic:
        return value
    return math.log(value) if value > 0 else -math.inf


def _extremes(values: Sequence[float]) -> list[float]:
    finite = [v for v in values if math.isfinite(v)]
    return [min(finite), max(finite)] if finite else []
