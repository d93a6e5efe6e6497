"""The exact local laws of PrecGD on the population loss, for a damping that follows the error and for less."""

from __future__ import annotations

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.contraction import passing_rate, second_half_rate
from lowrank_core.analysis.preconditioned_guarantee import off_signal, padded_truth
from lowrank_core.analysis.preconditioned_rate import local_rate
from lowrank_core.claims.grammar import (
    Criterion,
    Evidence,
    Page,
    Setting,
    Variant,
    at,
    each,
    edge,
    refused,
    scales,
)
from lowrank_core.factors import Factors
from lowrank_core.methods import GradientDescent, PreconditionedGradientDescent, ResidualNorm, SlopeNorm
from lowrank_core.methods.method import Method
from lowrank_core.methods.preconditioned import Damping
from lowrank_core.problem import Problem, observe
from lowrank_core.proofs import preconditioned_laws
from lowrank_core.randomness import normal
from lowrank_core.sensing import Identity
from lowrank_core.solver import Trajectory, log_spaced, solve
from lowrank_core.truth import geometric_spectrum, psd

PAGE = Page("chapters/zhang2025/preconditioning")

FULL = "k ≤ n"
LINEAR = "second-order terms at errors of 1e-10 to 1e-5, at most 6e-4 on 8 pilot seeds"
FINITE = "a relative term of order 1/(α(1 − p)t) at t = T/20; 8 pilot seeds: 0.9982 to 0.9998"


def start_near(setting: Setting, kappa: float, extra: int, size: float) -> tuple[Problem, Factors]:
    """The population problem, σ_r = 1; a start with perturbed signal columns and `extra` ones of norm `size`."""
    s = setting.sizes
    seeds = setting.seeds
    truth = psd(s.n, geometric_spectrum(s.true_rank, kappa), seeds, basis="random", device=setting.device)
    problem = observe(truth, Identity(s.n, device=setting.device))
    signal = padded_truth(problem, s.true_rank)
    signal = signal + 0.02 * normal(seeds, "signal", s.n, s.true_rank, device=setting.device)
    columns = torch.linalg.qr(off_signal(problem, extra)).Q
    return problem, Factors(torch.cat([signal, size * columns], dim=2))


TERMS = Criterion("terms left in the identities", 0, 0, exact="the identities of the laws, in symbols")
RATE = Criterion("late rate per step", 0.998, 1.002, of_prediction=True, width=LINEAR)


@PAGE.claim(
    "zhang2023.local-rates",
    "PrecGD is linear for every search rank, at a rate without κ",
    TERMS,
    RATE,
    reference="no counterpart: Theorem 4 bounds the rate, the exact one is new",
    states="prop-prec-laws",
    origin="ours",
    kind="rate",
    control="the damping does not follow the error (fixed at 1), or no preconditioner (gradient descent); in the "
    "identities, core and cross factors exchanged, and the noise mode stepped once instead of from both sides",
    sizes=scales(
        n=each(8, 12, 30),
        true_rank=each(2, 2, 3),
        qs=each((1, 4), (1, 2, 4), (1, 2, 4, 9)),
        kappas=each((1.0, 50.0), (1.0, 7.0, 50.0, 400.0), (1.0, 50.0, 1000.0)),
        alpha=0.2,
        steps=each(300, 300, 600),
    ),
    edges=(
        edge("q = n − r: no cross block that the columns do not see", n=3, qs=(1,)),
        edge("n = r: the core alone", n=2, qs=(0,)),
        edge("q = 0", qs=(0,)),
        edge("r = 1", true_rank=1, qs=(1,)),
        edge("κ = 1000", kappas=(1000.0,), qs=(1,)),
        edge("small α", alpha=0.05, qs=(1,), kappas=(1.0,)),
        edge("large α", alpha=0.45, qs=(1,), kappas=(1.0,)),
        refused(FULL, "a Gram matrix of more than n columns is singular", n=4, qs=(3,)),
    ),
    certified_by=("symbolic",),
)
def local_rates(setting: Setting) -> Evidence:
    s, fast = setting.sizes, 0.45
    slow, free = s.alpha, s.n - s.true_rank
    setting.assume(all(0 <= q <= free for q in s.qs), FULL)
    one, last = s.qs[0], s.qs[-1]
    cases: list[tuple[Variant, float, Damping, float, int, float]] = [
        (at(q=q, κ=kappa), slow, SlopeNorm(), 2.0, q, kappa) for q in s.qs for kappa in s.kappas
    ]
    cases += [(at(α=fast, q=one), fast, SlopeNorm(), 2.0, one, 1.0)]
    cases += [(at(f"λ = ‖E‖, q = {q}", q=q), slow, ResidualNorm(), 1.0, q, 1.0) for q in (one, last)]
    # Here the columns beyond the rank are faster than the cross block, and decide only if they see all of it.
    cases += [(at(f"λ = ‖E‖/10, q = {one}", q=one), slow, ResidualNorm(0.1), 0.1, one, 1.0)]
    curves, predicted = {}, {}
    for name, alpha, damping, factor, q, kappa in cases:
        problem, start = start_near(setting, kappa, q, 0.3)
        method = PreconditionedGradientDescent(2 * alpha, damping)
        curves[name] = solve(problem, method, start, s.steps, record=range(s.steps + 1))
        predicted[name] = local_rate(alpha, factor, q, free)
    problem, start = start_near(setting, 1.0, one, 0.3)
    without: dict[str, Method] = {
        "fixed damping": PreconditionedGradientDescent(2 * slow, ResidualNorm(power=0.0)),
        "gradient descent": GradientDescent(2 * slow),
    }
    controls = {
        name: solve(problem, method, start, s.steps, record=range(s.steps + 1))
        for name, method in without.items()
    }

    evidence = Evidence(curves={"runs": curves, "rates": predicted, "controls": controls})
    right = preconditioned_laws.symmetric_residuals(), preconditioned_laws.noise_mode_residuals()
    wrong = (
        preconditioned_laws.symmetric_residuals(core=2, cross=4),
        preconditioned_laws.noise_mode_residuals(power=1),
    )
    evidence.found(TERMS, sum(sum(found.values()) for found in right), predicted=0)
    evidence.broken(TERMS, sum(sum(found.values()) for found in wrong))
    for name, run in curves.items():
        evidence.found(RATE, passing_rate(run.steps, run.error, 1e-20, 1e-10), name, predicted[name])
    lawful = local_rate(slow, 2.0, one, free)
    for dropped, run in controls.items():
        evidence.broken(RATE, second_half_rate(run.steps, run.error), dropped, lawful)
    return evidence


SPEED = Criterion("slope of ‖E‖^−(1−p) in t", 0.98, 1.02, of_prediction=True, width=FINITE)
BETTER = Criterion(
    "residual ratio, exponential / power law",
    low=10,
    width="a tenfold better fit; 8 pilot seeds: 9e4 and more",
)


@PAGE.claim(
    "zhang2023.damping-exponent",
    "A damping ‖E‖^p with p < 1 is sublinear, with exponent 1/(1 − p)",
    SPEED,
    BETTER,
    reference="no counterpart in the paper",
    states="prop-prec-powers",
    origin="ours",
    kind="rate",
    control="a damping that follows the error, p = 1; its slope is taken as if p were 1/2",
    sizes=scales(
        n=each(8, 10, 20),
        true_rank=each(2, 2, 3),
        q=each(2, 2, 4),
        alpha=0.2,
        powers=each((0.0, 0.5), (0.0, 0.25, 0.5, 0.75), (0.0, 0.25, 0.5, 0.75)),
        kappa=1.0,
        steps=each(4_000, 6_000, 100_000),
    ),
    edges=(
        edge("q = 1", q=1),
        edge("q = n − r", n=6, q=4),
        edge("r = 1", true_rank=1),
        edge("κ = 100", kappa=100.0),
        edge("p nearer to 1", powers=(0.8,), steps=4_000),
        edge("large α", alpha=0.45, steps=2_000),
        edge("small α", alpha=0.05),
        refused(FULL, "a Gram matrix of more than n columns is singular", n=4, q=3),
        refused("q ≥ 1", "without a column beyond the rank convergence is linear", q=0),
    ),
    uses=("zhang2023.local-rates",),
)
def damping_exponent(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(s.q >= 1, "q ≥ 1")
    setting.assume(s.q <= s.n - s.true_rank, FULL)
    problem, start = start_near(setting, s.kappa, s.q, 0.5)

    def run(power: float) -> Trajectory:
        method = PreconditionedGradientDescent(2 * s.alpha, ResidualNorm(power=power))
        return solve(problem, method, start, s.steps, record=log_spaced(s.steps, per_decade=40))

    def speed(run: Trajectory, power: float, window: torch.Tensor) -> torch.Tensor:
        return rates.line_fit(run.steps, run.error ** (-(1 - power) / 2), window).slope

    def expected(power: float) -> float:
        return 4 * s.alpha * (1 - power) * s.q ** (-power / 2 - (1 - power) / 2)

    runs = {at(p=power): run(power) for power in s.powers}
    control, proportional = run(1.0), at(p=1)
    evidence = Evidence(curves={"runs": runs, "control": control})
    for p, found in runs.items():
        late = rates.late_window(found.steps, found.error, s.steps / 20, floor=1e-28)
        evidence.found(SPEED, speed(found, p.number, late), p, expected(p.number))
        evidence.found(BETTER, rates.compare(found.steps, found.error, late).rss_ratio, p)
    # The same fits, before the control reaches its rounding floor.
    early = rates.late_window(control.steps, control.error, 10, floor=1e-24)
    evidence.broken(SPEED, speed(control, 0.5, early), proportional, expected(0.5))
    evidence.broken(BETTER, rates.compare(control.steps, control.error, early).rss_ratio, proportional)
    return evidence
