"""Claims of Stöger & Soltanolkotabi, "Small random initialization is akin to spectral learning" (2021).

The abstract was read; the main theorem is restated from a generalisation of it to tensors, with a like proof.
"""

MODULES = ("alignment", "exponent")
"""In the order of the book."""
