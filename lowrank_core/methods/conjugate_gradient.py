"""Nonlinear conjugate gradients with an exact line search, a reference for how fast the ℓ2 loss can be reduced.

Along a line the residual is a parabola, A((X + αD)(X + αD)ᵀ) − y = r + αa + α²b, and the loss a quartic in α, whose
first minimum has a closed form. The direction is that of Polak & Ribière (1969) with β cut off at zero,
D ← −∇f + βD, β = max(0, ⟨∇f, ∇f − ∇f₋⟩/‖∇f₋‖²), and begins again at −∇f where it would not lead downhill.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from lowrank_core.errors import require
from lowrank_core.factors import Factors
from lowrank_core.methods.method import Method, State
from lowrank_core.problem import Problem
from lowrank_core.sensing.operator import pull_back

POLISHES = 2
"""Newton steps on a root in closed form, which cancels digits where the roots are far apart."""


@dataclass(frozen=True)
class ConjugateGradient(Method):
    """Polak–Ribière⁺ conjugate gradients for the ℓ2 loss, symmetric or not; there is nothing to tune.

    An iteration costs a gradient and `MeasurementOperator.along`: two passes over stored measurement matrices where
    the gradient is fused, else three. `Trajectory.memory` holds the last gradient and direction, F over G.

    Raises:
        ArgumentError: (from `init`) the problem carries another loss.
    """

    def init(self, problem: Problem, start: Factors) -> State:
        require(
            problem.loss == "l2",
            "problem.loss",
            problem.loss,
            "the exact line search needs a loss that is a polynomial along lines",
            'use loss="l2", or Subgradient for l1',
        )
        nothing = torch.zeros_like(start.stacked())
        return State(start, 0, {"gradient": nothing, "direction": nothing})

    def step(self, problem: Problem, state: State) -> State:
        left, right = state.factors
        _, slope = problem.slope(state.factors, with_value=False)
        gradient = Factors(*pull_back(slope, left, right)).stacked()
        direction = conjugate(gradient, state.memory["gradient"], state.memory["direction"])
        # Of length one in the search, whose quartic would underflow near zero.
        length = _dot(direction, direction).sqrt()[:, None, None]
        unit = torch.where(length > 0, direction / length, direction)
        d_left, d_right = unit, None
        if right is not None:
            d_left, d_right = unit.split([left.shape[1], right.shape[1]], dim=1)
        squared_a, mixed, squared_b = problem.operator.along(left, right, d_left, d_right)
        bend = _dot(slope, d_left @ (d_left if d_right is None else d_right).mT)
        # f = ½·(w/2)‖r + αa + α²b‖² for X and twice that for a pair, and w⟨r, b⟩ is what `bend` says.
        half = 0.5 if right is None else 1.0
        scale = 0.5 * half * problem.operator.weight
        alpha = first_minimum(
            _dot(gradient, unit),
            scale * squared_a + half * bend,
            2 * scale * mixed,
            scale * squared_b,
        )[:, None, None]
        moved = Factors(
            left + alpha * d_left, None if right is None or d_right is None else right + alpha * d_right
        )
        return State(moved, state.iteration + 1, {"gradient": gradient, "direction": direction})

    def advance(self, problem: Problem, state: State, end: int, steps: int) -> State | None:
        remembered = state.memory["gradient"], state.memory["direction"]
        count = end - state.iteration
        ran = problem.operator.conjugate(*state.factors, problem.observations, *remembered, count)
        if ran is None:
            return None
        return State(Factors(*ran[:2]), end, {"gradient": ran[2], "direction": ran[3]})

    def reduction_refusal(self) -> str | None:
        return "its memory, the last gradient and direction, would be left in reduced coordinates"


def conjugate(gradient: torch.Tensor, before: torch.Tensor, direction: torch.Tensor) -> torch.Tensor:
    """The next direction from the gradient, the one before it and the last direction, all (B, n, k)."""
    squared, last = _dot(gradient, gradient), _dot(before, before)
    beta = torch.where(last > 0, (squared - _dot(gradient, before)).clamp(min=0.0) / last, 0.0)
    turned = beta[:, None, None] * direction - gradient
    # After an exact search ⟨∇f, D⟩ = −‖∇f‖²; half of it is lost to rounding alone.
    uphill = _dot(gradient, turned) > -0.5 * squared
    return torch.where(uphill[:, None, None], -gradient, turned)


def first_minimum(
    linear: torch.Tensor, quadratic: torch.Tensor, cubic: torch.Tensor, quartic: torch.Tensor
) -> torch.Tensor:
    """The smallest positive α at which q₁α + q₂α² + q₃α³ + q₄α⁴ stops to fall, q₄ ≥ 0; 0 unless q₁ < 0; all (B,).

    The closed form of the largest root of a cubic cancels least. Near a solution that is 1/α, the other stationary
    points being far away. Beside a saddle, q₂ < 0, no other stationary point is positive, and it may be α itself.
    """
    b, c, e = 2 * quadratic, 3 * cubic, 4 * quartic
    near, far = 1 / _largest_root(b / linear, c / linear, e / linear), _largest_root(c / e, b / e, linear / e)
    near_miss, far_miss = (
        (((e * x + c) * x + b) * x + linear).abs() / (((e * x + c.abs()) * x + b.abs()) * x + linear.abs())
        for x in (near, far)
    )
    better = (quadratic < 0) & (far > 0) & ((far_miss < near_miss) | ~(near > 0) | near.isinf())
    alpha = torch.where(better, far, near)
    return torch.where((linear < 0) & (alpha > 0) & ~alpha.isinf(), alpha, 0.0)


def _largest_root(b: torch.Tensor, c: torch.Tensor, e: torch.Tensor) -> torch.Tensor:
    """Of x³ + bx² + cx + e, e ≤ 0, in closed form: Cardano's if it is the only one, Viète's if there are more."""
    size = torch.maximum(b.abs(), torch.maximum(c.abs() ** 0.5, e.abs() ** (1 / 3)))
    b, c, e = b / size, c / size**2, e / size**3
    p, q = c - b**2 / 3, 2 * b**3 / 27 - b * c / 3 + e
    discriminant = q**2 / 4 + p**3 / 27
    outer = (q.abs() / 2 + discriminant.clamp(min=0.0) ** 0.5) ** (1 / 3) * torch.where(q > 0, -1.0, 1.0)
    single = outer - torch.where(outer != 0, p / (3 * outer), 0.0)
    radius = (-p / 3).clamp(min=0.0) ** 0.5
    cosine = torch.where(radius > 0, -q / (2 * radius**3), 1.0).clamp(-1.0, 1.0)
    largest = 2 * radius * torch.cos(torch.arccos(cosine) / 3)
    x = torch.where(discriminant > 0, single, largest) - b / 3
    for _ in range(POLISHES):
        rise = (3 * x + 2 * b) * x + c
        x = torch.where(rise > 0, x - (((x + b) * x + c) * x + e) / rise, x)
    return size * x


def _dot(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    return (one * other).sum(dim=(-2, -1))
