"""Second-order points under noise, and points that are second-order only nearly: how far from the truth they
are.

The modules are listed in the order of the book.
"""

from lowrank_core.claims.zhang2025.noise import bound  # isort: split

from lowrank_core.claims.zhang2025.noise import gaussian  # isort: split

from lowrank_core.claims.zhang2025.noise import accuracy

__all__ = ["accuracy", "bound", "gaussian"]
