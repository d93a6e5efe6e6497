"""The perturbed gradient flow, the continuous-time view of gradient descent from a small start (Wind 2023).

With Z = [F; G] and the residual R = M* − FGᵀ,

    Ż = (S(R + E) + diag(E₁₁, E₂₂)) Z,    S(R) = [[0, R], [Rᵀ, 0]],

which for E = 0 is Ḟ = RG, Ġ = RᵀF. Imperfect measurements enter as E = (A*A − I)R, observation noise as E = A*(w),
and the discretisation of gradient descent through the diagonal blocks too (`analysis.embedding`). The precise form
is derived here; the paper's abstract states the idea.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
import torch

from lowrank_core import inputs
from lowrank_core.errors import ArgumentError, install, require, require_finite
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


class _Batched:
    """What the perturbations below share: (B, ·, ·) tensors in named fields, checked when they are made.

    Attributes:
        optional: whether a block may be None.
    """

    optional: ClassVar[bool] = False

    def _check(self, *names: str) -> None:
        for name in names:
            block = getattr(self, name)
            if block is None and self.optional:
                continue
            block = inputs.tensor(name, block)
            require(
                block.ndim == 3,
                name,
                tuple(block.shape),
                "a perturbation has one matrix for each trajectory",
                "give (B, rows, columns)",
            )
            require_finite(name, block)
            object.__setattr__(self, name, block)

    def blocks(self) -> dict[str, torch.Tensor]:
        """The tensors by the names of their fields."""
        fields = ("across", "left", "right", "direction")
        return {name: block for name in fields if (block := getattr(self, name, None)) is not None}


@dataclass(frozen=True)
class ConstantPerturbation(_Batched):
    """E(t) = E, (B, n1, n2).

    Raises:
        ArgumentError: E of another number of axes, or not finite.
    """

    across: torch.Tensor

    def __post_init__(self) -> None:
        self._check("across")

    def __call__(self, time: float, trajectory: int, residual: torch.Tensor) -> Blocks:
        return Blocks(self.across[trajectory])


@dataclass(frozen=True)
class TimeVarying(_Batched):
    """E(t) = c(t)·E, with diagonal blocks if they are given, each (B, ·, ·).

    Attributes:
        coefficient: c, a function of time.
        across: E, (B, n1, n2), or None.
        left, right: E₁₁ (B, n1, n1) and E₂₂ (B, n2, n2), symmetric, or None.

    Raises:
        ArgumentError: tensors of another number of axes, or not finite; c that is no function, or (from `flow`)
            not a finite number.
    """

    optional: ClassVar[bool] = True
    coefficient: Callable[[float], float]
    across: torch.Tensor | None = None
    left: torch.Tensor | None = None
    right: torch.Tensor | None = None

    def __post_init__(self) -> None:
        require(
            callable(self.coefficient) and not isinstance(self.coefficient, type),
            "coefficient",
            self.coefficient,
            "it is no function",
            "use e.g. math.cos",
        )
        self._check("across", "left", "right")

    def __call__(self, time: float, trajectory: int, residual: torch.Tensor) -> Blocks:
        scale = inputs.number("coefficient", self.coefficient(time))
        blocks = (self.across, self.left, self.right)
        return Blocks(*(None if block is None else scale * block[trajectory] for block in blocks))


@dataclass(frozen=True)
class ResidualProportional(_Batched):
    """E(t) = θ ‖R(t)‖ D with a fixed direction D, (B, n1, n2): how an error of restricted isometry enters.

    Raises:
        ArgumentError: θ not finite, D of another number of axes or not finite.
    """

    theta: float
    direction: torch.Tensor

    def __post_init__(self) -> None:
        inputs.number("theta", self.theta)
        self._check("direction")

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
        times: increasing and finite, from 0 on, the last one after 0.
        perturbation: E; none by default.
        rtol: relative tolerance, positive.
        atol: absolute tolerance of the factors' entries, positive; default 1e-4·‖Z₀‖², at most 1e-13.
        progress: show a progress bar over the trajectories on stderr.

    Raises:
        ArgumentError: scipy is missing; a start without G, of another batch or shape than the truth, not in
            float64 on the CPU, not finite, or zero; times not increasing; tolerances too loose for the size of the
            start; a perturbation that does not fit the truth or is not finite; the flow left the finite numbers.
    """
    try:
        from scipy.integrate import solve_ivp
    except ImportError:
        raise ArgumentError(
            "flow", "scipy is not installed", "the integrator is scipy's", install("flow")
        ) from None

    require(isinstance(truth, Truth), "truth", truth, "it is no truth", "make one with rectangular or psd")
    inputs.flag("progress", progress)
    _check_start(truth, start)
    grid = inputs.tensor("times", times).to("cpu", torch.float64).numpy()
    require(
        grid.ndim == 1 and grid.size > 0 and grid[0] >= 0 and bool((np.diff(grid) > 0).all()),
        "times",
        grid.tolist(),
        "times increase and begin at zero or later",
        "sort them and drop repetitions",
    )
    require(
        bool(np.isfinite(grid).all()) and grid[-1] > 0,
        "times",
        grid.tolist(),
        "the flow begins at 0 and is followed to a later, finite time",
        "end with a time > 0",
    )
    _check_perturbation(truth, perturbation)
    stacked = start.stacked()
    sizes = torch.linalg.matrix_norm(stacked, ord=2)
    smallest = float(sizes.min()) ** 2
    chosen = min(1e-13, 1e-4 * smallest) if atol is None else inputs.number("atol", atol)
    rtol = inputs.number("rtol", rtol)
    for name, tolerance, largest in (("atol", chosen, LOOSE * smallest), ("rtol", rtol, LOOSE)):
        require(
            0 < tolerance <= largest,
            name,
            tolerance,
            f"not positive, or too loose for a start of squared norm {smallest:.2g}: the escape would be lost",
            f"use {name} <= {largest:.1g}, or leave the default",
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
            _check_blocks(blocks, residual, time)
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


def _check_start(truth: Truth, start: Factors) -> None:
    require(
        isinstance(start, Factors),
        "start",
        type(start).__name__,
        "it is no pair of factors",
        "use Factors(F, G)",
    )
    if start.right is None:
        raise ArgumentError(
            "start", "symmetric factors X", "the flow is that of two factors", "use a start (F, G)"
        )
    for name, factor, n in (
        ("start.left", start.left, truth.shape[0]),
        ("start.right", start.right, truth.shape[1]),
    ):
        require(
            isinstance(factor, torch.Tensor), name, factor, "it is no tensor", "use torch.as_tensor(array)"
        )
        require(
            factor.dtype == torch.float64 and factor.device.type == "cpu",
            "start",
            (factor.dtype, str(factor.device)),
            "scipy integrates in float64 on the CPU",
            'make the start with device="cpu", dtype="float64"',
        )
        require(
            factor.ndim == 3
            and tuple(factor.shape) == (truth.batch, n, start.left.shape[-1])
            and factor.numel() > 0,
            name,
            tuple(factor.shape),
            f"this truth takes factors of shape ({truth.batch}, {n}, k), with one k for both",
            "use the seeds and sizes that the truth was made with",
        )
        require_finite(name, factor)
    require(
        bool((start.stacked().abs().amax(dim=(1, 2)) > 0).all()),
        "start",
        "a trajectory with all factors zero",
        "zero is a fixed point, and no tolerance is small beside it",
        "start from small random factors",
    )


def _check_perturbation(truth: Truth, perturbation: Perturbation | None) -> None:
    if perturbation is None:
        return
    require(
        callable(perturbation) and not isinstance(perturbation, type),
        "perturbation",
        perturbation,
        "it is no function of time, trajectory and residual",
        "use e.g. ConstantPerturbation(E)",
    )
    n1, n2 = truth.shape
    if isinstance(perturbation, _Batched):
        wanted = {"across": (n1, n2), "direction": (n1, n2), "left": (n1, n1), "right": (n2, n2)}
        for name, block in perturbation.blocks().items():
            require(
                tuple(block.shape) == (truth.batch, *wanted[name]),
                f"perturbation.{name}",
                tuple(block.shape),
                f"this truth takes {(truth.batch, *wanted[name])}",
                "give one matrix for each trajectory",
            )


def _check_blocks(blocks: Blocks, residual: torch.Tensor, time: float) -> None:
    """The integrator would never end with NaN, and would broadcast another shape."""
    n1, n2 = residual.shape
    if not isinstance(blocks, Blocks):
        raise ArgumentError(
            "perturbation", blocks, f"what it gives at time {time:g} are no blocks", "give Blocks"
        )
    for block, shape in zip(blocks, ((n1, n2), (n1, n1), (n2, n2)), strict=True):
        if block is None:
            continue
        if not isinstance(block, torch.Tensor) or block.shape != shape:
            raise ArgumentError(
                "perturbation",
                tuple(getattr(block, "shape", ())),
                f"at time {time:g} a block has this shape",
                f"give {shape}",
            )
        # Where a trial step itself has left the finite numbers, it is rejected and a shorter one tried.
        if not math.isfinite(float(block.sum())) and bool(torch.isfinite(residual).all()):
            raise ArgumentError(
                "perturbation",
                f"a block of shape {shape}",
                f"it is not finite at time {time:g}",
                "use finite perturbations and coefficients",
            )
