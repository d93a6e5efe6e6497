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
    *,
    caption: str,
) -> str:
    """A table that, where it is too wide, becomes a list of labelled lines, unless it has no head.

    Args:
        head: what stands over the columns; empty for a table of properties.
        rows: cells, escaped unless they are `Markup`; a row that is shorter than the head ends in a wide cell.
        kind: its class.
        row_heads: whether the first cell of a row is its head.
        data: attributes of each row, e.g. its id, or what filters read.
        caption: what it shows, for those who hear the page.
    """
    body = ""
    for i, row in enumerate(rows):
        cells = ""
        for j, cell in enumerate(row):
            tag = "th" if row_heads and j == 0 else "td"
            wide = len(head) - len(row) + 1
            named = {
                "scope": "row" if tag == "th" else "",
                "colspan": str(wide) if head and j == len(row) - 1 and wide > 1 else "",
                "data-head": head[j] if head and tag == "td" and not isinstance(head[j], Markup) else "",
            }
            cells += f"<{tag}{_attributes(named)}>{escaped(cell)}</{tag}>"
        body += f"<tr{_attributes(data[i]) if data else ''}>{cells}</tr>"
    above = "".join(f"<th scope='col'>{escaped(name)}</th>" for name in head)
    above = f"<thead><tr>{above}</tr></thead>" if head else ""
    title = f"<caption>{escaped(caption)}</caption>"
    return f"<table{_attributes({'class': kind})}>{title}{above}<tbody>{body}</tbody></table>"


def _attributes(values: Mapping[str, str]) -> str:
    return "".join(f" {name}='{html.escape(value)}'" for name, value in values.items() if value)
