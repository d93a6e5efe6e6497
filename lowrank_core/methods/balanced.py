"""Gradient descent with a balancing regulariser: f(F, G) + (μ/4)‖FᵀF − GᵀG‖_F².

    F ← F − η(A*(z)G + μFB),    G ← G − η(A*(z)ᵀF − μGB),    B = FᵀF − GᵀG.

μ = ½ is the weight of the identity 4‖FGᵀ‖² + ‖B‖² = ‖ZZᵀ‖², Z = [F; G], after Tu et al. (2016). Without the
regulariser, `GradientDescent` on (F, G) is the balancing-free method of Ma, Li & Chi (2021): from a spectral start
the factors stay nearly balanced by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from lowrank_core import inputs
from lowrank_core.errors import require
from lowrank_core.factors import Factors
from lowrank_core.methods.gradient_descent import Directed
from lowrank_core.methods.method import State
from lowrank_core.problem import Problem

ISOMETRIC_WEIGHT = 0.5


@dataclass(frozen=True)
class BalancedGradientDescent(Directed):
    """Gradient descent on the ℓ2 loss plus (μ/4)‖FᵀF − GᵀG‖_F²; step sizes as for `Directed`.

    Args:
        weight: μ > 0.

    Raises:
        ArgumentError: μ not positive; (from `init`) another loss, symmetric factors.
    """

    weight: float = ISOMETRIC_WEIGHT

    def __post_init__(self) -> None:
        super().__post_init__()
        inputs.number("weight", self.weight)
        require(
            self.weight > 0,
            "weight",
            self.weight,
            "the weight μ of the regulariser is positive",
            "use 0.5, or GradientDescent, which is the balancing-free method",
        )

    def init(self, problem: Problem, start: Factors) -> State:
        require(
            not start.symmetric,
            "start",
            "symmetric factors X",
            "a single factor has nothing to balance",
            "use a pair of factors (F, G), or GradientDescent",
        )
        return super().init(problem, start)

    def direction(self, problem: Problem, state: State) -> tuple[Factors, Mapping[str, torch.Tensor]]:
        left, right = state.factors
        assert right is not None
        _, d_left, d_right = problem.gradient(state.factors, with_value=False)
        assert d_right is not None
        pull = self.weight * (left.mT @ left - right.mT @ right)
        return Factors(d_left + left @ pull, d_right - right @ pull), state.memory
