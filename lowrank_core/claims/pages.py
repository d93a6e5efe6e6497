"""What the book's pages show of claims: source, provenance, ledger and discrepancy log, all from records."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

from lowrank_core.claims import registry
from lowrank_core.claims.claim import UNIVERSAL_KINDS, Claim
from lowrank_core.claims.contract import summary
from lowrank_core.claims.criterion import Criterion
from lowrank_core.claims.ledger import counts
from lowrank_core.claims.markup import Fragment, Markup, code, table
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
        [], ([name, _lines(name, lines)] for name, lines in resolved.items()), "contract", True
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


ORIGINS = {"paper": "the paper's", "sharpened": "sharpened here", "ours": "ours"}


def state(records: Sequence[Record]) -> Fragment:
    """The state of the ledger, the papers' own statements first."""
    lines = []
    for origin, whose in (
        ("paper", "statements of the papers"),
        ("sharpened", "statements of the papers, sharpened here by a constant, an exponent or a condition"),
        ("ours", "statements of our own"),
    ):
        tally = counts([r for r in records if r["origin"] == origin])
        lines.append(
            f"{tally['all']} {whose}: {tally['holds']} hold, {tally['refuted']} refuted, "
            f"{tally['inconclusive']} inconclusive"
        )
    lines.append(f"{counts(records)['unexpected']} came out other than expected")
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return Fragment(f"<ul class='ledger-state'>{items}</ul>", "\n".join(lines))


def ledger(records: Sequence[Record]) -> Fragment:
    """All claims with their verdicts, with filters by paper, kind and verdict."""
    filters = "".join(
        f"<label>{label} <select data-key='{key}'><option value=''>all</option>"
        + "".join(f"<option>{html.escape(value)}</option>" for value in sorted({r[key] for r in records}))
        + "</select></label> "
        for key, label in (
            ("paper", "paper or part"),
            ("origin", "whose statement"),
            ("kind", "kind"),
            ("verdict", "verdict"),
        )
    )
    columns: dict[str, Callable[[Record], str]] = {
        "claim": lambda r: (
            f"<a href='{r['chapter']}.html'>{html.escape(r['title'])}</a><br>"
            f"<code>{r['id']}</code><details><summary>criteria and control</summary><ul>"
            + "".join(f"<li>{html.escape(text)}</li>" for text in r["reasons"])
            + f"<li>control: {html.escape(r['control']['dropped'] or 'none')}</li>"
            + (
                f"<li>positive control: {html.escape(where)}</li>"
                if (where := r["positive"]["where"])
                else ""
            )
            + "</ul></details>"
        ),
        "verdict": lambda r: (
            f"<span class='verdict-word verdict-{r['verdict']}'>{r['verdict']}</span>"
            + ("" if as_expected(r) else f"<br>expected {r['expected']}")
        ),
        "control": lambda r: "fired" if r["control"]["fired"] else "did not fire",
        "kind": lambda r: f"{r['kind']}<br>{r['fit']}",
        "whose statement": lambda r: (
            f"{ORIGINS[r['origin']]}{', ' + r['known'] if r['known'] else ''}<br>"
            f"{html.escape(r['reference'])}"
        ),
        "seeds": lambda r: str(len(r["seeds"])),
    }
    cells = [[Markup(cell(r)) for cell in columns.values()] for r in records]
    data = [{f"data-{key}": r[key] for key in ("paper", "origin", "kind", "verdict")} for r in records]
    words = "\n".join(f"{r['id']}: {r['verdict']} (expected {r['expected']})" for r in records)
    return Fragment(
        f"<div class='ledger'><p>{filters}</p>{table(list(columns), cells, data=data)}{_FILTER_SCRIPT}</div>",
        words,
    )


def contract() -> Fragment:
    """What the verdicts rest on, counted over all claims; the same as `claims contract` prints."""
    figures = summary(registry.all_claims())
    words = "\n".join(f"{name}: {figure}" for name, figure in figures.items())
    return Fragment(
        table([], ([name, str(figure)] for name, figure in figures.items()), "contract", True), words
    )


def uncontrolled() -> Fragment:
    """Every criterion that no control breaks, with the reason why none can."""
    lines = [
        (claim.id, f"{criterion}: because {criterion.uncontrolled}")
        for claim in registry.all_claims()
        for criterion in claim.criteria
        if criterion.uncontrolled
    ]
    items = "".join(f"<li><code>{i}</code>: {html.escape(text)}</li>" for i, text in lines)
    return Fragment(
        f"<details class='uncontrolled'><summary>{len(lines)} criteria without a control, and why</summary>"
        f"<ul>{items}</ul></details>",
        "\n".join(f"{i}: {text}" for i, text in lines),
    )


def discrepancies(records: Sequence[Record]) -> Fragment:
    """What differs from the sources, claim by claim, with this run's numbers."""
    entries = [(r["id"], r["discrepancy"]) for r in records if r["discrepancy"]]
    items = "".join(f"<li><code>{i}</code>: {html.escape(text)}</li>" for i, text in entries)
    return Fragment(
        f"<ul class='discrepancies'>{items}</ul>", "\n".join(f"{i}: {text}" for i, text in entries)
    )


MEANS = {
    "symbolic": "symbols",
    "exact": "exact rationals",
    "ball": "ball arithmetic",
    "dual": "dual multipliers",
}


def certified(records: Sequence[Record]) -> Fragment:
    """The claims that a machine certifies, and by what means, in the order of the book."""
    chosen = [record for record in records if record["certified_by"]]
    cells = [
        [
            Markup(f"<a href='{r['chapter']}.html'>{html.escape(r['title'])}</a><br>{code(r['id'])}"),
            *("●" if means in r["certified_by"] else "" for means in MEANS),
            Markup(f"<span class='verdict-word verdict-{r['verdict']}'>{r['verdict']}</span>"),
        ]
        for r in chosen
    ]
    words = "\n".join(
        f"{r['id']}: {', '.join(MEANS[means] for means in r['certified_by'])}: {r['verdict']}" for r in chosen
    )
    shown = table(["claim", *MEANS.values(), "verdict"], cells, "certified")
    return Fragment(f"<div class='ledger'>{shown}</div>", words)


_FILTER_SCRIPT = """<script>
document.querySelectorAll(".ledger").forEach((ledger) => {
  const selects = [...ledger.querySelectorAll("select")];
  const apply = () => ledger.querySelectorAll("tbody tr").forEach((row) => {
    row.hidden = selects.some((s) => s.value && row.dataset[s.dataset.key] !== s.value);
  });
  selects.forEach((s) => s.addEventListener("change", apply));
});
</script>"""
