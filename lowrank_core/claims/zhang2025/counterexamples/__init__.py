"""Counterexamples that one can write down: the exact family, and how descent gets away from it, or does not."""

from lowrank_core.claims.zhang2025.counterexamples import exact  # isort: split

from lowrank_core.claims.zhang2025.counterexamples import escape, traps

__all__ = ["escape", "exact", "traps"]
