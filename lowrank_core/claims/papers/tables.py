"""What the pages of the papers show, made of the declarations and of the records of one build."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lowrank_core.claims.markup import Fragment, Markup, code, items, table
from lowrank_core.claims.papers import all_papers, find
from lowrank_core.claims.papers.outcome import OUTCOMES, outcome, tally
from lowrank_core.claims.papers.paper import Paper, Said
from lowrank_core.claims.result import as_expected

Record = Mapping[str, Any]
ORIGINS = {"paper": "as the paper states it", "sharpened": "sharpened here", "ours": "our statement"}


def source(key: str) -> Fragment:
    """What the paper is, where it is found, and what of it was read."""
    paper = find(key)
    links = f"{_link(f'https://arxiv.org/abs/{paper.arxiv}', f'arXiv:{paper.arxiv}')}, " + _link(
        f"https://doi.org/{paper.doi}", f"doi:{paper.doi}"
    )
    lines = {
        "paper": Markup(f"{html.escape(paper.authors)}, <em>{html.escape(paper.title)}</em>, {paper.year}"),
        "found at": Markup(links),
        "versions": paper.versions,
        "what of it was read": paper.read,
    }
    words = f"{paper.authors}, {paper.title}, {paper.year}; arXiv:{paper.arxiv}, doi:{paper.doi}"
    shown = table([], lines.items(), "contract", True, caption="The source")
    return Fragment(
        f"<div class='paper-source'>{shown}</div>", f"{words}\n{paper.versions}\nRead: {paper.read}"
    )


def claims(key: str, records: Sequence[Record]) -> Fragment:
    """Each of the paper's assertions with the verdicts that answer it, and how it comes out."""
    known = by_id(records)
    rows, data, words = [], [], []
    for said in find(key).says:
        came_out = outcome(said, known)
        stamp = Markup(f"<span class='outcome outcome-{_slug(came_out)}'>{came_out}</span>")
        rows.append([_placed(said.text, said.where, said.known), stamp, _answers(said, known)])
        data.append({"data-outcome": came_out})
        words.append(f"{came_out}: {said.text} ({said.where}, {said.known}): {_answer_words(said, known)}")
    shown = table(
        ["the paper says", "outcome", "what was run"],
        rows,
        "paper-claims",
        data=data,
        caption="Sentence by sentence",
    )
    return Fragment(f"<div class='ledger'>{shown}</div>", "\n".join(words))


def experiments(key: str, records: Sequence[Record]) -> Fragment:
    """Each of the paper's experiments, and whether it was repeated, by which claim."""
    known = by_id(records)
    rows, words = [], []
    for shown in find(key).experiments:
        parts = [_verdict(known[claim_id]) for claim_id in shown.claims]
        parts += [Markup(f"stored run {code(name)}") for name in shown.stored]
        rows.append(
            [
                Markup(
                    f"{html.escape(shown.text)}<br><small>{html.escape(shown.where)}, {shown.known}</small>"
                ),
                shown.repeated,
                Markup(_lines(parts) + _remark(shown.remark)),
            ]
        )
        verdicts = [f"{claim_id} {known[claim_id]['verdict']}" for claim_id in shown.claims]
        words.append(
            f"{shown.where}: {shown.repeated}; {'; '.join([*verdicts, *shown.stored, shown.remark])}"
        )
    if not rows:
        return Fragment("<p>No experiment of it is known to us.</p>", "no experiment is known")
    heads = ["the paper shows", "repeated", "what was run"]
    made = table(heads, rows, "paper-claims", caption="Experiment by experiment")
    return Fragment(f"<div class='ledger'>{made}</div>", "\n".join(words))


def discrepancies(key: str, records: Sequence[Record]) -> Fragment:
    """Where this build differs from what the paper says or suggests, with its numbers."""
    known = by_id(records)
    chosen = [known[i] for i in find(key).claims if known[i]["discrepancy"]]
    words = "\n".join(f"{r['id']}: {r['discrepancy']}" for r in chosen) or "none was found"
    if not chosen:
        return Fragment("<p>None was found.</p>", words)
    lines = [Markup(f"{_statement(r)}: {html.escape(r['discrepancy'])}") for r in chosen]
    return Fragment(items(lines, "discrepancies"), words)


def beyond(key: str, records: Sequence[Record]) -> Fragment:
    """The claims under the paper's key that answer nothing above: ours, or about another paper, which is named."""
    listed = set(find(key).claims)
    rest = [record for record in records if record["paper"] == key and record["id"] not in listed]
    if not rest:
        return Fragment("<p>None.</p>", "none")
    lines = [_verdict(record) + html.escape(_about(record)) for record in rest]
    words = "\n".join(f"{r['id']}: {r['verdict']}{_about(r)}" for r in rest)
    return Fragment(items(map(Markup, lines), "beyond"), words)


def cards(records: Sequence[Record]) -> Fragment:
    """A card for each seed paper: what it is, what was read, and how its assertions come out."""
    known = by_id(records)
    made, words = [], []
    for paper in all_papers():
        if not paper.seed:
            continue
        found = tally(paper, known)
        counts = "".join(
            f"<li class='outcome-{_slug(name)}'><b>{number}</b> {name}</li>" for name, number in found.items()
        )
        verdicts = len(paper.claims)
        made.append(
            f"<div class='paper-card'><p><a href='papers/{paper.key}.html'>{html.escape(paper.name)}</a><br>"
            f"<em>{html.escape(paper.title)}</em></p><ul>{counts}</ul>"
            f"<p>{len(paper.says)} claims, answered by {verdicts} verdicts</p></div>"
        )
        told = ", ".join(f"{number} {name}" for name, number in found.items())
        words.append(f"{paper.name}: {len(paper.says)} claims, {verdicts} verdicts: {told}")
    return Fragment(f"<div class='paper-cards'>{''.join(made)}</div>", "\n".join(words))


def overview(records: Sequence[Record]) -> Fragment:
    """All papers in one table: how many of their assertions come out how."""
    known = by_id(records)
    rows, words = [], []
    for paper in all_papers():
        found = tally(paper, known)
        link = Markup(f"<a href='papers/{paper.key}.html'>{html.escape(paper.name)}</a>")
        rows.append([link, str(len(paper.says)), *(str(found[name]) for name in OUTCOMES)])
        words.append(f"{paper.name}: " + ", ".join(f"{found[name]} {name}" for name in OUTCOMES))
    shown = table(["paper", "claims", *OUTCOMES], rows, caption="How many claims of each paper come out how")
    return Fragment(f"<div class='ledger'>{shown}</div>", "\n".join(words))


def by_id(records: Iterable[Record]) -> dict[str, Record]:
    """Records by the ids of their claims."""
    return {record["id"]: record for record in records}


def _answers(said: Said, known: Mapping[str, Record]) -> Markup:
    verdicts = [_verdict(known[claim_id]) for claim_id in said.answers]
    verdicts += [Markup(f"against it: {_verdict(known[claim_id])}") for claim_id in said.questioned]
    reason = said.remark if said.claims else f"not tested, because {said.remark}"
    return Markup(_lines(verdicts) + _remark(reason))


def _answer_words(said: Said, known: Mapping[str, Record]) -> str:
    told = [f"{claim_id} {known[claim_id]['verdict']}" for claim_id in said.answers]
    told += [f"against it {claim_id} {known[claim_id]['verdict']}" for claim_id in said.questioned]
    return "; ".join([*told, said.remark] if said.remark else told)


def _verdict(record: Record) -> Markup:
    """The verdict, the statement that it is about, whose that is, and the fit of the size that ran."""
    word = f"<span class='verdict-word verdict-{record['verdict']}'>{record['verdict']}</span>"
    expected = "" if as_expected(record) else f", expected {record['expected']}"
    return Markup(
        f"{word}{expected} {_statement(record)} {code(record['id'])} "
        f"<small>({ORIGINS[record['origin']]}; {record['fit']})</small>"
    )


def _statement(record: Record) -> Markup:
    """The claim's title, which leads to the numbered statement in its chapter."""
    anchor = f"#{record['states'][0]}" if record["states"] else ""
    return Markup(f"<a href='../{record['chapter']}.html{anchor}'>{html.escape(record['title'])}</a>")


def _placed(text: str, where: str, how: str) -> Markup:
    """What a paper says or shows, with where it stands and how it is known."""
    return Markup(f"{html.escape(text)}<br><small>{html.escape(where)}, {how}</small>")


def _about(record: Record) -> str:
    """Which other papers' pages list a claim."""
    others = [paper.name for paper in all_papers() if _lists(paper, record)]
    return f", about {' and '.join(others)}" if others else ""


def _lists(paper: Paper, record: Record) -> bool:
    return paper.key != record["paper"] and record["id"] in paper.claims


def _lines(parts: Iterable[str]) -> str:
    return "".join(f"<div>{part}</div>" for part in parts)


def _remark(text: str) -> str:
    return f"<div class='remark'>{html.escape(text)}</div>" if text else ""


def _link(address: str, text: str) -> str:
    return f"<a href='{html.escape(address)}'>{html.escape(text)}</a>"


def _slug(name: str) -> str:
    return name.replace(" ", "-")
