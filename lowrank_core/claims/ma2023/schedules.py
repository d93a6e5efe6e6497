"""The decaying step: what it spares, the budget that it needs, and what a larger one costs.

η and the budget R = η/(1 − ρ) are the paper's here; the house's are twice as large, see `subgradient` and `budget`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.typical import geometric_mean, median, typical
from lowrank_core.budget import finite_step, recommend, slope_norm_factor, smallest_budget
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
from lowrank_core.claims.ma2023.gaussian_noise import MODERATE, assume_steps
from lowrank_core.claims.standing import RANK
from lowrank_core.factors import gaussian_start
from lowrank_core.methods import GradientDescent
from lowrank_core.noise import Gaussian, Outliers
from lowrank_core.problem import observe
from lowrank_core.sensing import Identity
from lowrank_core.solver import Trajectory, log_spaced, solve
from lowrank_core.steps import Constant, Geometric, Normalised
from lowrank_core.truth import psd

PAGE = Page("chapters/ma2023/gaussian-noise")


RISE = Criterion(
    "final error / smallest error along the run",
    high=1.12,
    width="pilots of 6 to 8 seeds: 1.04 to 1.06, s.d. 0.012; without decay 1.3 and above",
    pooled="geometric mean over the seeds",
)


@PAGE.claim(
    "ma2023.decaying-step",
    "Geometric steps need no early stopping, steps that do not decay do",
    RISE,
    reference="Corollary 29 and the remark on p. 25 that more iterations do no harm",
    states="thm-gn-stopping",
    origin="paper",
    known="read",
    kind="ordering",
    control="the decay of the steps",
    seeds={"smoke": 8},
    sizes=scales(
        **MODERATE,
        n=each(16, 20, 20),
        m=each(400, 500, 500),
        spectrum=(1.0, 1.0, 1.0),
        steps=each(1500, 2000, 10_000),
    ),
    edges=(
        edge("r = 1", spectrum=(1.0,)),
        edge("twice the smallest budget", budget=18.0),
        refused("budget ≤ 2 R_min", "a larger budget lets the noise in", budget=32.0),
        refused("η = 0.3", "small steps let the noise in", eta=0.05),
    ),
    fit="illustrates",
)
def decaying_step(setting: Setting) -> Evidence:
    s = setting.sizes
    assume_steps(setting)
    problem = subgradient.sensing(setting, s.m, Gaussian(s.nu))
    squares = subgradient.sensing(setting, s.m, Gaussian(s.nu), loss="l2")
    start = subgradient.random(problem, s.n, s.alpha)
    rules = {
        "geometric": subgradient.geometric(s.eta, 1 - s.eta / s.budget),
        "constant": Constant(0.1),
        "normalised constant": subgradient.normalised_constant(0.03),
        "proportional to the loss": subgradient.loss_proportional(0.3),
    }
    # Loss-proportional steps are used against their own warning, which the page shows.
    with subgradient.wrong_on_purpose():
        runs = {name: subgradient.run(problem, start, rule, s.steps) for name, rule in rules.items()}
    runs["ℓ2, constant"] = solve(
        squares, GradientDescent(0.3), start, s.steps, record=log_spaced(s.steps, 40)
    )
    evidence = Evidence(curves=dict(runs))
    for name, run in runs.items():
        rise = typical(subgradient.final(run) / subgradient.best(run), geometric_mean)
        if name == "geometric":
            evidence.found(RISE, rise)
        else:
            evidence.broken(RISE, rise, name)
    return evidence


SMALL_STEP = "ησ₁ ≤ 3σ_r"


def spectral(label: str, spectrum: Sequence[float], **numbers: float) -> Variant:
    """A variant that carries the eigenvalues of its truth besides other numbers."""
    return at(label, **{f"σ_{i}": value for i, value in enumerate(spectrum, start=1)}, **numbers)


LOW = Criterion(
    "error / σ_r with 0.85 R_min",
    low=0.5,
    width="not learnt is an error of σ_r or more; 32 pilot runs: 0.98 and above",
)
HIGH = Criterion(
    "error / σ_r with 1.2 R_min",
    high=0.2,
    width="learnt is an error far below σ_r; 32 pilot runs: 5e-3 and below",
)


@PAGE.claim(
    "ma2023.budget-minimum",
    "The smallest budget is set by the successive ratios of the eigenvalues",
    LOW,
    HIGH,
    reference="no counterpart in the paper; its choice of ρ, p. 25, has κ log(1/α)",
    states="prop-gn-budget",
    origin="ours",
    kind="tight",
    control="the successive ratios: κ in their place, R = ½ κ log(√σ₁/α), and nothing, R = ½ log(√σ₁/α)",
    sizes=scales(
        eta=0.3,
        n=each(6, 8, 8),
        cases=each(
            (((4.0, 2.0, 1.0), 1e-6), ((1.0, 1.0), 1e-8)),
            (
                ((1.0, 1.0, 1.0), 1e-8),
                ((10.0, 5.0, 1.0), 1e-10),
                ((4.0, 2.0, 1.0), 1e-6),
                ((10.0, 9.0, 8.0), 1e-8),
            ),
            (((8.0, 4.0, 2.0, 1.0), 1e-12), ((10.0, 1.0), 1e-8)),
        ),
    ),
    edges=(
        edge("r = 1", cases=(((1.0,), 1e-8),)),
        edge("r = n − 1, equal singular values", n=4, cases=(((1.0, 1.0, 1.0), 1e-8),)),
        edge("κ = 30 and smaller steps", cases=(((30.0, 1.0), 1e-8),), eta=0.05),
        edge("a larger start", cases=(((2.0, 1.0), 1e-4),)),
        refused(RANK, "r = n", n=3, cases=(((4.0, 2.0, 1.0), 1e-6),)),
        refused(SMALL_STEP, "σ₁ hovers at ησ₁ when σ_r is due", cases=(((100.0, 1.0), 1e-10),)),
    ),
)
def budget_minimum(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(all(len(spectrum) < s.n for spectrum, _ in s.cases), RANK)
    setting.assume(all(s.eta * spectrum[0] <= 3 * spectrum[-1] for spectrum, _ in s.cases), SMALL_STEP)
    shares = (0.85, 1.2, 0.9, 1.0, 1.1)
    sweep = Sweep(setting, share=shares)

    def scan(spectrum: Sequence[float], alpha: float, bracket: float | None = None) -> torch.Tensor:
        """Errors over σ_r for every share of the smallest budget, or of `bracket` ½ log(√σ₁/α), (seeds, shares)."""
        truth = psd(s.n, spectrum, sweep.seeds, device=setting.device)
        start = gaussian_start(s.n, s.n, alpha, sweep.seeds, setting.device)
        # A start is smaller than α in the worst direction of the signal, which is learnt last.
        sizes = torch.linalg.svdvals(start.left[:, : len(spectrum)])[:, -1]
        if bracket is None:
            smallest = [smallest_budget(spectrum, float(a)) for a in sizes]
        else:
            smallest = [bracket * smallest_budget(spectrum[:1], float(a)) for a in sizes]
        budget = sweep.column(ndim=1) * torch.tensor(smallest, device=setting.device) * finite_step(s.eta)
        # The steps have shrunk to 1/1000 of η by then: what is not learnt never will be.
        steps = math.ceil(7 * float(budget.max()) / s.eta)
        # Normalised by ‖Δ‖, the gradient of the squared and of the plain expected loss are the same.
        method = GradientDescent(Normalised(Geometric(s.eta, 1 - s.eta / budget)))
        run = solve(observe(truth, Identity(s.n, device=setting.device)), method, start, steps, record=[0])
        return subgradient.split(subgradient.final(run), len(shares)) / spectrum[-1]

    found = {spectral(str(spectrum), spectrum): scan(spectrum, alpha) for spectrum, alpha in s.cases}
    low, high = shares.index(0.85), shares.index(1.2)
    evidence = Evidence(curves={"shares": torch.tensor(shares, dtype=torch.float64), "errors": found})
    for case, error in found.items():
        evidence.found(LOW, error[:, low], case)
        evidence.found(HIGH, error[:, high], case)
    graded = (4.0, 2.0, 1.0)
    by_condition, by_nothing = scan(graded, 1e-6, bracket=4.0), scan(graded, 1e-6, bracket=1.0)
    evidence.broken(LOW, by_condition[:, low], spectral(f"κ, {graded}", graded))
    evidence.broken(HIGH, by_nothing[:, high], spectral(f"no ratios, {graded}", graded))
    return evidence


LEARNT = Criterion(
    "final error / σ_r",
    high=0.3,
    width="learnt is an error far below σ_r; 24 pilot runs: 8e-4 and below",
)


@PAGE.claim(
    "ma2023.recommended-step",
    "The recommended step learns the truth, and half of its budget does not",
    LEARNT,
    reference="no counterpart in the paper",
    states="prop-gn-recommended",
    origin="ours",
    kind="ordering",
    control="half of the recommended budget",
    sizes=scales(
        n=each(12, 20, 20),
        m=each(300, 500, 1000),
        cases=each(
            (((1.0, 1.0), 1e-8, 0.2),),
            (
                ((1.0, 1.0, 1.0), 1e-8, 0.2),
                ((10.0, 5.0, 1.0), 1e-10, 0.1),
                ((4.0, 2.0, 1.0), 1e-6, 0.0),
            ),
            (((1.0, 1.0, 1.0), 1e-8, 0.4), ((10.0, 5.0, 1.0), 1e-10, 0.3)),
        ),
    ),
    edges=(
        edge("r = 1", cases=(((1.0,), 1e-8, 0.2),)),
        edge("a tiny start", cases=(((1.0, 1.0), 1e-14, 0.2),)),
        refused(RANK, "r = n", n=2, cases=(((1.0, 1.0), 1e-8, 0.2),)),
        refused("(1 − p)²m ≥ 16n", "too few good measurements", cases=(((1.0, 1.0), 1e-8, 0.5),)),
        refused("κ ≤ 10", "a larger condition number", cases=(((20.0, 1.0), 1e-8, 0.2),)),
        refused("r ≤ 3", "a larger rank", cases=(((1.0,) * 4, 1e-8, 0.2),)),
    ),
    uses=("ma2023.budget-minimum",),
    fit="illustrates",
)
def recommended_step(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(all(len(spectrum) < s.n for spectrum, *_ in s.cases), RANK)
    good = [(1 - p) ** 2 * s.m for *_, p in s.cases]
    setting.assume(min(good) >= 16 * s.n - 1e-9, "(1 − p)²m ≥ 16n", good)
    setting.assume(all(spectrum[0] <= 10 * spectrum[-1] for spectrum, *_ in s.cases), "κ ≤ 10")
    setting.assume(all(len(spectrum) <= 3 for spectrum, *_ in s.cases), "r ≤ 3")
    evidence = Evidence()
    sweep = Sweep(setting, share=(1.0, 0.5))
    for spectrum, alpha, p in s.cases:
        noise = Outliers(p) if p else None
        step = recommend(spectrum, alpha, s.n, s.m, noise)
        problem = subgradient.sensing(sweep.setting, s.m, noise, spectrum)
        ratio = 1 - step.eta / (step.budget * sweep.column(ndim=1))
        rule, start = Normalised(Geometric(step.eta, ratio)), subgradient.random(problem, s.n, alpha)
        # A quarter of the recommended steps tells learnt from not learnt.
        run = subgradient.run(problem, start, rule, step.steps // 4, record=[0])
        whole, half = sweep.split(subgradient.final(run) / spectrum[-1]).values()
        name = f"{spectrum}, p = {p:g}"
        evidence.found(LEARNT, whole, spectral(name, spectrum, p=p))
        evidence.broken(LEARNT, half, spectral(f"half, {name}", spectrum, p=p))
        evidence.notes[f"{name}: slope norm factor"] = slope_norm_factor(spectrum, s.n, s.m, noise)
    return evidence


LARGER = Criterion(
    "log₁₀(error / error with a good budget)",
    high=1.0,
    width="a factor of ten, in decades",
    pooled="median over the seeds",
)


@PAGE.claim(
    "ma2023.budget-window",
    "A decay closer to 1 costs time only, at m = 500",
    LARGER,
    reference="p. 25, after Theorem 27, a remark without m",
    states="thm-gn-window",
    origin="paper",
    known="read",
    kind="ordering",
    positive="m = 8000 measurements at n = 6, r = 2: more than a thousand times n",
    seeds={"smoke": 10, "book": 12, "full": 60},
    sizes=scales(
        few={"n": 20, "m": 500, "r": 3, "alpha": 1e-8, "good": 18.0},
        many={"n": 6, "m": 8000, "r": 2, "alpha": 1e-3, "good": 5.5},
        eta=0.5,
        steps_few=each(750, 1200, 5000),
        steps_many=700,
    ),
    uses=("ma2023.budget-minimum",),
    expected="refuted",
    fit="illustrates",
    discrepancy="The paper remarks that a decay ρ closer to 1 only slows the method down (p. 25). At m = "
    "{m:.0f} and p = 0.2 it costs accuracy: from a budget η/(1 − ρ) = {good budget:.0f} to twice and four "
    "times as much the median error grows from {error:.1g} to {error at 2:.1g} and {error at 4:.1g}. With "
    "a thousand times as many measurements as rows, m = {many:.0f}, the remark holds: four times the "
    "budget costs a factor {factor at many:.1f}. The remark stands under Sign-RIP, which is not met at m "
    "= {m:.0f}: it is one about large m.",
)
def budget_window(setting: Setting) -> Evidence:
    s = setting.sizes
    few, many = (
        Sweep(setting, [f"R × {factor:g}" for factor in factors], factor=factors)
        for factors in ((1.0, 2.0, 4.0, 0.5), (1.0, 2.0, 4.0))
    )
    one, twice, four, half = few.variants

    def scan(
        sweep: Sweep, steps: int, n: int, m: int, r: int, alpha: float, good: float
    ) -> tuple[Trajectory, dict[Variant, torch.Tensor]]:
        """The runs with multiples of the good budget, and their final errors."""
        problem = subgradient.sensing(sweep.setting, m, Outliers(0.2), (1.0,) * r, n)
        step = subgradient.geometric(s.eta, 1 - s.eta / (good * sweep.column(ndim=1)))
        run = subgradient.run(problem, subgradient.random(problem, n, alpha), step, steps)
        return run, sweep.split(subgradient.final(run))

    run, errors = scan(few, s.steps_few, **s.few)
    _, errors_many = scan(many, s.steps_many, **s.many)
    grown, grown_many = (
        {factor: (found[factor] / found[one]).log10() for factor in (twice, four)}
        for found in (errors, errors_many)
    )
    m = s.many["m"]
    evidence = Evidence(
        notes={
            "m": float(s.few["m"]),
            "many": float(m),
            "good budget": s.few["good"],
            "error": float(median(errors[one])),
            "error at 2": float(median(errors[twice])),
            "error at 4": float(median(errors[four])),
            "error at 1/2": float(median(errors[half])),
            "factor at many": 10 ** float(median(grown_many[four])),
        },
        curves={
            "factors": tuple(factor.number for factor in few.variants),
            "steps": run.steps,
            "errors": subgradient.split(run.error.sqrt(), len(few.variants)),
        },
    )
    for factor in (twice, four):
        evidence.found(LARGER, typical(grown[factor]), factor)
        evidence.met(LARGER, typical(grown_many[factor]), at(f"{factor}, m = {m}", **factor.numbers, m=m))
    return evidence


RATE = Criterion(
    "rate per iteration / log ρ", 0.9, 1.1, width="24 pilot runs at four sizes: 0.984 with s.d. 0.010"
)


@PAGE.claim(
    "ma2023.iterations-to-accuracy",
    "Once the error is of the order of the step, it falls at the rate of the steps",
    RATE,
    reference="Table 1 (p. 8) for logarithmic complexity free of the search rank; the rate is new",
    states="prop-gn-rate",
    origin="ours",
    kind="rate",
    control="geometric steps: with loss-proportional steps on clean data the landscape sets the rate",
    sizes=scales(
        n=each(12, 20, 20),
        m=each(600, 800, 2000),
        spectrum=(1.0, 1.0, 1.0),
        ks=each((12,), (3, 20), (3, 10, 20)),
        budgets=each((15.0, 20.0), (19.0, 22.0), (19.0, 22.0, 25.0)),
        steps=each(1100, 1150, 1400),
    ),
    edges=(
        edge("k = r", ks=(3,), budgets=(20.0,)),
        edge("k = r + 1", ks=(4,), budgets=(18.0,)),
        edge("r = 1", spectrum=(1.0,), budgets=(18.0,)),
        edge("large budgets, with a high floor", budgets=(30.0, 40.0), steps=2100),
        edge("few measurements, with a high floor", m=300),
    ),
    fit="illustrates",
)
def iterations_to_accuracy(setting: Setting) -> Evidence:
    s = setting.sizes
    sweep = Sweep(setting, R=s.budgets)
    problem = subgradient.sensing(sweep.setting, s.m, Outliers(0.1))
    clean = subgradient.sensing(setting, s.m)
    ratios = 1 - 0.3 / torch.tensor(s.budgets, dtype=torch.float64)
    step = subgradient.geometric(0.3, 1 - 0.3 / sweep.column(ndim=1))
    every = range(0, s.steps, 5)

    def rate(run: Trajectory) -> torch.Tensor:
        error = run.error.sqrt()
        learnt = (error < 0.1).to(torch.int64).argmax(dim=1)
        # Thirty times the last error is clear of the floor, where there is one: the steps have long shrunk below.
        above = error > (30 * error[:, -1:]).clamp(min=1e-6)
        window = (run.steps >= run.steps[learnt][:, None]) & above
        return rates.line_fit(run.steps, error.log(), window).slope

    runs = {
        at(k=k): subgradient.run(problem, subgradient.random(problem, k, 1e-8), step, s.steps, record=every)
        for k in s.ks
    }
    by_loss = subgradient.run(
        clean,
        subgradient.random(clean, s.n, 1e-8),
        subgradient.loss_proportional(0.3),
        200,
        record=range(200),
    )
    evidence = Evidence(predicted={RATE: 1.0}, curves={"runs": runs, "ratios": ratios, "by loss": by_loss})
    for variant, run in runs.items():
        for (budget, slope), ratio in zip(sweep.split(rate(run)).items(), ratios, strict=True):
            evidence.found(RATE, slope / ratio.log(), at(**variant.numbers, **budget.numbers))
    evidence.broken(RATE, rate(by_loss) / ratios[0].log(), "proportional to the loss")
    return evidence
