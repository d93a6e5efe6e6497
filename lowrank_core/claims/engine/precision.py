"""Low precision in storage, in the residual and in its change: which of them reaches the result."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

import torch

from lowrank_core.analysis.statistics import pooled
from lowrank_core.claims.engine import reference
from lowrank_core.claims.engine.reference import SPECTRUM, recovery, relative
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.factors import Factors, adjoint_start
from lowrank_core.methods import GradientDescent, MixedGradientDescent, mixed
from lowrank_core.noise import Gaussian
from lowrank_core.problem import Problem, observe
from lowrank_core.sensing import Dense, gaussian_symmetric
from lowrank_core.solver import recovery_errors, solve
from lowrank_core.truth import psd

PAGE = Page("chapters/engine/how-fast")

STORED = ("float64", "float32", "bfloat16")
LOW = {"float32": torch.float32, "bfloat16": torch.bfloat16}
FLOOR = Criterion("relative error at the end", high=1e-14, width="rounding")

RECOVERY_SIZES = scales(n=each(12, 24, 48), m=each(120, 240, 480), eta=0.25, steps=400)


def spectral(problem: Problem) -> Factors:
    """The spectral start with r columns, from which the path passes no saddle."""
    return adjoint_start(problem.operator, problem.observations, len(SPECTRUM), symmetric=True)


def error_of(problem: Problem, factors: Factors) -> torch.Tensor:
    """‖XXᵀ − M*‖_F / ‖M*‖_F, (B,)."""
    return recovery_errors(problem, factors)[0].sqrt() / problem.truth.spectrum.norm(dim=1)


TIME = Criterion(
    "iterations to 1e-10 / those with float64 entries", 0.95, 1.05, width="the 5 % of the statement"
)


@PAGE.claim(
    "engine.storage-keeps-the-floor",
    "Matrices stored in float32 or bfloat16 define another problem, which is solved as exactly",
    FLOOR,
    TIME,
    reference="derived here",
    states="prop-fast-storage",
    origin="ours",
    kind="bound-upper",
    control="all arithmetic in float32",
    sizes=RECOVERY_SIZES,
    edges=(edge("n = r + 1", n=3, m=30), edge("many measurements", m=300), edge("a larger step", eta=0.35)),
)
def storage_keeps_the_floor(setting: Setting) -> Evidence:
    s, record = setting.sizes, range(setting.sizes.steps + 1)
    problems = {storage: recovery(setting, s.m, storage=storage) for storage in STORED}
    errors = {}
    for storage, problem in problems.items():
        run = solve(problem, GradientDescent(s.eta), spectral(problem), s.steps, record=record)
        errors[storage] = relative(run, problem)
    seeds, device = setting.seeds, setting.device
    single = observe(
        psd(s.n, list(SPECTRUM), seeds, "random", device=device, dtype="float32"),
        gaussian_symmetric(s.n, s.m, seeds, device=device, dtype="float32"),
    )
    start = spectral(single)
    control = "arithmetic in float32"
    errors[control] = relative(
        solve(single, GradientDescent(s.eta), start, s.steps, record=record), single
    ).double()
    evidence = Evidence(predicted={TIME: 1.0}, curves={"errors": errors})
    own = reference.arrivals(errors["float64"])
    for name, error in errors.items():
        add = evidence.broken if name == control else evidence.found
        add(FLOOR, error[:, -1], name)
        if name != "float64":
            add(TIME, reference.arrivals(error) / own, name)
    return evidence


ACCORDING = Criterion(
    "relative error at the end / ρ√(d/(m − d − 1))",
    0.84,
    1.17,
    pooled="root mean square over the seeds",
    width="one draw varies by 1/√(2d), 10 %",
)


@PAGE.claim(
    "engine.foreign-observations",
    "Observations made with other entries than the stored ones are noise of the size of the rounding",
    ACCORDING,
    reference="derived here; the linear model of least squares near the truth",
    states="prop-fast-foreign",
    origin="ours",
    kind="tight",
    control="observations made with the stored entries",
    seeds={"smoke": 10, "book": 16},
    sizes=RECOVERY_SIZES | {"smoke": RECOVERY_SIZES["book"]},
    edges=(
        edge("m = 2d", m=94, steps=2_000),
        edge("m = 10 d", m=470),
        refused("m > d + 1", "least squares has no finite error", m=47),
    ),
    uses=("engine.storage-keeps-the-floor",),
)
def foreign_observations(setting: Setting) -> Evidence:
    s, r = setting.sizes, len(SPECTRUM)
    unknowns = s.n * r - r * (r - 1) // 2
    setting.assume(s.m > unknowns + 1, "m > d + 1")
    exact = recovery(setting, s.m)
    assert isinstance(exact.operator, Dense)
    evidence = Evidence(predicted={ACCORDING: 1.0})
    for storage in STORED[1:]:
        own = recovery(setting, s.m, storage=storage)
        assert isinstance(own.operator, Dense)
        foreign = Problem(own.truth, own.operator, exact.observations, "l2")
        rounding = (own.operator.entries.double() - exact.operator.entries).square().mean().sqrt()
        law = float(rounding) * math.sqrt(unknowns / (s.m - unknowns - 1))
        for add, name, problem in (
            (evidence.found, storage, foreign),
            (evidence.broken, f"{storage}, own", own),
        ):
            run = solve(problem, GradientDescent(s.eta), spectral(problem), s.steps, record=[s.steps])
            add(
                ACCORDING,
                pooled(lambda v: v.square().mean().sqrt(), relative(run, problem)[:, -1] / law),
                name,
            )
    return evidence


def never_anew() -> AbstractContextManager[Any]:
    """Mixed precision whose residual follows its change for ever."""
    return mock.patch.multiple(mixed, LARGEST_AGE=2**62, LARGEST_ROUNDING=math.inf)


LATER = Criterion(
    "relative error 2 % after float64 reached 1e-10", high=reference.GOAL, width="the accuracy asked for"
)


@PAGE.claim(
    "engine.residual-by-its-change",
    "A residual that follows its change in low precision, and is renewed now and then, loses nothing",
    FLOOR,
    LATER,
    reference="derived here",
    states="prop-fast-delta",
    origin="ours",
    kind="bound-upper",
    control="the residual is never computed anew; the residual itself is computed in low precision",
    sizes=RECOVERY_SIZES,
    edges=(
        edge("n = r + 1", n=3, m=30),
        edge("m = 140", m=140, steps=700),
        edge("many measurements", m=300),
    ),
)
def residual_by_its_change(setting: Setting) -> Evidence:
    s, problem = setting.sizes, recovery(setting, setting.sizes.m)
    start = spectral(problem)
    exact = solve(problem, GradientDescent(s.eta), start, s.steps, record=range(s.steps + 1))
    due = (1.02 * reference.arrivals(relative(exact, problem))).ceil().long().clamp(max=s.steps)
    evidence = Evidence(curves={"exact": relative(exact, problem)})
    for name, dtype in LOW.items():
        method = MixedGradientDescent(s.eta, name)
        # A record is a new residual; those at the end and at the times that are judged are the only ones.
        run = solve(problem, method, start, s.steps, record=due)
        error = relative(run, problem)
        evidence.found(FLOOR, error[:, -1], name)
        evidence.found(LATER, (error * (run.steps == due[:, None])).sum(dim=1), name)
        with never_anew():
            left = solve(problem, method, start, s.steps, record=[s.steps]).factors
        lost = {
            f"{name}, never renewed": left,
            f"{name} residual": reference.all_low(problem, start, s.eta, s.steps, dtype),
        }
        for mistake, factors in lost.items():
            # These end above the accuracy, so that they have not met it earlier either.
            for criterion in (FLOOR, LATER):
                evidence.broken(criterion, error_of(problem, factors), mistake)
    return evidence


SHIFTS = {
    "float32": Criterion(
        "change of the error by float32 products",
        high=1e-4,
        width="a heavy tail; 30 pilot seeds: median 1e-7, largest 5e-6",
    ),
    "bfloat16": Criterion(
        "change of the error by bfloat16 products",
        high=0.5,
        width="a heavy tail; 30 pilot seeds: median 0.003, largest 0.042",
    ),
}


@PAGE.claim(
    "engine.price-of-mixed-precision",
    "Where convergence is slow, sublinear or noisy, mixed precision moves errors by a small part",
    *SHIFTS.values(),
    reference="derived here",
    states="prop-fast-price",
    origin="ours",
    kind="ordering",
    control="the residual itself is computed in low precision",
    sizes=scales(n=each(12, 20, 40), m=each(240, 300, 1_200), steps=2_400),
    uses=("engine.residual-by-its-change",),
)
def price_of_mixed_precision(setting: Setting) -> Evidence:
    s, slow = setting.sizes, at(κ=30)
    evidence = Evidence()
    cases = {
        "k = 2r": (SPECTRUM, None, 4, 0.5),
        "k = 2r, small start": (SPECTRUM, None, 4, 1e-3),
        slow: ((1.0, 1 / 30), None, 2, 0.3),
        "noise": (SPECTRUM, Gaussian(0.1), 2, 0.3),
    }
    record, eta = [s.steps // 30, s.steps // 10, s.steps // 3, s.steps], 0.3
    for case, (spectrum, noise, k, scale) in cases.items():
        problem, start = recovery(setting, s.m, spectrum, noise=noise), reference.start_of(setting, k, scale)
        exact = relative(solve(problem, GradientDescent(eta), start, s.steps, record=record), problem)[:, 1:]
        for name, dtype in LOW.items():
            if noise is not None and name == "bfloat16":
                continue
            low = solve(problem, MixedGradientDescent(eta, name), start, s.steps, record=record)
            moved = ((relative(low, problem)[:, 1:] - exact).abs() / exact).amax(dim=1)
            evidence.found(SHIFTS[name], moved, case)
            if case == slow:
                end = error_of(problem, reference.all_low(problem, start, eta, s.steps, dtype)).cpu()
                evidence.broken(SHIFTS[name], (end - exact[:, -1]).abs() / exact[:, -1], case)
    return evidence
