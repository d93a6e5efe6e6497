"""The guarantees of ScaledGD with their constants, where their hypotheses are met exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from lowrank_core.analysis.contraction import largest_over_bound, largest_step
from lowrank_core.analysis.scaled_distance import scaled_distance
from lowrank_core.claims.experiments.rectangular import beside, hard_operator, truths
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
from lowrank_core.claims.standing import RANK
from lowrank_core.claims.tong2021.instances import near_truth
from lowrank_core.factors import Factors, adjoint_start
from lowrank_core.methods import ScaledGradientDescent
from lowrank_core.problem import Problem, observe
from lowrank_core.sensing import Identity, from_normal
from lowrank_core.solver import Trajectory, solve
from lowrank_core.truth import Truth

PAGE = Page("chapters/zhang2025/preconditioning")

LIMIT = 2 / 3
BOUND = "the bound itself"
DISTANCE = Criterion("largest dist / bound", high=1, width=BOUND)
ERROR = Criterion("largest ‖FGᵀ − M*‖ / bound", high=1, width=BOUND)
ONE_STEP = Criterion("largest dist after a step / bound from dist before", high=1, width=BOUND)
WITHIN_BOUNDS = DISTANCE, ERROR, ONE_STEP
EDGES = (
    edge("r = 1", rank=1),
    edge("n₂ = r", n2=2),
    edge("n₁ = n₂ = r", n1=2, n2=2),
    edge("κ = 1000", kappas=(1000.0,)),
    edge("a small step", etas=(0.01,)),
    refused("0 < η ≤ 2/3", "the published limit", etas=(0.7,)),
)
WHOLE = (RANK,)
"""A full rank is allowed: there is then nothing outside the ranges of the truth."""


def sizes(kappas: each) -> dict[str, dict[str, Any]]:
    """The sizes of a guarantee, with its condition numbers at each scale."""
    return scales(
        n1=each(6, 8, 20),
        n2=each(5, 7, 15),
        rank=each(2, 2, 4),
        etas=each((0.5, LIMIT), (0.1, 0.5, LIMIT), (0.1, 0.3, 0.5, LIMIT)),
        steps=each(30, 60, 200),
        kappas=kappas,
    )


def assume_step(setting: Setting) -> None:
    """Refuse steps outside the theorem's range."""
    setting.assume(all(0 < eta <= LIMIT for eta in setting.sizes.etas), "0 < η ≤ 2/3")


def distances(problem: Problem, factors: Factors) -> torch.Tensor:
    """dist of the iterate, (B,)."""
    return scaled_distance(factors, problem.truth)


def followed(problem: Problem, start: Factors, eta: float, steps: int) -> Trajectory:
    """ScaledGD with dist and error at every step."""
    method, record = ScaledGradientDescent(eta), range(steps + 1)
    return solve(problem, method, start, steps, record=record, observables={"dist": distances}, reduce=False)


def judge(
    add: Callable[..., None], sweep: Sweep, eta: float, rate: float, along: Trajectory, stepped: Trajectory
) -> None:
    """Add the criteria `WITHIN_BOUNDS`, for σ_r = 1, under the step and each condition number of the sweep.

    Args:
        add: `Evidence.found` or `Evidence.broken`.
        along: the run that is held to 0.1·rate^t and 0.15·rate^t.
        stepped: the run whose steps are held to the rate one by one.
    """
    for criterion, values in (
        (DISTANCE, largest_over_bound(along.observed["dist"], along.steps, 0.1, rate)),
        (ERROR, largest_over_bound(along.error.sqrt(), along.steps, 0.15, rate)),
        (ONE_STEP, largest_step(stepped.observed["dist"]) / rate),
    ):
        add(criterion, beside(at(f"η = {eta:.3g}", η=eta), sweep.split(values)))


@PAGE.claim(
    "tong2021.factorisation",
    "Full observation: ScaledGD contracts by 1 − 0.7η, whatever κ",
    *WITHIN_BOUNDS,
    reference="Theorem 13, p. 14, with its constants",
    states="thm-prec-factorisation",
    origin="paper",
    known="read",
    kind="bound-upper",
    control="a step above 2/3: η = 0.9",
    sizes=sizes(kappas=each((1.0, 100.0), (1.0, 10.0, 100.0, 1000.0), (1.0, 10.0, 100.0, 1000.0))),
    edges=EDGES,
    waives=WHOLE,
    uses=("tong2021.local-rate",),
)
def factorisation(setting: Setting) -> Evidence:
    s = setting.sizes
    assume_step(setting)
    sweep = Sweep(setting, κ=s.kappas)
    truth = truths(sweep, s.n1, s.n2, s.rank)
    problem = observe(truth, Identity(s.n1, s.n2, device=setting.device))
    start, evidence = near_truth(truth, 0.1), Evidence()
    for eta in (*s.etas, 0.9):
        add = evidence.found if eta <= LIMIT else evidence.broken
        run = followed(problem, start, eta, s.steps)
        judge(add, sweep, eta, 1 - 0.7 * eta, run, run)
    return evidence


def isometry_bound(truth: Truth, factor: float) -> torch.Tensor:
    """δ = factor/(√r κ) for each trajectory, (B,)."""
    return factor / (truth.rank**0.5 * truth.condition_number)


@PAGE.claim(
    "tong2021.spectral-start",
    "The spectral start is within 5δ√r κσ_r of the truth",
    DISTANCE,
    reference="Lemma 15, p. 14, with its constant",
    states="lem-prec-spectral",
    origin="paper",
    known="read",
    kind="bound-upper",
    control="the isometry fails on one matrix of rank one, which is not observed at all",
    sizes=scales(
        n1=each(8, 10, 30),
        n2=each(7, 9, 20),
        rank=each(2, 2, 4),
        kappas=each((1.0, 5.0), (1.0, 5.0, 20.0), (1.0, 5.0, 20.0, 100.0)),
        factors=each((0.02,), (0.02, 0.1), (0.002, 0.02, 0.1)),
    ),
    edges=(
        edge("r = 1", rank=1),
        edge("r = 1 and δ near 1", rank=1, kappas=(1.0,), factors=(0.9,)),
        edge("n₂ = r", n2=2),
        edge("n₁ = n₂ = r", n1=2, n2=2),
        edge("κ = 1000", kappas=(1000.0,)),
        refused("δ < 1", "no isometry", kappas=(1.0,), factors=(2.0,)),
    ),
    waives=WHOLE,
)
def spectral_start_distance(setting: Setting) -> Evidence:
    s = setting.sizes
    sweep = Sweep(setting, κ=s.kappas)
    truth = truths(sweep, s.n1, s.n2, s.rank)
    # In the control the leading singular pair of the truth lies in the kernel.
    pair = (truth.left[:, :, :1] @ truth.right[:, :, :1].mT).flatten(1)
    unseen = (
        torch.eye(pair.shape[1], dtype=pair.dtype, device=pair.device) - pair[:, :, None] * pair[:, None, :]
    )
    evidence = Evidence()
    for factor in s.factors:
        delta = isometry_bound(truth, factor)
        setting.assume(bool((delta < 1).all()), "δ < 1", factor)
        operator = hard_operator(truth, delta)
        normal = unseen @ operator.entries.mT @ operator.entries @ unseen
        for add, used in (
            (evidence.found, operator),
            (evidence.broken, from_normal(normal, truth.shape, symmetric=False)),
        ):
            found = sweep.split(over_start_bound(observe(truth, used), delta))
            add(DISTANCE, beside(at(**{"δ√r κ": factor}), found))
    return evidence


def over_start_bound(problem: Problem, delta: torch.Tensor) -> torch.Tensor:
    """dist of the spectral start over 5δ√r κσ_r, for σ_r = 1, (B,)."""
    truth = problem.truth
    start = adjoint_start(problem.operator, problem.observations, truth.rank)
    return scaled_distance(start, truth) / (5 * delta * truth.rank**0.5 * truth.condition_number)


@PAGE.claim(
    "tong2021.sensing",
    "Sensing with a certified isometry: ScaledGD contracts by 1 − 0.6η",
    *WITHIN_BOUNDS,
    reference="Theorem 3, p. 8, and the step of Lemma 14, p. 14, with their constants",
    states="thm-prec-sensing",
    origin="paper",
    known="read",
    kind="bound-upper",
    control="a step above 2/3: η = 0.95",
    sizes=sizes(kappas=each((1.0, 20.0), (1.0, 5.0, 20.0), (1.0, 5.0, 20.0, 100.0))),
    edges=EDGES,
    waives=WHOLE,
    uses=("tong2021.spectral-start", "tong2021.factorisation"),
)
def sensing_guarantee(setting: Setting) -> Evidence:
    s = setting.sizes
    assume_step(setting)
    sweep = Sweep(setting, κ=s.kappas)
    truth = truths(sweep, s.n1, s.n2, s.rank)
    strict = observe(truth, hard_operator(truth, isometry_bound(truth, 0.02)))
    loose = observe(truth, hard_operator(truth, torch.full_like(truth.spectrum[:, 0], 0.02)))
    spectral = adjoint_start(strict.operator, strict.observations, s.rank)
    perturbed, evidence = near_truth(truth, 0.1), Evidence()
    for eta in (*s.etas, 0.95):
        add = evidence.found if eta <= LIMIT else evidence.broken
        along, stepped = followed(strict, spectral, eta, s.steps), followed(loose, perturbed, eta, s.steps)
        judge(add, sweep, eta, 1 - 0.6 * eta, along, stepped)
    return evidence
