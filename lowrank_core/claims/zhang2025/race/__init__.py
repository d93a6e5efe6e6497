"""Claims about all methods on the same data, and which of them to choose.

No paper states these orderings: they are measured here, on Gaussian measurements, with steps, dampings and starts
that `contest` fixes beforehand. The modules are listed in the order of the book.
"""

from lowrank_core.claims.zhang2025.race import noiseless  # isort: split

from lowrank_core.claims.zhang2025.race import asymmetric, noisy

__all__ = ["asymmetric", "noiseless", "noisy"]
