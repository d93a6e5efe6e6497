"""Claims of Soltanolkotabi, Stöger & Xie, "Implicit balancing and regularization ..." (2023).

The abstract was read: over-parameterised asymmetric descent from a small random start converges to the truth
because its two factors stay coupled. The size of the imbalance is derived here.
"""

from __future__ import annotations

import math

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.imbalance import imbalance
from lowrank_core.claims.experiments.small_starts import descent, gaussian_pair
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.factors import Factors
from lowrank_core.linalg import operator_norm
from lowrank_core.problem import Problem, observe
from lowrank_core.sensing import gaussian
from lowrank_core.truth import rectangular

PAGE = Page("chapters/wind2023/perturbed-flow", book=10)


EXPONENT = Criterion(
    "exponent of the largest imbalance in η",
    0.88,
    1.15,
    width="second order in η: 1.008 to 1.057 on 8 pilot seeds",
)
PLATEAU = Criterion(
    "largest imbalance / that of the smallest a₀",
    high=2.5,
    width="how the same directions mix on the way: 0.72 to 1.24 on 8 pilot seeds",
)
SIZE = Criterion(
    "largest imbalance / (η‖M*‖²)",
    high=0.2,
    width="the constant of O(η‖M*‖²): 0.002 to 0.017 on 8 pilot seeds",
)


@PAGE.claim(
    "soltanolkotabi2023.implicit-balancing",
    "From a small start the factors stay balanced up to O(η)",
    EXPONENT,
    PLATEAU,
    SIZE,
    reference="abstract for the coupling of the factors; the size is derived",
    states="prop-flow-balancing",
    kind="rate",
    control="step sizes η_F = 4η_G, which conserve FᵀF/η_F − GᵀG/η_G instead; a start of imbalance one",
    sizes=scales(
        n1=each(10, 20, 40),
        n2=each(10, 20, 40),
        spectrum=each((1.0,), (1.0, 0.7), (1.0, 0.7)),
        k=each(10, 20, 40),
        m=each(90, 300, 1200),
        scales=each((1e-3, 1e-5), (1e-3, 1e-4, 1e-5), (1e-3, 1e-4, 1e-5)),
        etas=each((0.05, 0.025), (0.1, 0.05, 0.025), (0.05, 0.025, 0.0125)),
        time=each(30.0, 40.0, 60.0),
    ),
    edges=(
        edge("k = r", k=1),
        edge("k > n", k=15),
        edge("n₂ = r + 1", n2=2, k=4, m=40),
        edge("r = 3, equal values", spectrum=(1.0, 1.0, 1.0), m=100),
        edge("larger steps", etas=(0.2, 0.1)),
        refused("r < min(n₁, n₂)", "no noise directions", n1=1, n2=1, m=4, k=1),
        refused("a₀² ≤ 10⁻⁴ η‖M*‖²", "the start's own imbalance decides", scales=(1.0, 1e-4)),
    ),
    uses=("wind2023.balance-under-perturbation",),
)
def implicit_balancing(setting: Setting) -> Evidence:
    s, top = setting.sizes, max(setting.sizes.spectrum)
    setting.assume(max(s.scales) ** 2 <= 1e-4 * min(s.etas) * top**2, "a₀² ≤ 10⁻⁴ η‖M*‖²")
    truth = rectangular(s.n1, s.n2, s.spectrum, setting.seeds, device=setting.device)
    problem = observe(truth, gaussian(s.n1, s.n2, s.m, setting.seeds, device=setting.device))

    def largest(start: Factors, ratio: float = 1.0) -> torch.Tensor:
        """The largest imbalance for every step size, (B, etas), with η_F/η_G = ratio and η = √(η_F η_G)."""
        assert start.right is not None
        # Unequal steps are equal ones in other units: F = aF̃, G = G̃/a with a⁴ = η_F/η_G.
        a = ratio**0.25
        unit = Factors(start.left / a, start.right * a)

        def norm(_: Problem, factors: Factors) -> torch.Tensor:
            assert factors.right is not None
            return operator_norm(imbalance(Factors(a * factors.left, factors.right / a)))

        columns = [
            descent(problem, unit, eta, s.time, observables={"imbalance": norm}).observed["imbalance"]
            for eta in s.etas
        ]
        return torch.stack([column.amax(dim=1) for column in columns], dim=1)

    found = [largest(gaussian_pair(setting, s.k, scale)) for scale in s.scales]
    small = gaussian_pair(setting, s.k, min(s.scales))
    assert small.right is not None
    unequal = largest(small, ratio=4.0)
    lopsided = largest(Factors(small.left * (math.sqrt(top) / min(s.scales)), small.right))
    unit = torch.tensor(s.etas, dtype=torch.float64) * top**2
    evidence = Evidence(
        curves={"etas": s.etas, "found": found, "unequal": unequal, "lopsided": lopsided, "scales": s.scales}
    )
    rows = [(evidence.found, at(**{"a₀": a}), one) for a, one in zip(s.scales, found, strict=True)]
    controls = [(evidence.broken, "η_F = 4η_G", unequal), (evidence.broken, "imbalanced start", lopsided)]
    for add, variant, one in (*rows, *controls):
        add(EXPONENT, rates.scaling_exponent(s.etas, one), variant)
        if one is not found[-1]:
            add(PLATEAU, (one / found[-1]).amax(dim=1), variant)
        add(SIZE, (one / unit).amax(dim=1), variant)
    return evidence
