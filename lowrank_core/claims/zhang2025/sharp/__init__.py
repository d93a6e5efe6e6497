"""Claims on the exact threshold: that it suffices, that it is attained, and what its RIP order means."""

from lowrank_core.claims.zhang2025.sharp import descents, exact  # isort: split

from lowrank_core.claims.zhang2025.sharp import orders

__all__ = ["descents", "exact", "orders"]
