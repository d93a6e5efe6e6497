"""The text of a page in plain Markdown, for programs that open notebooks and know no directives of MyST."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.myst_blocks import myst_block_plugin

PARSER = MarkdownIt("commonmark").use(colon_fence_plugin).use(myst_block_plugin)
DIRECTIVE = re.compile(r"\{(?P<name>[\w:-]+)\} *(?P<title>.*)")
OPTION = re.compile(r":(?P<name>[\w-]+): *(?P<value>.*)\n")
ROLE = re.compile(r"\{(?P<name>[\w:-]+)\}`(?P<target>[^`]+)`")
# A notebook on its own has no other pages beside it, and no targets inside.
LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?:[\w./-]+\.md(?:#[\w-]+)?|#[\w-]+)\)")
REPLACED = ("fence", "colon_fence", "myst_target", "myst_line_comment", "myst_block_break")


class PlainError(ValueError):
    """A directive, or a role, of which nothing here knows how to say it in plain Markdown."""


@dataclass(frozen=True)
class Names:
    """How the text names what it refers to.

    Attributes:
        statements: by their labels: the kind and the title of each.
        citations: by their keys: authors and year.
        sources: an entry of the list of sources each.
    """

    statements: Mapping[str, str]
    citations: Mapping[str, str]
    sources: Iterable[str]


def names(folder: Path) -> Names:
    """What the pages under `folder` can refer to, from their sources and its `references.bib`."""
    from citations import names as authors
    from pybtex.database import parse_file

    labelled = {}
    for page in folder.rglob("*.md"):
        for token in PARSER.parse(page.read_text(encoding="utf8")):
            name, title, options, _ = directive(token.type, token.info, token.content)
            if "label" in options:
                labelled[options["label"]] = called(name, title)
    citations, sources = {}, []
    for key, entry in parse_file(str(folder / "references.bib")).entries.items():
        citations[key] = f"{authors(entry)} ({entry.fields['year']})"
        title = re.sub(r"[{}]", "", " ".join(entry.fields["title"].split()))
        sources.append(f"- {citations[key]}: *{title}*")
    return Names(labelled, citations, sources)


def plain(markdown: str, known: Names) -> str:
    """The same text without directives, roles, targets and comments.

    Raises:
        PlainError: a directive or a role is none of those that the book uses, or refers to nothing.
    """
    lines = markdown.splitlines()
    written, begin = [], 0
    for token in PARSER.parse(markdown):
        if token.type not in REPLACED or token.map is None:
            continue
        name, title, _, body = directive(token.type, token.info, token.content)
        if token.type == "fence" and not name:
            block = "\n".join(lines[slice(*token.map)])  # an ordinary block of code, as it is
        else:
            first = lines[token.map[0]]
            indent = first[: len(first) - len(first.lstrip())]  # of the list that it stands in
            block = textwrap.indent(said(name, title, body, known), indent) if name else ""
        if begin < token.map[0]:
            written.append(inline("\n".join(lines[begin : token.map[0]]), known))
        written.append(block)
        begin = token.map[1]
    written += [inline("\n".join(lines[begin:]), known)] * (begin < len(lines))
    return "\n".join(written)


def directive(kind: str, info: str, content: str) -> tuple[str, str, dict[str, str], str]:
    """(name, title, options, body) of a block; all are empty if it is no directive."""
    head = DIRECTIVE.match(info) if kind in ("fence", "colon_fence") else None
    if head is None:
        return "", "", {}, ""
    options = {}
    while option := OPTION.match(content):
        options[option["name"]], content = option["value"].strip(), content[option.end() :]
    return head["name"], head["title"].strip(), options, content.strip()


def called(name: str, title: str) -> str:
    """What a statement is called, where it stands and where the text refers to it."""
    kind = name.removeprefix("prf:").capitalize()
    return f"{kind} “{title}”" if title else kind


def said(name: str, title: str, body: str, known: Names) -> str:
    """A directive in plain Markdown."""
    if name == "bibliography":
        return "\n".join(known.sources)
    if name == "learnt":
        return "What each claim of this page was found to be stands in its box, above."
    text = plain(body, known)
    if name == "dropdown":
        return f"<details>\n<summary>{inline(title, known)}</summary>\n\n{text}\n\n</details>"
    if name == "prf:proof":
        return f"*{called(name, title)}.*\n\n{text}"
    if name == "table":
        return f"*{inline(title, known)}*\n\n{text}"
    if name.startswith("prf:"):
        return f"**{inline(called(name, title), known)}.**\n\n{text}"
    raise PlainError(f"the directive {{{name}}} has no form in plain Markdown: say it in tools/plain.py")


def inline(text: str, known: Names) -> str:
    """Text without blocks, its roles and its links to other pages in words."""

    def words(role: re.Match[str]) -> str:
        if role["name"] == "claim":
            said = re.fullmatch(r"(.+?)\s*<.+>", role["target"], re.S)
            return said[1] if said else f"`{role['target']}`"
        if role["name"] == "claim:verdict":
            return f"(see the box of `{role['target']}`)"
        named = {"cite:t": known.citations, "prf:ref": known.statements}.get(role["name"], {})
        try:
            return ", ".join(named[target.strip()] for target in role["target"].split(","))
        except KeyError:
            raise PlainError(
                f"{role[0]} has no form in plain Markdown, or refers to nothing: say it in tools/plain.py"
            ) from None

    return LINK.sub(r"\g<text>", ROLE.sub(words, text))
