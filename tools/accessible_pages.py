"""A Sphinx extension: what readers who hear the pages need, and the theme's writers leave out."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def mend(app: Sphinx, page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    if "body" in context:
        context["body"] = accessible(context["body"])


def accessible(body: str) -> str:
    """The body of a page: heads of columns say so, proofs without labels share no id, sources are a list.

    What folds code is called by the words that stand on it, and not by others.
    """
    body = body.replace('role="doc-biblioentry"', 'role="listitem"')
    body = body.replace('<summary aria-label="Toggle hidden content">', "<summary>")
    body = re.sub(r'<th class="head', '<th scope="col" class="head', body)
    return re.sub(r' id="proof(?:-content)?"', "", body)
