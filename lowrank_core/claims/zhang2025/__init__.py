"""Claims of R. Y. Zhang, "Sharp global guarantees for nonconvex low-rank recovery in the noisy overparameterized regime".

Of the paper (2021, third version 2025) only the abstracts of its versions were read. Whatever is sharper than an
abstract is derived here, and no numbered theorem of the paper is quoted. The modules are listed in the order of the
book.
"""

from lowrank_core.claims.zhang2025 import sharp, threshold_proofs  # isort: split

from lowrank_core.claims.zhang2025 import balancing, counterexamples  # isort: split

from lowrank_core.claims.zhang2025 import noise, race

__all__ = ["balancing", "counterexamples", "noise", "race", "sharp", "threshold_proofs"]
