"""The sub-gradient method on the ℓ1 loss, X ← X − η_t A*(w·sign(A(XXᵀ) − y))X (Ma & Fattahi 2023)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from lowrank_core.errors import require
from lowrank_core.factors import Factors
from lowrank_core.methods.gradient_descent import descend
from lowrank_core.methods.method import State
from lowrank_core.problem import Problem
from lowrank_core.steps import StepRule, as_rule


@dataclass(frozen=True)
class Subgradient:
    """The sub-gradient method for the ℓ1 loss; sign(0) = 0, a valid sub-gradient.

    Args:
        step_size: η, a number, (B,) values, or a rule of `lowrank_core.steps`.

    Raises:
        ArgumentError: (from `init`) the problem carries another loss.
    """

    step_size: float | torch.Tensor | StepRule

    def __post_init__(self) -> None:
        object.__setattr__(self, "step_size", as_rule(self.step_size))

    def init(self, problem: Problem, start: Factors) -> State:
        require(
            problem.loss == "l1",
            "problem.loss",
            problem.loss,
            "the sub-gradient method is for the l1 loss",
            'use loss="l1", or methods.GradientDescent for the l2 loss',
        )
        return State(start, 0)

    def step(self, problem: Problem, state: State) -> State:
        assert isinstance(self.step_size, StepRule)
        return State(descend(problem, state, self.step_size), state.iteration + 1)

    def reduction_refusal(self) -> str | None:
        return "the entrywise l1 loss is not invariant under rotations of the noise space"
