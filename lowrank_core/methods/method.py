"""What a method is: `init` makes its state from a start, `step` advances all trajectories by one iteration."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import torch

from lowrank_core.factors import Factors
from lowrank_core.problem import Problem


class State(NamedTuple):
    """All that a first-order method carries from one iteration to the next.

    Attributes:
        factors: the iterate.
        iteration: how many iterations led to it.
        memory: what else the method remembers of each trajectory, name -> (B, ...).
    """

    factors: Factors
    iteration: int
    memory: Mapping[str, torch.Tensor] = MappingProxyType({})

    def where(self, mask: torch.Tensor, otherwise: State) -> State:
        """This state where the mask (B,) holds, and `otherwise` elsewhere; the iteration is this one's."""
        return State(
            self.factors.where(mask, otherwise.factors),
            self.iteration,
            {
                name: torch.where(mask.reshape(-1, *(1,) * (value.ndim - 1)), value, otherwise.memory[name])
                for name, value in self.memory.items()
            },
        )


class Method(ABC):
    """What advances the iterates; one file and one line in `methods.METHODS` make a new one.

    `prepare` and `advance` have defaults that are right for any method. A subclass with a `step` of its own does
    not inherit theirs from a parent with another step, which they would bypass.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "step" in vars(cls):
            for name in ("prepare", "advance"):
                if name not in vars(cls):
                    setattr(cls, name, getattr(Method, name))

    @abstractmethod
    def init(self, problem: Problem, start: Factors) -> State:
        """The state before the first iteration.

        Raises:
            ArgumentError: a problem or a start that the method is not made for.
        """

    @abstractmethod
    def step(self, problem: Problem, state: State) -> State:
        """The state after one more iteration."""

    @abstractmethod
    def reduction_refusal(self) -> str | None:
        """Why the exact reduction of the population loss does not hold for this method, or None if it does."""

    def prepare(self, problem: Problem, steps: int) -> Problem:
        """The problem that a run of so many steps is taken on, e.g. with a cheaper form of the operator.

        Whatever is reported comes from the problem itself.
        """
        return problem

    def advance(self, problem: Problem, state: State, end: int, steps: int) -> State | None:
        """The state at iteration `end` > `state.iteration` of a run of so many steps, faster than by single ones.

        None if there is no faster way. How a run is divided into such stretches should not change it by a bit.
        """
        return None


def advanced(method: Method, problem: Problem, state: State, end: int, steps: int) -> State:
    """The state at iteration `end` of a run of `steps`, in one stretch where the method can, else step by step."""
    if state.iteration < end:
        moved = method.advance(problem, state, end, steps)
        if moved is not None:
            return moved
    while state.iteration < end:
        state = method.step(problem, state)
    return state
