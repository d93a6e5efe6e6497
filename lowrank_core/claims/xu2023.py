"""Claims of X. Xu, Y. Shen, Y. Chi & C. Ma, "The Power of Preconditioning in Overparameterized
Low-Rank Matrix Sensing" (ICML 2023).

Of the paper (2023) the abstract alone was read, and no theorem. Its method is ScaledGD(λ): a fixed damping λ and a
small random start. Truths have σ₁ = 1 and r* = 2, errors are ‖XXᵀ − M*‖_F, not squared.
"""

from __future__ import annotations

import torch

from lowrank_core.claims.claim import Criterion, Evidence, Setting
from lowrank_core.claims.grammar import each, scales
from lowrank_core.claims.registry import claim
from lowrank_core.claims.zhang2025.runs import LOG_SEEDS, SEEDS, arrival, certified_problem
from lowrank_core.factors import Factors, gaussian_start
from lowrank_core.methods import (
    GradientDescent,
    Method,
    PreconditionedGradientDescent,
    ScaledGradientDescent,
)
from lowrank_core.problem import Problem, observe
from lowrank_core.sensing import Identity
from lowrank_core.solve import ErrorBelow, Trajectory, solve
from lowrank_core.truth import psd

CHAPTER = "chapters/zhang2025/which-method"
TRUE_RANK = 2
ETA = 0.3


def certified(setting: Setting, kappa: float, delta: float, variants: int = 1) -> Problem:
    """A truth with eigenvalues 1 and 1/κ seen through A*A = (1 + δ)I − 2δΠ, Π random of half the full rank.

    With `variants` > 1 every seed stands so many times in a row, with the same truth and operator.
    """
    n = setting.sizes.n
    return certified_problem(setting, n, [1.0, 1 / kappa], delta, n * (n + 1) // 4, variants=variants)


def small_start(problem: Problem, scales: list[float] | float, search_rank: int) -> Factors:
    """The Gaussian start; a list gives one α for each variant."""
    n, seeds = problem.truth.shape[0], problem.truth.seeds
    unit = gaussian_start(n, search_rank, 1.0, seeds, problem.operator.device).left
    given = [scales] if isinstance(scales, float) else scales
    alpha = torch.tensor(given, dtype=unit.dtype, device=unit.device).repeat(len(seeds) // len(given))
    return Factors(unit * alpha[:, None, None])


def damped(kappa: float, relative: float = 1.0) -> Method:
    """ScaledGD(λ) with λ a multiple of σ_r = 1/κ."""
    return ScaledGradientDescent(ETA, relative / kappa)


@claim(
    id="xu2023.condition-number",
    title="From a small start ScaledGD(λ) needs hardly more iterations for a larger condition number",
    reference="abstract: iterations scale only logarithmically with κ; gradient descent polynomially",
    statement=r"""From a small random start with $r>r^\star$ and $\lambda=\sigma_{r^\star}$, under a restricted
isometry property, ScaledGD($\lambda$) converges linearly after a number of iterations that grows at most
logarithmically with $\kappa$.""",
    origin="paper",
    known="restated",
    kind="bound-upper",
    criteria=(Criterion("iterations to 1e-8 / those at κ = 1", high=1.5),),
    control="the preconditioner is left out: gradient descent from the same start",
    breaks=("iterations to 1e-8 / those at κ = 1",),
    seeds=SEEDS,
    sizes=scales(
        n=each(10, 16, 40),
        r=each(4, 4, 6),
        delta=0.02,
        alpha=1e-12,
        kappas=each((10,), (10, 100), (10, 100)),
        cap=400,
    ),
    chapter=CHAPTER,
    fit="illustrates",
)
def condition_number(setting: Setting) -> Evidence:
    s = setting.sizes

    def run(kappa: float, method: Method, cap: int) -> Trajectory:
        problem = certified(setting, kappa, s.delta)
        record = range(0, cap + 1, max(1, cap // 400))
        start = small_start(problem, s.alpha, s.r)
        return solve(problem, method, start, cap, record=record, stop=ErrorBelow(1e-16))

    runs = {kappa: run(kappa, damped(kappa), s.cap) for kappa in (1, *s.kappas)}
    # Gradient descent at κ = 10 says enough, and at κ = 100 costs ten times as much.
    plain = {kappa: run(kappa, GradientDescent(ETA), s.cap * kappa) for kappa in (1, 10)}
    name = "iterations to 1e-8 / those at κ = 1"
    return Evidence(
        measured={name: {f"κ = {kappa}": arrival(runs[kappa]) / arrival(runs[1]) for kappa in s.kappas}},
        control={name: {"GD, κ = 10": arrival(plain[10]) / arrival(plain[1])}},
        notes={"isometry constant of order r + r*, at most": s.delta},
        curves={"runs": runs, "gradient descent": plain},
    )


@claim(
    id="xu2023.fixed-damping-law",
    title="A fixed damping is sublinear in the end: the error is √(r − r*) λ/(2ηT)",
    reference="derived here",
    statement=r"""On the population loss, from a start of full rank $r>r^\star$ and of any size, the error of
ScaledGD($\lambda$) with a fixed $\lambda>0$ satisfies $2\eta
T\,\|X_TX_T^\top-M^\star\|_F/\lambda\to\sqrt{r-r^\star}$.""",
    origin="ours",
    kind="tight",
    criteria=(Criterion("2ηT · error / (λ√(r − r*))", 0.97, 1.03),),
    control="the damping follows the error: PrecGD",
    breaks=("2ηT · error / (λ√(r − r*))",),
    seeds=SEEDS,
    sizes=scales(
        n=each(10, 16, 40),
        ranks=each((4,), (4, 6), (4, 6)),
        kappas=each((1,), (1, 10), (1, 10)),
        dampings=(0.1, 1.0),
        alpha=0.5,
        steps=each(2_500, 3_000, 9_000),
    ),
    chapter=CHAPTER,
)
def fixed_damping_law(setting: Setting) -> Evidence:
    s = setting.sizes
    measured = {}

    def run(kappa: float, rank: int, relative: float, method: Method) -> torch.Tensor:
        """The error at the end in units of the law."""
        truth = psd(s.n, [1.0, 1 / kappa], setting.seeds, device=setting.device)
        problem = observe(truth, Identity(s.n, device=setting.device))
        start = small_start(problem, s.alpha, rank)
        found = solve(problem, method, start, s.steps, record=[s.steps])
        law = relative / kappa * (rank - TRUE_RANK) ** 0.5 / (2 * ETA * s.steps)
        return found.error[:, -1].sqrt() / law

    for kappa in s.kappas:
        for rank in s.ranks:
            for relative in s.dampings:
                variant = f"κ = {kappa}, r = {rank}, λ = {relative:g}σ"
                measured[variant] = run(kappa, rank, relative, damped(kappa, relative))
    followed = run(s.kappas[0], s.ranks[0], 1.0, PreconditionedGradientDescent(ETA))
    name = "2ηT · error / (λ√(r − r*))"
    return Evidence(measured={name: measured}, control={name: {"PrecGD": followed}}, predicted={name: 1.0})


@claim(
    id="xu2023.floor-and-isometry",
    title="The floor falls with the start scale only if the isometry constant is small for the condition number",
    reference="abstract for the small start; the failing hypothesis and the law in its place are derived here",
    statement=r"""With $r>r^\star$ and $\lambda=\sigma_{r^\star}/10$, the error after a fixed number $T$ of
iterations falls like a power of the start scale $\alpha$ at $\kappa=100$ if $\delta$ is small. If $\delta\kappa$
is not small, the noise directions have grown to order $\lambda$ by the time the signal is learnt, and the error
is that of the fixed damping, $\sqrt{r-r^\star}\,\lambda/(2\eta T)$ up to a factor of two, for every $\alpha$.""",
    origin="ours",
    kind="ordering",
    criteria=(
        Criterion("δ small: exponent of the floor in α", low=1.5),
        Criterion("δ not small: exponent of the floor in α", -0.1, 0.1),
        Criterion("δ not small: 2ηT · error / (λ√(r − r*))", 0.5, 2.5),
    ),
    control="the other δ",
    breaks=(
        "δ small: exponent of the floor in α",
        "δ not small: exponent of the floor in α",
        "δ not small: 2ηT · error / (λ√(r − r*))",
    ),
    seeds=LOG_SEEDS,
    sizes=scales(n=each(16, 16, 30), r=4, kappa=100, deltas=(1e-4, 0.5), alphas=(1e-4, 1e-5), steps=400),
    chapter=CHAPTER,
    uses=("xu2023.fixed-damping-law",),
    discrepancy="At κ = {kappa:.0f} and isometry constant {δ, not small:g} the floor of ScaledGD(λ) is the same "
    "for every start scale, {floor, not small:.1e}, which is {floor / law:.2f} times √(r − r*) "
    "λ/(2ηT); the hypothesis that fails is the one on δ. Five times the damping repairs part of it: "
    "exponent {exponent, larger damping:.2f}.",
)
def floor_and_isometry(setting: Setting) -> Evidence:
    s = setting.sizes
    law = (s.r - TRUE_RANK) ** 0.5 * 0.1 / s.kappa / (2 * ETA * s.steps)
    span = torch.tensor(s.alphas, dtype=torch.float64).log()

    def floors(delta: float, relative: float) -> torch.Tensor:
        problem = certified(setting, s.kappa, delta, variants=len(s.alphas))
        start = small_start(problem, list(s.alphas), s.r)
        run = solve(problem, damped(s.kappa, relative), start, s.steps, record=[s.steps])
        return run.error[:, -1].sqrt().cpu().unflatten(0, (-1, len(s.alphas)))

    def exponent(floor: torch.Tensor) -> torch.Tensor:
        return (floor[:, 0] / floor[:, -1]).log() / (span[0] - span[-1])

    small, large = (floors(delta, 0.1) for delta in s.deltas)
    first, second, third = (
        "δ small: exponent of the floor in α",
        "δ not small: exponent of the floor in α",
        "δ not small: 2ηT · error / (λ√(r − r*))",
    )
    return Evidence(
        measured={first: exponent(small), second: exponent(large), third: large[:, -1] / law},
        control={first: exponent(large), second: exponent(small), third: small[:, -1] / law},
        predicted={first: 2.0, second: 0.0},
        notes={
            "kappa": float(s.kappa),
            "δ, not small": s.deltas[-1],
            "floor, not small": float(large.median()),
            "floor / law": float((large / law).median()),
            "exponent, larger damping": float(exponent(floors(s.deltas[-1], 5.0)).median()),
        },
    )


@claim(
    id="xu2023.role-of-damping",
    title="The damping: of the order of σ_r it is safe and fast; far larger is slow; none throws the iterate away",
    reference="derived here",
    statement=r"""From a small start, ScaledGD($\lambda$) with $\lambda\ge\sigma_{r^\star}$ never leaves the error
of the zero matrix behind it, and its iterations grow in proportion to $\lambda$ for $\lambda\gg\sigma_{r^\star}$.
Without damping the first step has the length of $\eta\|M^\star\|/\alpha$ and throws the iterate far away.""",
    origin="ours",
    kind="ordering",
    criteria=(
        Criterion("largest error on the way / ‖M*‖_F", high=1.2),
        Criterion("iterations to 1e-6 at 10λ / at λ", 4.5, 12.0),
    ),
    control="λ = 0 (first criterion); a damping that is not large, λ = σ/10 (second)",
    breaks=("largest error on the way / ‖M*‖_F", "iterations to 1e-6 at 10λ / at λ"),
    seeds=SEEDS,
    sizes=scales(n=each(10, 16, 40), r=each(4, 4, 6), kappa=10, delta=0.02, alpha=1e-8, cap=1_600),
    chapter=CHAPTER,
)
def role_of_damping(setting: Setting) -> Evidence:
    s = setting.sizes
    problem = certified(setting, s.kappa, s.delta)
    size = problem.truth.spectrum[0].norm()
    start = small_start(problem, s.alpha, s.r)

    def run(relative: float) -> Trajectory:
        method = damped(s.kappa, relative)
        return solve(problem, method, start, s.cap, record=range(0, s.cap + 1, 4), stop=ErrorBelow(1e-12))

    runs = {relative: run(relative) for relative in (0.1, 1.0, 10.0)}
    undamped = solve(problem, damped(s.kappa, 0.0), start, 20, record=range(21))
    peak, growth = "largest error on the way / ‖M*‖_F", "iterations to 1e-6 at 10λ / at λ"
    return Evidence(
        measured={
            peak: {f"λ = {rel:g}σ": runs[rel].error.amax(dim=1).sqrt() / size for rel in (1.0, 10.0)},
            growth: {"λ = σ": arrival(runs[10.0]) / arrival(runs[1.0])},
        },
        control={
            peak: {"λ = 0": undamped.error.amax(dim=1).sqrt() / size},
            growth: {"λ = σ/10": arrival(runs[1.0]) / arrival(runs[0.1])},
        },
        curves={"runs": {**{f"λ = {rel:g}σ": each for rel, each in runs.items()}, "λ = 0": undamped}},
    )
