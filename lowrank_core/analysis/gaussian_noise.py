"""How large the error of least squares is when every entry of a symmetric matrix is seen with Gaussian noise.

N is symmetric with independent N(0, σ²) coordinates in an orthonormal basis: diagonal entries of variance σ², the
others of σ²/2. Where σ√n is small against σ_{r*}(M*), the error over matrices of rank r ≥ r* is to first order the
part of N tangent to the matrices of rank r* at M*, and beyond it the r − r* largest eigenvalues of what is left of
N. Derived here.
"""

from __future__ import annotations

import torch

from lowrank_core.errors import require
from lowrank_core.problem import Problem

EDGE_OF_GOE = (1.2065, 3.2624, 5.1629)
"""Minus the means of the largest three points of the Airy process of real symmetric matrices."""


def error_law(n: int, r_star: int, r: int) -> float:
    """‖E‖²/σ² at order n: the tangent coordinates, and the r − r* largest eigenvalues of noise of order n − r*.

    The i-th of them is √(2N)(1 − a_i N^{−2/3}/2) on average, N = n − r*, so that the sum is n(r* + 2(r − r*)) to
    leading order.

    Raises:
        ArgumentError: r < r*, or r > r* + 3, for which no mean is tabled, or n ≤ r*.
    """
    require(
        0 <= r - r_star <= len(EDGE_OF_GOE),
        "r, r_star",
        (r, r_star),
        "the law needs the means of the largest r − r* eigenvalues",
        f"use r* ≤ r ≤ r* + {len(EDGE_OF_GOE)}",
    )
    require(n > r_star, "n", n, "there is no complement", "use n > r*")
    rest = n - r_star
    beyond = sum(2 * rest * (1 - a * rest ** (-2 / 3) / 2) ** 2 for a in EDGE_OF_GOE[: r - r_star])
    return n * r_star - r_star * (r_star - 1) / 2 + beyond


def positive_part_error(problem: Problem) -> torch.Tensor:
    """‖(M* + N)₊ − M*‖_F where every entry is seen, (B,): what least squares at full rank ends at."""
    values, vectors = torch.linalg.eigh(problem.operator.adjoint(problem.observations))
    kept = (vectors * values.clamp(min=0.0)[:, None, :]) @ vectors.mT
    return torch.linalg.matrix_norm(kept - problem.truth.matrix)
