"""Gradient descent lies exactly on a perturbed gradient flow.

One iteration is Z ← (I + ηS(G))Z with Z = [F; G-factor] and G = A*(y − A(FGᵀ)) the negative slope: the map over the
time η of the linear flow with generator L = ln(I + ηS(G))/η, which exists iff η‖G‖ < 1. So between two iterates
Z(t) = e^{(t − kη)L}Z_k solves the perturbed flow with 𝓔(t) = L − S(M* − F(t)G(t)ᵀ). (Derived here.)
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from lowrank_core import inputs
from lowrank_core.errors import ArgumentError, require
from lowrank_core.factors import Factors
from lowrank_core.problem import Problem


def stack(residual: torch.Tensor) -> torch.Tensor:
    """S(R) = [[0, R], [Rᵀ, 0]]: (B, n1, n2) -> (B, n1 + n2, n1 + n2)."""
    n1, n2 = residual.shape[1:]
    stacked = residual.new_zeros(residual.shape[0], n1 + n2, n1 + n2)
    stacked[:, :n1, n1:], stacked[:, n1:, :n1] = residual, residual.mT
    return stacked


class Embedded(NamedTuple):
    """A moment of the flow on which gradient descent lies.

    Attributes:
        factors: Z(t), as F and G.
        perturbation: 𝓔(t), symmetric, (B, n1 + n2, n1 + n2).
    """

    factors: Factors
    perturbation: torch.Tensor


class Embedding:
    """The flow from an iterate of gradient descent to the next.

    Args:
        problem: with the ℓ2 loss.
        factors: the iterate (F, G).
        eta: the step size η.

    Attributes:
        generator: L = ln(I + ηS(G))/η, (B, n1 + n2, n1 + n2).

    Raises:
        ArgumentError: a symmetric iterate, another loss, η not positive, or η‖G‖ >= 1, where the logarithm does
            not exist.
    """

    def __init__(self, problem: Problem, factors: Factors, eta: float) -> None:
        if factors.right is None:
            raise ArgumentError(
                "factors", "symmetric factors X", "the embedding is that of two factors", "use (F, G)"
            )
        require(problem.loss == "l2", "problem.loss", problem.loss, "gradient descent is on l2", 'use "l2"')
        eta = inputs.number("eta", eta)
        require(eta > 0, "eta", eta, "a step size is positive", "use e.g. 0.1")
        _, slope = problem.slope(factors, with_value=False)
        values, self._vectors = torch.linalg.eigh(stack(-slope))
        largest = eta * float(values.abs().max())
        require(
            largest < 1,
            "eta",
            eta,
            f"η‖G‖ = {largest:.3g}, and I + ηS(G) has a real logarithm only below 1",
            "use a smaller step",
        )
        self._problem = problem
        self._stacked = factors.stacked()
        self._logarithm = torch.log1p(eta * values)
        self.generator = (self._vectors * (self._logarithm / eta)[:, None, :]) @ self._vectors.mT

    def at(self, part: float) -> Embedded:
        """The flow a fraction of the way, part in [0, 1], to the next iterate.

        Raises:
            ArgumentError: a part outside [0, 1].
        """
        part = inputs.number("part", part)
        require(0 <= part <= 1, "part", part, "it is a part of one step", "use a number in [0, 1]")
        power = (self._vectors * torch.exp(part * self._logarithm)[:, None, :]) @ self._vectors.mT
        moved = power @ self._stacked
        n1 = self._problem.truth.shape[0]
        factors = Factors(moved[:, :n1], moved[:, n1:])
        return Embedded(factors, self.generator - stack(self._problem.truth.matrix - factors.product()))
