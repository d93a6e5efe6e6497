"""The exact reduction of the population loss from n rows to r + k.

In the truth's eigenbasis the start splits into r signal rows S and n − r noise rows J₀ = QR (thin QR). Every
rule that acts on the left only through XᵀX and the signal space keeps J_t = Q J̃_t, so the (r + k) × k state
[S; J̃] evolves exactly like the full one: loss, XᵀX, all singular values of X and of XXᵀ − M*, and gradient
norms agree. (Derived here; see the tests for the comparison with full runs.)

It holds for: gradient descent, symmetric or asymmetric, on the ℓ2 population loss with any step rule that sees
only the iteration, the loss and the gradient norm. It is refused for: measurement operators other than the
identity, the entrywise ℓ1 loss, Polyak and normalised steps (chaotic, see `steps`), noisy observations, and
sizes where it gains nothing (n ≤ r + k).
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors
from lowrank_core.methods.method import Method
from lowrank_core.problem import Problem, observe
from lowrank_core.sensing.identity import Identity
from lowrank_core.truth import Truth


class Reduced(NamedTuple):
    """A reduced problem and start, and the bases (B, n, r + k) that lift reduced factors back."""

    problem: Problem
    start: Factors
    left_basis: torch.Tensor
    right_basis: torch.Tensor | None

    def lift(self, factors: Factors) -> Factors:
        """Full-size factors from reduced ones."""
        return Factors(
            self.left_basis @ factors.left,
            None if self.right_basis is None or factors.right is None else self.right_basis @ factors.right,
        )


def refusal(problem: Problem, start: Factors, method: Method) -> str | None:
    """Why this run cannot be reduced exactly, or None if it can."""
    if not isinstance(problem.operator, Identity):
        return "only the population loss (sensing.Identity) is invariant under rotations of the noise space"
    if problem.loss != "l2":
        return "the entrywise l1 loss is not invariant under rotations of the noise space"
    if not torch.equal(problem.observations, problem.operator.forward(problem.truth.matrix)):
        return "the observations are noisy, and the noise has no reduced coordinates"
    if min(problem.truth.shape) <= problem.truth.rank + start.search_rank:
        return "it gains nothing for n <= r + k"
    return method.reduction_refusal()


def reduce(problem: Problem, start: Factors, method: Method) -> Reduced:
    """The equivalent problem with r + k rows.

    Raises:
        ArgumentError: the reduction does not hold for this run; the message says why.
    """
    reason = refusal(problem, start, method)
    if reason is not None:
        raise ArgumentError("reduce", True, reason, "call solve with reduce=False, or leave it out")
    truth = problem.truth
    left, left_basis = _split(start.left, truth.left, truth)
    right, right_basis = None, None
    if start.right is not None:
        right, right_basis = _split(start.right, truth.right, truth)
    n = truth.rank + start.search_rank
    columns = torch.eye(n, truth.rank, dtype=left.dtype, device=left.device).expand(truth.batch, -1, -1)
    small = Truth(columns, columns, truth.spectrum, "eigen", truth.seeds, truth.symmetric)
    operator = Identity(n, n, problem.operator.device, problem.operator.dtype)
    return Reduced(observe(small, operator), Factors(left, right), left_basis, right_basis)


def _split(factor: torch.Tensor, signal: torch.Tensor, truth: Truth) -> tuple[torch.Tensor, torch.Tensor]:
    """Reduced factor (B, r + k, k) and basis (B, n, r + k) of one side."""
    rank = truth.rank
    if truth.basis == "eigen":
        # Slicing instead of projecting keeps tiny starts exact.
        rows, noise = factor[:, :rank], factor[:, rank:]
        q, small = torch.linalg.qr(noise)
        q = torch.nn.functional.pad(q, (0, 0, rank, 0))
    else:
        rows = signal.mT @ factor
        q, small = torch.linalg.qr(factor - signal @ rows)
    return torch.cat([rows, small], dim=1), torch.cat([signal, q], dim=2)
