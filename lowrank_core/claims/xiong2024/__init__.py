"""Claims of Xiong, Ding & Du, "How Over-Parameterization Slows Down Gradient Descent in Matrix Sensing".

The paper (2024) states in its abstract and introduction: with search rank k > r symmetric gradient descent needs
Ω(1/T²) in squared Frobenius error, while k = r is linear; asymmetric gradient descent from an imbalanced start is
linear, at a rate that depends on the scale of the start; and one rebalancing step removes that dependence. Its
explicit constants were not read; the sharp constants tested here are derived here, and proved in the `_proofs`
modules.
"""

MODULES = (
    "slowdown",
    "slowdown_proofs",
    "asymmetry",
    "toy",
    "asymmetry_proofs",
    "drift",
    "noise_law",
    "imbalance",
    "rebalancing",
    "start_scale",
    "rebalancing_sensing",
)
"""In the order of the book."""
