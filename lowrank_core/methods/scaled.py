"""Scaled gradient descent, with or without a fixed damping λ.

    X ← X − η A*(z)X (XᵀX + λI)⁻¹,
    F ← F − η A*(z)G (GᵀG + λI)⁻¹,  G ← G − η A*(z)ᵀF (FᵀF + λI)⁻¹  (simultaneously).

λ = 0 is ScaledGD of Tong, Ma & Chi (2021), whose iterates XXᵀ and FGᵀ do not depend on which factors of a matrix
one starts from; it is made for k = r. A fixed λ of the order of σ_r with a small start is ScaledGD(λ) of Xu et al.
(2023), for k ≥ r; it was proposed for X, and the two-factor form with λ > 0 is the obvious analogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from lowrank_core import inputs
from lowrank_core.factors import Factors
from lowrank_core.methods.gradient_descent import Directed
from lowrank_core.methods.method import State
from lowrank_core.problem import Problem


@dataclass(frozen=True)
class ScaledGradientDescent(Directed):
    """ScaledGD and ScaledGD(λ); step sizes as for `Directed`.

    Where the matrix to be inverted is singular in floating point, the trajectory stands still from there on, and
    `Trajectory.memory["singular_at"]` holds that iteration (-1 if it never happens).

    Args:
        damping: λ ≥ 0, a number or (B,).

    Raises:
        ArgumentError: λ negative; (from `init`) another loss, as many λ as neither one nor B.
    """

    damping: float | torch.Tensor = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        damping = inputs.per_trajectory(
            "damping",
            self.damping,
            "the damping λ is not negative: XᵀX + λI would lose its sign, and steps would go uphill",
            "use 0 for ScaledGD, or a number of the order of σ_r for ScaledGD(λ)",
            least=0.0,
        )
        object.__setattr__(self, "damping", damping)

    def init(self, problem: Problem, start: Factors) -> State:
        inputs.one_or_each("damping", self.damping, start.batch)
        return super().init(problem, start)._replace(memory=never_singular(start))

    def direction(self, problem: Problem, state: State) -> tuple[Factors, Mapping[str, torch.Tensor]]:
        left, right = state.factors
        _, d_left, d_right = problem.gradient(state.factors, with_value=False)
        damping = torch.as_tensor(self.damping, dtype=left.dtype, device=left.device)
        damping = damping.reshape(-1).expand(left.shape[0])
        if right is None or d_right is None:
            scaled, singular = precondition(d_left, left, damping)
            return Factors(scaled), remember(state, singular)
        for_left, first = precondition(d_left, right, damping)
        for_right, second = precondition(d_right, left, damping)
        stands = (first | second)[:, None, None]
        both = Factors(for_left.masked_fill(stands, 0.0), for_right.masked_fill(stands, 0.0))
        return both, remember(state, first | second)

    def reduction_refusal(self) -> str | None:
        if bool((torch.as_tensor(self.damping) == 0).any()):
            return "undamped preconditioning amplifies rounding where the factors lose rank"
        return super().reduction_refusal()


def precondition(
    gradient: torch.Tensor, factor: torch.Tensor, damping: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """D(XᵀX + λI)⁻¹ for each trajectory, zero where that matrix is singular in floating point.

    Args:
        gradient: D, (B, n, k).
        factor: X, (B, n', k).
        damping: λ, (B,).

    Returns:
        (the product (B, n, k), which trajectories met a singular matrix (B,) bool).
    """
    gram = factor.mT @ factor
    identity = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    root, failed = torch.linalg.cholesky_ex(gram + damping[:, None, None] * identity)
    # A diverged trajectory fails here as well, but it is not singular: it stays NaN and is reported as diverged.
    singular = (failed > 0) & torch.isfinite(gram).all(dim=-1).all(dim=-1)
    safe = torch.where(singular[:, None, None], identity, root)
    scaled = torch.cholesky_solve(gradient.mT, safe).mT
    return scaled.masked_fill(singular[:, None, None], 0.0), singular


def never_singular(start: Factors) -> dict[str, torch.Tensor]:
    """The memory of a preconditioned method before its first step."""
    return {"singular_at": torch.full((start.batch,), -1, device=start.left.device)}


def remember(state: State, singular: torch.Tensor) -> dict[str, torch.Tensor]:
    """The memory with the first iteration at which each trajectory met a singular matrix."""
    before = state.memory["singular_at"]
    return {"singular_at": torch.where(singular & (before < 0), state.iteration, before)}
