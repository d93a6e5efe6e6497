"""Claims on the exact threshold: that it suffices, that it is attained, and what its RIP order means."""

MODULES = ("descents", "exact", "orders")
"""In the order of the book."""
