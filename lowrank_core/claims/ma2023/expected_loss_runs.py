"""What the sub-gradient method does on its expected loss.

On the expected loss √(2/π)‖XXᵀ − M*‖_F, the paper's step makes the sub-gradient method the same as gradient descent
X ← X − η(XXᵀ − M*)X with constant η, so these runs are gradient descent on the population loss.
"""

from __future__ import annotations

import math

import torch

from lowrank_core import artefacts
from lowrank_core.analysis import phases, rates
from lowrank_core.analysis.crossings import falls_below
from lowrank_core.analysis.learning_times import per_decade
from lowrank_core.claims.grammar import (
    Criterion,
    Evidence,
    Page,
    Setting,
    Sweep,
    at,
    each,
    edge,
    refused,
    scales,
)
from lowrank_core.claims.ma2023 import subgradient
from lowrank_core.factors import Factors, gaussian_start, pad_columns
from lowrank_core.linalg import operator_norm
from lowrank_core.methods import GradientDescent
from lowrank_core.problem import Problem, observe
from lowrank_core.sensing import Identity
from lowrank_core.solver import Trajectory, log_spaced, solve
from lowrank_core.truth import psd

PAGE = Page("chapters/ma2023/noiseless")

PHI2 = 2 / math.pi
"""φ² for clean Gaussian measurements."""


def every(steps: int, stride: int) -> range:
    return range(0, steps + 1, stride)


def population(setting: Setting, spectrum: tuple[float, ...], n: int | None = None) -> Problem:
    """The expected loss, in the form on which gradient descent has its trajectories."""
    n = n or setting.sizes.n
    truth = psd(n, spectrum, setting.seeds, device=setting.device)
    return observe(truth, Identity(n, device=setting.device), "l2")


def first_columns(factors: Factors, k: torch.Tensor) -> Factors:
    """A symmetric factor with all but its first k columns set to zero; k is (B, 1, 1)."""
    left = factors.left
    return Factors(torch.where(torch.arange(left.shape[-1], device=left.device) < k, left, 0.0))


def theorem_start(problem: Problem, k: int, alphas: torch.Tensor) -> Factors:
    """α(√2 VΣ^{1/2} + Z), ‖Z‖ = 0.1, which satisfies ‖X₀X₀ᵀ − 2α²M*‖ ≤ α²σ_r as long as σ₁ ≤ 12σ_r = 12."""
    truth = problem.truth
    z = gaussian_start(truth.shape[0], k, 1.0, truth.seeds, problem.operator.device).left
    z = z / operator_norm(z)[:, None, None]
    signal = pad_columns(truth.left * (2 * truth.spectrum).sqrt()[:, None, :], k)
    return Factors(alphas.to(z)[:, None, None] * (signal + 0.1 * z))


def decade_times(setting: Setting, load: float, n: int, k: int) -> torch.Tensor:
    """Measured iterations per decade between the last two α, with σ_r = 1 and σ₁ = 1/(2·load), (S,)."""
    s = setting.sizes
    # With σ_r = 1 there is room for half a unit of residual beside the last signal direction, where it counts.
    spectrum = tuple(torch.linspace(1.0, 0.5 / load, len(s.spectrum)).flip(0).tolist())
    sweep = Sweep(setting, α=s.alphas[-2:])
    alphas, problem = sweep.column(ndim=1), population(sweep.setting, spectrum, n)
    steps = math.ceil(1.3 * per_decade(load) * -math.log10(s.alphas[-1]))
    start = theorem_start(problem, k, alphas).left.clone()
    start[:, len(spectrum) :, len(spectrum) - 1] += (
        0.5 * alphas[:, None] / math.sqrt(max(n - len(spectrum), 1))
    )
    run = solve(problem, GradientDescent(load), Factors(start), steps, record=every(steps, 1))
    late, later = sweep.split(falls_below(run.steps, run.error.sqrt(), alphas.square())).values()
    return (later - late) / math.log10(s.alphas[-2] / s.alphas[-1])


EXPONENT = Criterion(
    "exponent of the final error in α",
    1.98,
    2.02,
    width="the cross block left at the end, by up to 0.006 on 16 pilot seeds",
)
DECADE = Criterion(
    "iterations per decade of 1/α",
    0.995,
    1.005,
    of_prediction=True,
    width="finite α: 2e-4 off at ησ_r = 0.25, less beyond",
)
TAIL = Criterion(
    "growth of 1/‖EEᵀ‖ an iteration over the last half of the tail / 2η",
    0.995,
    1.005,
    width="terms of order η‖EEᵀ‖: 5e-4 off at smoke scale",
)


@PAGE.claim(
    "ma2023.expected-loss-recovery",
    "On the expected loss the final error is of order α², after a time of order log(1/α)",
    EXPONENT,
    DECADE,
    TAIL,
    reference="Theorem 18 (JMLR p. 18), an upper bound; the iterations of a decade and the tail are derived here",
    states="nl-expected",
    origin="sharpened",
    known="read",
    kind="tight",
    control="no residual outside the row space of the signal, k = r; for the decade no residual at all, n = r",
    sizes=scales(
        n=each(10, 20, 20),
        k=each(10, 20, 20),
        spectrum=each((4.0, 1.0), (10.0, 5.0, 1.0), (10.0, 5.0, 1.0)),
        alphas=each((1e-4, 1e-6), (1e-2, 1e-4, 1e-6), (1e-2, 1e-4, 1e-6)),
        eta=each(0.1, 0.05, 0.05),
        loads=each((0.3, 0.5), (0.25, 0.3, 0.4, 0.5), (0.25, 0.3, 0.4, 0.5)),
        steps=each(400, 900, 900),
        tail=each(1_000, 5_000, 20_000),
    ),
    edges=(
        edge("r = 1, n = 2", spectrum=(1.0,), n=2, k=2, alphas=(1e-3, 1e-4), loads=(0.4, 0.5)),
        edge("k = r + 1 = n", n=3, k=3, alphas=(1e-3, 1e-4), loads=(0.4, 0.5)),
        edge("equal eigenvalues and the largest step", spectrum=(1.0, 1.0), eta=0.5),
        edge("κ = 10", spectrum=(10.0, 1.0), eta=0.05, steps=600, alphas=(1e-3, 1e-4), loads=(0.4,)),
        edge("larger α", alphas=(1e-2, 1e-3), loads=(0.4, 0.5)),
        refused("r < min(n₁, n₂)", "there is no residual", n=2, k=2),
        refused("k > r", "nothing is left outside the row space of the signal", k=2),
        refused("ησ₁ ≤ ½", "the signal no longer grows monotonically", eta=0.15),
        refused("‖X₀X₀ᵀ − 2α²M*‖ ≤ α²σ_r", "the start points elsewhere", spectrum=(1e4, 1.0), eta=4e-5),
    ),
    uses=("ma2023.one-step-inequalities",),
)
def expected_loss_recovery(setting: Setting) -> Evidence:
    s, r = setting.sizes, len(setting.sizes.spectrum)
    setting.assume(s.k > r, "k > r", s.k)
    setting.assume(s.eta * s.spectrum[0] <= 0.5 and max(s.loads) <= 0.5, "ησ₁ ≤ ½", s.eta * s.spectrum[0])
    sweep = Sweep(setting, α=s.alphas)
    alphas, problem = sweep.column(ndim=1), population(sweep.setting, s.spectrum)
    start = theorem_start(problem, s.k, alphas)
    aim = 2 * alphas.square()[:, None, None] * problem.truth.matrix
    away = operator_norm(start.product() - aim) / alphas.square()
    setting.assume(bool((away <= s.spectrum[-1]).all()), "‖X₀X₀ᵀ − 2α²M*‖ ≤ α²σ_r", float(away.max()))

    run = solve(problem, GradientDescent(s.eta), start, s.steps, record=every(s.steps, 5))
    error = run.error.sqrt()
    exact = solve(
        problem, GradientDescent(s.eta), theorem_start(problem, r, alphas), s.steps, record=(s.steps,)
    )
    nothing = subgradient.final(exact).clamp(min=1e-18)

    def exponent(found: torch.Tensor) -> torch.Tensor:
        return rates.scaling_exponent(s.alphas, subgradient.split(found, len(s.alphas)))

    single = population(setting, s.spectrum)
    ones = torch.ones(len(setting.seeds))

    def tail(k: int) -> Trajectory:
        return solve(single, GradientDescent(s.eta), theorem_start(single, k, ones), s.tail,
                     record=log_spaced(s.tail, 8), observables={"residual": phases.residual})  # fmt: skip

    def decayed(run: Trajectory) -> torch.Tensor:
        half = int(torch.searchsorted(run.steps, s.tail // 2))
        # Without a tail the residual falls below what a float can invert.
        inverse = 1 / run.observed["residual"].clamp(min=1e-300)
        return (inverse[:, -1] - inverse[:, half]) / (2 * s.eta * (run.steps[-1] - run.steps[half]))

    long = tail(s.k)
    figure = solve(single, GradientDescent(s.eta), theorem_start(single, s.k, s.alphas[-1] * ones), s.steps,
                   record=every(s.steps, 9), observables=phases.OBSERVABLES)  # fmt: skip
    evidence = Evidence(
        notes={
            "predicted iterations per decade at the figure's step": per_decade(s.eta * s.spectrum[-1]),
            "largest final error without residual": float(nothing.max()),
            "largest error/α² at the end": float((error[:, -1] / alphas.square()).max()),
        },
        curves={"run": run, "tail": long, "figure": figure, "stored": bands(figure)},
    )
    evidence.found(EXPONENT, exponent(error[:, -1]), predicted=2.0)
    evidence.broken(EXPONENT, exponent(nothing), "k = r")
    for load in s.loads:
        variant = at(ησ_r=load)
        evidence.found(DECADE, decade_times(setting, load, s.n, s.k), variant, predicted=per_decade(load))
        evidence.broken(DECADE, decade_times(setting, load, r, r), variant)
    evidence.found(TAIL, decayed(long), predicted=1.0)
    evidence.broken(TAIL, decayed(tail(r)), "k = r")
    return evidence


def bands(run: Trajectory) -> dict[str, object]:
    """The curves of the paper's Figures 5 to 7, as they are stored."""
    norms = {name: values for name, values in run.observed.items() if values.ndim == 2}
    kept = {"error": run.error.sqrt(), **norms}
    return {name: artefacts.band(run.steps, values) for name, values in kept.items()}
