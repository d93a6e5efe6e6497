"""How near is near enough, for rank one: radii and levels around the truth that hold nothing spurious.

A ball has a radius ε, relative to ‖M*‖_F; a level is a value of f(x)/f(0). R, C and t are as in `rank_one`, which
has the exact constant of a point; tensors of any one shape, float64. The RIP order is 2. What is named after a
theorem or a corollary is that of Zhang, Sojoudi & Lavaei (2019); the rest is derived here, and the chapter on the
local guarantee has the proofs.
"""

from __future__ import annotations

import torch

from lowrank_core.analysis import rank_one, sharp_threshold

GOLDEN = (5**0.5 - 1) / 2
"""The largest ε of Theorem 4 and of Corollary 5."""


def published_bound(size: torch.Tensor, cosine: torch.Tensor) -> torch.Tensor:
    """δ_lb of Theorem 12 (p. 17) for R and C, of their shape, through `sharp_threshold.smallest_constant_bound`."""
    flat, c = size.flatten(), cosine.flatten()
    x = (flat.sqrt()[:, None] * torch.stack([c.sqrt(), (1 - c).sqrt()], dim=-1))[..., None]
    z = torch.tensor([[1.0], [0.0]], dtype=size.dtype).expand_as(x)
    return sharp_threshold.smallest_constant_bound(x, z).reshape(size.shape)


def ball_threshold(eps: torch.Tensor) -> torch.Tensor:
    """√(2c/(1 + c)), c = √(1 − ε²), of the shape of ε, in [0, 1].

    Below this δ the truth is the only critical point in the ball; at it some operator has another one.
    """
    c = (1 - eps.square()).clamp(min=0.0).sqrt()
    return (2 * c / (1 + c)).sqrt()


def ball_minimum(eps: float, count: int = 20_001) -> float:
    """The smallest constant of a second-order point with ‖E‖_F = ε‖M*‖_F, on a grid of `count` values of R."""
    size = torch.linspace(max(1 - eps, 1e-6), 1 + eps, count, dtype=torch.float64)
    cosine = (size.square() + 1 - eps**2) / (2 * size)
    inside = (cosine >= 0) & (cosine < 1)
    return float(rank_one.second_order_constant(size[inside], cosine[inside]).amin())


def published_ball_minimum(eps: torch.Tensor) -> torch.Tensor:
    """The smallest δ_lb of Theorem 12 over ‖E‖_F ≤ ε‖M*‖_F."""
    squared = eps.square()
    beyond = (1 - 2 * squared + (1 + 4 * squared.square()).sqrt()) / (2 * squared)
    return torch.where(squared <= 3**0.5 / 2, ball_threshold(eps), beyond)


def published_ball_threshold(eps: torch.Tensor) -> torch.Tensor:
    """√(1 − ε²/(2(1 − ε))) of Theorem 4 (p. 4), NaN for the ε > (√5 − 1)/2 that it does not speak of."""
    return torch.where(eps <= GOLDEN, (1 - eps.square() / (2 * (1 - eps))).sqrt(), torch.nan)


def sufficient_levels(delta: torch.Tensor) -> dict[str, torch.Tensor]:
    """Sufficient levels of f(x)/f(0): the ball's, Corollary 5 as printed and repaired, the headline (p. 4).

    "Repaired" loses the factor 1 + δ that f(0) ≤ (1 + δ)‖M*‖² costs, and takes the ε that Theorem 4 allows.
    """
    ball = (2 * (1 - delta) / (2 - delta.square())).square()
    printed = torch.minimum((1 - delta.square()).sqrt(), torch.tensor(GOLDEN, dtype=delta.dtype))
    # ε²/(2(1 − ε)) = 1 − δ² for ε.
    room = 1 - delta.square()
    allowed = -room + (room.square() + 2 * room).sqrt()
    return {
        "ball": ball,
        "printed": (1 - delta) * printed.square(),
        "repaired": (1 - delta) / (1 + delta) * allowed.square(),
        "headline": (1 - delta).square(),
    }


def search_level(delta: float, grid: int) -> tuple[float, float]:
    """The smallest f(x)/f(0) over second-order points for δ, by nested grids of R and C; their share of the first.

    At a given pair f(x)/f(0) increases with t, so that only the smallest t is looked at. The level is inf where the
    grid has no second-order point at all.

    Args:
        delta: the constant, in (0, 1).
        grid: points along R in [1e-4, 2] and along C in [0, 1].
    """
    low, high = torch.tensor([1e-4, 0.0], dtype=torch.float64), torch.tensor([2.0, 1.0], dtype=torch.float64)
    best, share = torch.inf, -1.0
    for _ in range(12):
        axes = [
            torch.linspace(float(a), float(b), grid, dtype=torch.float64)
            for a, b in zip(low, high, strict=True)
        ]
        size, cosine = torch.meshgrid(*axes, indexing="ij")
        slope = rank_one.smallest_slope(delta, size, cosine)
        possible = slope <= rank_one.largest_slope(size, cosine)
        values = torch.where(possible, rank_one.level(size, cosine, slope), torch.inf)
        share = float(possible.to(torch.float64).mean()) if share < 0 else share
        place = divmod(int(values.argmin()), grid)
        best = min(best, float(values[place]))
        centre = torch.stack([axis[index] for axis, index in zip(axes, place, strict=True)])
        width = (high - low) / 10
        low = torch.maximum(centre - width, torch.tensor([1e-4, 0.0], dtype=torch.float64))
        high = torch.minimum(centre + width, torch.tensor([2.0, 1.0], dtype=torch.float64))
    return best, share
