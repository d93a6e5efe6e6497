"""Claims about the solvers themselves: that what makes them fast leaves their results as they are.

No paper stands behind these claims; all of them are derived and measured here. They judge results and never
seconds, so that no verdict depends on the machine.
"""

MODULES = ("agreement", "precision", "iterations")
"""In the order of the book."""
