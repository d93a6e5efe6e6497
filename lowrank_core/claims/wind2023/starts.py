"""What makes a start good: that it is small, and wide enough to be aligned with the truth."""

from __future__ import annotations

import torch

from lowrank_core.analysis.alignment import misalignment
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
from lowrank_core.factors import Factors, imbalanced_start
from lowrank_core.methods import GradientDescent
from lowrank_core.problem import observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import gaussian
from lowrank_core.solver import solve
from lowrank_core.truth import rectangular

PAGE = Page("chapters/wind2023/escape-times")


LARGEST = Criterion("error / σ₁ from the smallest start", high=0.1, width="8 pilot seeds: at most 0.012")
FALLS = Criterion(
    "least factor between the errors of successive starts", low=1.2, width="8 pilot seeds: at least 1.8"
)
FITTED = Criterion(
    "relative training residual, worst start",
    high=0.05,
    width="8 pilot seeds: at most 0.018, at a finite number of iterations",
)


@PAGE.claim(
    "wind2023.large-start-interpolates",
    "Every start fits the data; a small one finds the truth",
    LARGEST,
    FALLS,
    FITTED,
    reference="the theorem's hypothesis that a₀ is small, restated; that it is needed is observed here",
    states="prop-escape-large",
    origin="paper",
    known="restated",
    kind="ordering",
    control="a large start, a₀ = 3; a search rank below r, k = 1, which fits the data from no start",
    sizes=scales(
        n=each(10, 24, 24),
        m=each(80, 350, 350),
        spectrum=(1.5, 1.0),
        scales=each(
            (3.0, 0.3, 0.03), (3.0, 1.0, 0.3, 0.1, 0.03, 0.01), (3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003)
        ),
        eta=0.05,
        steps=each(2000, 800, 1200),
    ),
    fit="illustrates",
)
def large_start_interpolates(setting: Setting) -> Evidence:
    s, device = setting.sizes, setting.device
    sweep = Sweep(setting, **{"a₀": s.scales})
    truth = rectangular(s.n, s.n, s.spectrum, sweep.seeds, device=device)
    problem = observe(truth, gaussian(s.n, s.n, s.m, sweep.seeds, device=device))
    # The loss is half the weighted sum of squares.
    size = 0.5 * problem.operator.weight * problem.observations.square().sum(dim=1).cpu()

    def found(k: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Errors and training residuals, relative, (B, scales)."""
        start = imbalanced_start(s.n, s.n, k, 1.0, 1.0, sweep.seeds, device).rescaled(sweep.column(ndim=1))
        run = solve(problem, GradientDescent(s.eta), start, s.steps, record=[s.steps])
        error, residual = run.operator_error[:, -1] / s.spectrum[0], (run.loss[:, -1] / size).sqrt()
        return error.view(-1, len(s.scales)), residual.view(-1, len(s.scales))

    def falls(error: torch.Tensor) -> torch.Tensor:
        return (error[:, :-1] / error[:, 1:]).amin(dim=1)

    (error, residual), (narrow, unfit) = found(s.n), found(1)
    evidence = Evidence(curves={"scales": s.scales, "error": error, "residual": residual})
    evidence.found(LARGEST, error[:, -1])
    evidence.broken(LARGEST, error[:, 0], sweep.variants[0])
    evidence.broken(LARGEST, narrow[:, -1], at(k=1))
    evidence.found(FALLS, falls(error))
    evidence.broken(FALLS, falls(narrow), at(k=1))
    evidence.found(FITTED, residual.amax(dim=1))
    evidence.broken(FITTED, unfit.amin(dim=1), at(k=1))
    return evidence


QUANTILE = Criterion(
    "95 % quantile of α_mis",
    high=1.4,
    of_prediction=True,
    width="60 pilot groups: at most 1.19; proved without a constant",
)


@PAGE.claim(
    "wind2023.misalignment",
    "A wide Gaussian start is aligned well enough, at every size",
    QUANTILE,
    reference="second version, Remark 2.6, as restated in later work; the value is derived",
    states="prop-escape-misalignment",
    origin="sharpened",
    known="restated",
    kind="bound-upper",
    control="no spare columns, k = r",
    edges=(
        edge("n = 2, r = 1", sides=(2,), rank=1),
        edge("k = n = 2r", sides=(20,), rank=10),
        edge("k = n = 2r, small", sides=(6,)),
        edge("r = 1", rank=1),
        refused("k ≥ 2r", "the signal has too few spare columns", sides=(5,)),
    ),
    seeds={"book": 10},
    sizes=scales(
        sides=each((12, 24), (10, 20, 40, 80), (10, 20, 40, 80, 160)), rank=3, draws=each(200, 200, 1000)
    ),
)
def misaligned(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(min(s.sides) >= 2 * s.rank, "k ≥ 2r")

    def quantile(n: int, k: int, seed: int) -> torch.Tensor:
        left, right = normal((seed,), "start left and right", 2, s.draws, n, k, device=setting.device)[0]
        truth = rectangular(n, n, [1.0] * s.rank, [seed] * s.draws, device=setting.device)
        return torch.quantile(misalignment(truth, Factors(left, right)), 0.95).cpu()

    def quantiles(n: int, k: int) -> torch.Tensor:
        return torch.stack([quantile(n, k, seed) for seed in setting.seeds])

    wide = {at(n=n): quantiles(n, n) for n in s.sides}
    narrow = {at(n=n): quantiles(n, s.rank) for n in s.sides}
    law = {at(n=n): (1 + 2**0.5) / (1 - (s.rank / n) ** 0.5) for n in s.sides}
    return Evidence(
        measured={QUANTILE: wide},
        predicted={QUANTILE: law},
        control={QUANTILE: narrow},
        curves={"sides": s.sides, "k = n": wide, "k = r": narrow, "law": law},
    )
