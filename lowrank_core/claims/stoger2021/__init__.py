"""Claims of Stöger & Soltanolkotabi, "Small random initialization is akin to spectral learning" (2021).

The abstract was read; the main theorem is restated from a generalisation of it to tensors, with a like proof.
"""

from lowrank_core.claims.stoger2021 import alignment, exponent

__all__ = ["alignment", "exponent"]
