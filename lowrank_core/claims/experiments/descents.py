"""Gradient descent on one and on two factors, its starts, and fits to its errors. Time is τ = ηT throughout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import torch

from lowrank_core.analysis import rates
from lowrank_core.claims.grammar import Setting
from lowrank_core.factors import Factors, gaussian_start, imbalanced_start
from lowrank_core.linalg import operator_norm
from lowrank_core.methods import GradientDescent, Method
from lowrank_core.problem import observe
from lowrank_core.sensing import Identity, gaussian, gaussian_symmetric
from lowrank_core.solver import Trajectory, log_spaced, solve
from lowrank_core.truth import psd, rectangular

SMALL_STEPS = "η max(σ₁, ‖X₀‖²) ≤ ½"
OVER = "k > r"
FLOOR = 1e-28
"""Squared errors below this are rounding: (1e-14)², with ‖M*‖ of order one."""


def symmetric_run(
    setting: Setting,
    start: Factors,
    m: int | None = None,
    steps: int | None = None,
    spectrum: Sequence[float] | None = None,
    **options: Any,
) -> Trajectory:
    """Symmetric gradient descent on m Gaussian measurements, or on the population loss if m is None.

    The truth has the setting's spectrum unless another one is given; `options` go to `solve`.
    """
    s = setting.sizes
    truth = psd(s.n, spectrum or s.spectrum, setting.seeds, device=setting.device)
    operator = (
        Identity(s.n, device=setting.device)
        if m is None
        else gaussian_symmetric(s.n, m, setting.seeds, device=setting.device)
    )
    steps = steps or s.steps
    return solve(
        observe(truth, operator),
        GradientDescent(s.eta),
        start,
        steps,
        **{"record": log_spaced(steps, 40)} | options,
    )


def asymmetric_run(
    setting: Setting,
    start: Factors,
    m: int | None = None,
    method: Method | None = None,
    steps: int | None = None,
    **options: Any,
) -> Trajectory:
    """Asymmetric gradient descent, or another method, on an n1 × n2 truth; `options` go to `solve`."""
    s, device = setting.sizes, setting.device
    truth = rectangular(s.n1, s.n2, s.spectrum, setting.seeds, device=device)
    operator = (
        Identity(s.n1, s.n2, device) if m is None else gaussian(s.n1, s.n2, m, setting.seeds, device=device)
    )
    steps = steps or s.steps
    return solve(
        observe(truth, operator),
        method or GradientDescent(s.eta),
        start,
        steps,
        **{"record": log_spaced(steps, 40)} | options,
    )


def scaled_start(setting: Setting, k: int, alpha: float, ratio: float = 1 / 3) -> Factors:
    """The imbalanced start of the paper, F₀ = αF̃ and G₀ = ραG̃, with k columns."""
    s = setting.sizes
    return imbalanced_start(s.n1, s.n2, k, alpha, ratio, setting.seeds, setting.device)


def generic_start(setting: Setting, k: int, alpha: float | None = None) -> Factors:
    """The Gaussian start at the setting's scale (or at another one) with k columns.

    For k > n it is the n × n factor of the same X₀X₀ᵀ: a rotation of the columns changes no iterate.
    """
    s, alpha = setting.sizes, alpha or setting.sizes.alpha
    if k > s.n:
        wide = imbalanced_start(s.n, k, k, alpha, 1, setting.seeds, setting.device).left
        return Factors(torch.linalg.qr(wide.mT).R.mT.contiguous())
    return gaussian_start(s.n, k, alpha, setting.seeds, setting.device)


def resized(setting: Setting, **sizes: Any) -> Setting:
    """The setting with other sizes, for a control that drops a hypothesis about them."""
    return replace(setting, sizes=SimpleNamespace(**{**vars(setting.sizes), **sizes}))


def assume_small_steps(setting: Setting, *starts: Factors, name: str = SMALL_STEPS) -> None:
    """Refuse steps beyond `SMALL_STEPS`, under which ‖X‖² never grows above max(σ₁, ‖X₀‖²).

    Args:
        name: of the hypothesis, where the statement has another letter for the start.
    """
    s = setting.sizes
    norms = [float(operator_norm(start.left).max()) ** 2 for start in starts]
    setting.assume(s.eta * max(s.spectrum[0], *norms) <= 0.5, name)


def late_fit(run: Trajectory, first: float | torch.Tensor) -> rates.Comparison:
    """Power law against exponential from an iteration on, clear of the rounding floor."""
    window = rates.late_window(run.steps, run.error, first, floor=FLOOR)
    return rates.compare(run.steps, run.error, window)


def descent_fit(run: Trajectory, part: float) -> rates.Comparison:
    """Power law against exponential on the last `part` of each trajectory's descent to the rounding floor."""
    return late_fit(run, (1 - part) * rates.last_clear(run.steps, run.error, FLOOR))


def per_step(eta: float, rate: torch.Tensor) -> torch.Tensor:
    """Change of the logarithm of the squared error in one step that multiplies the error by 1 − η·rate."""
    return 2 * torch.log1p(-eta * rate)
