"""Gradient descent on the factors, X ← X − η∇f(X) or, simultaneously, F ← F − η∂_F f, G ← G − η∂_G f.

On the ℓ2 loss these are X ← X − η A*A(XXᵀ − M*)X and F ← F − η A*A(E)G, G ← G − η A*A(E)ᵀF with E = FGᵀ − M*
and A*A carrying the operator's weight: the updates of Xiong, Ding & Du (2024).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch

from lowrank_core.errors import require
from lowrank_core.factors import Factors
from lowrank_core.linalg import operator_norm
from lowrank_core.loss import Loss
from lowrank_core.methods.method import Method, State
from lowrank_core.problem import Problem
from lowrank_core.sensing.gram import cheapest
from lowrank_core.sensing.operator import pull_back
from lowrank_core.steps import Seen, StepRule, as_rule, matched

FEWEST_COMPILED = 64
"""Descent of fewer iterations is over before a loop pays. All of a run is compiled or none of it, so that what is
recorded does not change the run."""
LARGEST_TABLE = 2**20
"""Step sizes that a compiled loop is handed at a time."""


@dataclass(frozen=True)
class FirstOrder(Method):
    """A step along the negative (sub)gradient; a subclass names the loss that it is made for.

    Args:
        step_size: η, a number, (B,) values, or a rule of `lowrank_core.steps`.

    Raises:
        ArgumentError: (from `init`) the problem carries another loss.

    Warns:
        UserWarning: (from `init`) the step rule is wrong for noisy observations, and these are noisy.
    """

    step_size: float | torch.Tensor | StepRule
    rule: StepRule = field(init=False, repr=False)
    loss: ClassVar[Loss]

    def __post_init__(self) -> None:
        object.__setattr__(self, "rule", as_rule(self.step_size))

    def init(self, problem: Problem, start: Factors) -> State:
        require(
            problem.loss == self.loss,
            "problem.loss",
            problem.loss,
            f"{type(self).__name__} is made for the {self.loss} loss",
            f'use loss="{self.loss}", or another method (GradientDescent for l2, Subgradient for l1)',
        )
        if problem.noise is not None and self.rule.noise_warning:
            # Above `init` lie `solve` and torch's decorator around it, and then the line to blame.
            warnings.warn(self.rule.noise_warning, UserWarning, stacklevel=4)
        return State(start, 0)

    def step(self, problem: Problem, state: State) -> State:
        return state._replace(factors=descend(problem, state, self.rule), iteration=state.iteration + 1)

    def reduction_refusal(self) -> str | None:
        return self.rule.reduction_refusal


class GradientDescent(FirstOrder):
    """Gradient descent for the ℓ2 loss; arguments and errors as for `FirstOrder`."""

    loss = "l2"

    def prepare(self, problem: Problem, steps: int) -> Problem:
        """A*A stands beside A where so many gradients are cheaper that way."""
        if steps < FEWEST_COMPILED or self.rule.needs_value:
            return problem
        return replace(problem, operator=cheapest(problem.operator, problem.observations, steps))

    def advance(self, problem: Problem, state: State, end: int, steps: int) -> State | None:
        return looped(problem, state, self.rule, end) if steps >= FEWEST_COMPILED else None


class Directed(FirstOrder):
    """A step of an ℓ2 method along a direction of its own; a subclass says which.

    Args:
        step_size: η, a number, (B,) values, or a rule of `lowrank_core.steps` that looks at the iteration alone.

    Raises:
        ArgumentError: a rule that looks at the loss or the slope, whose theory is about gradients; (from `init`) as
            for `FirstOrder`.
    """

    loss = "l2"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            not (self.rule.needs_value or self.rule.needs_slope_norm),
            "step_size",
            self.step_size,
            f"this rule is made for gradients, and {type(self).__name__} does not follow the gradient of the loss",
            "use a number, or Geometric(eta, ratio)",
        )

    def direction(self, problem: Problem, state: State) -> tuple[Factors, Mapping[str, torch.Tensor]]:
        """What η multiplies, and the memory after this step."""
        raise NotImplementedError

    def step(self, problem: Problem, state: State) -> State:
        (d_left, d_right), memory = self.direction(problem, state)
        left, right = state.factors
        eta = matched(self.rule(state.iteration, Seen()), left)
        moved = Factors(
            left - eta * d_left, None if right is None or d_right is None else right - eta * d_right
        )
        return State(moved, state.iteration + 1, memory)


def descend(problem: Problem, state: State, rule: StepRule) -> Factors:
    """The factors after one simultaneous (sub)gradient step with the rule's step size."""
    left, right = state.factors
    slope_norm = squared = None
    if rule.needs_slope_norm:
        value, slope = problem.slope(state.factors, with_value=rule.needs_value)
        d_left, d_right = pull_back(slope, left, right)
        slope_norm = operator_norm(slope, symmetric=right is None)
    else:
        value, d_left, d_right = problem.gradient(state.factors, with_value=rule.needs_value)
    if rule.needs_value:
        squared = d_left.square().sum(dim=(-2, -1))
        if d_right is not None:
            squared = squared + d_right.square().sum(dim=(-2, -1))
    eta = rule(state.iteration, Seen(value, squared, slope_norm))
    eta = matched(eta, d_left)
    if isinstance(eta, torch.Tensor):
        d_left = eta * d_left
        d_right = None if d_right is None else eta * d_right
        eta = 1.0
    return Factors(
        torch.sub(left, d_left, alpha=eta),
        None if right is None or d_right is None else torch.sub(right, d_right, alpha=eta),
    )


def looped(problem: Problem, state: State, rule: StepRule, end: int) -> State | None:
    """The state at iteration `end` through the operator's compiled loop, None if it has none for this rule."""
    while state.iteration < end:
        left, right = state.factors
        stop = min(end, state.iteration + max(1, LARGEST_TABLE // problem.batch))
        table = rule.table(torch.arange(state.iteration, stop, dtype=left.dtype, device=left.device), left)
        moved = table and problem.operator.descend(left, right, problem.observations, *table, problem.loss)
        if not moved:
            return None
        state = State(Factors(*moved), stop)
    return state
