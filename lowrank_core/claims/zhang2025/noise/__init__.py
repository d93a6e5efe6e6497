"""Second-order points under noise, and points that are second-order only nearly: how far from the truth they
are.
"""

MODULES = ("bound", "earlier", "gaussian", "accuracy")
"""In the order of the book."""
