"""What a method is: `init` makes its state from a start, `step` advances all trajectories by one iteration."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

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
