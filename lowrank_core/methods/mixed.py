"""Gradient descent whose products with A are in float32 or bfloat16, while its results stay those of float64.

In low precision the residual r_t = A(M_t) − y itself would lose its digits where it is small. Its change A(M_t −
M_{t−1}) does not: it is rounded in proportion to its own size. So the residual is kept in float64 and moved by its
change, and computed anew in float64 before the roundings of the changes add up. The slope A*(r_t) is rounded in
proportion to the residual. The factors, and all that is not a product with A, stay in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from lowrank_core import inputs
from lowrank_core.errors import require
from lowrank_core.factors import Factors
from lowrank_core.loss import Loss
from lowrank_core.methods.gradient_descent import FirstOrder
from lowrank_core.methods.method import State
from lowrank_core.problem import Problem
from lowrank_core.sensing.dense import STORAGE, Dense
from lowrank_core.steps import Seen, matched

LARGEST_AGE = 25
"""Iterations after which the residual is computed anew in float64."""
LARGEST_ROUNDING = 0.01
"""The same happens as soon as the roundings of the changes may have added up to this part of the residual."""


@dataclass(frozen=True)
class MixedGradientDescent(FirstOrder):
    """Gradient descent on dense measurements with products in low precision.

    A method of its own, because no iterate is the float64 one to the last digit. In float32 the errors of the two
    differ by less than a part in 1000 wherever they are above the floor of float64, also in sublinear tails, with
    noise and at κ = 100. In bfloat16 a given error is reached after as many iterations within 2 %; at a given
    iteration it is off by a few per cent. Noise is refused in bfloat16: the residual does not vanish, so neither do
    its roundings, and the estimate itself would move.

    Every record begins with a new residual, so what is recorded changes the run within these limits.

    Args:
        step_size: η, a number, (B,) values, or a rule of `lowrank_core.steps` that looks at the iteration alone.
        arithmetic: "float32" or "bfloat16".

    Raises:
        ArgumentError: unknown arithmetic, a rule that looks at the loss or the slope; (from `init`) another loss,
            an operator that is not dense in float64, noise with bfloat16.
    """

    arithmetic: str = "float32"
    loss: ClassVar[Loss] = "l2"

    def __post_init__(self) -> None:
        super().__post_init__()
        inputs.choice(
            "arithmetic",
            self.arithmetic,
            ("float32", "bfloat16"),
            "no such mixed precision (for float64, GradientDescent)",
        )
        require(
            not (self.rule.needs_value or self.rule.needs_slope_norm),
            "step_size",
            self.step_size,
            "rounded losses and slopes would decide the step",
            "use a number or Geometric(eta, ratio), or GradientDescent",
        )

    def init(self, problem: Problem, start: Factors) -> State:
        require(
            isinstance(problem.operator, Dense) and problem.operator.dtype == torch.float64,
            "problem.operator",
            problem.operator,
            "mixed precision is for dense measurements in float64",
            "use GradientDescent, or sensing.gaussian_symmetric or sensing.gaussian",
        )
        require(
            self.arithmetic == "float32" or problem.noise is None,
            "arithmetic",
            self.arithmetic,
            "with noise the residual does not vanish, so its roundings would move the estimate",
            'use "float32"',
        )
        return super().init(problem, start)

    def advance(self, problem: Problem, state: State, end: int, steps: int) -> State:
        """The state at iteration `end`; trajectories that leave the range of low precision are run in float64."""
        moved = self._low(problem, state, end)
        finite = moved.factors.finite()
        if bool(finite.all()):
            return moved
        exact = state
        while exact.iteration < end:
            exact = self.step(problem, exact)
        return moved.where(finite, exact)

    def reduction_refusal(self) -> str | None:
        return "mixed precision is for dense measurements, and the reduction is for the population loss"

    def _low(self, problem: Problem, state: State, end: int) -> State:
        operator = problem.operator
        assert isinstance(operator, Dense)
        low = operator.lowered(STORAGE[self.arithmetic])
        roundoff = torch.finfo(low.dtype).eps / 2
        left, right = state.factors
        coordinates = operator.coordinates(left, right)
        still = torch.zeros(problem.batch, device=left.device)

        def anew() -> tuple[torch.Tensor, torch.Tensor]:
            residual = operator.measure(coordinates).sub_(problem.observations)
            return residual, low.combine((operator.weight * residual).to(low.dtype))

        residual, slope = anew()
        age, path = 0, still
        for t in range(state.iteration, end):
            if t > state.iteration:
                change = operator.change(coordinates, left, right)
                age += 1
                due = age == LARGEST_AGE
                if not due:
                    slope, size = low.follow(change, residual)
                    path = path + size
                    due = bool((roundoff * path > LARGEST_ROUNDING * residual.norm(dim=1)).any())
                if due:
                    residual, slope = anew()
                    age, path = 0, still
            d_left, d_right = operator.pull_back(slope, left, right)
            eta = matched(self.rule(t, Seen()), left)
            left = left - eta * d_left
            right = None if right is None or d_right is None else right - eta * d_right
        return State(Factors(left, right), end)
