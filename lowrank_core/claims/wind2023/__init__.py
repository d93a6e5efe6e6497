"""Claims of Wind, "Implicit Regularization Makes Overparameterized Asymmetric Matrix Sensing Robust ...".

Of the paper (arXiv 2309.01796, 2023, second version 2025) the abstract and the opening were read; its theorems are
restated from work that quotes them. Their constants are unnamed, so what is tested are exponents, one-sided as the
papers mean them, and sharp forms that are derived here. The modules are listed in the order of the book.
"""

from lowrank_core.claims.wind2023 import flow, flow_proofs  # isort: split

from lowrank_core.claims.wind2023 import escape  # isort: split

from lowrank_core.claims.wind2023 import perturbation  # isort: split

from lowrank_core.claims.wind2023 import minibatch

__all__ = ["escape", "flow", "flow_proofs", "minibatch", "perturbation"]
