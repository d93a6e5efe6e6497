"""What ScaledGD does exactly: it does not see which factors it is given, and its local rate does not see κ."""

from __future__ import annotations

from fractions import Fraction

import torch

from lowrank_core.analysis import rates
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, each, edge, refused, scales
from lowrank_core.claims.tong2021.instances import by_variant, near_truth, truths
from lowrank_core.factors import Factors
from lowrank_core.methods import GradientDescent, ScaledGradientDescent
from lowrank_core.methods.method import Method
from lowrank_core.problem import Problem, observe
from lowrank_core.proofs import preconditioned_laws
from lowrank_core.randomness import orthonormal
from lowrank_core.sensing import Identity
from lowrank_core.solve import Trajectory, solve

PAGE = Page("chapters/zhang2025/preconditioning")


WINDOW = 1e-22, 1e-10


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
    waives=("r < min(n₁, n₂)",),
    means=("exact",),
)
def covariance(setting: Setting) -> Evidence:
    s, seeds = setting.sizes, setting.seeds
    truth = truths(setting, s.n1, s.n2, s.rank, (s.kappa,))
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

    return Evidence(
        measured={
            DIFFER: [preconditioned_laws.covariance_residual(seed, s.exact_steps) for seed in seeds],
            RELATIVE: gap(ScaledGradientDescent(s.eta)),
        },
        predicted={DIFFER: 0, RELATIVE: 0},
        control={
            DIFFER: [
                preconditioned_laws.covariance_residual(seed, s.exact_steps, preconditioned=False)
                for seed in seeds
            ],
            RELATIVE: gap(GradientDescent(s.eta / (4 * s.kappa * s.condition**2))),
        },
    )


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
    waives=("r < min(n₁, n₂)",),
    means=("symbolic",),
)
def local_rate(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(all(0 < eta < 1 for eta in s.etas), "0 < η < 1")
    setting.assume(s.rank < max(s.n1, s.n2), "r < max(n₁, n₂)")
    measured: dict[str, torch.Tensor] = {}
    left: dict[str, torch.Tensor] = {}
    predicted: dict[str, float] = {}
    curves: dict[str, Trajectory] = {}

    def record(names: list[str], run: Trajectory, rate: float) -> None:
        measured.update(by_variant(late_rate(run), names))
        left.update(by_variant((run.error[:, -1] / run.error[:, 0]).sqrt(), names))
        predicted.update({name: rate for name in names})

    for eta in s.etas:
        run = near_run(setting, s.n1, s.n2, s.kappas, ScaledGradientDescent(eta))
        record(
            [f"η = {eta:.3g}, κ = {kappa:g}" for kappa in s.kappas], run, max(abs(1 - eta), abs(1 - 2 * eta))
        )
        curves[f"η = {eta:.3g}"] = run
    square = near_run(setting, s.rank, s.rank, s.kappas[:1], ScaledGradientDescent(0.7))
    record(["η = 0.7, n₁ = n₂ = r"], square, 0.4)

    control_kappa, eta = 10.0, 0.5
    plain = near_run(setting, s.n1, s.n2, (control_kappa,), GradientDescent(eta / control_kappa), 5 * s.steps)
    too_large = {
        f"η = {size:g}": near_run(setting, s.n1, s.n2, s.kappas[:1], ScaledGradientDescent(size))
        for size in (1.0, 1.05)
    }
    return Evidence(
        measured={
            TERMS: sum(preconditioned_laws.pair_residuals().values())
            + sum(preconditioned_laws.neutral_residuals().values()),
            RATE: measured,
            LEFT: left,
        },
        predicted={TERMS: 0, RATE: {**predicted, "gradient descent": 0.5}},
        control={
            TERMS: sum(preconditioned_laws.pair_residuals(core=1, cross=2).values())
            + sum(preconditioned_laws.neutral_residuals(Fraction(1, 2)).values()),
            RATE: {"gradient descent": late_rate(plain)},
            LEFT: {name: (run.error[:, -1] / run.error[:, 0]).sqrt() for name, run in too_large.items()},
        },
        curves={"runs": curves, "gradient descent": plain},
    )


def near_run(
    setting: Setting, n1: int, n2: int, kappas: tuple[float, ...], method: Method, steps: int = 0
) -> Trajectory:
    """A run on the population loss from within a tenth of σ_r of the truth, every step of it recorded."""
    s = setting.sizes
    truth = truths(setting, n1, n2, s.rank, kappas)
    problem: Problem = observe(truth, Identity(n1, n2, device=setting.device))
    steps = steps or s.steps
    return solve(
        problem, method, near_truth(truth, 0.1), steps, record=range(0, steps + 1, 1 + steps // 1000)
    )


def late_rate(run: Trajectory) -> torch.Tensor:
    """The factor per step of the unsquared error, fitted where the squared one lies in `WINDOW`, (B,)."""
    low, high = WINDOW
    window = (run.error > low) & (run.error < high)
    # An undamped method may leave the window upwards from the floor; only its first passage counts.
    below = (run.error <= low).cumsum(dim=1) > 0
    return (rates.compare(run.steps + 1, run.error, window & ~below).rate / 2).exp()
