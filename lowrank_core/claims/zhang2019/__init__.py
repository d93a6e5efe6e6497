"""Zhang, Sojoudi & Lavaei (2019), rank one: the constant of a pair, the local guarantee, and descent inside it."""

MODULES = ("constant", "guarantee", "descent")
"""In the order of the book."""
