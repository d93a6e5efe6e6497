"""Claims about all methods on the same data, and which of them to choose.

No paper states these orderings: they are measured here, on Gaussian measurements, with steps, dampings and starts
that `contest` fixes beforehand.
"""

MODULES = ("noiseless", "asymmetric", "noisy")
"""In the order of the book."""
