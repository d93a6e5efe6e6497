"""Noise: the floors of the ℓ2 methods and how soon they are reached, and gross outliers, where only ℓ1 recovers."""

from __future__ import annotations

import torch

from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, each, scales
from lowrank_core.claims.zhang2025.race.contest import (
    PRECONDITIONED,
    RELATIVE_DAMPING,
    SMALL_START_ETA,
    TRUE_RANK,
    Entrant,
    contest,
    field,
)
from lowrank_core.factors import Factors, gaussian_start
from lowrank_core.methods import ScaledGradientDescent, Subgradient
from lowrank_core.noise import Gaussian, Noise, Outliers
from lowrank_core.problem import Problem
from lowrank_core.solver import Trajectory, solve
from lowrank_core.steps import Geometric, Normalised

PAGE = Page("chapters/zhang2025/which-method")

NOISY_START = 1e-8
"""α of small starts under noise: a tinier one would only delay them."""


def small_start(problem: Problem, search_rank: int) -> Factors:
    """The Gaussian start for noisy data."""
    seeds, device = problem.truth.seeds, problem.operator.device
    return gaussian_start(problem.truth.shape[0], search_rank, NOISY_START, seeds, device)


def noisy_field(problem: Problem, search_rank: int) -> dict[str, Entrant]:
    """The ℓ2 methods, ScaledGD(λ) from a start that suits the noise."""
    damping = RELATIVE_DAMPING * float(problem.truth.spectrum[0, -1])
    entrant = Entrant(ScaledGradientDescent(SMALL_START_ETA, damping), small_start(problem, search_rank))
    return field(problem, search_rank) | {"ScaledGD(λ)": entrant}


def run_out(problem: Problem, entrant: Entrant, cap: int, every: int) -> Trajectory:
    """All iterations up to the cap: under noise nobody can tell when to stop."""
    return solve(problem, entrant.method, entrant.start, cap, record=range(0, cap + 1, every))


def floor(run: Trajectory) -> torch.Tensor:
    """The error at the end, (B,)."""
    return run.error[:, -1].sqrt()


def time_to_floor(run: Trajectory) -> torch.Tensor:
    """The first recorded iteration with at most twice the error at the end, (B,)."""
    below = run.error.sqrt() <= 2 * floor(run)[:, None]
    return run.steps[below.int().argmax(dim=1)].double()


FLOORS = Criterion("k = r: error at the end / PrecGD's", 0.9, 1.1, width="a tenth counts as the same")
LATER = Criterion(
    "k = r: iterations of GD to twice the floor / PrecGD's", low=3.0, width="at least three times"
)
SPECTRAL = Criterion(
    "k = 2r, spectral start: error at the end / known rank", low=1.15, width="at least 15 % more"
)
SMALL = Criterion(
    "k = 2r, small start: error at the end / known rank", 0.9, 1.1, width="a tenth counts as the same"
)


@PAGE.claim(
    "zhang2025.race-noise",
    "Gaussian noise: one floor for all methods if the rank is known; else a small start long stays at it",
    FLOORS,
    LATER,
    SPECTRAL,
    SMALL,
    reference="an ordering measured here",
    states="prop-which-noise",
    origin="ours",
    kind="ordering",
    control="the rank is not known (first), κ = 1 (second), k = r (third), a spectral start (fourth)",
    sizes=scales(
        n=each(14, 20, 40),
        m=each(200, 400, 1_200),
        kappa=10,
        sigma=1e-3,
        cap=each(250, 300, 300),
        descent_cap=1_000,
        every=2,
    ),
    fit="illustrates",
    discrepancy="It is often said that over-parameterisation costs a factor in the error under noise. From a "
    "spectral start it does: {spectral start, 2r / r:.2f} for k = 2r. From a small start it does "
    "not within {iterations:.0f} iterations: {small start, 2r / r:.2f}.",
)
def noise(setting: Setting) -> Evidence:
    s = setting.sizes

    def runs(kappa: float, rank: int, *names: str) -> dict[str, Trajectory]:
        problem = contest(setting, kappa, Gaussian(s.sigma))
        entrants = noisy_field(problem, rank)
        return {
            name: run_out(problem, entrants[name], s.descent_cap if name == "GD" else s.cap, s.every)
            for name in names
        }

    prec = "PrecGD, residual"
    known = runs(s.kappa, TRUE_RANK, "GD", *PRECONDITIONED)
    wide = runs(s.kappa, 2 * TRUE_RANK, *PRECONDITIONED)
    easy = runs(1, TRUE_RANK, "GD", prec)
    best = floor(known[prec])
    spectral = {name: floor(wide[name]) / best for name in PRECONDITIONED[:-1]}
    small = floor(wide["ScaledGD(λ)"]) / best
    evidence = Evidence(
        predicted={FLOORS: 1.0, SMALL: 1.0},
        notes={
            "spectral start, 2r / r": float(spectral[prec].median()),
            "small start, 2r / r": float(small.median()),
            "iterations": float(s.cap),
        },
        curves={
            "known": known,
            "wide": wide,
            "time": {name: time_to_floor(run) for name, run in known.items()},
        },
    )
    evidence.found(FLOORS, {name: floor(run) / best for name, run in known.items() if name != prec})
    evidence.broken(FLOORS, spectral[prec], "k = 2r")
    for add, found, name in ((evidence.found, known, ""), (evidence.broken, easy, "κ = 1")):
        add(LATER, time_to_floor(found["GD"]) / time_to_floor(found[prec]), name)
    evidence.found(SPECTRAL, spectral)
    evidence.broken(SPECTRAL, floor(known["ScaledGD"]) / best, "k = r")
    evidence.found(SMALL, small, "ScaledGD(λ)")
    evidence.broken(SMALL, spectral[prec], "spectral start")
    return evidence


END = Criterion("log₁₀ error at the end", high=-3, width="the statement's own bound")
GAIN = Criterion(
    "smallest error of an ℓ2 method / error of the ℓ1 method", low=100, width="the statement's own bound"
)


@PAGE.claim(
    "zhang2025.race-outliers",
    "Gross outliers: only the sub-gradient method on the ℓ1 loss recovers",
    END,
    GAIN,
    reference="an ordering measured here; the ℓ1 method is Ma & Fattahi (2023), eq. (10)",
    states="prop-which-outliers",
    origin="ours",
    kind="ordering",
    control="an ℓ2 loss (first criterion); Gaussian noise in place of the outliers (second)",
    sizes=scales(
        n=each(12, 20, 40),
        m=each(300, 600, 2_000),
        kappa=each(3, 10, 10),
        p=0.1,
        sigma=0.01,
        cap=each(1_000, 1_200, 1_200),
        l2_cap=each(150, 300, 300),
    ),
    uses=("ma2023.paper-outlier-levels",),
    fit="illustrates",
)
def outliers(setting: Setting) -> Evidence:
    s = setting.sizes
    rank = 2 * TRUE_RANK
    noises: dict[str, Noise] = {"outliers": Outliers(s.p), "Gaussian": Gaussian(s.sigma)}

    def robust(name: str) -> Trajectory:
        problem = contest(setting, s.kappa, noises[name], loss="l1")
        step = Normalised(Geometric(0.5, 0.99))
        return run_out(problem, Entrant(Subgradient(step), small_start(problem, rank)), s.cap, 10)

    def least_squares(name: str) -> dict[str, Trajectory]:
        problem = contest(setting, s.kappa, noises[name])
        return {
            each: run_out(problem, entrant, s.l2_cap, 10)
            for each, entrant in noisy_field(problem, rank).items()
        }

    l1 = {name: robust(name) for name in noises}
    l2 = {name: least_squares(name) for name in noises}
    evidence = Evidence(curves={"l1": l1["outliers"], "l2": l2["outliers"]})
    evidence.found(END, floor(l1["outliers"]).log10(), "ℓ1")
    evidence.broken(END, {name: floor(run).log10() for name, run in l2["outliers"].items()})
    for add, kind, label in (
        (evidence.found, "outliers", ""),
        (evidence.broken, "Gaussian", "Gaussian noise"),
    ):
        least = torch.stack([floor(run) for run in l2[kind].values()]).amin(dim=0)
        add(GAIN, least / floor(l1[kind]), label)
    return evidence
