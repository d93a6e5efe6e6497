"""What ScaledGD does exactly: it does not see which factors it is given, and its local rate does not see κ."""

from __future__ import annotations

from fractions import Fraction

import torch

from lowrank_core.analysis.contraction import passing_rate
from lowrank_core.claims.experiments.rectangular import beside, truths
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
from lowrank_core.factors import Factors
from lowrank_core.methods import GradientDescent, ScaledGradientDescent
from lowrank_core.methods.method import Method
from lowrank_core.problem import observe
from lowrank_core.proofs import preconditioned_laws
from lowrank_core.randomness import orthonormal
from lowrank_core.sensing import Identity
from lowrank_core.solver import Trajectory, solve

PAGE = Page("chapters/zhang2025/preconditioning")

DIFFER = Criterion("entries that differ in exact arithmetic", 0, 0)
RELATIVE = Criterion(
    "largest ‖difference‖ / ‖M*‖ along the run", high=1e-11, width="rounding: at most 2e-15 on 50 pilot seeds"
)


@PAGE.claim(
    "tong2021.covariance",
    "ScaledGD depends on FGᵀ alone, not on its factors",
    DIFFER,
    RELATIVE,
    reference="the remark on invariance in the introduction; the exact instances are new",
    states="prop-prec-covariance",
    origin="paper",
    known="read",
    kind="identity",
    control="no preconditioner: gradient descent from the same two starts",
    sizes=scales(
        n1=each(8, 12, 40),
        n2=each(7, 10, 30),
        rank=each(2, 3, 5),
        kappa=5.0,
        condition=5.0,
        eta=0.5,
        steps=each(20, 40, 60),
        exact_steps=each(2, 2, 3),
    ),
    edges=(
        edge("r = 1", rank=1),
        edge("n₁ = n₂ = r", n1=2, n2=2),
        edge("Q of condition 1000", condition=1e3),
        edge("κ = 1000", kappa=1e3),
        edge("a small step", eta=0.05),
    ),
    waives=(RANK,),
    certified_by=("exact",),
)
def covariance(setting: Setting) -> Evidence:
    s, seeds = setting.sizes, setting.seeds
    truth = truths(Sweep(setting, κ=(s.kappa,)), s.n1, s.n2, s.rank)
    problem = observe(truth, Identity(s.n1, s.n2, device=setting.device))
    start = near_truth(truth, 0.5)
    assert start.right is not None
    before, after = (
        orthonormal(seeds, name, s.rank, s.rank, torch.float64, setting.device)
        for name in ("Q left", "Q right")
    )
    sizes = torch.linspace(1.0, s.condition, s.rank, dtype=torch.float64, device=setting.device)
    turned = Factors(start.left @ (before * sizes) @ after.mT, start.right @ (before / sizes) @ after.mT)

    def products(method: Method, given: Factors) -> torch.Tensor:
        watch = {"product": lambda problem, factors: factors.product()}
        run = solve(
            problem, method, given, s.steps, record=range(s.steps + 1), observables=watch, reduce=False
        )
        return run.observed["product"]

    def gap(method: Method) -> torch.Tensor:
        difference = products(method, start) - products(method, turned)
        return torch.linalg.matrix_norm(difference).amax(dim=1) / s.kappa

    def differing(preconditioned: bool) -> list[int]:
        return [
            preconditioned_laws.covariance_residual(seed, s.exact_steps, preconditioned) for seed in seeds
        ]

    evidence = Evidence()
    evidence.found(DIFFER, differing(preconditioned=True), predicted=0)
    evidence.broken(DIFFER, differing(preconditioned=False))
    evidence.found(RELATIVE, gap(ScaledGradientDescent(s.eta)), predicted=0)
    evidence.broken(RELATIVE, gap(GradientDescent(s.eta / (4 * s.kappa * s.condition**2))))
    return evidence


TERMS = Criterion(
    "terms left in the identities", 0, 0, exact="the block factors and the two-cycle, in symbols"
)
RATE = Criterion(
    "late rate per step", 0.999, 1.001, of_prediction=True, width="second order: 5e-6 on 50 pilot seeds"
)
LEFT = Criterion(
    "error at the end / error at the start", high=1e-8, width="0.9 to the power of the steps, and rounding"
)


@PAGE.claim(
    "tong2021.local-rate",
    "The local rate of ScaledGD is max(|1 − η|, |1 − 2η|), whatever κ",
    TERMS,
    RATE,
    LEFT,
    reference="no counterpart; the published proof needs η(2 − 3η) = (1 − η)² − (1 − 2η)² ≥ 0",
    states="prop-prec-local",
    kind="rate",
    control="no preconditioner, for the rate: gradient descent with η/σ₁ at κ = 10; a step η ≥ 1, for convergence; "
    "in the identities, the two factors exchanged and η = ½ for the two-cycle",
    sizes=scales(
        n1=each(6, 8, 30),
        n2=each(5, 7, 20),
        rank=each(2, 2, 4),
        kappas=each((1.0, 10.0), (1.0, 10.0, 100.0, 1000.0), (1.0, 10.0, 100.0, 1000.0)),
        etas=each((0.5, 0.9), (0.1, 0.5, 2 / 3, 0.8, 0.9), (0.1, 0.3, 0.5, 2 / 3, 0.8, 0.9)),
        steps=each(200, 400, 400),
    ),
    edges=(
        edge("r = 1", rank=1, etas=(0.5,)),
        edge("n₂ = r", n2=2, etas=(0.5,)),
        edge("κ = 1000", kappas=(1000.0,), etas=(0.6,)),
        edge("steps near the ends", kappas=(1.0,), etas=(0.1, 0.95)),
        refused("0 < η < 1", "there is no convergence", etas=(1.0,)),
        refused("r < max(n₁, n₂)", "no cross blocks; tried beside, by its own rate", n1=2, n2=2),
    ),
    waives=(RANK,),
    certified_by=("symbolic",),
)
def local_rate(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(all(0 < eta < 1 for eta in s.etas), "0 < η < 1")
    setting.assume(s.rank < max(s.n1, s.n2), "r < max(n₁, n₂)")
    sweep, first = Sweep(setting, κ=s.kappas), Sweep(setting, κ=s.kappas[:1])
    runs = {
        at(f"η = {eta:.3g}", η=eta): near_run(sweep, s.n1, s.n2, ScaledGradientDescent(eta), s.steps)
        for eta in s.etas
    }
    square, full = (
        near_run(first, s.rank, s.rank, ScaledGradientDescent(0.7), s.steps),
        "η = 0.7, n₁ = n₂ = r",
    )
    ill = 10.0
    plain = near_run(Sweep(setting, κ=(ill,)), s.n1, s.n2, GradientDescent(0.5 / ill), 5 * s.steps)

    evidence = Evidence(curves={"runs": runs, "gradient descent": plain})
    laws, swapped = preconditioned_laws.pair_residuals(), preconditioned_laws.pair_residuals(core=1, cross=2)
    two_cycle = preconditioned_laws.neutral_residuals()
    halved = preconditioned_laws.neutral_residuals(Fraction(1, 2))
    evidence.found(TERMS, sum(laws.values()) + sum(two_cycle.values()), predicted=0)
    evidence.broken(TERMS, sum(swapped.values()) + sum(halved.values()))
    for eta, run in runs.items():
        rate = max(abs(1 - eta.number), abs(1 - 2 * eta.number))
        evidence.found(RATE, beside(eta, sweep.split(late_rate(run))), predicted=rate)
        evidence.found(LEFT, beside(eta, sweep.split(remaining(run))))
    evidence.found(RATE, late_rate(square), full, predicted=0.4)
    evidence.found(LEFT, remaining(square), full)
    evidence.broken(RATE, late_rate(plain), "gradient descent", predicted=0.5)
    for size in (1.0, 1.05):
        too_far = near_run(first, s.n1, s.n2, ScaledGradientDescent(size), s.steps)
        evidence.broken(LEFT, remaining(too_far), at(η=size))
    return evidence


def near_run(sweep: Sweep, n1: int, n2: int, method: Method, steps: int) -> Trajectory:
    """A run on the population loss from within a tenth of σ_r of the truth, recorded a thousand times at most."""
    device, rank = sweep.setting.device, sweep.setting.sizes.rank
    truth = truths(sweep, n1, n2, rank)
    problem = observe(truth, Identity(n1, n2, device=device))
    return solve(
        problem, method, near_truth(truth, 0.1), steps, record=range(0, steps + 1, 1 + steps // 1000)
    )


def late_rate(run: Trajectory) -> torch.Tensor:
    """The factor per step of the unsquared error, while the squared one falls from 1e-10 to 1e-22, (B,)."""
    return passing_rate(run.steps, run.error, 1e-22, 1e-10)


def remaining(run: Trajectory) -> torch.Tensor:
    """The error at the end over that at the start, (B,)."""
    return (run.error[:, -1] / run.error[:, 0]).sqrt()
