"""Points made second-order by an adversary, in each edge case of the theorem; a family that nearly attains it."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from lowrank_core.analysis.sharp_threshold import psi, threshold
from lowrank_core.analysis.worst_noise import attack, off_columns
from lowrank_core.claims.grammar import Setting
from lowrank_core.factors import Factors
from lowrank_core.problem import observe
from lowrank_core.randomness import draw, normal
from lowrank_core.sensing import certified
from lowrank_core.truth import Truth

UNLEARNT = "a column not learnt"
UNBALANCED = "μ = 0, not balanced"


class Ranks(NamedTuple):
    """Sizes, k and r; `second` is n2 for a pair of factors, 0 for a symmetric one."""

    n: int
    search_rank: int
    true_rank: int
    second: int = 0

    @property
    def order(self) -> int:
        """The RIP order, min(n, k + r)."""
        return min(self.n, self.second or self.n, self.search_rank + self.true_rank)


POINTS = {
    "generic": Ranks(5, 2, 1),
    "k = r": Ranks(4, 2, 2),
    "n < k + r": Ranks(4, 3, 2),
    "X of deficient rank": Ranks(4, 2, 1),
    UNLEARNT: Ranks(5, 2, 2),
    "Z orthogonal to X": Ranks(4, 2, 1),
    "Z in the columns of X": Ranks(4, 2, 1),
    "k > n": Ranks(2, 3, 1),
}
PAIRS = {
    "generic": Ranks(4, 2, 1, 3),
    "k = r": Ranks(3, 2, 2, 4),
    "n₁ < k + r": Ranks(4, 3, 2, 4),
    UNLEARNT: Ranks(4, 2, 2, 4),
    UNBALANCED: Ranks(4, 2, 1, 4),
}


class Attacked(NamedTuple):
    """Error over bound, δ/δ_d, and what is left of the conditions, relative; (B, samples) each."""

    ratio: torch.Tensor
    share: torch.Tensor
    left: torch.Tensor


def attacked(setting: Setting, case: str, ranks: Ranks) -> Attacked:
    """Random points of a case, δ/δ_d in `setting.sizes.shares`, every second operator aimed at its point."""
    return _attacked(setting, case, ranks, setting.sizes.shares, curvature=True)


def saddles(setting: Setting, ranks: Ranks) -> Attacked:
    """Critical points that miss a column, under random operators of small δ; their Hessian may be indefinite."""
    return _attacked(setting, UNLEARNT, ranks, shares=(0.05, 0.2), curvature=False)


def _attacked(
    setting: Setting, case: str, ranks: Ranks, shares: tuple[float, float], curvature: bool
) -> Attacked:
    count = setting.sizes.samples
    seeds = [seed for seed in setting.seeds for _ in range(count)]
    shape = (ranks.n, ranks.second or ranks.n)
    point, truth = _drawn(setting, case, ranks, seeds)
    d = min(ranks.true_rank, min(shape) - ranks.search_rank)
    rho = (ranks.search_rank - ranks.true_rank + d) / d if d > 0 else None
    limit = threshold(ranks.search_rank, ranks.true_rank, min(shape))
    share = draw(
        setting.seeds, f"{case} share", (count,), lambda rng, size: rng.uniform(*shares, size)
    ).flatten()
    delta = share * limit
    directions = normal(setting.seeds, f"{case} direction", count, *shape).flatten(0, 1)
    if point.symmetric:
        directions = directions + directions.mT
    if curvature:
        aimed = _worst_direction(point, truth.matrix, delta)
        directions = torch.where((torch.arange(len(seeds)) % 2 == 0)[:, None, None], aimed, directions)
    operator = certified(directions[:, None], delta, symmetric=point.symmetric)
    balance = 0.0 if point.symmetric or case == UNBALANCED else setting.sizes.balance
    found = attack(observe(truth, operator), point, delta, balance, curvature)
    slope = torch.ones_like(delta) if rho is None else psi(delta, rho)
    bound = math.sqrt(ranks.order) * found.noise / (slope - delta)
    size = 1 + point.stacked().square().sum(dim=(1, 2)) + found.error
    left = torch.maximum(found.stationarity.gradient, found.stationarity.curvature) / size
    return Attacked(*(each.unflatten(0, (-1, count)) for each in (found.error / bound, share, left)))


def _drawn(setting: Setting, case: str, ranks: Ranks, seeds: list[int]) -> tuple[Factors, Truth]:
    """Points of a case and truths of rank r, random but for what the name of the case says."""
    count = setting.sizes.samples
    sizes = 10 ** draw(
        setting.seeds, f"{case} sizes", (count, 1, 1), lambda rng, size: rng.uniform(-1, 0.3, size)
    )
    x = (sizes * normal(setting.seeds, f"{case} X", count, ranks.n, ranks.search_rank)).flatten(0, 1)
    z = normal(setting.seeds, f"{case} Z", count, ranks.n, ranks.true_rank).flatten(0, 1)
    if ranks.second:
        return _drawn_pair(setting, case, ranks, seeds, x, z)
    if case == "X of deficient rank":
        x[:, :, -1] = 0
    elif case == "Z orthogonal to X":
        z = z - x @ torch.linalg.lstsq(x, z).solution
    elif case == "Z in the columns of X":
        z = x[:, :, : ranks.true_rank].clone() + x[:, :, -1:]
    left, values, _ = torch.linalg.svd(z, full_matrices=False)
    if case == UNLEARNT:
        x = left * values[:, None, :]
        x[:, :, -1] = 0
    return Factors(x), Truth(left, left, values.square(), "random", tuple(seeds), symmetric=True)


def _drawn_pair(
    setting: Setting, case: str, ranks: Ranks, seeds: list[int], x: torch.Tensor, z: torch.Tensor
) -> tuple[Factors, Truth]:
    other = normal(
        setting.seeds, f"{case} Y", setting.sizes.samples, ranks.second, ranks.search_rank
    ).flatten(0, 1)
    side = normal(setting.seeds, f"{case} M", setting.sizes.samples, ranks.second, ranks.true_rank).flatten(
        0, 1
    )
    left, values, right = torch.linalg.svd(z @ side.mT, full_matrices=False)
    rank = ranks.true_rank
    truth = Truth(left[:, :, :rank], right[:, :rank].mT, values[:, :rank], "random", tuple(seeds))
    product = x @ other.mT
    if case == UNLEARNT:
        product = (
            truth.left[:, :, : rank - 1] * values[:, None, : rank - 1] @ truth.right[:, :, : rank - 1].mT
        )
    left, values, right = torch.linalg.svd(product, full_matrices=False)
    d = ranks.search_rank
    root = torch.where(values > 1e-10 * values[:, :1], values, 0.0)[:, None, :d].sqrt()
    scale = 4.0 if case == UNBALANCED else 1.0
    # For d > min(n₁, n₂) the product has fewer singular vectors than the factors have columns.
    missing = (0, d - root.shape[2])
    u, v = (torch.nn.functional.pad(side[:, :, :d] * root, missing) for side in (left, right.mT))
    return Factors(scale * u, v / scale), truth


def _worst_direction(point: Factors, truth: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
    """E/‖E‖ + F/‖F‖ for the F of the proof: the operator with this direction loses nothing in step 2."""
    error = point.product() - truth
    hidden = off_columns(point.left) @ truth @ off_columns(point.left if point.right is None else point.right)
    width = torch.linalg.svdvals(point.left)
    sigma = width[:, -1].square() if width.shape[1] == point.search_rank else torch.zeros_like(delta)
    omega = hidden.square().sum(dim=(1, 2)).clamp(min=1e-300)
    t = (1 - (1 + delta) * sigma * torch.linalg.matrix_norm(hidden, ord="nuc") / omega).clamp(min=0.0)
    f = error + (1 - t)[:, None, None] * hidden
    return (
        error / torch.linalg.matrix_norm(error)[:, None, None]
        + f / torch.linalg.matrix_norm(f)[:, None, None]
    )
