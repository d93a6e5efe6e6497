"""Preconditioned gradient descent (PrecGD): X ← X − η A*(z)X (XᵀX + λ_t I)⁻¹ with a damping that follows the error.

A damping of the order of the error keeps the method linear for every search rank k ≥ r: less, and the step in a
column that should vanish explodes; more, and that column shrinks no faster than under gradient descent. After
Zhang, Fattahi & Zhang (2023), whose f is twice the loss here, so that their step α is η/2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import torch

from lowrank_core import inputs
from lowrank_core.errors import require
from lowrank_core.factors import Factors
from lowrank_core.methods.gradient_descent import Directed
from lowrank_core.methods.method import State
from lowrank_core.methods.scaled import never_singular, precondition, remember
from lowrank_core.problem import Problem


class Damping(Protocol):
    """Gives λ_t, (B,), from what the data tell."""

    def __call__(self, value: torch.Tensor, slope: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        """λ_t from the loss (B,), the slope A*(z) (B, n, n), and X (B, n, k)."""


def _check_factor(factor: float) -> None:
    inputs.number("factor", factor)
    require(
        factor > 0,
        "factor",
        factor,
        "the damping has to be positive, or XᵀX + λI loses its sign and steps go uphill",
        "use e.g. 1.0, or ScaledGradientDescent for no damping at all",
    )


@dataclass(frozen=True)
class SlopeNorm:
    """λ = c‖∇f(X)(XᵀX)^{−1/2}‖_F, the rule of Zhang, Fattahi & Zhang (2023), p. 9, which has c = 1.

    It lies between fixed multiples of the error near the truth. Computed as 2c‖A*(z)Q‖_F with Q an orthonormal
    basis of the columns of X, which needs no inverse root. Where columns of X are exactly dependent, the basis has
    arbitrary directions besides.

    Args:
        factor: c > 0.

    Raises:
        ArgumentError: c not positive.
    """

    factor: float = 1.0

    def __post_init__(self) -> None:
        _check_factor(self.factor)

    def __call__(self, value: torch.Tensor, slope: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        finite = torch.isfinite(factor).all(dim=-1).all(dim=-1)[:, None, None]
        # LAPACK may refuse NaN; the slope carries it on.
        columns = torch.linalg.qr(torch.where(finite, factor, 0.0)).Q
        return 2 * self.factor * torch.linalg.matrix_norm(slope @ columns)


@dataclass(frozen=True)
class ResidualNorm:
    """λ = c |‖A(XXᵀ) − y‖² − s²|^{p/2}, weight included: c‖A(XXᵀ − M*)‖^p without noise.

    p = 1 follows the error; p = 0 is a fixed damping c, as in ScaledGD(λ). With noise the residual never vanishes,
    and s is an estimate of its size at the truth (σ for Gaussian noise of standard deviation σ and weight 1/m).

    Args:
        factor: c > 0.
        power: p ≥ 0.
        noise: s ≥ 0.

    Raises:
        ArgumentError: c not positive, p or s negative.
    """

    factor: float = 1.0
    power: float = 1.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        _check_factor(self.factor)
        for name, value in (("power", self.power), ("noise", self.noise)):
            inputs.number(name, value)
            require(value >= 0, name, value, f"the {name} of a damping is not negative", "use >= 0")

    def __call__(self, value: torch.Tensor, slope: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        # The symmetric loss is a quarter of the squared residual.
        return self.factor * (4 * value - self.noise**2).abs().pow(self.power / 2)


@dataclass(frozen=True)
class PreconditionedGradientDescent(Directed):
    """PrecGD for the ℓ2 loss of symmetric factors; step sizes as for `Directed`.

    Where XᵀX + λ_t I is singular in floating point, at the bottom of its accuracy, the trajectory stands still from
    there on, and `Trajectory.memory["singular_at"]` holds that iteration (-1 if it never happens).

    Args:
        damping: how λ_t is chosen, `SlopeNorm()` or `ResidualNorm()`.

    Raises:
        ArgumentError: a damping that is no rule; (from `init`) another loss, a pair of factors.
    """

    damping: Damping = field(default_factory=SlopeNorm)

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            callable(self.damping) and not isinstance(self.damping, type),
            "damping",
            self.damping,
            "it is no rule for λ_t",
            "use SlopeNorm() or ResidualNorm(), or ScaledGradientDescent for a fixed damping",
        )

    def init(self, problem: Problem, start: Factors) -> State:
        require(
            start.symmetric,
            "start",
            "a pair of factors (F, G)",
            "PrecGD is made for symmetric factors",
            "use ScaledGradientDescent, or a symmetric start X",
        )
        return super().init(problem, start)._replace(memory=never_singular(start))

    def direction(self, problem: Problem, state: State) -> tuple[Factors, Mapping[str, torch.Tensor]]:
        left = state.factors.left
        value, slope = problem.slope(state.factors)
        assert value is not None
        scaled, singular = precondition(slope @ left, left, self.damping(value, slope, left))
        return Factors(scaled), remember(state, singular)
