"""Zhang, Sojoudi & Lavaei (2019), rank one: the constant of a pair, the local guarantee, and descent inside it.

The modules are imported in the order of the book.
"""

from lowrank_core.claims.zhang2019 import constant  # isort: split

from lowrank_core.claims.zhang2019 import guarantee  # isort: split

from lowrank_core.claims.zhang2019 import descent

__all__ = ["constant", "descent", "guarantee"]
