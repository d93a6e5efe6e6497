"""Gradient flows solved in closed form: scalar laws, the Riccati solution, and a form stable for long times.

Time is that of the flow Ḟ = (M* − FGᵀ)G, Ġ = (M* − FGᵀ)ᵀF, or Ẋ = (M* − XXᵀ)X. A constant perturbation of the
flow is the same flow with another target. (Derived here; the identities are proved in `lowrank_core.proofs`.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from lowrank_core.analysis.imbalance import imbalance
from lowrank_core.errors import require
from lowrank_core.factors import Factors

BALANCED = 1e-12
"""‖FᵀF − GᵀG‖ over ‖[F; G]‖² up to which a start counts as balanced."""
ONE_SHOT = 15.0
"""Largest ‖M*‖·t of the one-shot form: its middle matrix has condition number e^{2‖M*‖t}."""


def logistic(sigma: float, start: float, times: torch.Tensor) -> torch.Tensor:
    """s(t) of ṡ = 2s(σ − s): a singular value of a balanced flow that has the truth's singular vectors.

    Args:
        sigma: σ ≠ 0.
        start: s(0) > 0.
        times: any shape.
    """
    _check_positive("start", start)
    # In this form nothing overflows for large t, and σ < 0 decays as it should.
    return sigma / (1 + (sigma / start - 1) * torch.exp(-2 * sigma * times.to(torch.float64)))


def half_time(sigma: float, start: float) -> float:
    """The time at which `logistic` passes σ/2, ln(σ/s(0) − 1)/(2σ)."""
    _check_positive("start", start)
    require(0 < start < sigma, "start", start, f"it does not lie between 0 and σ = {sigma}", "start lower")
    return math.log(sigma / start - 1) / (2 * sigma)


def unbalanced(sigma: float, left: float, right: float, times: torch.Tensor) -> torch.Tensor:
    """s(t) = f(t)g(t) of ḟ = (σ − fg)g, ġ = (σ − fg)f: the scalar flow with any imbalance f² − g².

    With a = (f + g)/√2 and k = (f² − g²)/2, u = a² solves the Riccati equation u̇ = 2σu − u² + k².

    Args:
        sigma: σ.
        left, right: f(0), g(0) with f + g ≠ 0; (the line f = −g is attracted to 0 if σ > 0, and not covered).
        times: any shape.
    """
    require(left + right != 0, "left, right", (left, right), "f = −g is another flow", "use f + g ≠ 0")
    t = times.to(torch.float64)
    k, u0 = (left**2 - right**2) / 2, (left + right) ** 2 / 2
    omega = math.hypot(sigma, k)
    if omega == 0:
        u = u0 / (1 + u0 * t)
    else:
        # (u − u₊)/(u − u₋) = decay·(its value at 0), u± = σ ± ω: one form for the tanh and the coth branch.
        # u₊u₋ = −k² gives the smaller of the two without cancellation.
        upper = sigma + omega if sigma >= 0 else -(k**2) / (sigma - omega)
        lower = -(k**2) / upper if sigma >= 0 else sigma - omega
        gone = (u0 - upper) / (u0 - lower) * torch.exp(-2 * omega * t)
        u = (upper - lower * gone) / (1 - gone)
    return (u - k**2 / u) / 2


def riccati(target: torch.Tensor, start: Factors, time: float) -> torch.Tensor:
    """The product FGᵀ or XXᵀ of the flow at one time, in one shot, (B, n1, n2).

    ZZᵀ = e^{St}Z₀(I + Z₀ᵀ∫₀ᵗe^{2Ss}ds Z₀)⁻¹Z₀ᵀe^{St} for Z = [F; G] and S = [[0, M*], [M*ᵀ, 0]], or Z = √2 X and
    S = M*. The matrix in the middle has condition number e^{2‖M*‖t}, so long times are refused.

    Args:
        target: M*, or M* + E under a constant perturbation, (B, n1, n2); symmetric for a symmetric start.
        start: balanced, FᵀF = GᵀG, or symmetric.
        time: t >= 0.

    Raises:
        ArgumentError: an unbalanced start; ‖M*‖t > 15, for which `balanced_flow` is made.
    """
    reach = float(torch.linalg.matrix_norm(target, ord=2).max()) * time
    require(
        reach <= ONE_SHOT,
        "time",
        time,
        f"‖M*‖t = {reach:.3g}, and beyond {ONE_SHOT:g} the one-shot form is singular in float64",
        "use balanced_flow(target, start, [time]), which takes short steps",
    )
    flow = _Stacked(target, start)
    moved = flow.advance(flow.coordinates, time, pieces=1)
    return flow.factors(moved).product()


def balanced_flow(target: torch.Tensor, start: Factors, times: Sequence[float]) -> list[Factors]:
    """The flow at increasing times, by the factored semigroup: stable for any time.

    The closed form is applied over pieces δt <= 1/‖S‖, and after each Z = [F; G] is replaced by e^{Sδt}ZL⁻ᵀ with
    LLᵀ = I + Zᵀ∫e^{2Ss}ds Z. Products FGᵀ, XXᵀ are those of the flow; the factors are, up to a common rotation of
    their columns.

    Accuracy: in the singular basis of the target (a truth with basis="eigen") every block of FGᵀ keeps *relative*
    accuracy, so a noise block of size α² can be followed down to 1e-30. The error FGᵀ − M* as a whole is limited by
    the rounding of the signal block, 1e-16·‖M*‖, and in a generic basis every block is.

    Args:
        target: M*, or M* + E under a constant perturbation, (B, n1, n2); symmetric for a symmetric start.
        start: balanced, FᵀF = GᵀG, or symmetric.
        times: increasing, from 0 on.

    Returns:
        One `Factors` per time.

    Raises:
        ArgumentError: an unbalanced start, for which the closed form is silently wrong; times not increasing.
    """
    flow = _Stacked(target, start)
    found, now, coordinates = [], 0.0, flow.coordinates
    for time in times:
        require(time >= now, "times", list(times), "times increase and begin at zero or later", "sort them")
        pieces = max(1, math.ceil((time - now) * flow.norm))
        if time > now:
            coordinates = flow.advance(coordinates, time - now, pieces)
        found.append(flow.factors(coordinates))
        now = time
    return found


def imbalance_defect(start: Factors) -> float:
    """‖FᵀF − GᵀG‖ / ‖[F; G]‖², the largest over the batch; 0 for a symmetric start."""
    if start.right is None:
        return 0.0
    size = torch.linalg.matrix_norm(start.stacked(), ord=2).square()
    return float((torch.linalg.matrix_norm(imbalance(start), ord=2) / size).max())


class _Stacked:
    """The flow Ż = (S − ½ZZᵀ)Z in the eigenbasis of S, where it acts row by row."""

    def __init__(self, target: torch.Tensor, start: Factors) -> None:
        defect = imbalance_defect(start)
        require(
            defect <= BALANCED,
            "start",
            f"‖FᵀF − GᵀG‖ = {defect:.2g}·‖[F; G]‖²",
            "the closed form holds for balanced starts only, and would be silently wrong here",
            "use balanced_start or rotated_start, or integrate with methods.flow",
        )
        self._split = None if start.right is None else start.left.shape[1]
        if start.right is None:
            require(
                torch.equal(target, target.mT),
                "target",
                tuple(target.shape),
                "a symmetric start needs a symmetric target",
                "symmetrise it, or start from (F, G)",
            )
            self._values, self._basis = torch.linalg.eigh(target)
            stacked = start.left * math.sqrt(2)
        else:
            self._values, self._basis = _eigenbasis(target)
            stacked = start.stacked()
        self.coordinates = self._basis.mT @ stacked
        self.norm = float(self._values.abs().max())

    def advance(self, coordinates: torch.Tensor, time: float, pieces: int) -> torch.Tensor:
        dt = time / pieces
        growth = torch.exp(self._values * dt)[..., None]
        # ∫₀^δt e^{2λs} ds, with the limit at λ = 0.
        doubled = 2 * self._values
        kernel = torch.where(doubled == 0, dt, torch.expm1(doubled * dt) / doubled)[..., None]
        eye = torch.eye(coordinates.shape[-1], dtype=coordinates.dtype, device=coordinates.device)
        for _ in range(pieces):
            lower = torch.linalg.cholesky(eye + coordinates.mT @ (kernel * coordinates))
            coordinates = torch.linalg.solve_triangular(lower, (growth * coordinates).mT, upper=False).mT
        return coordinates

    def factors(self, coordinates: torch.Tensor) -> Factors:
        stacked = self._basis @ coordinates
        if self._split is None:
            return Factors(stacked / math.sqrt(2))
        return Factors(stacked[:, : self._split], stacked[:, self._split :])


def _eigenbasis(target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Eigenvalues and eigenvectors of [[0, M], [Mᵀ, 0]] from the SVD of M, exact where the SVD is."""
    u, s, vh = torch.linalg.svd(target, full_matrices=True)
    v, paired, half = vh.mT, s.shape[-1], math.sqrt(0.5)
    (u, u_rest), (v, v_rest) = ((x[..., :paired] * half, x[..., paired:]) for x in (u, v))
    top = torch.cat([u, u, u_rest, u.new_zeros(*u.shape[:2], v_rest.shape[-1])], dim=-1)
    bottom = torch.cat([v, -v, v.new_zeros(*v.shape[:2], u_rest.shape[-1]), v_rest], dim=-1)
    rest = s.new_zeros(s.shape[0], u_rest.shape[-1] + v_rest.shape[-1])
    return torch.cat([s, -s, rest], dim=-1), torch.cat([top, bottom], dim=1)


def _check_positive(argument: str, value: float) -> None:
    require(value > 0, argument, value, "it is positive", "use a value > 0")
