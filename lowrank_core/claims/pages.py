"""What the book's pages show of claims: source, provenance, ledger and discrepancy log, all from records."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

from lowrank_core.claims import registry
from lowrank_core.claims.ledger import counts
from lowrank_core.claims.result import Result, as_expected
from lowrank_core.provenance import core_hash

Record = dict[str, Any]


class Fragment:
    """A piece of a page: HTML for readers, and the same in words for replays and plain terminals."""

    def __init__(self, markup: str, words: str) -> None:
        self.markup, self.words = markup, words

    def _repr_html_(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        return self.words


def source(claim_id: str) -> Fragment:
    """A claim's declaration and function, folded: what is read is what runs."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    code = registry.source(claim_id)
    body = highlight(code, PythonLexer(), HtmlFormatter())
    return Fragment(
        f"<details class='claim-source'><summary>Source of <code>{claim_id}</code>: criteria, control "
        f"and experiment, as they run</summary>{body}</details>",
        code,
    )


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


def state(records: Sequence[Record]) -> Fragment:
    """The state of the ledger in one line."""
    tally = counts(records)
    words = (
        f"{len(records)} claims: {tally['holds']} hold, {tally['refuted']} refuted, "
        f"{tally['inconclusive']} inconclusive; {tally['unexpected']} came out other than expected. "
        f"Core {core_hash()}, {', '.join(sorted({r['device'] for r in records}))}."
    )
    return Fragment(f"<p class='ledger-state'>{html.escape(words)}</p>", words)


def table(records: Sequence[Record]) -> Fragment:
    """All claims with their verdicts, with filters by paper, kind and verdict."""
    filters = "".join(
        f"<label>{label} <select data-key='{key}'><option value=''>all</option>"
        + "".join(f"<option>{html.escape(value)}</option>" for value in sorted({r[key] for r in records}))
        + "</select></label> "
        for key, label in (("paper", "paper or part"), ("kind", "kind"), ("verdict", "verdict"))
    )
    columns: dict[str, Callable[[Record], str]] = {
        "claim": lambda r: (
            f"<a href='{r['chapter']}.html'>{html.escape(r['title'])}</a><br>"
            f"<code>{r['id']}</code><details><summary>criteria and control</summary><ul>"
            + "".join(f"<li>{html.escape(text)}</li>" for text in r["reasons"])
            + f"<li>control: {html.escape(r['control']['dropped'])}</li></ul></details>"
        ),
        "verdict": lambda r: (
            f"<span class='verdict-word verdict-{r['verdict']}'>{r['verdict']}</span>"
            + ("" if as_expected(r) else f"<br>expected {r['expected']}")
        ),
        "control": lambda r: "fired" if r["control"]["fired"] else "did not fire",
        "kind": lambda r: f"{r['kind']}<br>{r['fit']}",
        "source": lambda r: f"{r['provenance']}: {html.escape(r['reference'])}",
        "seeds": lambda r: str(len(r["seeds"])),
    }
    head = "".join(f"<th>{name}</th>" for name in columns)
    body = "".join(
        f"<tr data-paper='{r['paper']}' data-kind='{r['kind']}' data-verdict='{r['verdict']}'>"
        + "".join(f"<td>{cell(r)}</td>" for cell in columns.values())
        + "</tr>"
        for r in records
    )
    words = "\n".join(f"{r['id']}: {r['verdict']} (expected {r['expected']})" for r in records)
    return Fragment(
        f"<div class='ledger'><p>{filters}</p><div class='ledger-scroll'><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>{_FILTER_SCRIPT}</div>",
        words,
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
    chosen = [record for record in records if record["means"]]
    rows = "".join(
        f"<tr><td><a href='{r['chapter']}.html'>{html.escape(r['title'])}</a><br><code>{r['id']}</code></td>"
        + "".join(f"<td>{'●' if means in r['means'] else ''}</td>" for means in MEANS)
        + f"<td><span class='verdict-word verdict-{r['verdict']}'>{r['verdict']}</span></td></tr>"
        for r in chosen
    )
    head = "".join(f"<th>{name}</th>" for name in ("claim", *MEANS.values(), "verdict"))
    words = "\n".join(
        f"{r['id']}: {', '.join(MEANS[means] for means in r['means'])}: {r['verdict']}" for r in chosen
    )
    return Fragment(
        f"<div class='ledger'><div class='ledger-scroll'><table class='certified'><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div></div>",
        words,
    )


_FILTER_SCRIPT = """<script>
document.querySelectorAll(".ledger").forEach((ledger) => {
  const selects = [...ledger.querySelectorAll("select")];
  const apply = () => ledger.querySelectorAll("tbody tr").forEach((row) => {
    row.hidden = selects.some((s) => s.value && row.dataset[s.dataset.key] !== s.value);
  });
  selects.forEach((s) => s.addEventListener("change", apply));
});
</script>"""
