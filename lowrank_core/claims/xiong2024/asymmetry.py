"""Asymmetric gradient descent is linear, at a rate set by the imbalance of its start: the experiments."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.imbalance import local_rate, slow_modes
from lowrank_core.claims.claim import Criterion, Evidence, Setting
from lowrank_core.claims.grammar import each, scales
from lowrank_core.claims.registry import claim
from lowrank_core.claims.xiong2024.runs import (
    FLOOR,
    SEEDS,
    asymmetric_run,
    descent_fit,
    per_step,
    scaled_start,
    symmetric_run,
)
from lowrank_core.factors import Factors
from lowrank_core.solve import ErrorBelow, Trajectory
from lowrank_core.truth import rectangular

CHAPTER = "chapters/xiong2024/asymmetric-linear"
EXPONENT = "exponent of the rate in α²"
RATIO = "residual ratio, exponential / power law"


def scale_sweep(setting: Setting, k: int, alphas: Sequence[float], m: int | None = None) -> list[Trajectory]:
    """One run for each start scale, to the floor or for a time proportional to α⁻², that of the imbalance."""
    effort, floor = setting.sizes.effort, ErrorBelow(FLOOR)
    return [
        asymmetric_run(setting, scaled_start(setting, k, alpha), m, steps=int(effort / alpha**2), stop=floor)
        for alpha in alphas
    ]


def late_rates(runs: Sequence[Trajectory]) -> torch.Tensor:
    """d log err / dT on the last 40 % of each descent, (B, number of runs)."""
    return torch.stack([descent_fit(run, 0.4).rate for run in runs], dim=1)


def squares(alphas: Sequence[float]) -> list[float]:
    return [alpha**2 for alpha in alphas]


def named(alphas: Sequence[float], columns: torch.Tensor) -> dict[str, torch.Tensor]:
    """Columns (B, len(alphas)) by the scale they belong to."""
    return {f"α = {alpha:g}": columns[:, i] for i, alpha in enumerate(alphas)}


@claim(
    id="xiong2024.asymmetric-exact-rank",
    title="With k = r asymmetric gradient descent is linear, whatever the start scale",
    reference="introduction, for k = r; the rate is new",
    statement=r"""On the population loss with $k=r$ and a small start, asymmetric gradient descent converges
linearly at a rate that tends to $2\ln(1-\eta\sigma_r)$ per iteration as $\alpha\to0$, whatever the path.""",
    origin="ours",
    kind="rate",
    criteria=(
        Criterion(EXPONENT, -0.05, 0.05),
        Criterion("rate per iteration", 0.97, 1.03, of_prediction=True),
    ),
    control="two extra columns: k = r + 2",
    breaks=(EXPONENT, "rate per iteration"),
    seeds=SEEDS,
    sizes=scales(
        n1=each(20, 40, 100),
        n2=each(16, 30, 80),
        spectrum=each((1.0,), (2.0, 1.0), (3.0, 2.0, 1.0)),
        alphas=each((0.1, 0.05, 0.025), (0.1, 0.05, 0.025), (0.1, 0.03, 0.01)),
        eta=each(0.1, 0.1, 0.05),
        effort=each(15.0, 15.0, 30.0),
    ),
    chapter=CHAPTER,
)
def asymmetric_exact_rank(setting: Setting) -> Evidence:
    s, r = setting.sizes, len(setting.sizes.spectrum)
    exact, over = (scale_sweep(setting, k, s.alphas) for k in (r, r + 2))
    exact_rates, over_rates = late_rates(exact), late_rates(over)
    return Evidence(
        measured={
            EXPONENT: rates.scaling_exponent(squares(s.alphas), exact_rates),
            "rate per iteration": named(s.alphas, exact_rates),
        },
        predicted={EXPONENT: 0, "rate per iteration": 2 * math.log(1 - s.eta * s.spectrum[-1])},
        control={
            EXPONENT: {"k = r + 2": rates.scaling_exponent(squares(s.alphas), over_rates)},
            "rate per iteration": {f"k = r + 2, {n}": v for n, v in named(s.alphas, over_rates).items()},
        },
    )


@claim(
    id="xiong2024.imbalance-sets-the-rate",
    title="With k > r the rate is linear and proportional to α²",
    reference="abstract: linear, at a rate that depends on the start scale; its value is new",
    statement=r"""On the population loss with $k>r$, from $F_0=\alpha\tilde F$, $G_0=\tfrac\alpha3\tilde G$, the
logarithm of the squared error falls by $-2\ln(1-\eta\mu)$ per iteration, $\mu$ being the smallest nonzero
eigenvalue of $F_\infty^\top F_\infty$ and $G_\infty^\top G_\infty$; and
$\mu\to\lambda_{\min}(\Pi\Delta_0\Pi)=\Theta(\alpha^2)$ as $\alpha\to0$, with $\Delta_0=F_0^\top F_0-G_0^\top G_0$
and $\Pi$ the projector on $\ker(U^\top F_0+V^\top G_0)$.""",
    origin="ours",
    kind="rate",
    criteria=(
        Criterion(EXPONENT, 0.95, 1.08),
        Criterion("rate / rate predicted from the limit", 0.99, 1.01),
        Criterion("rate / rate predicted from the smallest start", 0.97, 1.03),
        Criterion(RATIO, high=0.01),
    ),
    control="no imbalance: G₀ = F₀ on the square problem; for the exponent, no extra rank: k = r",
    breaks=(EXPONENT, RATIO),
    seeds=SEEDS,
    sizes=scales(
        n1=each(20, 40, 100),
        n2=each(20, 40, 100),
        spectrum=each((1.0,), (2.0, 1.0), (3.0, 2.0, 1.0)),
        k=each(3, 5, 8),
        alphas=each((0.4, 0.2, 0.1), (0.5, 0.35, 0.25, 0.18, 0.1), (0.5, 0.25, 0.1, 0.05)),
        eta=0.1,
        effort=600.0,
    ),
    chapter=CHAPTER,
    uses=("xiong2024.local-rate", "xiong2024.interlacing", "xiong2024.drift-identity"),
)
def imbalance_sets_the_rate(setting: Setting) -> Evidence:
    s, r = setting.sizes, len(setting.sizes.spectrum)
    truth = rectangular(s.n1, s.n2, s.spectrum, setting.seeds)
    runs = scale_sweep(setting, s.k, s.alphas)
    found = late_rates(runs)
    limit = torch.stack([local_rate(run.factors).cpu() for run in runs], dim=1)
    smallest = slow_modes(scaled_start(setting, s.k, s.alphas[-1]), truth)[:, 0]
    exact = late_rates(scale_sweep(setting, r, s.alphas))
    left = scaled_start(setting, s.k, s.alphas[0]).left
    balanced = asymmetric_run(setting, Factors(left, left.clone()), steps=int(s.effort / s.alphas[0] ** 2))
    return Evidence(
        measured={
            EXPONENT: rates.scaling_exponent(squares(s.alphas), found),
            "rate / rate predicted from the limit": named(s.alphas, found / per_step(s.eta, limit)),
            "rate / rate predicted from the smallest start": found[:, -1] / per_step(s.eta, smallest),
            RATIO: {
                f"α = {a:g}": descent_fit(run, 0.5).rss_ratio for a, run in zip(s.alphas, runs, strict=True)
            },
        },
        predicted={
            EXPONENT: 1,
            "rate / rate predicted from the limit": 1,
            "rate / rate predicted from the smallest start": 1,
        },
        control={
            EXPONENT: {"k = r": rates.scaling_exponent(squares(s.alphas), exact)},
            RATIO: {"G₀ = F₀": descent_fit(balanced, 0.5).rss_ratio},
        },
        curves={
            "runs": dict(zip((f"α = {a:g}" for a in s.alphas), runs, strict=True)),
            "balanced": balanced,
            "rates": found,
            "exact": exact,
            "predicted": torch.stack(
                [per_step(s.eta, slow_modes(scaled_start(setting, s.k, a), truth)[:, 0]) for a in s.alphas],
                dim=1,
            ),
        },
    )


@claim(
    id="xiong2024.imbalance-sets-the-rate-sensing",
    title="Under Gaussian sensing the rate is linear and proportional to α², too",
    reference="abstract, under a restricted isometry property",
    statement=r"""With $m<n_1n_2$ Gaussian measurements and $k>r$, asymmetric gradient descent from an
imbalanced start converges linearly, at a rate of order $\alpha^2$.""",
    origin="paper",
    known="restated",
    kind="rate",
    criteria=(Criterion(EXPONENT, 0.8, 1.2), Criterion(RATIO, high=0.5)),
    control="no extra rank: k = r, for the exponent; for linearity, the symmetric method on the same truth",
    breaks=(EXPONENT, RATIO),
    seeds=SEEDS,
    sizes=scales(
        n=each(10, 12, 50),
        n1=each(10, 12, 50),
        n2=each(10, 12, 50),
        m=each(90, 130, 2_000),
        spectrum=each((1.0,), (1.0,), (2.0, 1.5, 1.0)),
        k=each(2, 3, 5),
        alphas=each((0.5, 0.25), (0.6, 0.4, 0.27), (0.6, 0.4, 0.27)),
        eta=each(0.2, 0.2, 0.1),
        effort=each(1600.0, 1600.0, 3200.0),
        steps=each(3_000, 6_000, 20_000),
    ),
    chapter=CHAPTER,
    fit="illustrates",
    discrepancy="Under sensing the constant of the rate is not that of the population: at α = {smallest α:g} "
    "the rate is {slowest of the population rate:.2f} to {fastest of the population rate:.2f} times the "
    "population's. The exponent in α² agrees with one.",
)
def imbalance_sets_the_rate_sensing(setting: Setting) -> Evidence:
    s, r = setting.sizes, len(setting.sizes.spectrum)
    truth = rectangular(s.n1, s.n2, s.spectrum, setting.seeds)
    runs = scale_sweep(setting, s.k, s.alphas, s.m)
    found, exact = late_rates(runs), late_rates(scale_sweep(setting, r, s.alphas, s.m))
    population = per_step(s.eta, slow_modes(scaled_start(setting, s.k, s.alphas[-1]), truth)[:, 0])
    # The symmetric method gets measurements of the same fraction of its n(n + 1)/2 unknowns.
    share = s.m * (s.n + 1) // (2 * s.n)
    symmetric = symmetric_run(setting, Factors(scaled_start(setting, s.k, s.alphas[0]).left), share)
    return Evidence(
        measured={
            EXPONENT: rates.scaling_exponent(squares(s.alphas), found),
            RATIO: {
                f"α = {a:g}": descent_fit(run, 0.5).rss_ratio for a, run in zip(s.alphas, runs, strict=True)
            },
        },
        predicted={EXPONENT: 1},
        control={
            EXPONENT: {"k = r": rates.scaling_exponent(squares(s.alphas), exact)},
            RATIO: {"symmetric": descent_fit(symmetric, 0.5).rss_ratio},
        },
        notes={
            "smallest α": s.alphas[-1],
            "slowest of the population rate": float((found[:, -1] / population).min()),
            "fastest of the population rate": float((found[:, -1] / population).max()),
            "measurements m": float(s.m),
            "unknowns n₁n₂": float(s.n1 * s.n2),
            "degrees of freedom of rank k": float(s.k * (s.n1 + s.n2 - s.k)),
        },
        curves={
            "runs": dict(zip((f"α = {a:g}" for a in s.alphas), runs, strict=True)),
            "symmetric": symmetric,
        },
    )


@claim(
    id="xiong2024.symmetric-against-asymmetric",
    title="On the same problem the asymmetric method overtakes the symmetric one",
    reference="abstract, for the two rates; the crossover is new",
    statement=r"""On the same positive semidefinite truth, with $k>r$ and $F_0=X_0$, the asymmetric error
falls below any fraction of the symmetric one, after a time $\eta T$ proportional to
$1/\lambda_{\min}(\Pi\Delta_0\Pi)\propto\alpha^{-2}$.""",
    origin="ours",
    kind="ordering",
    criteria=(
        Criterion("final error, asymmetric / symmetric", high=1e-6),
        Criterion("exponent of the crossover time in α²", -1.1, -0.9),
        Criterion("crossover time × λ_min(ΠΔ₀Π)", 0.5, 6.0),
    ),
    control="a balanced start G₀ = F₀ = X₀, for which the two methods are the same",
    breaks=("final error, asymmetric / symmetric",),
    seeds=SEEDS,
    sizes=scales(
        n=each(20, 50, 50),
        n1=each(20, 50, 50),
        n2=each(20, 50, 50),
        spectrum=each((1.0,), (2.0, 1.0), (3.0, 2.0, 1.0)),
        k=each(3, 5, 10),
        alphas=each((0.4, 0.2), (0.5, 0.3, 0.18), (0.5, 0.3, 0.18, 0.1)),
        eta=each(0.1, 0.1, 0.05),
        effort=each(1200.0, 1200.0, 4800.0),
    ),
    chapter=CHAPTER,
    uses=("xiong2024.symmetric-lower-bound", "xiong2024.imbalance-sets-the-rate"),
)
def symmetric_against_asymmetric(setting: Setting) -> Evidence:
    s = setting.sizes
    truth = rectangular(s.n1, s.n2, s.spectrum, setting.seeds)
    final, crossing, scaled, pairs = {}, [], {}, {}
    for alpha in s.alphas:
        name, steps = f"α = {alpha:g}", int(s.effort / alpha**2)
        start = scaled_start(setting, s.k, alpha)
        asymmetric = asymmetric_run(setting, start, steps=steps)
        symmetric = symmetric_run(setting, Factors(start.left), steps=steps)
        pairs[name] = symmetric, asymmetric
        ratio = asymmetric.error / symmetric.error
        final[name] = ratio[:, -1]
        crossing.append(s.eta * crossover(asymmetric.steps, ratio))
        scaled[name] = crossing[-1] * slow_modes(start, truth)[:, 0]
    twin = asymmetric_run(setting, Factors(start.left, start.left.clone()), steps=steps)
    return Evidence(
        measured={
            "final error, asymmetric / symmetric": final,
            "exponent of the crossover time in α²": rates.scaling_exponent(
                squares(s.alphas), torch.stack(crossing, dim=1)
            ),
            "crossover time × λ_min(ΠΔ₀Π)": scaled,
        },
        predicted={"exponent of the crossover time in α²": -1},
        control={
            "final error, asymmetric / symmetric": {"G₀ = F₀": twin.error[:, -1] / symmetric.error[:, -1]}
        },
        curves={"pairs": pairs},
    )


def crossover(steps: torch.Tensor, ratio: torch.Tensor, level: float = 0.01) -> torch.Tensor:
    """The recorded iteration after which the ratio (B, R) stays below `level`, (B,)."""
    above = torch.where(ratio >= level, steps, 0).amax(dim=1)
    return torch.where(steps > above[:, None], steps, steps[-1]).amin(dim=1).to(torch.float64)
