"""What a method is: `init` makes its state from a start, `step` advances all trajectories by one iteration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

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


class Method(Protocol):
    """One file and one line in `methods.METHODS` make a new method."""

    def init(self, problem: Problem, start: Factors) -> State:
        """The state before the first iteration; refuses problems the method is not made for."""

    def step(self, problem: Problem, state: State) -> State:
        """The state after one more iteration."""

    def reduction_refusal(self) -> str | None:
        """Why the exact reduction of the population loss does not hold for this method, or None if it does."""

    # Two more that a method may have, for `prepared` and `advanced`:
    #
    # def prepare(self, problem: Problem, steps: int) -> Problem:
    #     """The problem that a run of so many steps is taken on, e.g. with a cheaper form of the operator."""
    #
    # def advance(self, problem: Problem, state: State, end: int, steps: int) -> State | None:
    #     """The state at iteration `end` of a run of so many steps, faster than by single ones; None if there is no
    #     faster way. How a run is divided into such stretches should not change it by a bit."""


def prepared(method: Method, problem: Problem, steps: int) -> Problem:
    """The problem that the method takes its steps on; anything reported comes from the problem itself."""
    prepare = _beside_step(method, "prepare")
    return problem if prepare is None else prepare(problem, steps)


def advanced(method: Method, problem: Problem, state: State, end: int, steps: int) -> State:
    """The state at iteration `end` of a run of `steps`, in one stretch where the method can, else step by step."""
    advance = _beside_step(method, "advance")
    if advance is not None and state.iteration < end:
        moved: State | None = advance(problem, state, end, steps)
        if moved is not None:
            return moved
    while state.iteration < end:
        state = method.step(problem, state)
    return state


def _beside_step(method: Method, name: str) -> Callable[..., Any] | None:
    """What a method offers beside `step`, unless a subclass has another `step`, which it would bypass."""
    for each in type(method).__mro__:
        if name in vars(each):
            return getattr(method, name)
        if "step" in vars(each):
            return None
    return None
