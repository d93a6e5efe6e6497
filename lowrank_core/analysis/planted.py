"""A spurious critical point that one can write down, with an operator whose RIP constant is exactly δ.

For r ≥ r*, ρ = r/r* and n = r + r*,

    X = [0; I_r],  M* = diag((√ρ/δ) I, 0),  Q = diag(−√ρ I, I),  A*A(S) = (1 + δ)S − 2δ ⟨Q, S⟩/(2r) Q

makes the gradient at X vanish, and the smallest eigenvalue of the Hessian modulo rotations is
2(1 + δ)(1 + √ρ)(δ − δ*)/δ with δ* = 1/(1 + √(r*/r)): a strict saddle below δ*, a strict local minimum above. If
only j ≤ r* directions are planted, r and r* become r − r* + j and j, and the other r* − j directions are shared by
X and M*, so that n = r + j is enough. Derived here; the chapter of counterexamples has the exact version.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch

from lowrank_core.errors import require
from lowrank_core.factors import Factors
from lowrank_core.problem import Problem, observe
from lowrank_core.sensing.certified_isometry import certified
from lowrank_core.truth import psd


class Planted(NamedTuple):
    """A problem, the critical point in it, Q (n, n), and the smallest eigenvalue modulo rotations."""

    problem: Problem
    point: Factors
    direction: torch.Tensor
    curvature: float


def planted(
    search_rank: int,
    true_rank: int,
    delta: float,
    seeds: Sequence[int],
    planted_rank: int | None = None,
    extra: int = 0,
    device: str | torch.device = "cpu",
) -> Planted:
    """The family above, the same for every seed; coordinates in the order planted, shared, X alone, unused.

    Args:
        search_rank, true_rank: 1 ≤ r* ≤ r.
        delta: δ in (0, 1).
        planted_rank: j, by default r*.
        extra: coordinates that neither X nor M* uses; n = r + j + extra.

    Raises:
        ArgumentError: arguments out of these ranges.
    """
    require(
        1 <= true_rank <= search_rank,
        "search_rank, true_rank",
        (search_rank, true_rank),
        "the family is for a search rank of at least the true rank",
        "use 1 <= true_rank <= search_rank",
    )
    j = true_rank if planted_rank is None else planted_rank
    require(1 <= j <= true_rank, "planted_rank", j, "one to r* directions are planted", f"use 1..{true_rank}")
    require(0 < delta < 1, "delta", delta, "the RIP constant lies in (0, 1)", "use e.g. 0.6")
    require(extra >= 0, "extra", extra, "a number of coordinates", "use >= 0")
    shared, alone = true_rank - j, search_rank - true_rank + j
    root = math.sqrt(alone / j)
    n = j + shared + alone + extra
    truth = psd(n, [root / delta] * j + [1.0] * shared, seeds, device=device)
    entries = [-root] * j + [0.0] * shared + [1.0] * alone + [0.0] * extra
    direction = torch.diag(torch.tensor(entries, dtype=torch.float64, device=device))
    operator = certified(direction[None, None], delta)
    # One operator serves every trajectory.
    operator = type(operator)(operator.entries[0], operator.shape, symmetric=True, weight=operator.weight)
    point = torch.zeros(len(seeds), n, search_rank, dtype=torch.float64, device=device)
    point[:, j : j + search_rank] = torch.eye(search_rank, dtype=torch.float64, device=device)
    star = 1 / (1 + 1 / root)
    return Planted(
        observe(truth, operator),
        Factors(point),
        direction,
        2 * (1 + delta) * (1 + root) * (delta - star) / delta,
    )
