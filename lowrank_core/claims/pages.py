"""What the book's pages show of claims: source, provenance, ledger and discrepancy log, all from records."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

from lowrank_core.claims import registry
from lowrank_core.claims.box import ORIGINS, anchor, verdict_word, whose
from lowrank_core.claims.claim import UNIVERSAL_KINDS, Claim
from lowrank_core.claims.claim_map import graph_anchor, joined
from lowrank_core.claims.contract import summary
from lowrank_core.claims.criterion import Criterion
from lowrank_core.claims.ledger import counts
from lowrank_core.claims.markup import Fragment, Markup, code, items, table
from lowrank_core.claims.result import Result, as_expected
from lowrank_core.errors import require
from lowrank_core.provenance import core_hash

Record = dict[str, Any]


def source(claim_id: str) -> Fragment:
    """A claim as it is resolved at book scale, then its declaration and function: what is read is what runs."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    text, resolved = registry.source(claim_id), declaration(registry.find(claim_id))
    properties = table(
        [],
        ([name, _lines(name, lines)] for name, lines in resolved.items()),
        "contract",
        True,
        caption=f"Declaration of {claim_id}",
    )
    body = highlight(text, PythonLexer(), HtmlFormatter())
    words = "\n".join(f"{name}: {'; '.join(lines)}" for name, lines in resolved.items())
    return Fragment(
        f"<details class='claim-source'><summary>Source of <code>{claim_id}</code>: statement, criteria, control "
        f"and experiment, as they run</summary>{properties}{body}</details>",
        f"{words}\n{text}",
    )


def _lines(name: str, lines: Sequence[str]) -> Markup:
    """Lines one under the other; labels of statements lead there."""
    if name == "statement":
        return Markup("<br>".join(f"<a href='#{label}'>{label}</a>" for label in lines))
    return Markup("<br>".join(map(html.escape, lines)))


def declaration(claim: Claim, scale: str = "book") -> dict[str, list[str]]:
    """What a claim declares, with every constant and size of one scale resolved; lines by their heading."""
    criteria = [
        f"{criterion}: {criterion.basis}; {criterion.width or 'one value'}" for criterion in claim.criteria
    ]
    found = {
        "statement": list(claim.states),
        "criteria": criteria,
        "control": [claim.control] if claim.control else [],
        "no control": [f"{c}: because {c.uncontrolled}" for c in claim.criteria if c.uncontrolled],
        "positive control": [claim.positive] if claim.positive else [],
        "seeds": [str(claim.seeds[scale])],
        "sizes": [f"{name} = {value}" for name, value in claim.sizes[scale].items()],
        "edges": [edge.rule for edge in claim.edges],
        "does not assume": list(claim.waives),
    }
    return {name: lines for name, lines in found.items() if lines}


def refuters(chapter: str) -> Fragment:
    """What would refute a page, made of the criteria of its claims, so that the two cannot differ."""
    chosen = [claim for claim in registry.all_claims() if claim.chapter == chapter]
    require(
        bool(chosen), "chapter", chapter, "no claim stands in it", "name a page of _toc.yml that has claims"
    )
    count = sum(len(claim.criteria) for claim in chosen)
    title = f"What would refute it: {count} measured quantities of {len(chosen)} claims"
    items = "".join(
        f"<li>{html.escape(claim.title)} (<code>{claim.id}</code>): "
        + html.escape("; ".join(refuter(claim, criterion) for criterion in claim.criteria))
        + "</li>"
        for claim in chosen
    )
    words = "\n".join(f"{c.id}: {'; '.join(refuter(c, k) for k in c.criteria)}" for c in chosen)
    return Fragment(
        f"<details class='refuters'><summary>{html.escape(title)}</summary><ul>{items}</ul></details>",
        f"{title}\n{words}",
    )


def refuter(claim: Claim, criterion: Criterion) -> str:
    """What, measured, refutes a claim by one of its criteria."""
    if criterion.pooled:
        how = f"by the whole interval of the {criterion.pooled}"
    elif criterion.exact or claim.kind in UNIVERSAL_KINDS:
        how = "by one violation"
    else:
        how = "by the whole interval of the mean"
    return f"{criterion.refuter()} ({how})"


def footer(*results: Result) -> Fragment:
    """Where the page's numbers come from: code, versions, device, seeds and time."""
    records = [result.record for result in results]
    versions = ", ".join(f"{name} {version}" for name, version in records[0]["versions"].items())
    devices = ", ".join(sorted({record["device"] for record in records}))
    seeds = ", ".join(sorted({f"{r['seeds'][0]}–{r['seeds'][-1]}" for r in records if r["seeds"]}))
    seconds = sum(record["seconds"] for record in records)
    words = (
        f"core {core_hash()} · {versions} · {devices}, float64 · seeds {seeds} · "
        f"{len(records)} claims in {seconds:.0f} s"
    )
    return Fragment(f"<p class='provenance'>{html.escape(words)}</p>", words)


PATHS = {
    "Learn the theory": (
        "ten-minutes.html",
        "Ten minutes: the problem, twenty lines of code, what can go wrong. Then a part for each question.",
    ),
    "Check a paper": (
        "papers.html",
        "Sentence by sentence: what it says, which verdicts answer, and what was not tested.",
    ),
    "Choose a method": (
        "chapters/zhang2025/which-method.html",
        "Noisy? Rank unknown? Ill-conditioned? A table, code for each method, and the race behind it.",
    ),
}
"""The ways into the book: what one comes for -> where it begins, and what is there."""


def paths() -> Fragment:
    """The ways into the book, for its first page."""
    ways = "".join(
        f"<li><a href='{where}'><b>{name}</b><span>{what}</span></a></li>"
        for name, (where, what) in PATHS.items()
    )
    return Fragment(
        f"<ul class='paths'>{ways}</ul>", "\n".join(f"{name}: {w}" for name, (_, w) in PATHS.items())
    )


ORIGIN_WORDS = {
    "paper": "statements of the papers",
    "sharpened": "statements of the papers, sharpened here by a constant, an exponent or a condition",
    "ours": "statements of our own",
}
VERDICTS = ("holds", "refuted", "inconclusive")


def state(records: Sequence[Record]) -> Fragment:
    """The state of the ledger by whose statement it is, the papers' own first."""
    tallies = {name: counts([r for r in records if r["origin"] == name]) for name in ORIGIN_WORDS}
    lines = [
        f"{tally['all']} {ORIGIN_WORDS[name]}: {tally['holds']} hold, {tally['refuted']} refuted, "
        f"{tally['inconclusive']} inconclusive"
        for name, tally in tallies.items()
    ]
    whole = counts(records)
    unexpected = f"{whole['unexpected']} came out other than expected"
    rows = [(words, tallies[name]) for name, words in ORIGINS.items()] + [("all", whole)]
    cells = [
        [words, *(str(tally[verdict]) for verdict in VERDICTS), str(tally["all"])] for words, tally in rows
    ]
    heads = ["whose statement", *(Markup(verdict_word(verdict)) for verdict in VERDICTS), "all"]
    shown = table(heads, cells, "counts", True, caption=f"Claims by whose statement it is; {unexpected}")
    return Fragment(f"<div class='ledger-state'>{shown}</div>", "\n".join([*lines, unexpected]))


FILTERS = {
    "paper": "paper or part",
    "origin": "whose statement",
    "known": "how it is known",
    "fit": "fit",
    "kind": "kind",
    "verdict": "verdict",
}
"""What the ledger can be filtered by: key of the records -> label."""


def ledger(records: Sequence[Record]) -> Fragment:
    """All claims with their verdicts, complete without a script; ledger.js adds search, filters and order."""
    filters = "".join(
        f"<label>{label} <select name='{key}'><option value=''>all</option>"
        + "".join(
            f"<option value='{html.escape(value)}'>{html.escape(ORIGINS.get(value, value))}</option>"
            for value in sorted({r[key] for r in records if r[key]})
        )
        + "</select></label>"
        for key, label in FILTERS.items()
    )
    drawn = joined(records)
    columns: dict[str, Callable[[Record], str]] = {
        "claim": _entry,
        "verdict": lambda r: (
            verdict_word(r["verdict"])
            + ("" if as_expected(r) else f"<br>expected {r['expected']}")
            + f"<br>control {'fired' if r['control']['fired'] else 'did not fire'}"
        ),
        "kind": lambda r: f"{r['kind']}<br>{r['fit']}",
        "whose statement": lambda r: f"{whose(r)}<br>{html.escape(r['reference'])}",
        "rests on": lambda r: _rests_on(r, r["id"] in drawn),
        "seeds": lambda r: str(len(r["seeds"])),
    }
    cells = [[Markup(cell(r)) for cell in columns.values()] for r in records]
    data = [{"id": anchor(r["id"])} | {f"data-{key}": r[key] or "" for key in FILTERS} for r in records]
    words = "\n".join(f"{r['id']}: {r['verdict']} (expected {r['expected']})" for r in records)
    shown = table(list(columns), cells, "claims", True, data, caption="Every claim of the book")
    return Fragment(
        "<div class='ledger'><div class='ledger-tools' hidden><label>search <input type='search' name='q'></label>"
        f"{filters}<output aria-live='polite'></output></div>{shown}</div>",
        words,
    )


def _rests_on(record: Record, drawn: bool) -> str:
    """What a claim rests on, leading to the rows, and its drawing on the map, if it has one."""
    lines = [f"<a href='#{anchor(other)}'>{html.escape(other)}</a>" for other in record["uses"]]
    if drawn:
        where = f"map.html#{graph_anchor(record['id'])}"
        lines.append(f"<a href='{where}' aria-label='Drawing around {record['id']}'>drawing</a>")
    return "<br>".join(lines)


def _entry(record: Record) -> str:
    """A claim in the ledger: its title leads to its box, the rest is folded."""
    lines = [*record["reasons"], f"control: {record['control']['dropped'] or 'none'}"]
    if where := record["positive"]["where"]:
        lines.append(f"positive control: {where}")
    return (
        f"{to_box(record)}<br>{code(record['id'])}"
        f"<details><summary>criteria and control</summary>{items(lines)}</details>"
    )


def to_box(record: Record, root: str = "") -> str:
    """A claim's title, leading to its box; `root` is the way from the page to the root of the book, e.g. "../"."""
    return (
        f"<a href='{root}{record['chapter']}.html#{anchor(record['id'])}'>{html.escape(record['title'])}</a>"
    )


def contract() -> Fragment:
    """What the verdicts rest on, counted over all claims; the same as `claims contract` prints."""
    figures = summary(registry.all_claims())
    words = "\n".join(f"{name}: {figure}" for name, figure in figures.items())
    return Fragment(
        table(
            [],
            ([name, str(figure)] for name, figure in figures.items()),
            "contract",
            True,
            caption="What the verdicts rest on, counted",
        ),
        words,
    )


def uncontrolled() -> Fragment:
    """Every criterion that no control breaks, with the reason why none can."""
    lines = [
        (claim.id, f"{criterion}: because {criterion.uncontrolled}")
        for claim in registry.all_claims()
        for criterion in claim.criteria
        if criterion.uncontrolled
    ]
    items = "".join(
        f"<li><a href='#{anchor(i)}'>{code(i)}</a>: {html.escape(text)}</li>" for i, text in lines
    )
    return Fragment(
        f"<details class='uncontrolled'><summary>{len(lines)} criteria without a control, and why</summary>"
        f"<ul>{items}</ul></details>",
        "\n".join(f"{i}: {text}" for i, text in lines),
    )


WEIGHTS: dict[str, Callable[[Record], bool]] = {
    "refuted": lambda r: bool(r["verdict"] == "refuted"),
    "paper": lambda r: bool(r["verdict"] != "refuted" and r["origin"] == "paper"),
    "sharpened": lambda r: bool(r["verdict"] != "refuted" and r["origin"] == "sharpened"),
    "ours": lambda r: bool(r["verdict"] != "refuted" and r["origin"] == "ours"),
}
"""How much an entry of the discrepancy log says about a source, the most first: to what claim it belongs."""


def discrepancies(records: Sequence[Record], weight: str = "", root: str = "") -> Fragment:
    """What differs from the sources, claim by claim, with this run's numbers.

    Args:
        weight: which of `WEIGHTS`; all, the heaviest first, without one.
        root: the way from the page to the root of the book, e.g. "../".

    Raises:
        ArgumentError: there is no such weight.
    """
    require(not weight or weight in WEIGHTS, "weight", weight, "unknown", f"use one of {', '.join(WEIGHTS)}")
    noted = [record for record in records if record["discrepancy"]]
    entries = [r for name in WEIGHTS if weight in ("", name) for r in noted if WEIGHTS[name](r)]
    lines = "".join(
        f"<li id='discrepancy-{r['id']}'>{to_box(r, root)} ({code(r['id'])}, {whose(r)}): "
        f"{html.escape(r['discrepancy'])}</li>"
        for r in entries
    )
    words = "\n".join(f"{r['id']}: {r['discrepancy']}" for r in entries) or "none"
    return Fragment(f"<ul class='discrepancies'>{lines}</ul>" if lines else "<p>None.</p>", words)


MEANS = {
    "symbolic": "symbols",
    "exact": "exact rationals",
    "ball": "ball arithmetic",
    "dual": "dual multipliers",
}
_DOT = Markup("<span aria-hidden='true'>●</span><span class='unseen'>yes</span>")


def certified(records: Sequence[Record]) -> Fragment:
    """The claims that a machine certifies, and by what means, in the order of the book."""
    chosen = [record for record in records if record["certified_by"]]
    cells = [
        [
            Markup(f"{to_box(r)}<br>{code(r['id'])}"),
            *(_DOT if means in r["certified_by"] else "" for means in MEANS),
            verdict_word(r["verdict"]),
        ]
        for r in chosen
    ]
    words = "\n".join(
        f"{r['id']}: {', '.join(MEANS[means] for means in r['certified_by'])}: {r['verdict']}" for r in chosen
    )
    heads = ["claim", *MEANS.values(), "verdict"]
    shown = table(heads, cells, "certified", True, caption="What a machine certifies, and by what means")
    return Fragment(f"<div class='ledger'>{shown}</div>", words)
