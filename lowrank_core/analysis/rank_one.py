"""Spurious points for rank one, in closed form: the smallest RIP constant, the operator, and the sharp levels.

Everything depends on R = ‖x‖²/‖z‖² and C = cos² of the angle between x and z; put S = 1 − C and

    D² = ‖xxᵀ − zzᵀ‖²/‖z‖⁴ = R² − 2RC + 1,    He = −(1 + δ)t ‖z‖² vvᵀ,    v ⊥ x in span(x, z), ‖v‖ = 1, t > 0,

which is what a vanishing gradient says of H = A*A and e = xxᵀ − zzᵀ. Given He, the largest H ⪯ (1 + δ)I is

    H = (1 + δ)I − ddᵀ/⟨d, e⟩,    d = (1 + δ)e − He,

and both the Hessian at x and f(0)/f(x) grow with H, so that no other operator has to be looked at. It has
(1 − δ)I ⪯ H if and only if δ ≥ (D² − 2tS + t²)/(D² − t²), and the Hessian is positive semidefinite if and only if
t ≤ t₋, the smaller root of t² − (1 + C + R)t + R(1 − C). The RIP order is 2. Derived here; the chapter on the local
guarantee has the proof.
"""

from __future__ import annotations

import torch

from lowrank_core import inputs
from lowrank_core.errors import require
from lowrank_core.sensing.certified_isometry import from_normal
from lowrank_core.sensing.dense import Dense, Packing


def distance(size: torch.Tensor, cosine: torch.Tensor) -> torch.Tensor:
    """D = ‖xxᵀ − zzᵀ‖_F/‖zzᵀ‖_F, of the shape of R and C."""
    return (size.square() - 2 * size * cosine + 1).clamp(min=0.0).sqrt()


def largest_slope(size: torch.Tensor, cosine: torch.Tensor) -> torch.Tensor:
    """t₋: up to it the Hessian of the worst operator has no negative eigenvalue."""
    half = (1 + cosine + size) / 2
    product = size * (1 - cosine)
    return product / (half + (half.square() - product).clamp(min=0.0).sqrt())


def best_slope(size: torch.Tensor, cosine: torch.Tensor) -> torch.Tensor:
    """The t that a critical point needs the smallest constant for, α/(1 + √(1 − α²)) times D, α = S/D."""
    gap = distance(size, cosine)
    alpha = (1 - cosine) / gap
    return gap * alpha / (1 + (1 - alpha.square()).clamp(min=0.0).sqrt())


def constant(size: torch.Tensor, cosine: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
    """The smallest RIP constant for which x is critical with this t; inf where the truth itself is meant."""
    squared, off = distance(size, cosine).square(), 1 - cosine
    below = squared - slope.square()
    return torch.where(below > 0, (squared - 2 * slope * off + slope.square()) / below, torch.inf)


def critical_constant(size: torch.Tensor, cosine: torch.Tensor) -> torch.Tensor:
    """The smallest RIP constant of an operator for which x is a critical point: √(1 − α²)."""
    return constant(size, cosine, best_slope(size, cosine))


def second_order_constant(size: torch.Tensor, cosine: torch.Tensor) -> torch.Tensor:
    """The smallest RIP constant of an operator for which x is a second-order point.

    It is what the semidefinite program of Zhang, Sojoudi & Lavaei (2019, p. 11, Theorem 8) computes. With R, which
    is larger, in the place of t₋ it is the lower bound of their Theorem 12 (p. 17).
    """
    slope = torch.minimum(best_slope(size, cosine), largest_slope(size, cosine))
    return constant(size, cosine, slope)


def level(size: torch.Tensor, cosine: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
    """f(x)/f(0) for the worst operator with this t, the smallest that any operator with it has."""
    inner = slope * (distance(size, cosine).square() - slope * (1 - cosine))
    return inner / (inner + size.square() * (1 + cosine - slope))


def smallest_slope(delta: float, size: torch.Tensor, cosine: torch.Tensor) -> torch.Tensor:
    """The smallest t that a critical point may have under the constant δ; inf where x cannot be critical.

    Raises:
        ArgumentError: δ outside [0, 1).
    """
    inputs.between("delta", delta, 0, 1, "a restricted isometry constant lies in [0, 1)", "[)")
    off, squared = 1 - cosine, distance(size, cosine).square()
    room = off.square() - (1 - delta**2) * squared
    return torch.where(room >= 0, (1 - delta) * squared / (off + room.clamp(min=0.0).sqrt()), torch.inf)


def sharp_level(delta: torch.Tensor) -> torch.Tensor:
    """27u²/(1 + 27u²), u = (1 − δ)/(1 + δ): no spurious critical point x ≠ 0 has a smaller f(x)/f(0).

    Sharp from δ = 1/2 on; below, no second-order point is spurious at all.

    Raises:
        ArgumentError: δ outside [0, 1).
    """
    delta = inputs.between("delta", delta, 0, 1, "a restricted isometry constant lies in [0, 1)", "[)")
    squared = 27 * ((1 - delta) / (1 + delta)).square()
    return squared / (1 + squared)


def sharpest_point(delta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """R, C and t at which `sharp_level` is attained, by a second-order point.

    Raises:
        ArgumentError: δ outside [1/2, 1), where it is not attained.
    """
    delta = inputs.between("delta", delta, 0.5, 1, "the level is attained for δ in [1/2, 1)", "[)")
    size = (1 + delta) / (2 * (2 - delta))
    return size, (2 * delta - 1) * (1 + delta) / (2 * (2 - delta).square()), 1 - size


def worst_operator(
    size: torch.Tensor, cosine: torch.Tensor, slope: torch.Tensor, delta: torch.Tensor
) -> tuple[Dense, torch.Tensor]:
    """The worst operator on symmetric 2 × 2 matrices for z = (1, 0), and x, (B, 2, 1); all arguments (B,).

    Raises:
        ArgumentError: δ below the constant that this point and t need.
    """
    short = delta - constant(size, cosine, slope)
    require(
        bool((short >= -1e-12).all()),
        "delta",
        delta.tolist(),
        "no operator with this constant makes the point critical",
        "use at least rank_one.constant(size, cosine, slope)",
    )
    ray = torch.stack([cosine.sqrt(), (1 - cosine).sqrt()], dim=-1)
    normal = torch.stack([-ray[:, 1], ray[:, 0]], dim=-1)
    x = (size.sqrt()[:, None] * ray)[..., None]
    packing = Packing(2, x.device, x.dtype)
    error = x @ x.mT
    error[:, 0, 0] -= 1
    e, q = packing.pack(error), packing.pack(normal[:, :, None] * normal[:, None, :])
    d = (1 + delta)[:, None] * (e + slope[:, None] * q)
    identity = torch.eye(3, dtype=x.dtype, device=x.device)
    removed = d[:, :, None] * d[:, None, :] / (d * e).sum(dim=1)[:, None, None]
    return from_normal((1 + delta)[:, None, None] * identity - removed, (2, 2)), x
