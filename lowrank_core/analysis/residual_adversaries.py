"""What perturbations in proportion to the residual do to the flow from a small start a₀, to leading order.

While the i-th singular value is learnt, from ln(1/a₀)/σ_{i−1} to ln(1/a₀)/σ_i, the residual has norm σ_i.
(Derived here.)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from lowrank_core.errors import require


def residual_exponent(spectrum: Sequence[float], theta: float) -> float:
    """p of the error a₀^p under E = θ‖R‖u_⊥v_⊥ᵀ: p = 2 − 2θ Σ σ_i(1/σ_i − 1/σ_{i−1}) = 2 − 2θ(r − Σ σ_i/σ_{i−1}).

    Args:
        spectrum: the singular values of the truth, decreasing.
    """
    ratios = [low / high for high, low in pairwise(spectrum)]
    return 2 - 2 * theta * (len(spectrum) - sum(ratios))


def starved_escape(largest: float, smallest: float, theta: float) -> float:
    """τ of the time τ ln(1/a₀) at which the smaller of two values is learnt under E = −θ‖R‖u_2v_2ᵀ, 0 <= θ < 1.

    Its row grows at σ_2 − θσ_1 until σ_1 is learnt, and at (1 − θ)σ_2 from then on.

    Raises:
        ArgumentError: θ outside [0, 1): it is never learnt, or fed instead.
    """
    require(0 <= theta < 1, "theta", theta, "the law is that of a push that starves it", "use 0 <= theta < 1")
    return 1 / largest + (1 - (smallest - theta * largest) / largest) / (smallest * (1 - theta))
