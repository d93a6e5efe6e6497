"""The decaying step: what it spares, the budget that it needs, and what a larger one costs.

η and the budget R = η/(1 − ρ) are the paper's here; the house's are twice as large, see `runs` and `budget`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.statistics import Pooled
from lowrank_core.budget import finite_step, recommend, slope_norm_factor, smallest_budget
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, each, edge, refused, scales
from lowrank_core.claims.ma2023 import subgradient
from lowrank_core.claims.ma2023.gaussian_noise import MODERATE
from lowrank_core.claims.ma2023.typical import geometric_mean, median, typical
from lowrank_core.claims.standing import RANK
from lowrank_core.factors import gaussian_start
from lowrank_core.methods import GradientDescent
from lowrank_core.noise import Gaussian, Outliers
from lowrank_core.problem import observe
from lowrank_core.sensing import Identity
from lowrank_core.solve import Trajectory, log_spaced, solve
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
    smallest = smallest_budget(s.spectrum, s.alpha) / 2
    setting.assume(s.budget <= 2 * smallest, "budget ≤ 2 R_min", {"budget": s.budget, "R_min": smallest})
    setting.assume(s.eta == 0.3, "η = 0.3", s.eta)
    problem = subgradient.sensing(setting, s.m, Gaussian(s.nu))
    squares = subgradient.sensing(setting, s.m, Gaussian(s.nu), loss="l2")
    start = subgradient.random(problem, s.n, s.alpha)
    # Loss-proportional steps are used against their own warning, which the page shows.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        others = {
            "constant": subgradient.run(problem, start, Constant(0.1), s.steps),
            "normalised constant": subgradient.run(
                problem, start, subgradient.normalised_constant(0.03), s.steps
            ),
            "proportional to the loss": subgradient.run(
                problem, start, subgradient.loss_proportional(0.3), s.steps
            ),
            "ℓ2, constant": solve(
                squares, GradientDescent(0.3), start, s.steps, record=log_spaced(s.steps, 40)
            ),
        }
    decaying = subgradient.run(problem, start, subgradient.geometric(s.eta, 1 - s.eta / s.budget), s.steps)

    def rise(run: Trajectory) -> Pooled:
        return typical(subgradient.final(run) / subgradient.best(run), geometric_mean)

    return Evidence(
        measured={RISE: rise(decaying)},
        control={RISE: {label: rise(run) for label, run in others.items()}},
        curves={"geometric": decaying} | others,
    )


SMALL_STEP = "ησ₁ ≤ 3σ_r"


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
    shares = torch.tensor((0.85, 1.2, 0.9, 1.0, 1.1), dtype=torch.float64)
    eta = s.eta

    def scan(spectrum: Sequence[float], alpha: float, bracket: float | None = None) -> torch.Tensor:
        """Errors over σ_r for every share of the smallest budget, or of `bracket` ½ log(√σ₁/α), (seeds, shares)."""
        seeds = [seed for seed in setting.seeds for _ in shares]
        truth = psd(s.n, spectrum, seeds, device=setting.device)
        start = gaussian_start(s.n, s.n, alpha, seeds, setting.device)
        # A start is smaller than α in the worst direction of the signal, which is learnt last.
        sizes = torch.linalg.svdvals(start.left[:, : len(spectrum)])[:, -1]
        if bracket is None:
            smallest = [smallest_budget(spectrum, float(a)) for a in sizes]
        else:
            smallest = [bracket * smallest_budget(spectrum[:1], float(a)) for a in sizes]
        budget = shares.repeat(len(setting.seeds)) * torch.tensor(smallest) * finite_step(eta)
        # The steps have shrunk to 1/1000 of η by then: what is not learnt never will be.
        steps = math.ceil(7 * float(budget.max()) / eta)
        # Normalised by ‖Δ‖, the gradient of the squared and of the plain expected loss are the same.
        method = GradientDescent(Normalised(Geometric(eta, 1 - eta / budget)))
        run = solve(observe(truth, Identity(s.n, device=setting.device)), method, start, steps, record=[0])
        return subgradient.split(subgradient.final(run), len(shares)) / spectrum[-1]

    found = {str(spectrum): scan(spectrum, alpha) for spectrum, alpha in s.cases}
    graded = (4.0, 2.0, 1.0)
    return Evidence(
        measured={LOW: {c: e[:, 0] for c, e in found.items()}, HIGH: {c: e[:, 1] for c, e in found.items()}},
        control={
            LOW: {f"κ, {graded}": scan(graded, 1e-6, bracket=4.0)[:, 0]},
            HIGH: {f"no ratios, {graded}": scan(graded, 1e-6, bracket=1.0)[:, 1]},
        },
        curves={"shares": shares, "errors": found},
    )


@PAGE.claim(
    "ma2023.recommended-step",
    "The recommended step learns the truth, and half of its budget does not",
    Criterion(
        "final error / σ_r",
        high=0.3,
        width="learnt is an error far below σ_r; 24 pilot runs: 8e-4 and below",
    ),
    reference="no counterpart in the paper",
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
    found, control = {}, {}
    notes: dict[str, float | str] = {}
    for spectrum, alpha, p in s.cases:
        noise = Outliers(p) if p else None
        step = recommend(spectrum, alpha, s.n, s.m, noise)
        problem = subgradient.sensing(setting, s.m, noise, spectrum, variants=2)
        budgets = step.budget * torch.tensor((1.0, 0.5), dtype=torch.float64)
        rule = Normalised(Geometric(step.eta, (1 - step.eta / budgets).repeat(len(setting.seeds))))
        # A quarter of the recommended steps tells learnt from not learnt.
        run = subgradient.run(
            problem, subgradient.random(problem, s.n, alpha), rule, step.steps // 4, record=[0]
        )
        whole, half = (subgradient.split(subgradient.final(run), 2) / spectrum[-1]).unbind(1)
        name = f"{spectrum}, p = {p:g}"
        found[name], control[f"half, {name}"] = whole, half
        notes[f"{name}: slope norm factor"] = slope_norm_factor(spectrum, s.n, s.m, noise)
    return Evidence(
        measured={"final error / σ_r": found}, control={"final error / σ_r": control}, notes=notes
    )


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
    factors = (1.0, 2.0, 4.0, 0.5)

    def scan(
        factors: Sequence[float], steps: int, n: int, m: int, r: int, alpha: float, good: float
    ) -> Trajectory:
        problem = subgradient.sensing(setting, m, Outliers(0.2), (1.0,) * r, n, variants=len(factors))
        ratios = 1 - s.eta / (good * torch.tensor(factors, dtype=torch.float64))
        step = subgradient.geometric(s.eta, ratios.repeat(len(setting.seeds)))
        return subgradient.run(problem, subgradient.random(problem, n, alpha), step, steps)

    def growth(run: Trajectory, variants: int) -> dict[str, torch.Tensor]:
        good, twice, four = subgradient.split(subgradient.final(run), variants)[:, :3].unbind(1)
        return {"R × 2": (twice / good).log10(), "R × 4": (four / good).log10()}

    few = scan(factors, s.steps_few, **s.few)
    many = growth(scan(factors[:3], s.steps_many, **s.many), 3)
    good, twice, four, half = (
        float(v) for v in median(subgradient.split(subgradient.final(few), len(factors)))
    )
    return Evidence(
        measured={LARGER: {name: typical(found) for name, found in growth(few, len(factors)).items()}},
        positive={LARGER: {f"{name}, m = {s.many['m']}": typical(found) for name, found in many.items()}},
        notes={
            "m": float(s.few["m"]),
            "many": float(s.many["m"]),
            "good budget": s.few["good"],
            "error": good,
            "error at 2": twice,
            "error at 4": four,
            "error at 1/2": half,
            "factor at many": 10 ** float(median(many["R × 4"])),
        },
        curves={
            "factors": factors,
            "steps": few.steps,
            "errors": subgradient.split(few.error.sqrt(), len(factors)),
        },
    )


RATE = Criterion(
    "rate per iteration / log ρ", 0.9, 1.1, width="24 pilot runs at four sizes: 0.984 with s.d. 0.010"
)


@PAGE.claim(
    "ma2023.iterations-to-accuracy",
    "Once the error is of the order of the step, it falls at the rate of the steps",
    RATE,
    reference="Table 1 (p. 8) for logarithmic complexity free of the search rank; the rate is new",
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
    count = len(s.budgets)
    problem = subgradient.sensing(setting, s.m, Outliers(0.1), variants=count)
    clean = subgradient.sensing(setting, s.m, None)
    ratios = 1 - 0.3 / torch.tensor(s.budgets, dtype=torch.float64)
    step = subgradient.geometric(0.3, ratios.repeat(len(setting.seeds)))
    every = range(0, s.steps, 5)

    def rate(run: Trajectory) -> torch.Tensor:
        error = run.error.sqrt()
        learnt = (error < 0.1).to(torch.int64).argmax(dim=1)
        # Thirty times the last error is clear of the floor, where there is one: the steps have long shrunk below.
        above = error > (30 * error[:, -1:]).clamp(min=1e-6)
        window = (run.steps >= run.steps[learnt][:, None]) & above
        return rates.line_fit(run.steps, error.log(), window).slope

    found = {
        k: subgradient.run(problem, subgradient.random(problem, k, 1e-8), step, s.steps, record=every)
        for k in s.ks
    }
    by_loss = subgradient.run(
        clean,
        subgradient.random(clean, s.n, 1e-8),
        subgradient.loss_proportional(0.3),
        200,
        record=range(200),
    )
    return Evidence(
        measured={
            RATE: {
                f"k = {k}, R = {budget:g}": subgradient.split(rate(run), count)[:, i] / ratios[i].log()
                for k, run in found.items()
                for i, budget in enumerate(s.budgets)
            }
        },
        predicted={RATE: 1.0},
        control={RATE: {"proportional to the loss": rate(by_loss) / ratios[0].log()}},
        curves={"runs": {f"k = {k}": run for k, run in found.items()}, "ratios": ratios, "by loss": by_loss},
    )
