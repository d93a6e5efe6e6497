"""Gradient descent with one rebalancing step, after Xiong, Ding & Du (2024).

Gradient descent nearly conserves the imbalance FᵀF − GᵀG, so a small start leaves some directions of F small,
and with them the rate. The step takes F = A S B (thin SVD) and replaces F by βA and G by β⁻¹GBᵀS. The product
and the loss stay as they are, but now FᵀF = β²I, whatever the start was; then gradient descent goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from lowrank_core import inputs
from lowrank_core.errors import require, require_finite
from lowrank_core.factors import Factors
from lowrank_core.loss import Loss
from lowrank_core.methods.gradient_descent import FirstOrder, descend
from lowrank_core.methods.method import State
from lowrank_core.problem import Problem


@dataclass(frozen=True)
class AtIteration:
    """Rebalance every trajectory just before the gradient step of one iteration; 0 rebalances the start.

    Raises:
        ArgumentError: an iteration that is negative or no integer.
    """

    iteration: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "iteration", inputs.whole("iteration", self.iteration, 0))

    def due(self, problem: Problem, state: State) -> torch.Tensor | None:
        """Which trajectories are due, (B,) bool, or None if there is nothing to look at."""
        return _waiting(state) if state.iteration == self.iteration else None


@dataclass(frozen=True)
class ResidualBelow:
    """Rebalance each trajectory when its relative training residual ‖A(FGᵀ) − y‖ / ‖y‖ is below a threshold.

    Args:
        threshold: the relative residual.
        every: look every so many iterations. A look costs one forward pass and makes the host wait for the
            device, so it is not for every iteration; late by ten iterations costs nothing.

    Raises:
        ArgumentError: a threshold that is not positive, or `every` below one.
    """

    threshold: float
    every: int = 10

    def __post_init__(self) -> None:
        inputs.number("threshold", self.threshold)
        require(self.threshold > 0, "threshold", self.threshold, "no residual is below zero", "use e.g. 1e-3")
        object.__setattr__(self, "every", inputs.whole("every", self.every, 1))

    def due(self, problem: Problem, state: State) -> torch.Tensor | None:
        """Which trajectories are due, (B,) bool, or None if there is nothing to look at."""
        if state.iteration % self.every:
            return None
        waiting = _waiting(state)
        if not bool(waiting.any()):
            return None
        return waiting & (
            residual_norm(problem, state.factors) < self.threshold * problem.observations.norm(dim=1)
        )


@dataclass(frozen=True)
class RebalancedGradientDescent(FirstOrder):
    """Gradient descent on asymmetric factors with one rebalancing step.

    The reduction holds: the step multiplies both factors from the right, by matrices that depend on FᵀF alone.
    `Trajectory.memory["switched_at"]` holds the iteration before which each trajectory was rebalanced, -1 for
    those that never met the criterion; these are then plain gradient descent.

    Args:
        step_size: η, a number, (B,) values, or a rule of `lowrank_core.steps`.
        switch: when to rebalance, `ResidualBelow(threshold)` or `AtIteration(t)`.
        beta: β > 0, a number or (B,); by default β² = σ_r, the best choice, as seen in the iterate at the switch.
        rank: r, for that default; if it is not given, `visible_rank` estimates it.

    Raises:
        ArgumentError: β or rank not positive; (from `init`) another loss, symmetric factors, a rank above k;
            (from `step`) F of deficient rank at the switch, or a rank that cannot be seen there.
    """

    switch: AtIteration | ResidualBelow
    beta: float | torch.Tensor | None = None
    rank: int | None = None
    loss: ClassVar[Loss] = "l2"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.beta is not None:
            beta = inputs.per_trajectory(
                "beta",
                self.beta,
                "the scale β of the rebalanced factor is positive and finite",
                "use a number or (B,) values, e.g. the square root of σ_r",
            )
            object.__setattr__(self, "beta", beta)
        require(
            callable(getattr(self.switch, "due", None)) and not isinstance(self.switch, type),
            "switch",
            self.switch,
            "it does not say when to rebalance",
            "use AtIteration(t) or ResidualBelow(threshold)",
        )
        if self.rank is not None:
            object.__setattr__(self, "rank", inputs.whole("rank", self.rank, 1))

    def init(self, problem: Problem, start: Factors) -> State:
        require(
            not start.symmetric,
            "start",
            "symmetric factors X",
            "a single factor cannot be rebalanced",
            "use an asymmetric start (F, G)",
        )
        require(
            self.rank is None or self.rank <= start.search_rank,
            "rank",
            self.rank,
            f"the iterates have rank at most k = {start.search_rank}",
            "use rank <= k",
        )
        inputs.one_or_each("beta", self.beta, start.batch)
        never = torch.full((start.batch,), -1, device=start.left.device)
        return super().init(problem, start)._replace(memory={"switched_at": never})

    def step(self, problem: Problem, state: State) -> State:
        due = self.switch.due(problem, state)
        if due is not None:
            state = self._rebalanced(problem, state, due & state.factors.finite())
        factors = descend(problem, state, self.rule)
        return state._replace(factors=factors, iteration=state.iteration + 1)

    def _rebalanced(self, problem: Problem, state: State, due: torch.Tensor) -> State:
        left, right = state.factors
        assert right is not None
        if not bool(due.any()):
            return state
        unit_left, unit_right = rebalance(left[due], right[due])
        beta = self._beta(problem, state.factors, unit_right, due)
        left, right = left.clone(), right.clone()
        left[due], right[due] = beta * unit_left, unit_right / beta
        switched_at = torch.where(due, state.iteration, state.memory["switched_at"])
        return State(Factors(left, right), state.iteration, {"switched_at": switched_at})

    def _beta(
        self, problem: Problem, factors: Factors, unit_right: torch.Tensor, due: torch.Tensor
    ) -> torch.Tensor:
        """β of the trajectories that are due, (D, 1, 1), given their right factors rebalanced with β = 1."""
        if self.beta is not None:
            beta = torch.as_tensor(self.beta, dtype=factors.left.dtype, device=factors.left.device)
            return beta.expand(factors.batch)[due][:, None, None]
        # With orthonormal columns on the left, the singular values of FGᵀ are those of the right factor.
        values = torch.linalg.svdvals(unit_right)
        if self.rank is None:
            ranks = visible_rank(values, problem.operator.weight**0.5 * residual_norm(problem, factors)[due])
        else:
            ranks = torch.full((values.shape[0],), self.rank, device=values.device)
        return values.gather(1, ranks[:, None] - 1).sqrt()[:, :, None]


def rebalance(
    left: torch.Tensor, right: torch.Tensor, beta: float | torch.Tensor = 1.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """(βA, β⁻¹GBᵀS) for F = A S B: the same product, with FᵀF = β²I.

    Args:
        left: F, (B, n1, k), of full column rank.
        right: G, (B, n2, k).
        beta: β > 0, a number, (B,) or (B, 1, 1).

    Raises:
        ArgumentError: factors that do not fit together or are not finite, β not positive; some F has not full
            column rank, so that its singular vectors are arbitrary.
    """
    left, right = inputs.tensor("left", left), inputs.tensor("right", right)
    require(left.ndim == 3, "left", tuple(left.shape), "it is no batch of factors", "give (B, n1, k)")
    require(
        right.ndim == 3 and left.shape[::2] == right.shape[::2],
        "right",
        tuple(right.shape),
        f"the two factors are (B, n1, k) and (B, n2, k), and the left one is {tuple(left.shape)}",
        "make both with the same seeds and the same k",
    )
    require_finite("left", left)
    require_finite("right", right)
    if isinstance(beta, torch.Tensor) and beta.shape[1:] == (1, 1):
        beta = beta.flatten()
    beta = inputs.per_trajectory(
        "beta", beta, "the scale β is positive and finite", "use a number, or (B,) values"
    )
    inputs.one_or_each("beta", beta, left.shape[0])
    if isinstance(beta, torch.Tensor):
        beta = beta.reshape(-1, 1, 1)
    a, s, b = torch.linalg.svd(left, full_matrices=False)
    deficient = s[:, -1] <= torch.finfo(left.dtype).eps * left.shape[1] * s[:, 0]
    require(
        not bool(deficient.any()),
        "left",
        f"singular values {s[int(deficient.int().argmax())].tolist()}",
        "at the switch F has not full column rank, and its singular vectors are arbitrary",
        "use fewer columns, or a start of full rank",
    )
    return beta * a, right @ b.mT * s[:, None, :] / beta


def visible_rank(values: torch.Tensor, error: torch.Tensor) -> torch.Tensor:
    """How many singular values of FGᵀ exceed twice the error ‖FGᵀ − M*‖_F, (B,).

    By Weyl's inequality this is r if the error is below σ_r/3, whatever k is. Under sensing the error is not
    known, but ‖A(FGᵀ) − y‖, scaled, is it up to the isometry defect; a defect up to 3/4 does no harm to the
    values beyond r.

    Args:
        values: singular values of FGᵀ, (B, k), largest first.
        error: (B,).

    Raises:
        ArgumentError: another number of axes; an error so large that not even one singular value stands out.
    """
    values, error = inputs.tensor("values", values), inputs.tensor("error", error)
    require(
        values.ndim == 2, "values", tuple(values.shape), "it is no batch of singular values", "give (B, k)"
    )
    require_finite("values", values)
    require(
        error.shape == values.shape[:1] and bool((error >= 0).all()),
        "error",
        tuple(error.shape),
        f"singular values of shape {tuple(values.shape)} have as many errors as rows, none of them negative",
        "give one for each trajectory",
    )
    ranks = (values > 2 * error[:, None]).sum(dim=1)
    require(
        bool((ranks > 0).all()),
        "rank",
        None,
        "no singular value of the iterate stands out of its error at the switch, so σ_r cannot be estimated",
        "give rank or beta, or switch later",
    )
    return ranks


def residual_norm(problem: Problem, factors: Factors) -> torch.Tensor:
    """‖A(FGᵀ) − y‖, (B,)."""
    left, right = factors
    assert right is not None
    return (problem.operator.forward_factors(left, right) - problem.observations).norm(dim=1)


def _waiting(state: State) -> torch.Tensor:
    return state.memory["switched_at"] < 0
