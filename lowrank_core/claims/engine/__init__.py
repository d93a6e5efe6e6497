"""Claims about the solvers themselves: that what makes them fast leaves their results as they are.

No paper stands behind these claims; all of them are derived and measured here. They judge results and never
seconds, so that no verdict depends on the machine. The modules are listed in the order of the book.
"""

from lowrank_core.claims.engine import agreement  # isort: split

from lowrank_core.claims.engine import precision  # isort: split

from lowrank_core.claims.engine import iterations

__all__ = ["agreement", "iterations", "precision"]
