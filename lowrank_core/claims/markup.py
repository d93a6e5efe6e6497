"""The pieces of HTML that pages and results are made of."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence


class Fragment:
    """A piece of a page: HTML for readers, and the same in words for replays and plain terminals."""

    def __init__(self, markup: str, words: str) -> None:
        self.markup, self.words = markup, words

    def _repr_html_(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        return self.words


class Markup(str):
    """Text that is HTML already; all other text is escaped."""


def escaped(text: str) -> str:
    """Text as HTML."""
    return text if isinstance(text, Markup) else html.escape(text)


def code(text: str) -> Markup:
    """Text as code."""
    return Markup(f"<code>{html.escape(text)}</code>")


def items(lines: Iterable[str], kind: str = "") -> str:
    """A list of lines."""
    entries = "".join(f"<li>{escaped(line)}</li>" for line in lines)
    return f"<ul{_attributes({'class': kind})}>{entries}</ul>"


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    kind: str = "",
    row_heads: bool = False,
    data: Sequence[Mapping[str, str]] = (),
) -> str:
    """A table that scrolls where it is too wide, unless it has no head.

    Args:
        head: what stands over the columns; empty for a table of properties.
        rows: cells, escaped unless they are `Markup`; a row that is shorter than the head ends in a wide cell.
        kind: its class.
        row_heads: whether the first cell of a row is its head.
        data: attributes of each row, e.g. for filters.
    """
    body = ""
    for i, row in enumerate(rows):
        first = "th scope='row'" if row_heads else "td"
        cells = ""
        for j, cell in enumerate(row):
            tag = first if j == 0 else "td"
            wide = len(head) - len(row) + 1
            span = f" colspan='{wide}'" if head and j == len(row) - 1 and wide > 1 else ""
            cells += f"<{tag}{span}>{escaped(cell)}</{tag.split()[0]}>"
        body += f"<tr{_attributes(data[i]) if data else ''}>{cells}</tr>"
    above = "".join(f"<th>{escaped(name)}</th>" for name in head)
    above = f"<thead><tr>{above}</tr></thead>" if head else ""
    made = f"<table{_attributes({'class': kind})}>{above}<tbody>{body}</tbody></table>"
    return f"<div class='ledger-scroll'>{made}</div>" if head else made


def _attributes(values: Mapping[str, str]) -> str:
    return "".join(f" {name}='{html.escape(value)}'" for name, value in values.items() if value)
