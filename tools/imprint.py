"""A Sphinx extension: at the foot of every page version, date, licence, how to cite it and where to write."""

from __future__ import annotations

import html
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from sphinx.application import Sphinx

CITATION = Path(__file__).parent.parent / "CITATION.cff"


@dataclass(frozen=True)
class Imprint:
    """What a reader needs to name this copy of the book."""

    title: str
    authors: str
    version: str
    licence: str
    date: str

    @property
    def citation(self) -> str:
        """How to cite the book."""
        year = self.date.split()[-1]
        return f"{self.authors} ({year}). {self.title}, version {self.version}."


def imprint() -> Imprint:
    """From CITATION.cff, dated today, or by SOURCE_DATE_EPOCH where a build is to be the same every time."""
    cited = yaml.safe_load(CITATION.read_text(encoding="utf8"))
    authors = ", ".join(author["name"] for author in cited["authors"])
    day = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))
    date = f"{day.tm_mday} {time.strftime('%B %Y', day)}"
    return Imprint(cited["title"], authors, str(cited["version"]), cited["license"], date)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", sign)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def sign(app: Sphinx, page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    changes = context["pathto"]("changelog") if "changelog" in app.env.found_docs else ""
    context["theme_extra_footer"] = footer(imprint(), changes, context.get("theme_repository_url") or "")


def footer(this: Imprint, changes: str = "", repository: str = "") -> str:
    """The foot of a page; `changes` is the way to the changelog, `repository` where the book is hosted."""
    version = f"Version {this.version} of {this.date}"
    if changes:
        version += f" (<a href='{changes}'>what changed</a>)"
    where = (
        f"<a href='{repository}/issues'>open an issue</a>"
        if repository
        else "tell whom you have this copy from"
    )
    return (
        f"<p class='imprint'>{version}, {html.escape(this.licence)} licence.<br>"
        f"Cite as: {html.escape(this.citation)} For one claim, add its address, and cite its paper.<br>"
        f"A mistake, or a number that you cannot repeat? Please {where}.</p>"
    )
