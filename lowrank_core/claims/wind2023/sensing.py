"""How accurate under sensing: as long as the iterate is small, A*A(M*) takes the place of the truth."""

from __future__ import annotations

import torch

from lowrank_core.analysis.rates import scaling_exponent
from lowrank_core.claims.experiments.small_starts import descent_errors
from lowrank_core.claims.grammar import (
    Criterion,
    Evidence,
    Page,
    Setting,
    Sweep,
    Variant,
    at,
    each,
    edge,
    refused,
    scales,
)
from lowrank_core.factors import imbalanced_start
from lowrank_core.problem import observe
from lowrank_core.sensing import MeasurementOperator, Transform, gaussian
from lowrank_core.truth import rectangular

PAGE = Page("chapters/wind2023/escape-times")

RATIO = "σ₂/σ₁ of A*A(M*)"
CLEARLY_ABOVE = 0.4
"""A ratio from which on the exponent is clearly below that of the theorem."""


LAW = Criterion(
    "exponent / (2 − 2σ₂/σ₁)",
    0.88,
    1.12,
    width="24 pilot seeds of five ensembles: 0.95 to 1.05, finite a₀ and η",
)
SENSED = Criterion(
    "exponent, worst instance of σ₂/σ₁ ≤ 1/3", low=4 / 3 - 0.05, width="24 pilot seeds: at least 1.44"
)


@PAGE.claim(
    "wind2023.sensing-exponent",
    "Under sensing of a rank-one truth the exponent is 2 − 2σ₂/σ₁ of A*A(M*), instance by instance",
    LAW,
    SENSED,
    reference="second version, Theorem 2.8, as restated in later work: error at most of order a₀^{4/3}; the law is "
    "derived",
    states="prop-escape-instance",
    origin="ours",
    kind="tight",
    control="few measurements, for which σ₂/σ₁ > 0.4; for the law, k = 1",
    edges=(
        edge("k = n₁ + n₂", gaussian=(12, (100,)), transform=(32, (800,)), k=24),
        edge("more measurements than unknowns", gaussian=(12, (400,)), k=12),
        refused("k ≥ 2", "a single column has no room for noise", k=1),
    ),
    sizes=scales(
        gaussian=each((24, (180,)), (24, (180, 300, 540)), (24, (180, 300, 540))),
        transform=each((32, (800,)), (48, (1150, 1750)), (96, (4600, 7000))),
        k=24,
        scales=each((1e-3, 1e-5), (1e-3, 1e-5, 1e-7), (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)),
    ),
    fit="illustrates",
)
def sensing_exponent(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(s.k >= 2, "k ≥ 2")
    seeds = Sweep(setting, **{"a₀": s.scales}).seeds

    def instance(operator: MeasurementOperator, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        n1, n2 = operator.shape
        problem = observe(rectangular(n1, n2, (1.0,), seeds, device=setting.device), operator)
        start = imbalanced_start(n1, n2, k, 1.0, 1.0, seeds, setting.device)
        seen = torch.linalg.svdvals(operator.normal_map(problem.truth.matrix)[:: len(s.scales)])
        errors = descent_errors(problem, start, s.scales, eta=0.1, c=3.0)
        return scaling_exponent(s.scales, errors), (seen[:, 1] / seen[:, 0]).cpu()

    (n, few), (side, many) = s.gaussian, s.transform
    operators: dict[Variant, MeasurementOperator] = {
        **{at(f"Gaussian, m = {m}", m=m): gaussian(n, n, m, seeds, device=setting.device) for m in few},
        **{at(f"transform, m = {m}", m=m): Transform(side, side, m, seeds, setting.device) for m in many},
    }
    found = {name: instance(operator, s.k) for name, operator in operators.items()}
    exponents, ratios = (torch.stack(column, dim=1) for column in zip(*found.values(), strict=True))
    evidence = Evidence(
        notes={f"median σ₂/σ₁, {name}": float(ratio.median()) for name, (_, ratio) in found.items()},
        curves={"instances": found},
    )
    for name, (exponent, ratio) in found.items():
        evidence.found(LAW, exponent / (2 - 2 * ratio), name, predicted=1)
    first = f"Gaussian, m = {few[0]}"
    narrow, ratio = instance(gaussian(n, n, few[0], seeds, device=setting.device), 1)
    evidence.broken(LAW, narrow / (2 - 2 * ratio), at(f"{first}, k = 1", m=few[0], k=1), predicted=1)
    # A seed without an instance of the kind has no worst one.
    worst = exponents.masked_fill(ratios > 1 / 3, torch.inf).amin(dim=1)
    evidence.found(SENSED, worst, predicted=4 / 3)
    evidence.broken(SENSED, exponents.masked_fill(ratios <= CLEARLY_ABOVE, torch.inf).amin(dim=1))
    for name, (_, ratio) in found.items():
        evidence.found(RATIO, ratio, name)
    return evidence
