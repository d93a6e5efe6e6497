"""Claims of Soltanolkotabi, Stöger & Xie, "Implicit balancing and regularization ..." (2023).

The abstract was read: over-parameterised asymmetric descent from a small random start converges to the truth
because its two factors stay coupled. The size of the imbalance is derived here.
"""

from __future__ import annotations

import math

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.imbalance import imbalance
from lowrank_core.claims.claim import Criterion, Evidence, Setting
from lowrank_core.claims.grammar import each, scales
from lowrank_core.claims.registry import claim
from lowrank_core.claims.wind2023.runs import SEEDS, descent, gaussian_pair
from lowrank_core.factors import Factors
from lowrank_core.problem import Problem, observe
from lowrank_core.sensing import gaussian
from lowrank_core.truth import rectangular

EXPONENT = "exponent of the largest imbalance in η"
PLATEAU = "exponent of the largest imbalance in a₀"
SIZE = "largest imbalance / ‖M*‖"


@claim(
    id="soltanolkotabi2023.implicit-balancing",
    title="The factors balance themselves up to O(η), whatever the start scale",
    reference="abstract for the coupling of the factors; the size is derived",
    statement=r"""Under Gaussian sensing from a small start, $\max_T\|F_T^\top F_T-G_T^\top G_T\|\le
a_0^2+O(\eta\|M^\star\|^2)$: linear in $\eta$, with no trend in $a_0$ once $a_0^2$ is smaller.""",
    origin="ours",
    kind="rate",
    criteria=(
        Criterion(EXPONENT, 0.85, 1.15),
        Criterion(PLATEAU, -0.5, 0.5),
        Criterion(SIZE, high=0.05),
    ),
    control="step sizes η_F = 4η_G, which conserve FᵀF/η_F − GᵀG/η_G instead; a start of imbalance one",
    breaks=(EXPONENT, SIZE),
    seeds=SEEDS,
    sizes=scales(
        n1=each(10, 20, 40),
        n2=each(10, 20, 40),
        spectrum=each((1.0,), (1.0, 0.7), (1.0, 0.7)),
        k=each(10, 20, 40),
        m=each(90, 300, 1200),
        scales=(1e-3, 1e-4),
        etas=each((0.1, 0.05), (0.1, 0.05, 0.025), (0.05, 0.025, 0.0125)),
        time=each(30.0, 40.0, 60.0),
    ),
    chapter="chapters/wind2023/perturbed-flow",
    uses=("wind2023.balance-under-perturbation",),
)
def implicit_balancing(setting: Setting) -> Evidence:
    s = setting.sizes
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
            return torch.linalg.matrix_norm(imbalance(Factors(a * factors.left, factors.right / a)), ord=2)

        columns = [
            descent(problem, unit, eta, s.time, observables={"imbalance": norm}).observed["imbalance"]
            for eta in s.etas
        ]
        return torch.stack([column.amax(dim=1) for column in columns], dim=1)

    top = max(s.spectrum)
    found = [largest(gaussian_pair(setting, s.k, scale)) for scale in s.scales]
    small = gaussian_pair(setting, s.k, min(s.scales))
    assert small.right is not None
    unequal = largest(small, ratio=4.0)
    lopsided = largest(Factors(small.left * (math.sqrt(top) / min(s.scales)), small.right))
    return Evidence(
        measured={
            EXPONENT: rates.scaling_exponent(s.etas, found[-1]),
            PLATEAU: rates.scaling_exponent(s.scales, torch.stack([one[:, -1] for one in found], dim=1)),
            SIZE: {
                f"a₀ = {scale:g}": one.amax(dim=1) / top for scale, one in zip(s.scales, found, strict=True)
            },
        },
        control={
            EXPONENT: {
                "η_F = 4η_G": rates.scaling_exponent(s.etas, unequal),
                "imbalanced start": rates.scaling_exponent(s.etas, lopsided),
            },
            SIZE: {"η_F = 4η_G": unequal.amax(dim=1) / top, "imbalanced start": lopsided.amax(dim=1) / top},
        },
        curves={"etas": s.etas, "found": found, "unequal": unequal, "lopsided": lopsided, "scales": s.scales},
    )
