"""Claims of Xiong, Ding & Du, "How Over-Parameterization Slows Down Gradient Descent in Matrix Sensing" (2024).

The paper's abstract and introduction state the form of the results: with search rank k > r symmetric gradient
descent needs Ω(1/T²) in squared Frobenius error, while k = r is linear. Its explicit constants were not read;
the sharp constants tested here are derived here, and proved in `slowdown_proofs`.
"""

from lowrank_core.claims.xiong2024 import slowdown, slowdown_proofs

__all__ = ["slowdown", "slowdown_proofs"]
