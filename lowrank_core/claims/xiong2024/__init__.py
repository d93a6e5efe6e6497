"""Claims of Xiong, Ding & Du, "How Over-Parameterization Slows Down Gradient Descent in Matrix Sensing".

The paper (2024) states in its abstract and introduction: with search rank k > r symmetric gradient descent needs
Ω(1/T²) in squared Frobenius error, while k = r is linear; asymmetric gradient descent from an imbalanced start is
linear, at a rate that depends on the scale of the start; and one rebalancing step removes that dependence. Its
explicit constants were not read; the sharp constants tested here are derived here, and proved in the `_proofs`
modules. The modules are listed in the order of the book.
"""

from lowrank_core.claims.xiong2024 import slowdown, slowdown_proofs  # isort: split

from lowrank_core.claims.xiong2024 import asymmetry, asymmetry_proofs  # isort: split

from lowrank_core.claims.xiong2024 import drift  # isort: split

from lowrank_core.claims.xiong2024 import noise_law  # isort: split

from lowrank_core.claims.xiong2024 import imbalance  # isort: split

from lowrank_core.claims.xiong2024 import rebalancing  # isort: split

from lowrank_core.claims.xiong2024 import start_scale  # isort: split

from lowrank_core.claims.xiong2024 import rebalancing_sensing

__all__ = [
    "asymmetry",
    "asymmetry_proofs",
    "drift",
    "imbalance",
    "noise_law",
    "rebalancing",
    "rebalancing_sensing",
    "slowdown",
    "slowdown_proofs",
    "start_scale",
]
