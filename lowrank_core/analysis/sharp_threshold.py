"""The exact threshold on δ below which no second-order point is spurious, and the bounds around it.

For n × n truths of rank r*, search rank r ≥ r* and an operator with RIP constant δ of order r + r*, every
second-order point of ½‖A(XXᵀ) − b‖² is the truth if and only if

    δ < 1/(1 + √(k/(r − r* + k))),    k = min(r*, n − r),

"only if" in the sense that at this δ some operator has a spurious one. For n ≤ r nothing below 1 is needed. Derived
here; the chapter on sharp thresholds has the proof. In its notation the search rank is r and the true rank r*.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from lowrank_core import inputs
from lowrank_core.errors import require


def threshold(search_rank: int, true_rank: int, n: int | None = None) -> float:
    """The exact threshold; for every n ≥ r + r* (the default) it is 1/(1 + √(r*/r)), and 1 for n ≤ r.

    Raises:
        ArgumentError: ranks that are not 1 ≤ r* ≤ r, or n below r*; any that is no integer.
    """
    search_rank, true_rank = check_ranks(search_rank, true_rank)
    n = search_rank + true_rank if n is None else inputs.whole("n", n)
    require(n >= true_rank, "n", n, f"a truth of rank {true_rank} does not fit", f"use n >= {true_rank}")
    k = min(true_rank, n - search_rank)
    return 1.0 if k <= 0 else 1 / (1 + math.sqrt(k / (search_rank - true_rank + k)))


def published_necessary(search_rank: int, true_rank: int) -> float:
    """1/(1 + 1/√(r − r* + 1)): counterexamples exist from here on, as the abstract of the first version has it."""
    search_rank, true_rank = check_ranks(search_rank, true_rank)
    return threshold(search_rank, true_rank, search_rank + 1)


def psi(delta: float | torch.Tensor, ratio: float) -> torch.Tensor:
    """ψ(δ, ρ) = √(1 + s²/4) − s/2 with s = (1 + δ)/√ρ, ρ = r/r*: ψ > δ exactly below the threshold.

    A second-order point under noise w has ‖XXᵀ − M*‖_F ≤ √(r + r*) ‖A*(w)‖/(ψ − δ) (derived here).

    Raises:
        ArgumentError: δ outside [0, 1), ρ below 1.
    """
    delta = inputs.between(
        "delta", delta, 0, 1, "a restricted isometry constant lies in [0, 1)", "[)"
    ).double()
    require(
        inputs.number("ratio", ratio) >= 1,
        "ratio",
        ratio,
        "the search rank is at least the true rank",
        "use r/r* >= 1",
    )
    half = (1 + delta) / (2 * math.sqrt(ratio))
    # The difference cancels for large s; its conjugate does not.
    return 1 / ((1 + half.square()).sqrt() + half)


class Invariants(NamedTuple):
    """What the lower bound on δ sees of a pair X, Z: α = ‖Z₂Z₂ᵀ‖/‖E‖ and β = σ tr(Z₂Z₂ᵀ)/(‖Z₂Z₂ᵀ‖‖E‖), (B,) each.

    E = XXᵀ − ZZᵀ, Z₂ the part of Z outside the columns of X, σ the smallest eigenvalue of XᵀX.
    """

    alpha: torch.Tensor
    beta: torch.Tensor


def invariants(x: torch.Tensor, z: torch.Tensor) -> Invariants:
    """α and β of X, (B, n, r), and Z, (B, n, r*); β = 0 where Z₂ vanishes or X loses rank.

    Raises:
        ArgumentError: XXᵀ = ZZᵀ for some pair, for which neither is defined.
    """
    gap = torch.linalg.matrix_norm(x @ x.mT - z @ z.mT)
    require(
        bool((gap > 0).all()), "x, z", "a pair with XXᵀ = ZZᵀ", "the error vanishes", "leave that pair out"
    )
    left, sizes, _ = torch.linalg.svd(x, full_matrices=False)
    onto = left * (sizes > 1e-12 * sizes[:, :1])[:, None, :]
    outside = z - onto @ (onto.mT @ z)
    trace = outside.square().sum(dim=(-2, -1))
    norm = torch.linalg.matrix_norm(outside.mT @ outside)
    smallest = sizes[:, -1].square() if x.shape[-1] <= x.shape[-2] else torch.zeros_like(trace)
    beta = torch.where(norm > 0, smallest * trace / norm.clamp(min=1e-300), 0.0) / gap
    return Invariants(norm / gap, beta)


def smallest_constant_bound(x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """A lower bound on the RIP constant of order r + r* of any operator for which X is spurious, (B,).

    For noiseless observations of ZZᵀ: √(1 − α²) if β ≥ α/(1 + √(1 − α²)), else (1 − 2αβ + β²)/(1 − β²). Derived
    here; for rank one it is Theorem 12 of Zhang, Sojoudi & Lavaei (2019). Arguments and errors as for `invariants`.
    """
    alpha, beta = invariants(x, z)
    root = (1 - alpha.square()).clamp(min=0.0).sqrt()
    far = beta >= alpha / (1 + root)
    inner = (1 - 2 * alpha * beta + beta.square()) / (1 - beta.square()).clamp(min=1e-300)
    return torch.where(far, root, inner)


def check_ranks(search_rank: int, true_rank: int) -> tuple[int, int]:
    """Both as integers, 1 ≤ r* ≤ r.

    Raises:
        ArgumentError: not so.
    """
    search_rank, true_rank = inputs.whole("search_rank", search_rank), inputs.whole("true_rank", true_rank)
    require(
        1 <= true_rank <= search_rank,
        "search_rank, true_rank",
        (search_rank, true_rank),
        "the theory is for a search rank of at least the true rank",
        "use 1 <= true_rank <= search_rank",
    )
    return search_rank, true_rank
