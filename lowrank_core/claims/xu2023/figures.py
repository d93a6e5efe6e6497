"""The four figures of the paper's section 5: Gaussian measurements, m = 10nr, r = 3, η = 0.3.

The paper prints n = 150, r = 3, k = 5 and η. Taken here, as it does not print them: the damping λ = σ_r, unless
another is named; singular values of X* that fall linearly from 1 to 1/κ_F, so that κ = κ_F²; and κ_F = 3 where the
figure has one condition number. Errors are ‖XXᵀ − M*‖_F / ‖M*‖_F.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from lowrank_core.claims.experiments.published import arrival, curves, errors
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
from lowrank_core.factors import Factors, gaussian_start
from lowrank_core.methods import (
    GradientDescent,
    Method,
    PreconditionedGradientDescent,
    ResidualNorm,
    ScaledGradientDescent,
)
from lowrank_core.problem import Problem, observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import Identity, gaussian_symmetric
from lowrank_core.truth import psd

PAGE = Page("chapters/zhang2025/published-figures", full=1)

TRUE_RANK, ETA, OVERSAMPLING = 3, 0.3, 10
RANKS = "r < k ≤ n"
ARRIVED = 1e-5
"""Relative error at which a run counts as arrived: above the floors."""


def observed(sweep: Sweep, kappas: Sequence[float], full: bool = False) -> Problem:
    """The paper's measurements of a truth with the κ_F of each variant; `full` observes the matrix itself."""
    n, device = sweep.setting.sizes.n, sweep.setting.device
    roots = torch.stack([torch.linspace(1, 1 / kappa, TRUE_RANK, dtype=torch.float64) for kappa in kappas])
    spectra = roots.square().repeat(len(sweep.seeds) // len(kappas), 1).to(device)
    truth = psd(n, spectra, sweep.seeds, device=device)
    m = OVERSAMPLING * n * TRUE_RANK
    operator = Identity(n, device=device) if full else gaussian_symmetric(n, m, sweep.seeds, device=device)
    return observe(truth, operator)


def small(sweep: Sweep, rank: int, alpha: float | torch.Tensor) -> Factors:
    """The Gaussian start, α a number or (B, 1, 1)."""
    unit = gaussian_start(sweep.setting.sizes.n, rank, 1.0, sweep.seeds, sweep.setting.device)
    return Factors(alpha * unit.left)


def damped(problem: Problem, relative: float | torch.Tensor = 1.0) -> Method:
    """ScaledGD(λ), λ = `relative`, a number or (B,), times the least eigenvalue of each truth."""
    return ScaledGradientDescent(ETA, relative * problem.truth.spectrum[:, -1])


def assume(setting: Setting, *ranks: int) -> None:
    setting.assume(all(TRUE_RANK < rank <= setting.sizes.n for rank in ranks), RANKS)


ACCURATE = Criterion(
    "relative error after the steps shown",
    high=1e-6,
    width="the floors that α was tuned for: at most 2e-9 on 6 pilot seeds",
)
ALIKE = Criterion(
    "steps to 1e-5 / those of ScaledGD(λ) at κ_F = 3",
    high=1.2,
    width="the log κ of the theorem: 0.97 to 1.03 on 6 pilot seeds",
)


@PAGE.claim(
    "xu2023.figure-1",
    "Figure 1: ScaledGD(λ) is as fast for κ_F = 7 as for κ_F = 3, gradient descent is far behind",
    ACCURATE,
    ALIKE,
    reference="Figure 1; λ, α and the spectrum are taken here, and n is smaller but for the stored run",
    states="prop-figures-xu-1",
    origin="paper",
    known="read",
    kind="ordering",
    control="no preconditioner: gradient descent from the same start with the same step",
    sizes=scales(n=each(16, 30, 150), k=5, kappas=(3.0, 5.0, 7.0), alphas=(1e-10, 1e-15, 1e-20), steps=350),
    edges=(
        edge("k = r + 1", k=4),
        edge("k = n", k=16),
        refused(RANKS, "without columns beyond the rank there is no floor", k=3),
    ),
    fit="illustrates",
)
def figure_1(setting: Setting) -> Evidence:
    s = setting.sizes
    assume(setting, s.k)
    sweep = Sweep(setting, κ_F=s.kappas, α=s.alphas)
    problem, start = observed(sweep, s.kappas), small(sweep, s.k, sweep.column("α"))
    steps, scaled = errors(sweep, problem, damped(problem), start, s.steps)
    _, plain = errors(sweep, problem, GradientDescent(ETA), start, s.steps)
    first = arrival(steps, scaled[sweep.variants[0]], ARRIVED)
    shown = {at(f"{name}, GD", **name.numbers): error for name, error in plain.items()}
    evidence = Evidence(curves=curves(steps, {**scaled, **shown}))
    for name in sweep.variants:
        evidence.found(ACCURATE, scaled[name][:, -1], name)
        evidence.broken(ACCURATE, plain[name][:, -1], name)
        evidence.found(ALIKE, arrival(steps, scaled[name], ARRIVED) / first, name)
        evidence.broken(ALIKE, arrival(steps, plain[name], ARRIVED) / first, name)
    return evidence


SLOPE = Criterion(
    "exponent of the floor in α",
    0.6,
    1.25,
    width="the draw of A and start: 0.86 to 1.07 on 6 pilot seeds; 0.84 to 0.88 at n = 150",
)


@PAGE.claim(
    "xu2023.figure-2",
    "Figure 2: the floor falls about like α where λ is σ_r, and not at all where λ is a tenth of it",
    SLOPE,
    reference="Figure 2, slope 'approximately 1'; λ and the spectrum are taken here; n is smaller but for the "
    "stored run",
    states="prop-figures-xu-2",
    origin="paper",
    known="read",
    kind="ordering",
    control="a tenth of the damping, where the damping sets the floor; full observation, whose exponent is larger",
    sizes=scales(n=each(16, 30, 150), k=5, kappa=3.0, alphas=(1e-2, 1e-4, 1e-6, 1e-8, 1e-10), steps=300),
    edges=(
        edge("k = r + 1", k=4),
        refused(RANKS, "without columns beyond the rank there is no floor", k=3),
    ),
    uses=("xu2023.fixed-damping-law",),
    fit="illustrates",
    discrepancy="Figure 2 of the paper shows a slope of about 1. Its damping is not printed. With λ = σ_r the "
    "exponent between the least α and 1e-4 is {exponent:.2f} (median), with a tenth of it "
    "{exponent, a tenth:.2f}; the guarantee is 1/3. In the stored run at the paper's n = 150 the first is below 1, "
    "as well.",
)
def figure_2(setting: Setting) -> Evidence:
    s = setting.sizes
    assume(setting, s.k)
    sweep = Sweep(setting, α=s.alphas)
    kappas, start = [s.kappa] * len(s.alphas), small(sweep, s.k, sweep.column())
    problem, everything = observed(sweep, kappas), observed(sweep, kappas, full=True)

    steps, found = errors(sweep, problem, damped(problem), start, s.steps)
    _, tenth = errors(sweep, problem, damped(problem, 0.1), start, s.steps)
    _, whole = errors(sweep, everything, damped(everything), start, s.steps)
    evidence = Evidence(
        predicted={SLOPE: 1.0},
        notes={"exponent": float(slope(found).median()), "exponent, a tenth": float(slope(tenth).median())},
        curves=curves(
            steps, {**found, **{at(f"{name}, λ/10", **name.numbers): e for name, e in tenth.items()}}
        ),
    )
    evidence.found(SLOPE, slope(found))
    evidence.broken(SLOPE, slope(tenth), "λ = σ_r/10")
    evidence.broken(SLOPE, slope(whole), "full observation")
    return evidence


def slope(runs: dict[Variant, torch.Tensor]) -> torch.Tensor:
    """d log floor / d log α between α = 1e-4, or what is next, and the least α, floors being least errors, (S,)."""
    names = sorted(runs, key=lambda name: name.number)
    low, high = names[0], names[-2]
    fall = (runs[high].amin(dim=1) / runs[low].amin(dim=1)).log()
    return fall / torch.tensor(high.number / low.number).log()


FREE = Criterion(
    "steps to 1e-5 / those of ScaledGD(λ) at k = r",
    high=1.25,
    width="the start grows with k: 0.96 to 1 on 6 pilot seeds",
)
ENDS = Criterion(
    "relative error of PrecGD after the steps shown", high=1e-5, width="at most 1e-10 on 6 pilot seeds"
)


@PAGE.claim(
    "xu2023.figure-3",
    "Figure 3: ScaledGD(λ) does not feel the search rank, and PrecGD arrives as well",
    FREE,
    ENDS,
    reference="Figure 3; start, λ, the damping of PrecGD and the spectrum are taken here; n is smaller but for the "
    "stored run. That PrecGD arrives at k = 20 is not what the figure shows",
    states="prop-figures-xu-3",
    kind="ordering",
    control="gradient descent from the same start, in place of either",
    sizes=scales(
        n=each(16, 30, 150), ranks=each((3, 5, 10), (3, 5, 10, 20), (3, 5, 10, 20)), alpha=1e-8, steps=300
    ),
    edges=(edge("k = n", ranks=(3, 16)), edge("a smaller start", alpha=1e-10, steps=400)),
    fit="illustrates",
    discrepancy="In Figure 3 of the paper PrecGD breaks down at k = 20. From the small start, with its step of "
    "0.3 and a damping of the size of the residual, it arrives here: largest relative error {largest:.0e}. The "
    "paper prints neither its start nor its damping.",
)
def figure_3(setting: Setting) -> Evidence:
    s = setting.sizes
    sweep = Sweep(setting, κ_F=(3.0,))
    problem = observed(sweep, (3.0,))
    followed = PreconditionedGradientDescent(ETA, ResidualNorm())
    methods = {"ScaledGD(λ)": damped(problem), "PrecGD": followed}
    shown: dict[Variant, torch.Tensor] = {}
    for rank in s.ranks:
        for name, method in methods.items():
            steps, found = errors(sweep, problem, method, small(sweep, rank, s.alpha), s.steps)
            shown[at(f"{name}, k = {rank}", k=rank)] = found[sweep.variants[0]]
    evidence = Evidence(curves=curves(steps, shown))
    first = arrival(steps, shown[at(f"ScaledGD(λ), k = {s.ranks[0]}")], ARRIVED)
    for name, error in shown.items():
        variant = at(k=int(name.number))
        arrived = arrival(steps, error, ARRIVED)
        if name.startswith("PrecGD"):
            quick = arrival(steps, shown[at(f"ScaledGD(λ), k = {int(name.number)}")], ARRIVED)
            evidence.found("steps of PrecGD to 1e-5 / of ScaledGD(λ)", arrived / quick, variant)
            evidence.found(ENDS, error[:, -1], variant)
        else:
            evidence.found(FREE, arrived / first, variant)
    _, plain = errors(sweep, problem, GradientDescent(ETA), small(sweep, s.ranks[-1], s.alpha), s.steps)
    evidence.broken(FREE, arrival(steps, plain[sweep.variants[0]], ARRIVED) / first, "GD")
    evidence.broken(ENDS, plain[sweep.variants[0]][:, -1], "GD")
    evidence.notes["largest"] = max(max(values) for values in evidence.measured[ENDS.quantity].values())
    return evidence


LEVEL = Criterion(
    "error at the end / √(σ²nr/m)",
    0.5,
    2.0,
    width="the degrees of freedom of rank r to k: 0.79 to 1.20 on 6 pilot seeds",
)


@PAGE.claim(
    "xu2023.figure-4",
    "Figure 4: under noise the error ends within a small factor of √(σ²nr/m), over six decades",
    LEVEL,
    reference="Figure 4; λ, α and the spectrum are taken here; n is smaller but for the stored run",
    states="prop-figures-xu-4",
    origin="paper",
    known="read",
    kind="ordering",
    control="a start that is not small, α = 0.01, whose floor is above the noise",
    sizes=scales(
        n=each(16, 30, 150), k=5, alpha=1e-11, large=1e-2, levels=(1e-2, 1e-4, 1e-6, 1e-8), steps=300
    ),
    edges=(
        edge("k = r + 1", k=4),
        refused(RANKS, "without columns beyond the rank there is no floor", k=3),
    ),
    fit="illustrates",
)
def figure_4(setting: Setting) -> Evidence:
    s = setting.sizes
    assume(setting, s.k)
    sweep = Sweep(setting, level=s.levels)
    clean = observed(sweep, [3.0] * len(s.levels))
    # σ is such that √(σ²nr/m) is the level, and m = 10nr.
    sigma = sweep.column(ndim=2) * OVERSAMPLING**0.5
    drawn = normal(sweep.seeds, "noise", clean.operator.m, device=setting.device)
    problem = replace(clean, observations=clean.observations + sigma * drawn)
    size = float(clean.truth.spectrum[0].norm())
    steps, found = errors(sweep, problem, damped(problem), small(sweep, s.k, s.alpha), s.steps)
    _, large = errors(sweep, problem, damped(problem), small(sweep, s.k, s.large), s.steps)
    evidence = Evidence(curves=curves(steps, found))
    for name in sweep.variants:
        evidence.found(LEVEL, size * found[name][:, -1] / name.number, name)
    for name in sweep.variants[2:]:
        evidence.broken(LEVEL, size * large[name][:, -1] / name.number, name)
    return evidence
