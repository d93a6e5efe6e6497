"""Mini-batch gradient descent on Gaussian measurements: fresh ones in every iteration, or one set again and again.

Wind (2023, Theorem 2.9 as restated elsewhere) asks for *fresh* measurements, which is an oracle for the truth and
not the resampling of one data set; the fixed batch is its control.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch

from lowrank_core import inputs
from lowrank_core.errors import require
from lowrank_core.factors import Factors
from lowrank_core.loss import dual
from lowrank_core.methods.method import Method, State
from lowrank_core.problem import Problem
from lowrank_core.randomness import normal
from lowrank_core.sensing.dense import Dense
from lowrank_core.sensing.identity import Identity
from lowrank_core.sensing.operator import pull_back


@dataclass(frozen=True)
class MiniBatch(Method):
    """One gradient step on `size` Gaussian measurements of the truth, weight 1/size, in every iteration.

    The problem says only what the truth is and must be the population one, `observe(truth, Identity(n1, n2))`: the
    method draws its measurements itself, in each trajectory from the named streams of its seed, so that no draw
    depends on the batch of trajectories or on when records are made.

    Args:
        step_size: η > 0.
        size: measurements per iteration, b >= 1.
        fresh: whether every iteration draws anew; if not, the first draw serves throughout.

    Raises:
        ArgumentError: size < 1, η not positive; (from `init`) another problem or a symmetric start.
    """

    step_size: float
    size: int
    fresh: bool = True

    def __post_init__(self) -> None:
        inputs.number("step_size", self.step_size)
        object.__setattr__(self, "size", inputs.whole("size", self.size, 1))
        inputs.flag("fresh", self.fresh)
        require(self.step_size > 0, "step_size", self.step_size, "a step size is positive", "use e.g. 0.02")

    def init(self, problem: Problem, start: Factors) -> State:
        require(
            isinstance(problem.operator, Identity) and problem.loss == "l2" and problem.noise is None,
            "problem",
            problem.operator,
            "mini-batches are drawn by the method, from the truth itself",
            "use observe(truth, Identity(n1, n2))",
        )
        require(
            not start.symmetric,
            "start",
            "symmetric factors X",
            "the measurement matrices are not symmetric",
            "use an asymmetric start (F, G)",
        )
        return State(start, 0)

    def step(self, problem: Problem, state: State) -> State:
        left, right = state.factors
        assert right is not None
        drawn = self._measurements(problem, state.iteration)
        # Linear, so the truth and the iterate are measured together.
        residual = drawn.forward(left @ right.mT - problem.truth.matrix)
        d_left, d_right = pull_back(drawn.adjoint(dual(residual, drawn.weight, "l2")), left, right)
        assert d_right is not None
        moved = Factors(left - self.step_size * d_left, right - self.step_size * d_right)
        return state._replace(factors=moved, iteration=state.iteration + 1)

    def reduction_refusal(self) -> str | None:
        return "Gaussian measurements are not invariant under rotations of the noise space"

    def _measurements(self, problem: Problem, iteration: int) -> Dense:
        operator = problem.operator
        batch = iteration if self.fresh else 0
        return _draw(problem.truth.seeds, batch, self.size, operator.shape, operator.dtype, operator.device)


# Only the last batch is kept: a fixed one is then drawn once, a fresh one never grows the memory.
@functools.lru_cache(maxsize=1)
def _draw(
    seeds: tuple[int, ...],
    batch: int,
    size: int,
    shape: tuple[int, int],
    dtype: torch.dtype,
    device: torch.device,
) -> Dense:
    entries = normal(seeds, f"mini-batch {batch}", size, shape[0] * shape[1], dtype=dtype, device=device)
    return Dense(entries, shape, symmetric=False)
