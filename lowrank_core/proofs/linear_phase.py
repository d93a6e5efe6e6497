"""How little the printed count of steps of the linear phase achieves (Zhuo et al., JMLR 25, Theorem 4(a), p. 8).

For `κ = 1`, `D_S = 1` and `STᵀ = 0` the signal error `d = 1 - S²` obeys a recursion of one number, and shrinks by
the factor 0.9786 at best for `|d| ≤ 0.07`; derived here.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random

from lowrank_core.proofs.block_contraction import printed_count, signal_errors
from lowrank_core.proofs.instances import rational

FACTOR = 0.9786
"""The proved lower bound of `1 - 2η(1 - d) - η²d(1 - d)` for `|d| ≤ 0.07` and `η = 1/100`."""


def signal_left(error: Fraction, accuracy: float) -> float:
    """`|1 - S²|` after the printed count of steps for this accuracy, from `1 - S² = error` on."""
    *_, last = signal_errors(error, printed_count(accuracy))
    return last


def smallest_left(
    seed: int, low: Fraction = Fraction(1, 100), high: Fraction = Fraction(7, 100), negative: bool = False
) -> float:
    """The smallest ratio to the proved lower bound over accuracies 10⁻¹ to 10⁻¹⁶, from a drawn initial error.

    Args:
        low, high: ends of the initial error; its sign alternates with the seed, unless it is to be negative.
    """
    sign = -1 if negative else (-1) ** seed
    error = sign * rational(Random(f"phase/{seed}"), low, high)
    return min(
        signal_left(error, 10.0**-digits) / (abs(error) * FACTOR ** printed_count(10.0**-digits))
        for digits in range(1, 17)
    )
