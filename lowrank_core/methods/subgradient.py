"""The sub-gradient method on the ℓ1 loss, X ← X − η_t A*(w·sign(A(XXᵀ) − y))X (Ma & Fattahi 2023)."""

from __future__ import annotations

from lowrank_core.methods.gradient_descent import FEWEST_COMPILED, FirstOrder, looped
from lowrank_core.methods.method import State
from lowrank_core.problem import Problem


class Subgradient(FirstOrder):
    """The sub-gradient method for the ℓ1 loss; sign(0) = 0, a valid sub-gradient. Arguments as for `FirstOrder`."""

    loss = "l1"

    def advance(self, problem: Problem, state: State, end: int, steps: int) -> State | None:
        return looped(problem, state, self.rule, end) if steps >= FEWEST_COMPILED else None

    def reduction_refusal(self) -> str | None:
        return "the entrywise l1 loss is not invariant under rotations of the noise space"
