"""A Sphinx extension: the notation page, and what letters mean under every chapter, from the table in `symbols`.

`{symbols}` stands for a list of the table. Under a page stand the symbols that its formulas use, which symbols.js
shows over them; they are there without the script, for the keyboard, and on paper.
"""

from __future__ import annotations

import html
import re
from typing import Any

import symbols
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from symbols import BY_PAGE, WHOLE_BOOK, Symbol

ITALIC = """
alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho varsigma sigma tau
upsilon varphi chi psi omega
"""
LISTS = {"whole-book": WHOLE_BOOK, "by-page": BY_PAGE}
GREEK = {name: chr(0x1D6FC + i) for i, name in enumerate(ITALIC.split())} | {
    "Delta": "Δ",
    "Pi": "Π",
    "Sigma": "Σ",
}


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("symbols", Symbols)
    app.connect("html-page-context", explain)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Symbols(SphinxDirective):
    """One list of the table, each symbol with a link to where it is introduced."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        lines = table(self.arguments[0], set(self.env.found_docs))
        holder = nodes.Element()
        self.state.nested_parse(StringList(lines, source=self.get_source_info()[0]), 0, holder)
        return holder.children


def table(name: str, pages: set[str]) -> list[str]:
    """One list as a table in Markdown; pages that the book lacks are left out.

    Raises:
        KeyError: there is no such list.
    """
    captions = {"whole-book": "One meaning in the whole book", "by-page": "One meaning on each of its pages"}
    lines = [
        f"```{{table}} {captions[name]}",
        "| symbol | meaning | where | in `lowrank_core` |",
        "| --- | --- | --- | --- |",
    ]
    for symbol in LISTS[name]:
        where = ", ".join(f"{{doc}}`/{page}`" for page in symbol.on if page in pages)
        code = ", ".join(f"`{part}`" for part in symbol.code.split(", ") if part)
        tex = ", ".join(f"${part}$" for part in symbol.tex.split(","))
        lines.append(f"| {tex} | {symbol.meaning} | {where} | {code} |")
    return [*lines, "```"]


def explain(
    app: Sphinx, page: str, _template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Add, at the end of a chapter, the symbols that its formulas use."""
    if doctree is None or not page.startswith("chapters/"):
        return
    used = {
        letter
        for node in doctree.findall(lambda n: isinstance(n, (nodes.math, nodes.math_block)))
        for letter in symbols.letters(node.astext())
    }
    context["body"] += list_of([s for s in symbols.here(page) if used & set(symbols.marks(s))], used)


def list_of(chosen: list[Symbol], used: set[str]) -> str:
    """A fold with a description list; a term knows the character by which MathJax draws its letter."""
    entries = "".join(
        f"<dt data-code='{character(letter)}'{indexed(symbol)}>{html.escape(plain(letter))}</dt>"
        f"<dd>{html.escape(symbol.meaning)}</dd>"
        for symbol in chosen
        for letter in symbols.marks(symbol)
        if letter in used
    )
    return (
        f"<details class='symbols'><summary>Symbols of this page</summary><dl id='symbols'>{entries}</dl></details>"
        if entries
        else ""
    )


def indexed(symbol: Symbol) -> str:
    """For a symbol that always has an index: the letter alone may be anything."""
    return " data-indexed=''" if symbol.tex.endswith("_i") else ""


def plain(letter: str) -> str:
    """A letter in signs that can be read aloud: σ, 𝒜, M⋆, δ±."""
    letter = letter.replace(r"\star", "⋆").replace(r"\pm", "±").replace("^", "").replace("_0", "₀")
    letter = re.sub(r"\\mathcal (\w)", lambda found: {"A": "𝒜", "E": "ℰ"}.get(found[1], found[1]), letter)
    return re.sub(
        r"\\(\w+)", lambda found: _upright(GREEK[found[1]]) if found[1] in GREEK else found[1], letter
    )


def character(letter: str) -> str:
    """The code point, in hexadecimal, of the character that MathJax draws; empty for a letter with a mark."""
    if re.fullmatch(r"[A-Za-z]", letter):
        base = 0x1D434 + ord(letter) - 65 if letter.isupper() else 0x1D44E + ord(letter) - 97
        return "210E" if letter == "h" else f"{base:X}"
    name = letter.removeprefix("\\")
    return f"{ord(GREEK[name]):X}" if name in GREEK else ""


def _upright(sign: str) -> str:
    """Italic Greek of mathematics as the plain letter."""
    import unicodedata

    return unicodedata.normalize("NFKC", sign)
