"""Why UVᵀ needs a balancing regulariser, and where it does not: the claims, in the order of the book."""

from lowrank_core.claims.zhang2025.balancing import saddle  # isort: split

from lowrank_core.claims.zhang2025.balancing import identities  # isort: split

from lowrank_core.claims.zhang2025.balancing import exactness  # isort: split

from lowrank_core.claims.zhang2025.balancing import descent

__all__ = ["descent", "exactness", "identities", "saddle"]
