"""Claims of Wind, "Implicit Regularization Makes Overparameterized Asymmetric Matrix Sensing Robust ...".

Of the paper (arXiv 2309.01796, 2023, second version 2025) the abstract and the opening were read; its theorems are
restated from work that quotes them. Their constants are unnamed, so what is tested are exponents, one-sided as the
papers mean them, and sharp forms that are derived here. The modules are listed in the order of the book.
"""

from lowrank_core.claims.wind2023 import flow, flow_proofs  # isort: split

from lowrank_core.claims.wind2023 import escape  # isort: split

from lowrank_core.claims.wind2023 import sensing  # isort: split

from lowrank_core.claims.wind2023 import starts  # isort: split

from lowrank_core.claims.wind2023 import constant_adversary  # isort: split

from lowrank_core.claims.wind2023 import residual_adversary  # isort: split

from lowrank_core.claims.wind2023 import noise  # isort: split

from lowrank_core.claims.wind2023 import warm_up  # isort: split

from lowrank_core.claims.wind2023 import redrawn  # isort: split

from lowrank_core.claims.wind2023 import minibatch

__all__ = [
    "constant_adversary",
    "escape",
    "flow",
    "flow_proofs",
    "minibatch",
    "noise",
    "redrawn",
    "residual_adversary",
    "sensing",
    "starts",
    "warm_up",
]
