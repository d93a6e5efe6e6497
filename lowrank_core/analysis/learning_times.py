"""How many iterations gradient descent on the population loss takes, to leading order in a small start.

Derived here; the proofs are in the chapter on the sub-gradient method without noise. A load is η times an
eigenvalue of the truth.
"""

from __future__ import annotations

import math


def per_decade(load: float) -> float:
    """Iterations that a factor of ten in 1/α costs until the error is of order α².

    An eigenvalue is learnt by the factor 1 + ησ_r a step, and then a cross block shrinks by 1 − ησ_r.

    Args:
        load: ησ_r in (0, ½], of the smallest eigenvalue.
    """
    return math.log(10) * (1 / math.log1p(load) - 1 / math.log1p(-load))


def half_learnt(start: float, load: float) -> float:
    """Iterations until an eigenvalue of SSᵀ, over that of the truth, has grown from `start` ≪ 1 to one half.

    The logistic λ/(σ − λ) grows by about (1 + ησ)² a step.

    Args:
        load: ησ in (0, ½].
    """
    return -math.log(start) / (2 * math.log1p(load))
