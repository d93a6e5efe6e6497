"""A family of second-order points under noise that nearly attains the bound on their error.

M* = diag(cI, 0), X = [0; I_r], H = (1 + δ)I − 2δQQᵀ with a diagonal Q = diag(·I, ·I) of norm one, and
A*(w) = η diag(−I, I). For r ≥ r* and each δ two numbers are free, c and the angle of Q; a grid that closes in finds
them. Derived here; r is the search rank and r* the true one.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import torch

from lowrank_core import inputs
from lowrank_core.analysis.sharp_threshold import check_ranks, psi, threshold
from lowrank_core.analysis.worst_noise import preimage
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors
from lowrank_core.problem import Problem, observe
from lowrank_core.sensing import certified
from lowrank_core.truth import psd


class Worst(NamedTuple):
    """Members of the diagonal family, (B,) each: M* = diag(cI, 0) and the angle of Q, and the noise η."""

    truth: torch.Tensor
    angle: torch.Tensor
    noise: torch.Tensor


def diagonal_noise(
    c: torch.Tensor, angle: torch.Tensor, delta: torch.Tensor, r: int, r_star: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """η for which the gradient vanishes at X = [0; I], and what the curvature leaves, nonnegative if H is PSD.

    On diag(aI, bI), in the orthonormal coordinates (a√r*, b√r), H is (1 + δ)I − 2δqqᵀ with q = (cos, sin).

    Raises:
        ArgumentError: ranks that are not 1 ≤ r* ≤ r.
    """
    r, r_star = _ranks(r, r_star)
    inner = -c * math.sqrt(r_star) * angle.cos() + math.sqrt(r) * angle.sin()
    lower = (1 + delta) - 2 * delta * angle.sin() * inner / math.sqrt(r)
    upper = -(1 + delta) * c - 2 * delta * angle.cos() * inner / math.sqrt(r_star)
    return lower, upper + lower + (1 + delta)


def worst_noise(
    delta: torch.Tensor, r: int, r_star: int, grid: int = 160, zooms: int = 10, curvature: bool = True
) -> Worst:
    """The member with the largest ‖E‖_F/‖N‖ that is a second-order point, by a grid that closes in.

    Without `curvature` the Hessian may be indefinite.

    Args:
        delta: δ in (0, 1), (B,).

    Raises:
        ArgumentError: δ outside (0, 1), ranks that are not 1 ≤ r* ≤ r, a grid of fewer than two points, no zooms.
    """
    r, r_star = _ranks(r, r_star)
    delta = inputs.between("delta", delta, 0, 1, "the family is for δ in (0, 1)", "()")
    grid, zooms = inputs.whole("grid", grid, 2), inputs.whole("zooms", zooms, 1)
    centre = torch.stack([1 + 1 / delta, torch.full_like(delta, 0.75 * math.pi)], dim=1)
    half = torch.stack([1 / delta, torch.full_like(delta, 0.25 * math.pi)], dim=1)
    line = torch.linspace(-1, 1, grid, dtype=torch.float64, device=delta.device)
    for _ in range(zooms):
        c = (centre[:, :1] + half[:, :1] * line)[:, :, None].clamp(min=1e-3)
        angle = (centre[:, 1:] + half[:, 1:] * line)[:, None, :]
        noise, slack = diagonal_noise(c, angle, delta[:, None, None], r, r_star)
        size = (r_star * c.square() + r).sqrt() / noise.abs().clamp(min=1e-12)
        allowed = size if not curvature else torch.where(slack >= 0, size, 0.0)
        best = allowed.flatten(1).argmax(dim=1)
        row, column = best // grid, best % grid
        batch = torch.arange(len(delta), device=delta.device)
        centre = torch.stack([c[batch, row, 0], angle[batch, 0, column]], dim=1)
        half = half / 4
    found = diagonal_noise(centre[:, 0], centre[:, 1], delta, r, r_star)[0]
    return Worst(centre[:, 0], centre[:, 1], found)


def exhibited(member: Worst, delta: torch.Tensor, r: int, r_star: int) -> tuple[Problem, Factors]:
    """The member as a problem, with its X.

    Raises:
        ArgumentError: δ outside [0, 1), ranks that are not 1 ≤ r* ≤ r.
    """
    r, r_star = _ranks(r, r_star)
    batch, n, device = len(delta), r + r_star, delta.device
    head = (torch.arange(n, device=device) < r_star).to(torch.float64)
    cosine, sine = (f(member.angle)[:, None] for f in (torch.cos, torch.sin))
    q = torch.diag_embed(cosine * head / math.sqrt(r_star) + sine * (1 - head) / math.sqrt(r))
    operator = certified(q[:, None], delta)
    truth = psd(n, member.truth[:, None].expand(-1, r_star), range(batch), device=device)
    noise = torch.diag_embed(member.noise[:, None] * (1 - 2 * head))
    problem = observe(truth, operator)
    point = torch.zeros(batch, n, r, dtype=torch.float64, device=device)
    point[:, r_star:] = torch.eye(r, dtype=torch.float64, device=device)
    return replace(problem, observations=problem.observations + preimage(operator, noise, delta)), Factors(
        point
    )


class Reach(NamedTuple):
    """δ/δ*, the largest ‖E‖_F/(√(r + r*) ‖A*(w)‖) found, what the bound allows, and their ratio; (24,) each."""

    share: torch.Tensor
    found: torch.Tensor
    allowed: torch.Tensor
    ratio: torch.Tensor


def reach(r: int, r_star: int, curvature: bool = True) -> Reach:
    """How near the family comes to the bound 1/(ψ − δ), for 24 values of δ between 0.3 and 0.99 of the threshold.

    Without `curvature` the Hessian may be indefinite, and the bound does not hold.
    """
    share = torch.linspace(0.3, 0.99, 24, dtype=torch.float64)
    delta = share * threshold(r, r_star)
    member = worst_noise(delta, r, r_star, curvature=curvature)
    error = (r_star * member.truth.square() + r).sqrt()
    found = error / (math.sqrt(r + r_star) * member.noise.abs())
    allowed = 1 / (psi(delta, r / r_star) - delta)
    return Reach(share, found, allowed, found / allowed)


def _ranks(r: int, r_star: int) -> tuple[int, int]:
    try:
        return check_ranks(r, r_star)
    except ArgumentError as error:
        names = {"search_rank": "r", "true_rank": "r_star", "search_rank, true_rank": "r, r_star"}
        raise error.renamed(names) from None
