"""What the claims on the local guarantee share: pairs of points, and random operators that make one critical."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch

from lowrank_core.analysis import landscape, rank_one
from lowrank_core.claims.grammar import Criterion, Setting
from lowrank_core.factors import Factors
from lowrank_core.problem import Problem, observe
from lowrank_core.proofs.sdp import Counterexample, best_counterexample
from lowrank_core.randomness import draw, normal
from lowrank_core.sensing.dense import Dense, Packing
from lowrank_core.truth import psd

TERMS = Criterion("terms left in the proof's identities", 0, 0, exact="identities between symbols")


class Sample(NamedTuple):
    """Random operators H and points, one row for each seed, (B, N): what the theorems speak of."""

    distance: torch.Tensor
    """‖xxᵀ − zzᵀ‖_F/‖zzᵀ‖_F."""
    condition: torch.Tensor
    """(1 − δ)/(1 + δ), the ratio of the extreme eigenvalues of H, whatever its scale."""
    ratio: torch.Tensor
    """f(x)/(f(0) − f(x)); inf where f(x) ≥ f(0)."""

    @property
    def delta(self) -> torch.Tensor:
        """The constant of order 2 after the best scaling of A."""
        return (1 - self.condition) / (1 + self.condition)


def uniform(seeds: Sequence[int], name: str, *shape: int) -> torch.Tensor:
    """Independent uniform numbers in [0, 1), (B, *shape), one named stream for each seed."""
    return draw(seeds, name, shape, lambda rng, size: rng.random(size), torch.float64, torch.device("cpu"))


def sample(seeds: Sequence[int], count: int, critical: bool) -> Sample:
    """Pairs (x, z) in the plane and random H ≻ 0 on symmetric matrices; `critical`: among those with ∇f(x) = 0.

    H = yyᵀ/⟨y, e⟩ + BWBᵀ runs through all H ≻ 0 with He = y, as W ≻ 0 does on the complement of e.
    """
    drawn = uniform(seeds, "local guarantee", count, 3)
    # Half of the points near the truth, where the theorems are tight.
    near = torch.arange(count) % 2 == 0
    size = torch.where(near, 0.5 + drawn[..., 0], 2 * drawn[..., 0])
    cosine = torch.where(near, 1 - drawn[..., 1].square(), drawn[..., 1])
    packing = Packing(2, torch.device("cpu"), torch.float64)
    ray = torch.stack([cosine.sqrt(), (1 - cosine).sqrt()], dim=-1)
    across = torch.stack([-ray[..., 1], ray[..., 0]], dim=-1)
    point = packing.pack((size[..., None, None] * ray[..., :, None] * ray[..., None, :]).flatten(0, 1))
    target = packing.pack(torch.diag(torch.tensor([1.0, 0.0], dtype=torch.float64))[None])
    e = point - target
    if critical:
        # Only y = −vvᵀ, v ⊥ x, lets the gradient vanish; its length is free, and so is the scale of H.
        y = -packing.pack((across[..., :, None] * across[..., None, :]).flatten(0, 1))
        y = y * torch.exp(4 * drawn[..., 2] - 2).flatten()[:, None]
    else:
        y = e
    left, _, _ = torch.linalg.svd(e[..., None], full_matrices=True)
    complement = left[..., 1:]
    root = normal(seeds, "local guarantee operator", count, 2, 2).flatten(0, 1)
    inner = torch.linalg.matrix_exp(0.5 * (root + root.mT))
    h = y[:, :, None] * y[:, None, :] / (y * e).sum(dim=1)[:, None, None]
    h = h + complement @ inner @ complement.mT
    eigenvalues = torch.linalg.eigvalsh(h)
    value = (e * (h @ e[..., None])[..., 0]).sum(dim=1)
    origin = h[:, 0, 0]
    ratio = torch.where(origin > value, value / (origin - value).clamp(min=1e-300), torch.inf)
    shape = len(seeds), count
    return Sample(
        rank_one.distance(size, cosine),
        (eigenvalues[:, 0] / eigenvalues[:, -1]).reshape(shape),
        ratio.reshape(shape),
    )


def pairs(setting: Setting, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """R and C, (B, N) each: ρ = √R in `sizes.lengths`, one in each of N intervals; angles in degrees."""
    count, lengths, angles = setting.sizes.pairs, setting.sizes.lengths, setting.sizes.angles
    setting.assume(max(lengths) > 0, "x ≠ 0")
    drawn = uniform(setting.seeds, name, count, 2)
    place = (torch.arange(count) + drawn[..., 0]) / count
    angle = angles[0] + (angles[1] - angles[0]) * drawn[..., 1]
    size = (lengths[0] + (lengths[1] - lengths[0]) * place).square()
    return size, torch.cos(math.pi / 180 * angle).square()


def program(size: torch.Tensor, cosine: torch.Tensor) -> list[Counterexample]:
    """The semidefinite program for each pair of a row of R and C."""
    truth = torch.tensor([[1.0], [0.0]], dtype=torch.float64)
    rays = zip(size.sqrt().tolist(), cosine.tolist(), strict=True)
    points = [
        length * torch.tensor([[math.sqrt(c)], [math.sqrt(1 - c)]], dtype=torch.float64) for length, c in rays
    ]
    return [best_counterexample(point, truth) for point in points]


def worst_problem(
    size: torch.Tensor, cosine: torch.Tensor, slope: torch.Tensor, delta: torch.Tensor
) -> tuple[Problem, Factors]:
    """The worst operators with the point each of them makes critical; arguments (B,), z = (1, 0)."""
    operator, point = rank_one.worst_operator(size, cosine, slope, delta)
    return observe(psd(2, [1.0], range(len(size)), device=size.device), operator), Factors(point)


def defect(
    size: torch.Tensor, cosine: torch.Tensor, slope: torch.Tensor, delta: torch.Tensor
) -> torch.Tensor:
    """The largest of ‖∇f‖, −λ_min(∇²f) and |constant − δ| at x, for the worst operator; (B,)."""
    problem, point = worst_problem(size, cosine, slope, delta)
    found = landscape.stationarity(problem, point)
    assert isinstance(problem.operator, Dense)
    spectrum = torch.linalg.svdvals(problem.operator.entries).square()
    constant = (spectrum - 1).abs().amax(dim=1)
    return torch.stack([found.gradient, found.curvature, (constant - delta).abs()]).amax(dim=0)


def share_of_origin(problem: Problem, at: Factors) -> torch.Tensor:
    """f(x)/f(0), (B,)."""
    value, _, _ = problem.gradient(at)
    assert value is not None
    # The solvers' loss has the factor ¼.
    return 4 * value / (problem.operator.weight * problem.observations.square().sum(dim=1))
