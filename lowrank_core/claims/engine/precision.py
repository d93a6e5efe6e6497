"""Low precision in storage, in the residual and in its change: which of them reaches the result."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

import torch

from lowrank_core.claims.claim import Criterion, Evidence, Setting
from lowrank_core.claims.engine.runs import (
    CHAPTER,
    GOAL,
    SEEDS,
    SPECTRUM,
    all_low,
    arrivals,
    recovery,
    relative,
    start_of,
)
from lowrank_core.claims.grammar import each, scales
from lowrank_core.claims.registry import claim
from lowrank_core.factors import Factors, gaussian_start
from lowrank_core.methods import GradientDescent, MixedGradientDescent, mixed
from lowrank_core.noise import Gaussian
from lowrank_core.problem import Problem, observe
from lowrank_core.sensing import Dense, gaussian_symmetric
from lowrank_core.solve import recovery_errors, solve
from lowrank_core.truth import psd

STORED = ("float64", "float32", "bfloat16")
LOW = {"float32": torch.float32, "bfloat16": torch.bfloat16}
FLOOR = "relative error at the end"
RECOVERY_SIZES = scales(n=each(12, 24, 48), m=each(120, 240, 480), eta=0.25, steps=400)


def error_of(problem: Problem, factors: Factors) -> torch.Tensor:
    """‖XXᵀ − M*‖_F / ‖M*‖_F, (B,)."""
    return recovery_errors(problem, factors)[0].sqrt() / problem.truth.spectrum.norm(dim=1)


@claim(
    id="engine.storage-keeps-the-floor",
    title="Matrices stored in float32 or bfloat16 define another problem, which is solved as exactly",
    reference="derived here",
    statement=r"""With entries rounded to float32 or bfloat16, observations made from the rounded entries and all
arithmetic in float64, gradient descent ends at the same rounding error as with float64 entries and takes as many
iterations, within 5 %.""",
    origin="ours",
    kind="bound-upper",
    criteria=(
        Criterion(FLOOR, high=1e-14),
        Criterion("iterations to 1e-10 / those with float64 entries", 0.95, 1.05),
    ),
    control="all arithmetic in float32",
    breaks=(FLOOR, "iterations to 1e-10 / those with float64 entries"),
    seeds=SEEDS,
    sizes=RECOVERY_SIZES,
    chapter=CHAPTER,
)
def storage_keeps_the_floor(setting: Setting) -> Evidence:
    s, record = setting.sizes, range(setting.sizes.steps + 1)
    problems = {storage: recovery(setting, s.m, storage=storage) for storage in STORED}
    errors = {}
    for storage, problem in problems.items():
        run = solve(problem, GradientDescent(s.eta), start_of(setting), s.steps, record=record)
        errors[storage] = relative(run, problem)
    seeds, device = setting.seeds, setting.device
    single = observe(
        psd(s.n, list(SPECTRUM), seeds, "random", device=device, dtype="float32"),
        gaussian_symmetric(s.n, s.m, seeds, device=device, dtype="float32"),
    )
    start = gaussian_start(s.n, len(SPECTRUM), 0.3, seeds, device, "float32")
    errors["arithmetic in float32"] = relative(
        solve(single, GradientDescent(s.eta), start, s.steps, record=record), single
    ).double()
    ratio = "iterations to 1e-10 / those with float64 entries"
    ends = {name: error[:, -1] for name, error in errors.items()}
    times = {name: arrivals(error) / arrivals(errors["float64"]) for name, error in errors.items()}
    control = "arithmetic in float32"
    return Evidence(
        measured={
            FLOOR: {name: ends[name] for name in STORED},
            ratio: {name: times[name] for name in STORED[1:]},
        },
        control={FLOOR: {control: ends[control]}, ratio: {control: times[control]}},
        predicted={ratio: 1.0},
        curves={"errors": errors},
    )


@claim(
    id="engine.foreign-observations",
    title="Observations made with other entries than the stored ones are noise of the size of the rounding",
    reference="derived here; the linear model of least squares near the truth",
    statement=r"""If $y$ is made with the entries before they were rounded, the mismatch acts as noise of standard
deviation $\rho\|M^\star\|_F$, $\rho$ the root mean square of the rounding errors, and gradient descent ends at the
relative error $\rho\sqrt{d/(m-d)}$ of least squares with $d=nr-r(r-1)/2$ unknowns.""",
    origin="ours",
    kind="tight",
    criteria=(Criterion(FLOOR, 0.5, 1.8, of_prediction=True),),
    control="observations made with the stored entries",
    breaks=(FLOOR,),
    seeds=SEEDS,
    sizes=RECOVERY_SIZES | {"smoke": RECOVERY_SIZES["book"]},
    chapter=CHAPTER,
    uses=("engine.storage-keeps-the-floor",),
)
def foreign_observations(setting: Setting) -> Evidence:
    s, r = setting.sizes, len(SPECTRUM)
    exact = recovery(setting, s.m)
    assert isinstance(exact.operator, Dense)
    unknowns = s.n * r - r * (r - 1) // 2
    measured: dict[str, torch.Tensor] = {}
    control: dict[str, torch.Tensor] = {}
    predicted = {}
    for storage in STORED[1:]:
        own = recovery(setting, s.m, storage=storage)
        assert isinstance(own.operator, Dense)
        foreign = Problem(own.truth, own.operator, exact.observations, "l2")
        rounding = (own.operator.entries.double() - exact.operator.entries).square().mean().sqrt()
        predicted[storage] = float(rounding) * math.sqrt(unknowns / (s.m - unknowns))
        predicted[f"{storage}, own"] = predicted[storage]
        for series, name, problem in ((measured, storage, foreign), (control, f"{storage}, own", own)):
            run = solve(problem, GradientDescent(s.eta), start_of(setting), s.steps, record=[s.steps])
            series[name] = relative(run, problem)[:, -1]
    return Evidence(measured={FLOOR: measured}, control={FLOOR: control}, predicted={FLOOR: predicted})


LATER = "relative error 2 % after float64 reached 1e-10"


def never_anew() -> AbstractContextManager[Any]:
    """Mixed precision whose residual follows its change for ever."""
    return mock.patch.multiple(mixed, LARGEST_AGE=2**62, LARGEST_ROUNDING=math.inf)


@claim(
    id="engine.residual-by-its-change",
    title="A residual that follows its change in low precision, and is renewed now and then, loses nothing",
    reference="derived here",
    statement=r"""With products in float32 or bfloat16, a float64 residual that is moved by the rounded image of the
change of $XX^\top$ and computed anew before the roundings add up to a hundredth of it, gradient descent ends at the
rounding error of float64 and reaches $10^{-10}$ within 2 % of the iterations that float64 takes.""",
    origin="ours",
    kind="bound-upper",
    criteria=(Criterion(FLOOR, high=1e-14), Criterion(LATER, high=GOAL)),
    control="the residual is never computed anew; the residual itself is computed in low precision",
    breaks=(FLOOR,),
    seeds=SEEDS,
    sizes=RECOVERY_SIZES,
    chapter=CHAPTER,
)
def residual_by_its_change(setting: Setting) -> Evidence:
    s, problem, start = setting.sizes, recovery(setting, setting.sizes.m), start_of(setting)
    exact = solve(problem, GradientDescent(s.eta), start, s.steps, record=range(s.steps + 1))
    due = (1.02 * arrivals(relative(exact, problem))).ceil().long().clamp(max=s.steps)
    ends, later, lost = {}, {}, {}
    for name, dtype in LOW.items():
        method = MixedGradientDescent(s.eta, name)
        # A record is a new residual; those at the end and at the times that are judged are the only ones.
        run = solve(problem, method, start, s.steps, record=due)
        error = relative(run, problem)
        ends[name] = error[:, -1]
        later[name] = (error * (run.steps == due[:, None])).sum(dim=1)
        with never_anew():
            left = solve(problem, method, start, s.steps, record=[s.steps]).factors
        lost[f"{name}, never renewed"] = error_of(problem, left)
        lost[f"{name} residual"] = error_of(problem, all_low(problem, start, s.eta, s.steps, dtype))
    return Evidence(
        measured={FLOOR: ends, LATER: later},
        control={FLOOR: lost},
        curves={"exact": relative(exact, problem)},
    )


SHIFTS = {name: f"change of the error by {name} products" for name in LOW}


@claim(
    id="engine.price-of-mixed-precision",
    title="Where convergence is slow, sublinear or noisy, mixed precision moves errors by a small part",
    reference="derived here",
    statement=r"""Where convergence is sublinear ($k>r$), slow ($\kappa=30$), or stopped by noise, errors at a given
iteration differ from those of float64 by less than $10^{-5}$ of themselves with float32 products, and without noise
by less than 5 % with bfloat16 ones.""",
    origin="ours",
    kind="bound-upper",
    criteria=(Criterion(SHIFTS["float32"], high=1e-5), Criterion(SHIFTS["bfloat16"], high=0.05)),
    control="the residual itself is computed in low precision",
    breaks=tuple(SHIFTS.values()),
    seeds=SEEDS,
    sizes=scales(n=each(12, 20, 40), m=each(240, 300, 1_200), steps=2_400),
    chapter=CHAPTER,
    uses=("engine.residual-by-its-change",),
)
def price_of_mixed_precision(setting: Setting) -> Evidence:
    s = setting.sizes
    cases = {
        "k = 2r": (SPECTRUM, None, 4, 0.5),
        "k = 2r, small start": (SPECTRUM, None, 4, 1e-3),
        "κ = 30": ((1.0, 1 / 30), None, 2, 0.3),
        "noise": (SPECTRUM, Gaussian(0.1), 2, 0.3),
    }
    record, eta = [s.steps // 30, s.steps // 10, s.steps // 3, s.steps], 0.3
    moved: dict[str, dict[str, torch.Tensor]] = {name: {} for name in LOW}
    control: dict[str, dict[str, torch.Tensor]] = {name: {} for name in LOW}
    for case, (spectrum, noise, k, scale) in cases.items():
        problem, start = recovery(setting, s.m, spectrum, noise=noise), start_of(setting, k, scale)
        exact = relative(solve(problem, GradientDescent(eta), start, s.steps, record=record), problem)[:, 1:]
        for name, dtype in LOW.items():
            if noise is not None and name == "bfloat16":
                continue
            low = solve(problem, MixedGradientDescent(eta, name), start, s.steps, record=record)
            moved[name][case] = ((relative(low, problem)[:, 1:] - exact).abs() / exact).amax(dim=1)
            if case == "κ = 30":
                end = error_of(problem, all_low(problem, start, eta, s.steps, dtype)).cpu()
                control[name][case] = (end - exact[:, -1]).abs() / exact[:, -1]
    return Evidence(
        measured={SHIFTS[name]: series for name, series in moved.items()},
        control={SHIFTS[name]: series for name, series in control.items()},
    )
