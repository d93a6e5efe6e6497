"""Counterexamples that one can write down: the exact family, and how descent gets away from it, or does not."""

MODULES = ("exact", "escape", "traps")
"""In the order of the book."""
