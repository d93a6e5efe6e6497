"""Figure 2 of Ma, Li & Chi (2021): matrix completion with and without a balancing term.

The paper prints n = 1000, r = 10, 15 % of the entries and a weight of 1/64 of ‖FᵀF − GᵀG‖², which in the units of
`BalancedGradientDescent` is μ = 1/16. Taken here: singular values from 1 to 1/3, random singular vectors, a
spectral start, η = 0.5. Errors are ‖FGᵀ − M*‖_F / ‖M*‖_F.
"""

from __future__ import annotations

import torch

from lowrank_core.analysis.imbalance import imbalance
from lowrank_core.claims.experiments.published import completion, curves, records
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, scales
from lowrank_core.factors import Factors
from lowrank_core.methods import BalancedGradientDescent, GradientDescent
from lowrank_core.problem import Problem
from lowrank_core.solver import Trajectory, solve

PAGE = Page("chapters/zhang2025/published-figures", full=1)

ETA, WEIGHT, STRETCH = 0.5, 1 / 16, 1.3

SAME = Criterion(
    "error without the term / with it, at half time",
    0.9,
    1.1,
    width="the draw: 0.97 to 1.03 on 11 pilot seeds",
)
BALANCED = Criterion(
    "largest ‖FᵀF − GᵀG‖_F / ‖M*‖_F without the term",
    high=0.05,
    width="second order in the step: at most 0.006 on 11 pilot seeds",
)


@PAGE.claim(
    "zhang2025.balancing-free-figure",
    "Ma, Li and Chi, Figure 2: without the balancing term the curve is the same, and the factors stay balanced",
    SAME,
    BALANCED,
    reference="Ma, Li & Chi (2021), Figure 2; spectrum, start and step are taken here, n and r are smaller but for "
    "the stored run",
    states="prop-figures-balancing",
    kind="ordering",
    control=f"a start that is not balanced, {STRETCH}·F and G/{STRETCH}",
    sizes=scales(
        n=each(80, 120, 1000),
        r=each(2, 3, 10),
        share=each(0.6, 0.5, 0.15),
        kappa=3.0,
        steps=200,
        count=each(40, 40, 12),
    ),
    edges=(edge("κ = 5", kappa=5.0), edge("equal singular values", kappa=1.0)),
    fit="illustrates",
)
def balancing_free_figure(setting: Setting) -> Evidence:
    s = setting.sizes
    values = torch.linspace(1, 1 / s.kappa, s.r, dtype=torch.float64).expand(len(setting.seeds), -1)
    problem, start = completion(setting, setting.seeds, s.n, values, s.share)
    assert start.right is not None
    stretched = Factors(STRETCH * start.left, start.right / STRETCH)
    size = values.norm(dim=1)
    methods = {"without the term": GradientDescent(ETA), "with it": BalancedGradientDescent(ETA, WEIGHT)}

    def unbalanced(problem: Problem, factors: Factors) -> torch.Tensor:
        return torch.linalg.matrix_norm(imbalance(factors))

    def runs(start: Factors) -> dict[str, Trajectory]:
        watched, grid = {"imbalance": unbalanced}, records(s.steps, s.count)
        return {
            name: solve(problem, method, start, s.steps, record=grid, observables=watched)
            for name, method in methods.items()
        }

    evidence, shown = Evidence(), {}
    for add, begin, label in (
        (evidence.found, start, "balanced start"),
        (evidence.broken, stretched, "stretched start"),
    ):
        free, held = runs(begin).values()
        half = len(free.steps) // 2
        add(SAME, (free.error[:, half] / held.error[:, half]).sqrt())
        add(BALANCED, free.observed["imbalance"].amax(dim=1) / size)
        for name, run in zip(methods, (free, held), strict=True):
            shown[at(f"{name}, {label}")] = run.error.sqrt() / size.cpu()[:, None]
    evidence.curves = curves(free.steps, shown)
    return evidence
