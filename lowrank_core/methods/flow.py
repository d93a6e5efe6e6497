"""The perturbed gradient flow, the continuous-time view of gradient descent from a small start (Wind 2023).

With Z = [F; G] and the residual R = M* − FGᵀ,

    Ż = (S(R + E) + diag(E₁₁, E₂₂)) Z,    S(R) = [[0, R], [Rᵀ, 0]],

which for E = 0 is Ḟ = RG, Ġ = RᵀF. Imperfect measurements enter as E = (A*A − I)R, observation noise as E = A*(w),
and the discretisation of gradient descent through the diagonal blocks too (`analysis.embedding`). The precise form
is derived here; the paper's abstract states the idea.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch

from lowrank_core.errors import ArgumentError, require
from lowrank_core.factors import Factors
from lowrank_core.progress import bar
from lowrank_core.truth import Truth

LOOSE = 1e-2
"""Absolute tolerances above this multiple of α² = ‖Z₀‖² lose the escape from a small start."""


class Blocks(NamedTuple):
    """A perturbation at one moment, symmetric as an (n1 + n2)² matrix; blocks that are None are zero.

    Attributes:
        across: E, (n1, n2), which acts like an error of the residual.
        left: E₁₁, (n1, n1), symmetric.
        right: E₂₂, (n2, n2), symmetric.
    """

    across: torch.Tensor | None = None
    left: torch.Tensor | None = None
    right: torch.Tensor | None = None


class Perturbation(Protocol):
    """Anything that gives the blocks from the time, the seed's place in the batch and the residual (n1, n2)."""

    def __call__(self, time: float, trajectory: int, residual: torch.Tensor) -> Blocks: ...


@dataclass(frozen=True)
class ConstantPerturbation:
    """E(t) = E, (B, n1, n2)."""

    across: torch.Tensor

    def __call__(self, time: float, trajectory: int, residual: torch.Tensor) -> Blocks:
        return Blocks(self.across[trajectory])


@dataclass(frozen=True)
class TimeVarying:
    """E(t) = c(t)·E, with diagonal blocks if they are given, each (B, ·, ·).

    Attributes:
        coefficient: c, a function of time.
        across: E, (B, n1, n2), or None.
        left, right: E₁₁ (B, n1, n1) and E₂₂ (B, n2, n2), symmetric, or None.
    """

    coefficient: Callable[[float], float]
    across: torch.Tensor | None = None
    left: torch.Tensor | None = None
    right: torch.Tensor | None = None

    def __call__(self, time: float, trajectory: int, residual: torch.Tensor) -> Blocks:
        scale = self.coefficient(time)
        blocks = (self.across, self.left, self.right)
        return Blocks(*(None if block is None else scale * block[trajectory] for block in blocks))


@dataclass(frozen=True)
class ResidualProportional:
    """E(t) = θ ‖R(t)‖ D with a fixed direction D, (B, n1, n2): how an error of restricted isometry enters."""

    theta: float
    direction: torch.Tensor

    def __call__(self, time: float, trajectory: int, residual: torch.Tensor) -> Blocks:
        return Blocks(self.theta * torch.linalg.matrix_norm(residual, ord=2) * self.direction[trajectory])


class Flow(NamedTuple):
    """A flow at R times.

    Attributes:
        times: (R,).
        factors: one `Factors` per time.
        evaluations: how often the right-hand side was evaluated, per trajectory.
    """

    times: torch.Tensor
    factors: list[Factors]
    evaluations: list[int]

    def operator_errors(self, matrix: torch.Tensor) -> torch.Tensor:
        """‖FGᵀ − M‖ at every time, (B, R), for M (B, n1, n2)."""
        gaps = torch.stack([factors.product() - matrix for factors in self.factors], dim=1)
        return torch.linalg.matrix_norm(gaps, ord=2)


@torch.no_grad()
def flow(
    truth: Truth,
    start: Factors,
    times: Sequence[float],
    perturbation: Perturbation | None = None,
    rtol: float = 1e-10,
    atol: float | None = None,
    progress: bool = False,
) -> Flow:
    """Integrate the perturbed gradient flow from t = 0, each trajectory for itself, with scipy's DOP853.

    Where the perturbation is constant and the start balanced, `analysis.closed_forms.balanced_flow` is exact and a
    thousand times faster.

    Args:
        truth: M*.
        start: F, G, on the CPU, in float64.
        times: increasing, from 0 on.
        perturbation: E; none by default.
        rtol: relative tolerance.
        atol: absolute tolerance of the factors' entries; default 1e-4·‖Z₀‖², at most 1e-13.
        progress: show a progress bar over the trajectories on stderr.

    Raises:
        ArgumentError: scipy is missing; a start without G or not in float64 on the CPU; times not increasing;
            tolerances too loose for the size of the start; the flow left the finite numbers.
    """
    try:
        from scipy.integrate import solve_ivp
    except ImportError:
        raise ArgumentError(
            "flow", "scipy is not installed", "the integrator is scipy's", "pip install lowrank-core[flow]"
        ) from None

    if start.right is None:
        raise ArgumentError(
            "start", "symmetric factors X", "the flow is that of two factors", "use a start (F, G)"
        )
    require(
        start.left.dtype == torch.float64 and start.left.device.type == "cpu",
        "start",
        (start.left.dtype, str(start.left.device)),
        "scipy integrates in float64 on the CPU",
        'make the start with device="cpu", dtype="float64"',
    )
    grid = np.asarray(times, dtype=np.float64)
    require(
        grid.ndim == 1 and grid.size > 0 and grid[0] >= 0 and bool((np.diff(grid) > 0).all()),
        "times",
        list(times),
        "times increase and begin at zero or later",
        "sort them and drop repetitions",
    )
    stacked = start.stacked()
    sizes = torch.linalg.matrix_norm(stacked, ord=2)
    smallest = float(sizes.min()) ** 2
    chosen = min(1e-13, 1e-4 * smallest) if atol is None else atol
    require(
        chosen <= LOOSE * smallest and rtol <= LOOSE,
        "atol, rtol",
        (chosen, rtol),
        f"too loose for a start of squared norm {smallest:.2g}: the escape from it would be lost",
        f"use atol <= {LOOSE * smallest:.1g} and rtol <= {LOOSE:g}, or leave the defaults",
    )

    matrix = truth.matrix
    (n1, n2), h = truth.shape, start.search_rank
    ends: list[torch.Tensor] = []
    evaluations: list[int] = []
    for trajectory in bar(list(range(truth.batch)), "trajectories", progress):

        def velocity(time: float, state: np.ndarray, at: int = trajectory) -> np.ndarray:
            left, right = torch.from_numpy(state).view(n1 + n2, h).split([n1, n2])
            residual = torch.addmm(matrix[at], left, right.mT, alpha=-1)
            blocks = Blocks() if perturbation is None else perturbation(time, at, residual)
            push = residual if blocks.across is None else residual + blocks.across
            d_left, d_right = push @ right, push.mT @ left
            if blocks.left is not None:
                d_left = d_left + blocks.left @ left
            if blocks.right is not None:
                d_right = d_right + blocks.right @ right
            return torch.cat([d_left, d_right]).flatten().numpy()

        begin = stacked[trajectory].flatten().numpy()
        found = solve_ivp(
            velocity, (0.0, float(grid[-1])), begin, "DOP853", t_eval=grid, rtol=rtol, atol=chosen
        )
        require(
            found.success and bool(np.isfinite(found.y).all()),
            "perturbation",
            perturbation,
            f"the flow of trajectory {trajectory} cannot be followed to time {grid[-1]:g}: {found.message}",
            "use a smaller perturbation or shorter times",
        )
        ends.append(torch.from_numpy(found.y.T.reshape(-1, n1 + n2, h)))
        evaluations.append(int(found.nfev))
    path = torch.stack(ends, dim=1)
    return Flow(
        torch.from_numpy(grid),
        [Factors(state[:, :n1].contiguous(), state[:, n1:].contiguous()) for state in path],
        evaluations,
    )
