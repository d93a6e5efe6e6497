"""Claims of Wind, "Implicit Regularization Makes Overparameterized Asymmetric Matrix Sensing Robust ...".

Of the paper (arXiv 2309.01796, 2023, second version 2025) the abstract and the opening were read; its theorems are
restated from work that quotes them. Their constants are unnamed, so what is tested are exponents, one-sided as the
papers mean them, and sharp forms that are derived here.
"""

MODULES = (
    "flow",
    "bounded_path",
    "flow_proofs",
    "escape",
    "sensing",
    "starts",
    "constant_adversary",
    "residual_adversary",
    "noise",
    "warm_up",
    "redrawn",
    "minibatch",
)
"""In the order of the book."""
