"""The verdict box of a page: a line and a sentence, a row a criterion beside its window, the rest folded."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from lowrank_core.claims.criterion import Criterion
from lowrank_core.claims.markup import Markup, code, items, table
from lowrank_core.claims.rows import number, prediction, pretty, rounded, rows, spread
from lowrank_core.claims.strip import LEGEND, strip

Record = Mapping[str, Any]

MARKS = {"holds": "✓", "refuted": "✗", "inconclusive": "?"}
ORIGINS = {"paper": "the paper's", "sharpened": "sharpened here", "ours": "ours"}
HOW_TO_READ = (
    "Numbers are medians over the seeds, with the lowest and the highest value; a number alone is a statistic over "
    "all seeds, a certificate, or the same on every seed. A row of the upper table takes all cases together, and "
    "divides by the prediction where the window does."
)


def anchor(claim_id: str) -> str:
    """The permanent id of a claim, of its box in its chapter and of its row in the ledger."""
    return f"claim-{claim_id}"


def verdict_word(verdict: str) -> Markup:
    """A verdict, with a mark besides its colour."""
    mark = f"<span aria-hidden='true'>{MARKS[verdict]}</span>"
    return Markup(f"<span class='verdict-word verdict-{verdict}'>{mark} {verdict}</span>")


def whose(record: Record) -> str:
    """Whose statement it is, and how that is known."""
    return ORIGINS[record["origin"]] + (f", {record['known']}" if record["known"] else "")


def command(record: Record) -> str:
    """What runs the claim again."""
    return f"python -m lowrank_core claims run {record['id']} --scale {record['scale']}"


def box(record: Record) -> str:
    """The whole box."""
    judged = [_judged(record, window) for window in record["windows"]]
    name, where = record["id"], anchor(record["id"])
    address = f"<a class='verdict-address' href='#{where}' aria-label='Permanent link to {name}'>#</a>"
    return (
        f"<section class='verdict verdict-{record['verdict']}' id='{where}' aria-label='Verdict on {name}'>"
        f"<p class='verdict-line'>{verdict_word(record['verdict'])} "
        f"<span class='verdict-title'>{html.escape(record['title'])}</span> {address}</p>"
        f"<p class='verdict-sum'>{_sentence(record, judged[0])}</p>"
        f"{_criteria(record, judged)}"
        f"<p class='verdict-tags'>{code(name)} · {whose(record)} · {record['kind']} · {record['fit']} "
        f"{_copy('link', '#' + where)} {_copy('command', command(record))}</p>"
        f"<details><summary>all numbers, whose statement, control, edges, command</summary>"
        f"<p>{HOW_TO_READ}</p>"
        f"{_numbers(record, 'measured', 'Measured')}{_numbers(record, 'control', 'Controls')}"
        f"{_numbers(record, 'positive', 'Positive controls')}{_declaration(record)}</details></section>"
    )


@dataclass(frozen=True)
class Judged:
    """A criterion with the numbers that it judges, divided by the prediction where its window is.

    Attributes:
        cases: how many variants were measured.
        met: how many of `values` lie in the window.
        broken: how many of `controls` are numbers outside of it.
        asked: whether the controls must break it.
    """

    criterion: Criterion
    cases: int
    values: tuple[float, ...]
    controls: tuple[float, ...]
    met: int
    broken: int
    asked: bool

    @property
    def name(self) -> str:
        return self.criterion.quantity + (" / predicted" if self.criterion.of_prediction else "")

    @property
    def constant(self) -> str:
        """What all values are, "" if they differ."""
        shown = spread(self.values)
        return "" if "[" in shown or shown in ("none", "not finite") else shown


def _judged(record: Record, window: Mapping[str, Any]) -> Judged:
    criterion = Criterion.recorded(window)
    quantity = criterion.quantity
    measured = record["measured"][quantity]
    values, met = _in_units(record, criterion, measured)
    controls, inside = _in_units(record, criterion, record["control"]["measured"].get(quantity, {}))
    asked = quantity in record["control"]["breaks"]
    broken = sum(map(math.isfinite, controls)) - inside
    return Judged(criterion, len(measured), values, controls, met, broken, asked)


def _in_units(
    record: Record, criterion: Criterion, series: Mapping[str, Sequence[float | None]]
) -> tuple[tuple[float, ...], int]:
    """All values of the variants, in units of the prediction where the window is; how many meet the criterion."""
    shown: list[float] = []
    met = 0
    for variant, values in series.items():
        predicted = prediction(record, criterion.quantity, variant)
        unit = (predicted or math.nan) if criterion.of_prediction else 1.0
        numbers = [number(value) for value in values]
        shown += [value / unit for value in numbers]
        met += sum(criterion.meets(v, math.nan if predicted is None else predicted) for v in numbers)
    return tuple(shown), met


def _sentence(record: Record, judged: Judged) -> str:
    """What was predicted, what was measured, and the control, of the first criterion."""
    quantity = judged.criterion.quantity
    predictions = {prediction(record, quantity, variant) for variant in record["measured"][quantity]}
    predicted = predictions.pop() if len(predictions) == 1 else None
    if predicted is None:
        name, values = judged.name, judged.values
        asked = f"Asked: {html.escape(name)} {pretty(_range(judged.criterion))}"
    else:
        values = tuple(number(v) for series in record["measured"][quantity].values() for v in series)
        asked = f"Predicted: {html.escape(quantity)} = {pretty(rounded(predicted))}"
    dropped = record["control"]["dropped"] or record["positive"]["where"]
    which = "Control" if record["control"]["dropped"] else "Positive control"
    fired = "fired" if record["control"]["fired"] else "did not fire"
    control = f" {which} ({html.escape(dropped)}): {fired}." if dropped else " No control."
    return f"{asked}. Measured: {_spread(values)}, {_over(record, judged)}.{control}"


def _over(record: Record, judged: Judged) -> str:
    """Over what a row goes: cases, and seeds, a statistic of them, or a certificate."""
    seeds = f"{len(record['seeds'])} seed{'s' if len(record['seeds']) > 1 else ''}"
    criterion = judged.criterion
    many = f"{judged.cases} cases" if judged.cases > 1 else ""
    if criterion.pooled or criterion.exact:
        parts = (many, criterion.pooled or criterion.exact, seeds if criterion.pooled else "")
        return html.escape(", ".join(filter(None, parts)))
    return f"{many} × {seeds}" if many else seeds


def _criteria(record: Record, judged: Sequence[Judged]) -> str:
    """A row a criterion, with the reason of its window below; those with one and the same value share a row.

    The column of drawings is left out where no window has a width to draw.
    """
    groups: dict[object, list[Judged]] = {}
    for i, one in enumerate(judged):
        same = (one.constant, _range(one.criterion), one.asked, one.met == len(one.values))
        groups.setdefault(same if one.constant and one.criterion.low == one.criterion.high else i, []).append(
            one
        )
    drawn = any(map(_drawing, judged))
    body = "".join(_row(record, group, drawn) for group in groups.values())
    legend = f"<td class='verdict-drawn' aria-hidden='true'>{LEGEND}</td>" if drawn else ""
    heads = "".join(
        f"<th scope='col'>{name}</th>"
        for name in ("criterion", "window", "measured: <b>median</b>, lowest to highest")
    )
    return (
        f"<table><caption class='unseen'>What decides {record['id']}</caption>"
        f"<thead><tr>{heads}{legend}<th scope='col'>control</th></tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def _drawing(judged: Judged) -> str:
    """Window, seeds and controls, in the units of the row."""
    controls = judged.controls if judged.asked else ()
    return strip(judged.criterion.low, judged.criterion.high, judged.values, controls)


def _row(record: Record, group: Sequence[Judged], drawn: bool) -> str:
    first = group[0]
    name = "; ".join(html.escape(one.name) for one in group)
    over = _over(record, first)
    if len(group) > 1:
        cases = sum(one.cases for one in group)
        over = f"{len(group)} quantities" + (f", {cases} cases" if cases > len(group) else "")
    why = [reason for one in group for reason in (one.criterion.width, one.criterion.wide) if reason]
    reason = f"<td colspan='{4 + drawn}'>window: {html.escape('; '.join(dict.fromkeys(why)))}</td>"
    return (
        f"<tr><th scope='row'>{name}<span class='verdict-over'>{over}</span></th>"
        f"<td class='verdict-window' data-head='window'>{pretty(_range(first.criterion))}</td>"
        f"{_measured(group, drawn)}<td data-head='control'>{_control(group)}</td></tr>"
        + (f"<tr class='verdict-why'>{reason}</tr>" if why else "")
    )


def _measured(group: Sequence[Judged], drawn: bool) -> str:
    """What was found, whether it meets the window, and the drawing, where there is one."""
    first = group[0]
    found = f"all {pretty(first.constant)}" if len(group) > 1 else _spread(first.values)
    total = sum(len(one.values) for one in group)
    missed = total - sum(one.met for one in group)
    state = f"missed by {missed} of {total}" if missed else "met"
    shown = f"{found} <span class='verdict-{state.split()[0]}'>{state}</span>"
    drawing = _drawing(first) if len(group) == 1 else ""
    if drawing:
        return f"<td data-head='measured'>{shown}</td><td class='verdict-drawn'>{drawing}</td>"
    return f"<td data-head='measured'{' colspan=2' if drawn else ''}>{shown}</td>"


def _control(group: Sequence[Judged]) -> str:
    """How the controls broke the criteria."""
    if not all(one.asked for one in group):
        return "none can break it" if all(one.criterion.uncontrolled for one in group) else "not asked to"
    controls = [value for one in group for value in one.controls]
    silent = len(controls) - sum(one.broken for one in group)
    if silent:
        return (
            f"<span class='verdict-missed'>silent on {silent} of {len(controls)}</span>: {_spread(controls)}"
        )
    return f"breaks it: {_spread(controls)}"


def _spread(values: Sequence[float]) -> str:
    """The median, and the range where there is one."""
    if spread(values) in ("none", "not finite"):
        return f"<b>{spread(values)}</b>"
    low, middle, high = map(rounded, (min(values), median(values), max(values)))
    if low == high:
        return f"<b>{pretty(middle)}</b>"
    return f"<b>{pretty(middle)}</b> <span class='verdict-range'>({pretty(low)} to {pretty(high)})</span>"


def _range(criterion: Criterion) -> str:
    low, high = criterion.low, criterion.high
    if low == high:
        return f"= {low:g}"
    if math.isinf(low):
        return f"at most {high:g}"
    return f"at least {low:g}" if math.isinf(high) else f"{low:g} to {high:g}"


def _numbers(record: Record, role: str, caption: str) -> str:
    """Every quantity of one role; cases with equal numbers share a row."""
    found = rows(record, role)
    if not found:
        return ""
    cells = [
        [
            row.quantity,
            _cases(row.cases),
            pretty(row.predicted),
            Markup(_spread(row.values) + (f" (95 %: {pretty(row.interval)})" if row.interval else "")),
        ]
        for row in found
    ]
    heads = ["quantity", "case", "predicted", f"{role}, {len(record['seeds'])} seeds"]
    return table(heads, cells, row_heads=True, caption=caption)


def _cases(cases: Sequence[str]) -> str:
    return "; ".join(cases) if len(cases) < 4 else f"{len(cases)} cases: {'; '.join(cases)}"


def _declaration(record: Record) -> str:
    """Whose statement it is, what the controls drop, where it was tried, and what runs it again."""
    control = record["control"]
    edges = record["edges"] or ["none" + (f": {record['edgeless']}" if record["edgeless"] else "")]
    properties = {
        "statement": Markup(", ".join(f"<a href='#{label}'>{label}</a>" for label in record["states"])),
        "whose": f"{whose(record)}: {record['reference']}",
        "control": f"{'fired' if control['fired'] else 'did not fire'}: {control['dropped'] or 'none'}",
        "no control": "; ".join(f"{quantity}, because {why}" for quantity, why in control["missing"].items()),
        "positive control": record["positive"]["where"],
        "edges": Markup(items([*edges, *(f"does not assume {name}" for name in record["waives"])])),
        "run again": code(command(record)),
    }
    lines = ([name, words] for name, words in properties.items() if words)
    return table([], lines, "contract", True, caption="Declared before the run")


def _copy(what: str, text: str) -> str:
    """A button, which its script shows: without it there is nothing to press."""
    return f"<button type='button' class='verdict-copy' data-copy='{html.escape(text)}' hidden>copy {what}</button>"
