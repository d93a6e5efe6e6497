"""A Sphinx extension: one style of citation, "Ma and Fattahi (2023)", in the text and in the list of sources.

In a text all authors are named, in round brackets where a citation is an aside; the list has the same names and
years as labels, and links to arXiv and to the DOI.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sphinxcontrib.bibtex.plugin
from pybtex.database import Entry
from pybtex.plugin import register_plugin
from pybtex.richtext import Text
from pybtex.style.formatting.plain import Style
from pybtex.style.labels import BaseLabelStyle
from sphinx.application import Sphinx
from sphinxcontrib.bibtex.style.referencing import BracketStyle, PersonStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle

NAME = "names_and_year"


def setup(_app: Sphinx) -> dict[str, bool]:
    register()
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def register() -> None:
    """Make the style known under its name, to the texts and to the list of sources."""
    sphinxcontrib.bibtex.plugin.register_plugin(
        "sphinxcontrib.bibtex.style.referencing", NAME, NamesAndYear, force=True
    )
    register_plugin("pybtex.style.formatting", NAME, Sources, force=True)


def names(entry: Entry) -> str:
    """The family names of all authors."""
    *first, last = [" ".join(person.prelast_names + person.last_names) for person in entry.persons["author"]]
    plain = [Text.from_latex(name).render_as("text") for name in (*first, last)]
    return " and ".join([", ".join(plain[:-1]), plain[-1]]) if first else plain[-1]


class Labels(BaseLabelStyle):
    """Names and year, as in the text."""

    def format_labels(self, entries: Iterable[Entry]) -> Iterable[str]:
        return (f"{names(entry)} ({entry.fields['year']})" for entry in entries)


class Sources(Style):
    """The plain style, under labels of names and year."""

    default_label_style = Labels


def _round() -> Any:
    return BracketStyle(left="(", right=")", sep="; ")


@dataclass
class NamesAndYear(AuthorYearReferenceStyle):
    """Names of all authors, and the year in round brackets."""

    bracket_textual: BracketStyle = field(default_factory=_round)
    bracket_parenthetical: BracketStyle = field(default_factory=_round)
    person: PersonStyle = field(default_factory=lambda: PersonStyle(last_sep=" and ", other=None))
