"""Figure 2 of the paper: PrecGD and gradient descent from a near start, m = 3nk Gaussian measurements, r = 2.

The paper prints n = 100, eigenvalues (1, 1) and (1, 1/5), k = 2 and 4, X₀ = Z + 0.01·N, the steps α = 2·10⁻⁶ and
10⁻⁵, and the loss f = ‖A(XXᵀ) − b‖², not divided by m. In the units of this book α is η = 4mα, and the damping
‖∇f(XᵀX)^{−1/2}‖_F of that f is 2m times that of f/(2m), `SlopeNorm(2m)`. At a smaller n the steps are larger and
fewer. Errors are ‖XXᵀ − M*‖_F / ‖M*‖_F.
"""

from __future__ import annotations

import torch

from lowrank_core.analysis.preconditioned_guarantee import padded_truth
from lowrank_core.claims.experiments.published import curves, records
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
from lowrank_core.factors import Factors
from lowrank_core.methods import GradientDescent, Method, PreconditionedGradientDescent, SlopeNorm
from lowrank_core.problem import observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import gaussian_symmetric
from lowrank_core.solver import solve
from lowrank_core.truth import psd

PAGE = Page("chapters/zhang2025/published-figures", full=1)

TRUE_RANK, NUDGE, OVERSAMPLING = 2, 1e-2, 3
RANKS = "r ≤ k ≤ n"
STEPS = {2: 2e-6, 4: 1e-5}
"""The printed step α, by search rank, for n = 100."""
PRINTED_ORDER = 100

ARRIVES = Criterion(
    "f divided by m, k = 4: relative error of PrecGD at the end",
    high=1e-7,
    width="rounding: 2e-16 on 8 pilot seeds",
)
STAYS = Criterion(
    "f as printed, k = 4: relative error of PrecGD at the end",
    low=1e-5,
    width="0.014 to 0.034 on 11 pilot seeds",
)
EQUAL = Criterion(
    "k = 2, κ = 1: error of gradient descent at the end / of PrecGD",
    0.5,
    2.0,
    width="equal to first order: 0.92 to 0.95 on 11 pilot seeds",
)


@PAGE.claim(
    "zhang2023.figure-2",
    "Figure 2: PrecGD is linear where gradient descent stagnates, if the loss is divided by m",
    ARRIVES,
    STAYS,
    EQUAL,
    reference="Figure 2 (p. 33); that the printed loss and step do not give its right column is found here",
    states="prop-figures-precgd-2",
    kind="ordering",
    control="gradient descent with k = 4 in place of PrecGD; the loss divided by m; κ above 1",
    sizes=scales(
        n=each(12, 20, 100),
        kappas=(1.0, 5.0),
        ranks=(2, 4),
        faster=each(8, 8, 1),
        steps=each(500, 500, 4_000),
    ),
    edges=(
        edge("κ = 10", kappas=(1.0, 10.0)),
        edge("k = n", n=4),
        refused(RANKS, "a column too few", ranks=(1, 4)),
    ),
    fit="illustrates",
    discrepancy="With the printed loss, which is not divided by m, and the printed step PrecGD with k = 4 is at a "
    "relative error of {as printed:.0e} (median) at the end of the run, where Figure 2 shows rounding errors. "
    "Divided by m, with the same effective step, it is at {divided by m:.0e}. The damping scales with the loss, "
    "and XᵀX does not.",
)
def figure_2(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(min(s.ranks) >= TRUE_RANK and max(s.ranks) <= s.n, RANKS)
    sweep, shown = Sweep(setting, κ=s.kappas), {}
    spectra = torch.tensor([[1.0, 1 / kappa] for kappa in s.kappas], dtype=torch.float64)
    truth = psd(
        s.n, spectra.repeat(len(setting.seeds), 1).to(setting.device), sweep.seeds, device=setting.device
    )
    for rank in s.ranks:
        m = OVERSAMPLING * s.n * rank
        problem = observe(truth, gaussian_symmetric(s.n, m, sweep.seeds, device=setting.device))
        nudge = NUDGE * normal(sweep.seeds, "nudge", s.n, rank, device=setting.device)
        start = Factors(padded_truth(problem, rank) + nudge)
        eta = 4 * OVERSAMPLING * PRINTED_ORDER * rank * STEPS[rank] * s.faster
        methods: dict[str, Method] = {
            "PrecGD, f/m": PreconditionedGradientDescent(eta, SlopeNorm(2.0)),
            "PrecGD, f": PreconditionedGradientDescent(
                eta, SlopeNorm(2.0 * OVERSAMPLING * PRINTED_ORDER * rank)
            ),
            "GD": GradientDescent(eta),
        }
        for name, method in methods.items():
            run = solve(problem, method, start, s.steps, record=records(s.steps))
            error = run.error.sqrt() / truth.spectrum.norm(dim=1).cpu()[:, None]
            for variant, values in sweep.split(error).items():
                shown[name, rank, variant.number] = values
    evidence = Evidence(
        curves=curves(
            run.steps,
            {
                at(f"{name}, k = {rank}, κ = {kappa:g}", k=rank, κ=kappa): values
                for (name, rank, kappa), values in shown.items()
            },
        )
    )
    over = max(s.ranks)
    for kappa in s.kappas:
        last = {
            (name, rank): shown[name, rank, kappa][:, -1] for name, rank, value in shown if value == kappa
        }
        evidence.found(ARRIVES, last["PrecGD, f/m", over], at(κ=kappa))
        evidence.broken(ARRIVES, last["GD", over], at(κ=kappa))
        evidence.found(STAYS, last["PrecGD, f", over], at(κ=kappa))
        evidence.broken(STAYS, last["PrecGD, f/m", over], at(κ=kappa))
        share = last["GD", TRUE_RANK] / last["PrecGD, f/m", TRUE_RANK]
        evidence.found(EQUAL, share) if kappa == 1 else evidence.broken(EQUAL, share, at(κ=kappa))
    final = {
        name: torch.stack([shown[name, over, kappa][:, -1] for kappa in s.kappas])
        for name in ("PrecGD, f", "PrecGD, f/m")
    }
    evidence.notes["as printed"] = float(final["PrecGD, f"].median())
    evidence.notes["divided by m"] = float(final["PrecGD, f/m"].median())
    return evidence
