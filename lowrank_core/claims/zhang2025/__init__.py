"""Claims of R. Y. Zhang, "Sharp global guarantees for nonconvex low-rank recovery".

Of the paper (2021, third version 2025) only the abstracts of its versions were read. Whatever is sharper than an
abstract is derived here, and no numbered theorem of the paper is quoted.
"""

MODULES = ("sharp", "threshold_proofs", "balancing", "counterexamples", "noise", "race")
"""In the order of the book."""
