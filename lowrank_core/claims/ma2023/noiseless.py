"""The sub-gradient method on clean measurements: in which order it learns, how many it needs, and what remains."""

from __future__ import annotations

import math
from itertools import pairwise

import torch

from lowrank_core.analysis import phases
from lowrank_core.analysis.crossings import falls_below
from lowrank_core.analysis.learning_times import half_learnt
from lowrank_core.analysis.statistics import pooled
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
from lowrank_core.claims.ma2023 import subgradient
from lowrank_core.claims.ma2023.expected_loss_runs import PHI2, bands, every, first_columns, population
from lowrank_core.factors import Factors
from lowrank_core.methods import GradientDescent
from lowrank_core.noise import Gaussian, Outliers
from lowrank_core.solver import Trajectory, solve

PAGE = Page("chapters/ma2023/noiseless")

LEARNT = Criterion(
    "iteration at which σᵢ/2 is reached",
    0.88,
    1.12,
    of_prediction=True,
    width="the last eigenvalue comes 5 % early at m = 3000; over 16 pilot seeds a seed deviates by 4 %",
    pooled="mean over the seeds",
)
PLATEAU = Criterion(
    "error on the plateau",
    0.97,
    1.05,
    of_prediction=True,
    width="what is left or already gained: up to 1.4 % on pilot seeds",
)


@PAGE.claim(
    "ma2023.incremental-learning",
    "Eigenvalues are learnt one after the other, at predicted times",
    LEARNT,
    PLATEAU,
    reference="discussion on pp. 16–18 and Figures 3 and 5–7; the times are derived here",
    states="nl-incremental",
    kind="tight",
    control="for the times: one measurement in ten grossly wrong, so that f does not measure the error; for the "
    "plateaus: no small start, α = 1",
    seeds={"smoke": 5},
    sizes=scales(
        n=each(8, 20, 20),
        k=each(8, 20, 20),
        m=each(3_000, 3_000, 16_000),
        spectrum=(10.0, 5.0, 1.0),
        alpha=each(1e-6, 1e-8, 1e-8),
        eta=0.05,
        steps=each(600, 720, 720),
    ),
    edges=(
        edge("k = r", k=3),
        edge("n = r + 1", n=4, k=4),
        edge("smaller α", alpha=1e-9, steps=800),
        edge("two eigenvalues, and a step near the largest", spectrum=(4.0, 1.0), eta=0.19),
        refused("r ≥ 2", "nothing lies in between", spectrum=(1.0,)),
        refused("distinct eigenvalues", "equal ones are learnt together", spectrum=(5.0, 5.0, 1.0)),
        refused("ηφ²σ₁ ≤ ½", "the first eigenvalue overshoots", eta=0.1),
    ),
    fit="illustrates",
)
def incremental_learning(setting: Setting) -> Evidence:
    s, r = setting.sizes, len(setting.sizes.spectrum)
    setting.assume(s.eta * PHI2 * s.spectrum[0] <= 0.5, "ηφ²σ₁ ≤ ½", s.eta)
    setting.assume(r >= 2, "r ≥ 2", r)
    setting.assume(all(a > b for a, b in pairwise(s.spectrum)), "distinct eigenvalues", s.spectrum)

    def trajectory(alphas: tuple[float, ...], steps: int, noise: Outliers | None = None) -> Trajectory:
        sweep = Sweep(setting, α=alphas)
        problem = subgradient.sensing(sweep.setting, s.m, noise)
        start = Factors(sweep.column() * subgradient.spectral(problem, s.k, 1.0).left)
        with subgradient.wrong_on_purpose():
            return subgradient.run(
                problem,
                start,
                subgradient.loss_proportional(s.eta),
                steps,
                record=every(steps, 6),
                observables={"eigenvalues": phases.signal_eigenvalues},
            )

    run = trajectory((s.alpha, 1.0), s.steps)
    # With a loss that is too large all is learnt within a third of the time.
    wrong = trajectory((s.alpha,), s.steps // 3, Outliers(0.1, 10 * s.spectrum[0]))
    eigenvalues, error = (subgradient.split(x, 2) for x in (run.observed["eigenvalues"], run.error.sqrt()))
    tails = [math.hypot(*s.spectrum[i:]) for i in range(r)]
    # The spectral start is α²φM*/‖M*‖_F.
    begun = s.alpha**2 * math.sqrt(PHI2) / tails[0]

    def learnt(found: torch.Tensor) -> torch.Tensor:
        """When each eigenvalue (S, R, r) is half of what it will be, (S, r)."""
        halves = [falls_below(run.steps, 1 / found[:, :, i], 2 / s.spectrum[i]) for i in range(r)]
        return torch.stack(halves, dim=1)

    def plateaus(which: int) -> torch.Tensor:
        """The error half-way between these times, for one of the two starts, (S, r − 1)."""
        times = learnt(eigenvalues[:, which])
        middle = ((times[:, :-1] + times[:, 1:]) / 2).contiguous()
        records = torch.searchsorted(run.steps.to(torch.float64), middle).clamp(max=len(run.steps) - 1)
        return error[:, which].gather(1, records)

    times, wrong_times = learnt(eigenvalues[:, 0]), learnt(wrong.observed["eigenvalues"])
    small, large = plateaus(0), plateaus(1)
    curves = {"steps": run.steps, "error": error, "eigenvalues": eigenvalues, "plateaus": tails}
    evidence = Evidence(curves=curves)
    for i, sigma in enumerate(s.spectrum):
        predicted = half_learnt(begun, s.eta * PHI2 * sigma)
        evidence.found(LEARNT, pooled(torch.mean, times[:, i]), at(i=i + 1), predicted)
        evidence.broken(LEARNT, pooled(torch.mean, wrong_times[:, i]), at(i=i + 1))
    for i, rest in enumerate(tails[1:]):
        evidence.found(PLATEAU, small[:, i], at(i=i + 1), predicted=rest)
        evidence.broken(PLATEAU, large[:, i], at(i=i + 1))
    return evidence


RECOVERED = Criterion("final error / ‖M*‖", high=1e-3, width="far below 1, the error of the zero matrix")


@PAGE.claim(
    "ma2023.noiseless-recovery",
    "Ten nr measurements suffice, for every search rank",
    RECOVERED,
    reference="Theorem 22 and Corollary 23 (JMLR pp. 22–23) ask for m ≳ κ⁴nr² and logarithms; 10nr is measured",
    states="prop-recovery-measurements",
    kind="existence",
    control="m = nr, hardly above the degrees of freedom nr − r(r − 1)/2; and a start as large as the truth, α = 1",
    sizes=scales(
        n=each(10, 20, 40),
        m=each(150, 600, 1_200),
        few=each(10, 60, 120),
        spectrum=each((1.0,), (1.0, 1.0, 1.0), (1.0, 1.0, 1.0)),
        ks=each((1, 4, 10), (3, 4, 10, 20), (3, 4, 10, 40)),
        alpha=1e-6,
        eta=0.5,
        steps=each(250, 400, 400),
    ),
    edges=(
        edge("n = r + 1", n=3, spectrum=(1.0, 1.0), m=60, few=5, ks=(2, 3)),
        edge("other eigenvalues", spectrum=(2.0, 2.0), eta=0.25, m=200, ks=(2, 10)),
        refused("r < min(n₁, n₂)", "the standing assumption", n=1, ks=(1,)),
    ),
    fit="illustrates",
)
def noiseless_recovery(setting: Setting) -> Evidence:
    s, r = setting.sizes, len(setting.sizes.spectrum)
    sweep, size = Sweep(setting, k=s.ks), math.hypot(*s.spectrum)

    def attempt(m: int, alpha: float) -> Trajectory:
        problem = subgradient.sensing(sweep.setting, m)
        start = first_columns(subgradient.random(problem, s.n, alpha), sweep.column())
        step = subgradient.loss_proportional(s.eta)
        return subgradient.run(problem, start, step, s.steps, record=every(s.steps, 10))

    def errors(run: Trajectory) -> dict[Variant, torch.Tensor]:
        return sweep.split(subgradient.final(run) / size)

    enough, few, large = attempt(s.m, s.alpha), attempt(s.few, s.alpha), attempt(s.m, 1.0)
    error = subgradient.split(enough.error.sqrt(), len(s.ks)) / size
    evidence = Evidence(
        notes={"degrees of freedom": s.n * r - r * (r - 1) / 2},
        curves={"steps": enough.steps, "error": error, "ks": s.ks},
    )
    widest = sweep.variants[-1]
    evidence.found(RECOVERED, errors(enough))
    evidence.broken(RECOVERED, errors(few)[widest], at(m=s.few, k=s.ks[-1]))
    evidence.broken(RECOVERED, errors(large)[widest], at(α=1, k=s.ks[-1]))
    return evidence


FLOOR = Criterion(
    "‖GGᵀ‖ / ‖XXᵀ − M*‖ at the end",
    0.9,
    1.05,
    width="what F and the cross term have left: over 56 pilot seeds 0.93 to 1.00",
)
PEAK = Criterion("‖FFᵀ‖, peak / start", low=1e8, width="over 56 pilot seeds 7e10 or more; 1 without growth")
DECAY = Criterion(
    "‖FFᵀ‖, end / peak", high=1e-6, width="over 56 pilot seeds 5e-12 or less; about 1 without decay"
)
BEFORE = Criterion(
    "‖GGᵀ‖, growth until the last eigenvalue is learnt",
    low=10,
    width="over 56 pilot seeds 900 or more; 1 without growth",
)
AFTER = Criterion(
    "‖GGᵀ‖, growth from then on",
    0.8,
    2.0,
    width="over 56 pilot seeds 0.98 to 1.35; many orders of magnitude if it goes on",
)


@PAGE.claim(
    "ma2023.residual-is-the-floor",
    "What remains is the residual outside the row space of the signal",
    FLOOR,
    PEAK,
    DECAY,
    BEFORE,
    AFTER,
    reference="JMLR p. 22 and Figure 7; that ‖GGᵀ‖ is the whole final error is measured here",
    states="prop-residual-is-the-floor",
    origin="paper",
    known="read",
    kind="ordering",
    control="for the floor: no extra rank, k = r, where G = 0; for the growth: the expected loss; for the decay "
    "and the flatness: Gaussian noise, after which the step never vanishes",
    sizes=scales(
        n=each(8, 20, 20),
        k=each(8, 20, 20),
        m=each(120, 500, 500),
        spectrum=each((4.0, 1.0), (10.0, 5.0, 1.0), (10.0, 5.0, 1.0)),
        alpha=each(1e-6, 1e-8, 1e-8),
        eta=each(0.1, 0.05, 0.05),
        steps=each(1_200, 2_000, 2_000),
    ),
    edges=(
        edge("k = r + 1", k=3),
        edge("equal eigenvalues", spectrum=(2.0, 2.0)),
        edge("r = 1", spectrum=(2.0,), m=60),
        refused("k > r", "G = 0", k=2),
        refused("α ≤ 10⁻⁶", "a large start ends on a floor of its own", alpha=1e-2),
    ),
    fit="illustrates",
)
def residual_is_the_floor(setting: Setting) -> Evidence:
    s, r = setting.sizes, len(setting.sizes.spectrum)
    setting.assume(s.k > r, "k > r", s.k)
    setting.assume(s.alpha <= 1e-6, "α ≤ 10⁻⁶", s.alpha)
    problem, step = subgradient.sensing(setting, s.m), subgradient.loss_proportional(s.eta)
    noisy = subgradient.sensing(setting, s.m, Gaussian(s.spectrum[-1]))
    start, narrow = (subgradient.spectral(problem, k, s.alpha) for k in (s.k, r))
    judged = {name: phases.OBSERVABLES[name] for name in ("‖FFᵀ‖", "‖GGᵀ‖", "eigenvalues of SSᵀ")}
    grid = every(s.steps, s.steps // 100)
    over = subgradient.run(problem, start, step, s.steps, record=grid, observables=phases.OBSERVABLES)
    exact = subgradient.run(problem, narrow, step, s.steps, record=grid, observables=judged)
    # The other controls on coarser grids; with noise half of the iterations show enough.
    coarse, half = every(s.steps, s.steps // 50), every(s.steps // 2, s.steps // 50)
    with subgradient.wrong_on_purpose():
        corrupted = subgradient.run(noisy, start, step, s.steps // 2, record=half, observables=judged)
    expected = solve(
        population(setting, s.spectrum),
        GradientDescent(s.eta * PHI2),
        start,
        s.steps,
        record=coarse,
        observables=judged,
    )

    def quantities(run: Trajectory) -> dict[Criterion, torch.Tensor]:
        inside, outside = run.observed["‖FFᵀ‖"], run.observed["‖GGᵀ‖"]
        learnt = (run.observed["eigenvalues of SSᵀ"][:, :, -1] > s.spectrum[-1] / 2).int().argmax(dim=1)
        there, peak = outside.gather(1, learnt[:, None])[:, 0], inside.amax(dim=1)
        return {
            FLOOR: outside[:, -1] / run.operator_error[:, -1],
            PEAK: peak / inside[:, 0],
            DECAY: inside[:, -1] / peak,
            BEFORE: there / outside[:, 0],
            AFTER: outside[:, -1] / there,
        }

    evidence = Evidence(
        measured=quantities(over),
        predicted={FLOOR: 1.0},
        notes={
            "median final error": float(subgradient.final(over).median()),
            "median final error with k = r": float(subgradient.final(exact).median()),
        },
        curves={"run": over, "control": exact, "stored": bands(over)},
    )
    for variant, run, dropped in (
        ("k = r", exact, (FLOOR,)),
        ("m = ∞", expected, (PEAK, BEFORE)),
        ("noise", corrupted, (DECAY, AFTER)),
    ):
        for criterion in dropped:
            evidence.broken(criterion, quantities(run)[criterion], variant)
    return evidence
