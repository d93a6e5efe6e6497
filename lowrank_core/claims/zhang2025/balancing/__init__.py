"""Why UVᵀ needs a balancing regulariser, and where it does not."""

MODULES = ("saddle", "identities", "exactness", "descent", "figure")
"""In the order of the book."""
