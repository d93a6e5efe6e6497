"""How much perturbation is too much.

The flow is Ḟ = (M* − FGᵀ + E)G, Ġ = (M* − FGᵀ + E)ᵀF, stopped at T = (c/σ_r) ln(σ_r/a₀²). The truth is diagonal, so
that u_⊥v_⊥ᵀ, a direction orthogonal to it, is the entry (r + 1, r + 1). All laws are derived here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch

from lowrank_core.analysis.closed_forms import balanced_flow
from lowrank_core.analysis.rates import line_fit, scaling_exponent
from lowrank_core.claims.claim import Criterion, Evidence, Setting
from lowrank_core.claims.grammar import each, scales
from lowrank_core.claims.registry import claim
from lowrank_core.claims.wind2023.runs import SEEDS, balanced, flow_errors, gaussian_pair, stopping_time
from lowrank_core.factors import Factors
from lowrank_core.methods.flow import ResidualProportional, flow
from lowrank_core.randomness import normal
from lowrank_core.truth import Truth, geometric_spectrum, rectangular

CHAPTER = "chapters/wind2023/perturbation-budget"
FEWER_SEEDS = {"smoke": 3, "book": 8, "full": 40}
FLOW = ("scipy",)
TURNING = 8.0
"""How long before the end, in units of 1/σ_r = 1, the turning perturbation of `noise_gain` begins."""


@claim(
    id="wind2023.orthogonal-adversary",
    title="A constant perturbation orthogonal to the truth lowers the exponent of the error",
    reference="a sharp form of the abstract's “sufficiently bounded”; no counterpart in the paper is known to us",
    statement=r"""Let $E=\varepsilon\,u_\perp v_\perp^\top$ with $u_\perp,v_\perp$ orthogonal to the column and
row space of $M^\star$, $k>r$, and $x=\varepsilon/\sigma_r<1/(2c)$. At $T=\frac
c{\sigma_r}\ln\frac{\sigma_r}{a_0^2}$, $c>\frac12$, the error is $\|FG^\top-M^\star\|\asymp a_0^{\,p}$ as
$a_0\to0$ with $p=\min(2-4cx,\;4c-2)$; the first of the two is the smaller iff $c\,(1+x)\ge1$.""",
    origin="ours",
    kind="tight",
    criteria=(Criterion("exponent of the error", 0.97, 1.03, of_prediction=True),),
    control="no spare columns: k = r, where the adversary has nothing to grow in",
    breaks=("exponent of the error",),
    seeds=SEEDS,
    sizes=scales(
        n1=each(6, 12, 40),
        n2=each(5, 10, 30),
        k=each(7, 14, 50),
        spectrum=each((2.0, 1.0), (2.0, 1.5, 1.0), (2.0, 1.5, 1.0)),
        cases=each(
            ((2.0, 0.1), (0.8, 0.1)),
            ((0.8, 0.1), (1.0, 0.3), (2.0, 0.1), (2.0, 0.2), (5.0, 0.05)),
            ((0.8, 0.1), (1.0, 0.3), (2.0, 0.1), (2.0, 0.2), (5.0, 0.05)),
        ),
        scales=each((1e-5, 1e-6, 1e-7), (1e-5, 1e-6, 1e-7, 1e-8), (1e-5, 1e-6, 1e-7, 1e-8)),
        control_case=(2.0, 0.2),
        control_scales=(1e-2, 1e-3, 1e-4),
    ),
    chapter=CHAPTER,
)
def orthogonal_adversary(setting: Setting) -> Evidence:
    s = setting.sizes
    truth, rank = _truth(setting), len(s.spectrum)

    def errors(k: int, c: float, x: float, scales: Sequence[float]) -> torch.Tensor:
        target = truth.matrix + _entry(truth, rank, x * s.spectrum[-1])
        runs = [
            flow_errors(target, balanced(setting, k, a), [stopping_time(c, s.spectrum[-1], a)], truth.matrix)
            for a in scales
        ]
        return torch.cat(runs, dim=1)

    found = {_case(c, x): errors(s.k, c, x, s.scales) for c, x in s.cases}
    c, x = s.control_case
    exact = errors(rank, c, x, s.control_scales)
    return Evidence(
        measured={
            "exponent of the error": {name: scaling_exponent(s.scales, e) for name, e in found.items()}
        },
        predicted={
            "exponent of the error": {
                **{_case(c, x): min(2 - 4 * c * x, 4 * c - 2) for c, x in s.cases},
                "k = r": 2 - 4 * c * x,
            }
        },
        control={"exponent of the error": {"k = r": scaling_exponent(s.control_scales, exact)}},
        curves={"scales": torch.tensor(s.scales), "errors": found},
    )


@claim(
    id="wind2023.perturbation-threshold",
    title="The threshold of the perturbation is σ_r/(2c), and it is sharp",
    reference="a sharp form of the abstract's “sufficiently bounded”; no counterpart in the paper is known to us",
    statement=r"""For the same $E=\varepsilon\,u_\perp v_\perp^\top$, $k>r$, and a stop at $T=\frac
c{\sigma_r}\ln\frac{\sigma_r}{a_0^2}$ with $c\ge1$, let $\varepsilon^*=\sigma_r/(2c)$. As $a_0\to0$,
$\|FG^\top-M^\star\|/\varepsilon\to0$ for $\varepsilon<\varepsilon^*$ and $\to1$ for
$\varepsilon>\varepsilon^*$.""",
    origin="ours",
    kind="tight",
    criteria=(
        Criterion("error / ε at 0.7 ε*", high=1e-3),
        Criterion("error / ε at 1.3 ε*", 0.98, 1.02),
        Criterion("ε of error ε/2, in units of ε*", 0.95, 1.2),
    ),
    control="the same ε, a stop twice as late: 2c in place of c",
    breaks=("error / ε at 0.7 ε*",),
    seeds=SEEDS,
    sizes=scales(
        n1=each(6, 12, 40),
        n2=each(5, 10, 30),
        k=each(7, 14, 50),
        spectrum=each((2.0, 1.0), (2.0, 1.5, 1.0), (2.0, 1.5, 1.0)),
        cs=each((1.0, 2.0), (1.0, 2.0, 5.0), (1.0, 2.0, 5.0, 10.0)),
        scale=1e-12,
        map_cs=each((1.0, 2.0), (0.25, 6.0), (0.25, 6.0)),
        map_points=each(4, 36, 60),
    ),
    chapter=CHAPTER,
    uses=("wind2023.orthogonal-adversary",),
)
def perturbation_threshold(setting: Setting) -> Evidence:
    s = setting.sizes
    truth, rank, sigma = _truth(setting), len(s.spectrum), s.spectrum[-1]
    start = balanced(setting, s.k, s.scale)
    relative = torch.linspace(0.3, 1.7, 29)

    def saturation(epsilon: float, cs: Sequence[float]) -> torch.Tensor:
        times = [stopping_time(c, sigma, s.scale) for c in cs]
        target = truth.matrix + _entry(truth, rank, epsilon)
        return flow_errors(target, start, times, truth.matrix) / epsilon

    def sweep(c: float) -> torch.Tensor:
        return torch.cat([saturation(float(x) * sigma / (2 * c), (c,)) for x in relative], dim=1)

    curves = {f"c = {c:g}": sweep(c) for c in s.cs}
    below, above = (int((relative - x).abs().argmin()) for x in (0.7, 1.3))
    first, last = s.map_cs
    cs, epsilons = torch.linspace(first, last, s.map_points), torch.linspace(0, sigma, s.map_points + 1)[1:]
    return Evidence(
        measured={
            "error / ε at 0.7 ε*": {name: curve[:, below] for name, curve in curves.items()},
            "error / ε at 1.3 ε*": {name: curve[:, above] for name, curve in curves.items()},
            "ε of error ε/2, in units of ε*": {
                name: _crossing(relative, curve) for name, curve in curves.items()
            },
        },
        predicted={
            "error / ε at 0.7 ε*": 0.0,
            "error / ε at 1.3 ε*": 1.0,
            "ε of error ε/2, in units of ε*": 1.0,
        },
        control={
            "error / ε at 0.7 ε*": {
                f"ε = 0.7 ε*({c:g}), stop at {2 * c:g}": saturation(0.7 * sigma / (2 * c), (2 * c,))[:, 0]
                for c in s.cs
            }
        },
        curves={
            "relative": relative,
            "curves": curves,
            "cs": cs,
            "epsilons": epsilons,
            # Median over the seeds, rows of equal ε, in units of σ_r.
            "map": torch.stack(
                [(saturation(float(e), cs.tolist()) * e).median(dim=0).values for e in epsilons]
            ),
        },
    )


@claim(
    id="wind2023.residual-proportional-adversary",
    title="A perturbation in proportion to the residual: the exponent depends on ratios of singular values",
    reference="how an error of restricted isometry enters; the law is new",
    statement=r"""Let $E(t)=\theta\,\|M^\star-F(t)G(t)^\top\|\,u_\perp v_\perp^\top$ and $k>r$. As $a_0\to0$ the
error at $T=\frac c{\sigma_r}\ln\frac{\sigma_r}{a_0^2}$ is $\asymp a_0^{\,p}$, up to logarithms, with
$p=2-2\theta\,\bigl(r-\sum_{1<i\le r}\sigma_i/\sigma_{i-1}\bigr)$ as long as $0<p\le4c-2$.""",
    origin="ours",
    kind="tight",
    criteria=(Criterion("exponent of the error", 0.96, 1.04, of_prediction=True),),
    control="no spare columns: k = r",
    breaks=("exponent of the error",),
    seeds=FEWER_SEEDS,
    sizes=scales(
        n1=each(4, 6, 12),
        n2=each(3, 5, 10),
        k=each(5, 7, 14),
        spectra=each(
            ((2.0, 1.0),),
            ((3.0, 1.0), (3.0, 3**0.5, 1.0)),
            ((3.0, 1.0), (3.0, 3**0.5, 1.0), (8.0, 4.0, 2.0, 1.0)),
        ),
        thetas=each((0.3,), (0.2, 0.3), (0.2, 0.3)),
        c=1.25,
        scales=each((1e-3, 1e-5), (1e-3, 1e-4, 1e-5), (1e-3, 1e-4, 1e-5, 1e-6)),
    ),
    chapter=CHAPTER,
    needs=FLOW,
)
def residual_proportional_adversary(setting: Setting) -> Evidence:
    s = setting.sizes

    def errors(spectrum: Sequence[float], theta: float, k: int) -> torch.Tensor:
        truth = _truth(setting, spectrum)
        push = ResidualProportional(theta, _entry(truth, len(spectrum), 1.0))
        runs = [
            flow(truth, gaussian_pair(setting, k, a), [stopping_time(s.c, spectrum[-1], a)], push)
            for a in s.scales
        ]
        return torch.cat([run.operator_errors(truth.matrix) for run in runs], dim=1)

    cases = {
        f"σ = {', '.join(f'{v:.3g}' for v in spectrum)}; θ = {theta}": (spectrum, theta)
        for spectrum in s.spectra
        for theta in s.thetas
    }
    found = {name: errors(*case, s.k) for name, case in cases.items()}
    hard = (s.spectra[-1], s.thetas[-1])
    exact = errors(*hard, len(hard[0]))
    return Evidence(
        measured={
            "exponent of the error": {name: scaling_exponent(s.scales, e) for name, e in found.items()}
        },
        predicted={
            "exponent of the error": {
                **{name: residual_exponent(*case) for name, case in cases.items()},
                "k = r": residual_exponent(*hard),
            }
        },
        control={"exponent of the error": {"k = r": scaling_exponent(s.scales, exact)}},
        curves={"scales": torch.tensor(s.scales), "errors": found},
    )


@claim(
    id="wind2023.logarithmic-recovery",
    title="Below θ = 1 a residual-proportional adversary cannot prevent recovery, only make it logarithmic",
    reference="no counterpart in the paper is known to us",
    statement=r"""For the same $E(t)=\theta\,\|M^\star-FG^\top\|\,u_\perp v_\perp^\top$ with $\theta<1$, where
the exponent $p$ is negative, the error still tends to zero, but only like
$\|FG^\top-M^\star\|\simeq\frac1{2(1-\theta)(t-t_r)}$ once the signal is learnt, at $t_r=\ln(1/a_0)/\sigma_r$:
recovery in $T\propto\ln(1/a_0)$ is logarithmic in $a_0$. For $\theta\ge1$ there is none.""",
    origin="ours",
    kind="tight",
    criteria=(
        Criterion("d(1/error)/dt", 0.99, 1.01, of_prediction=True),
        Criterion("error · 2(1−θ)(t − t_r) at the end", 0.85, 1.05),
        Criterion("error at 6 t_r / error at 2 t_r", high=0.5),
    ),
    control="θ = 1",
    breaks=("error at 6 t_r / error at 2 t_r",),
    seeds=FEWER_SEEDS,
    sizes=scales(
        n1=each(4, 6, 12),
        n2=each(3, 5, 10),
        k=each(5, 7, 14),
        spectrum=each((3.0, 1.0), (3.0, 1.0), (3.0, 1.0, 0.5)),
        thetas=each((0.7,), (0.7, 0.8), (0.6, 0.7, 0.8, 0.9)),
        scale=each(1e-4, 1e-5, 1e-7),
    ),
    chapter=CHAPTER,
    uses=("wind2023.residual-proportional-adversary",),
    needs=FLOW,
)
def logarithmic_recovery(setting: Setting) -> Evidence:
    s = setting.sizes
    truth = _truth(setting)
    start = gaussian_pair(setting, s.k, s.scale)
    learnt = -math.log(s.scale) / s.spectrum[-1]
    times = torch.linspace(2 * learnt, 6 * learnt, 17, dtype=torch.float64)

    def errors(theta: float) -> torch.Tensor:
        push = ResidualProportional(theta, _entry(truth, len(s.spectrum), 1.0))
        return flow(truth, start, times.tolist(), push).operator_errors(truth.matrix)

    found = {theta: errors(theta) for theta in s.thetas}
    stalled = errors(1.0)
    everywhere = torch.ones_like(stalled, dtype=torch.bool)
    slopes = {theta: line_fit(times, 1 / error, everywhere).slope for theta, error in found.items()}
    return Evidence(
        measured={
            "d(1/error)/dt": {f"θ = {theta}": slope for theta, slope in slopes.items()},
            "error · 2(1−θ)(t − t_r) at the end": {
                f"θ = {theta}": error[:, -1] * 2 * (1 - theta) * (times[-1] - learnt)
                for theta, error in found.items()
            },
            "error at 6 t_r / error at 2 t_r": {f"θ = {t}": e[:, -1] / e[:, 0] for t, e in found.items()},
        },
        predicted={
            "d(1/error)/dt": {f"θ = {theta}": 2 * (1 - theta) for theta in s.thetas},
            "error · 2(1−θ)(t − t_r) at the end": 1.0,
        },
        control={"error at 6 t_r / error at 2 t_r": {"θ = 1": stalled[:, -1] / stalled[:, 0]}},
        notes={f"exponent p at θ = {theta}": residual_exponent(s.spectrum, theta) for theta in s.thetas},
        curves={"times": times, "errors": {**found, 1.0: stalled}, "learnt": learnt},
    )


@claim(
    id="wind2023.damping-adversary-harmless",
    title="A residual-proportional perturbation that starves the signal only delays it, for θ < 1",
    reference="no counterpart in the paper is known to us",
    statement=r"""Let $E(t)=-\theta\,\|M^\star-FG^\top\|\,u_rv_r^\top$, $r=2$, $\theta<1$. The last singular
value is learnt at $t_r\simeq\tau\ln(1/a_0)$ with
$\tau=\frac1{\sigma_1}+\frac{1}{\sigma_r(1-\theta)}\bigl(1-\frac{\sigma_r-\theta\sigma_1}{\sigma_1}\bigr)$, also
where $\theta\sigma_1>\sigma_r$ and it first shrinks, and then the error is again $\asymp a_0^2$. For
$\theta\ge1$ it is never learnt.""",
    origin="ours",
    kind="rate",
    criteria=(
        Criterion("escape time per ln(1/a₀)", 0.97, 1.03, of_prediction=True),
        Criterion("exponent of the final error", low=1.8),
    ),
    control="θ = 1",
    breaks=("exponent of the final error",),
    seeds=FEWER_SEEDS,
    sizes=scales(
        n1=each(4, 6, 12),
        n2=each(3, 5, 10),
        k=each(5, 7, 14),
        spectrum=each((2.0, 1.0), (2.0, 1.0), (3.0, 1.0)),
        thetas=each((0.5,), (0.3, 0.6, 0.8), (0.3, 0.6, 0.8, 0.9)),
        scales=each((1e-2, 1e-4), (1e-2, 1e-4), (1e-2, 1e-3, 1e-4)),
    ),
    chapter=CHAPTER,
    needs=FLOW,
)
def damping_adversary_harmless(setting: Setting) -> Evidence:
    s = setting.sizes
    truth = _truth(setting)
    largest, smallest = s.spectrum

    def price(theta: float) -> float:
        return 1 / largest + (1 - (smallest - theta * largest) / largest) / (smallest * (1 - theta))

    def starve(theta: float, times: torch.Tensor, scale: float) -> tuple[torch.Tensor, torch.Tensor]:
        push = ResidualProportional(-theta, _entry(truth, 1, 1.0))
        run = flow(truth, gaussian_pair(setting, s.k, scale), times.tolist(), push)
        learnt = torch.stack([factors.product()[:, 1, 1] / smallest for factors in run.factors], dim=1)
        return learnt, run.operator_errors(truth.matrix)[:, -1]

    escapes: dict[str, torch.Tensor] = {}
    exponents: dict[str, torch.Tensor] = {}
    curves: dict[float, tuple[torch.Tensor, torch.Tensor]] = {}
    for theta in s.thetas:
        moments, errors = [], []
        for scale in s.scales:
            # Until the signal's own error, falling like e^{−2(1−θ)σ_r t}, is far below a₀².
            last = (price(theta) + 1.5 / (smallest * (1 - theta))) * -math.log(scale)
            times = torch.linspace(0, last, 401, dtype=torch.float64)[1:]
            learnt, error = starve(theta, times, scale)
            moments.append(_crossing(times, learnt))
            errors.append(error)
            curves[theta] = (times, learnt)
        per_log = -scaling_exponent(s.scales, torch.stack(moments, dim=1).exp())
        escapes[f"θ = {theta}"] = per_log
        exponents[f"θ = {theta}"] = scaling_exponent(s.scales, torch.stack(errors, dim=1))
    late = [torch.tensor([6 * -math.log(scale)], dtype=torch.float64) for scale in s.scales]
    lost = [starve(1.0, time, scale)[1] for time, scale in zip(late, s.scales, strict=True)]
    return Evidence(
        measured={"escape time per ln(1/a₀)": escapes, "exponent of the final error": exponents},
        predicted={
            "escape time per ln(1/a₀)": {f"θ = {theta}": price(theta) for theta in s.thetas},
            "exponent of the final error": 2.0,
        },
        control={
            "exponent of the final error": {"θ = 1": scaling_exponent(s.scales, torch.stack(lost, dim=1))}
        },
        curves={"learnt": curves, "price": {theta: price(theta) for theta in s.thetas}},
    )


@claim(
    id="wind2023.noise-gain",
    title="The error is at most about twice the noise in the tangent space, whatever the condition number",
    reference="Theorem 2.8 as restated in later work bounds the contribution of noise ξ by a multiple of κξ",
    statement=r"""Let $E$ have norm $\xi$ in the tangent space of the truth (signal and cross blocks), and norm
$\frac12\varepsilon^*$, many times $\xi$, in the orthogonal block; or let $E(t)$ turn within the signal block so
as to maximise the linearised error at $T$ in a fixed direction. Then $\|FG^\top-M^\star\|\le2\xi$ for every
$\kappa$ tested, well inside the restated bound, a multiple of $\kappa\xi$.""",
    origin="ours",
    kind="bound-upper",
    criteria=(Criterion("error / ξ", high=2.0),),
    control="the orthogonal block of E at 1.5 ε* in place of 0.5 ε*",
    breaks=("error / ξ",),
    seeds=FEWER_SEEDS,
    sizes=scales(
        n1=each(6, 12, 24),
        n2=each(5, 10, 20),
        k=each(8, 16, 30),
        r=each(3, 4, 4),
        kappas=each((1.0, 4.0), (1.0, 4.0, 16.0, 64.0), (1.0, 4.0, 16.0, 64.0, 256.0)),
        c=2.0,
        xi=0.02,
        scale=1e-6,
    ),
    chapter=CHAPTER,
    uses=("wind2023.perturbation-threshold",),
)
def noise_gain(setting: Setting) -> Evidence:
    s = setting.sizes
    gains: dict[str, torch.Tensor] = {}
    broken: dict[str, torch.Tensor] = {}
    whole = 0.0
    for kappa in s.kappas:
        truth = _truth(setting, geometric_spectrum(s.r, kappa))
        start, time = balanced(setting, s.k, s.scale), stopping_time(s.c, 1.0, s.scale)
        tangent, orthogonal = _blocks(setting, s.r)
        for part, kept in ((0.5, gains), (1.5, broken)):
            constant = s.xi * tangent + part / (2 * s.c) * orthogonal
            errors = flow_errors(truth.matrix + constant, start, [time], truth.matrix)[:, 0]
            kept[f"κ = {kappa:g}, constant"] = errors / s.xi
        whole = max(whole, float(_norm(s.xi * tangent + 0.5 / (2 * s.c) * orthogonal).max()) / s.xi)
        end = _follow(truth, start, [(0.0, time - TURNING), *_turning(truth, s.xi)])
        gains[f"κ = {kappa:g}, turning"] = _norm(end.product() - truth.matrix) / s.xi
    return Evidence(
        measured={"error / ξ": gains},
        control={"error / ξ": broken},
        notes={
            "norm of the whole constant E / ξ": whole,
            "restated bound at the largest κ, up to its constant / ξ": s.kappas[-1],
        },
    )


@claim(
    id="wind2023.re-escape-delay",
    title="A warm-up that pushes the signal back is paid for in time, and not lost",
    reference="no counterpart in the paper is known to us",
    statement=r"""Let $E=-\varepsilon\,u_rv_r^\top$ with $\varepsilon>\sigma_r$ act for $0\le t\le t_w$ and then
vanish, with $a_0e^{(\varepsilon-\sigma_r)t_w}\ll\sqrt{\sigma_r}$. After its end the last singular value is
learnt later than from the start by $(\varepsilon-\sigma_r)\,t_w/\sigma_r$, and then the error is the same as
without it.""",
    origin="ours",
    kind="tight",
    criteria=(
        Criterion("delay / predicted delay", 0.99, 1.01),
        Criterion("final error / unperturbed error", 0.9, 1.1),
    ),
    control="the same warm-up spent on u_⊥v_⊥ᵀ: no delay, and an error that stays",
    breaks=("delay / predicted delay", "final error / unperturbed error"),
    seeds=SEEDS,
    sizes=scales(
        n1=each(6, 12, 40),
        n2=each(5, 10, 30),
        k=each(7, 14, 50),
        spectrum=each((2.0, 1.0), (2.0, 1.5, 1.0), (2.0, 1.5, 1.0)),
        cases=each(
            ((2.0, 4.0), (3.0, 2.0)),
            ((1.5, 8.0), (2.0, 6.0), (3.0, 3.0)),
            ((1.5, 8.0), (2.0, 6.0), (3.0, 3.0)),
        ),
        scale=1e-5,
        c=2.0,
    ),
    chapter=CHAPTER,
)
def re_escape_delay(setting: Setting) -> Evidence:
    s = setting.sizes
    truth, last, sigma = _truth(setting), len(s.spectrum) - 1, s.spectrum[-1]
    start, stop = balanced(setting, s.k, s.scale), stopping_time(s.c, sigma, s.scale)

    def learn(place: int, epsilon: float, warm: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The times after the warm-up, σ_r's entry at them, over σ_r, and the error at the last of them."""
        held = _follow(truth, start, [(_entry(truth, place, -epsilon), warm)] if warm else [])
        times = torch.linspace(0, stop + (epsilon / sigma - 1) * warm, 401, dtype=torch.float64)
        run = balanced_flow(truth.matrix, held, times.tolist())
        entry = torch.stack([factors.product()[:, last, last] / sigma for factors in run], dim=1)
        return times, entry, _norm(run[-1].product() - truth.matrix)

    times, entry, unperturbed = learn(last, 0.0, 0.0)
    escape = _crossing(times, entry)
    delays: dict[str, dict[str, torch.Tensor]] = {"signal": {}, "orthogonal": {}}
    errors: dict[str, dict[str, torch.Tensor]] = {"signal": {}, "orthogonal": {}}
    curves = {"no warm-up": (times, entry)}
    for epsilon, warm in s.cases:
        name = f"ε = {epsilon / sigma:g} σ_r, t_w = {warm:g}"
        for direction, place in (("orthogonal", last + 1), ("signal", last)):
            times, entry, error = learn(place, epsilon, warm)
            delay = _crossing(times, entry) - escape
            delays[direction][name] = delay * sigma / ((epsilon - sigma) * warm)
            errors[direction][name] = error / unperturbed
        curves[name] = (times + warm, entry)
    return Evidence(
        measured={
            "delay / predicted delay": delays["signal"],
            "final error / unperturbed error": errors["signal"],
        },
        predicted={"delay / predicted delay": 1.0, "final error / unperturbed error": 1.0},
        control={
            "delay / predicted delay": delays["orthogonal"],
            "final error / unperturbed error": errors["orthogonal"],
        },
        curves={"entries": curves, "escape": escape},
    )


@claim(
    id="wind2023.random-against-adversarial",
    title="A random perturbation that is drawn anew is averaged: its size says little",
    reference="no counterpart in the paper is known to us",
    statement=r"""Let $E(t)$ be Gaussian, scaled to operator norm $\varepsilon$ and drawn anew after every time
$\tau$. For $\tau\sigma_1\ll1$ the error is $\propto\varepsilon\sqrt\tau$, through and far beyond the threshold
$\varepsilon^*$ of the adversary, whose error is $\varepsilon$ at the same norm.""",
    origin="ours",
    kind="rate",
    criteria=(
        Criterion("exponent in τ", 0.35, 0.65),
        Criterion("exponent in ε", 0.95, 1.15),
        Criterion("error / ε", high=0.5),
    ),
    control="constant perturbations of the same norms: u_⊥v_⊥ᵀ, and the first of the random draws, kept",
    breaks=("error / ε",),
    seeds=FEWER_SEEDS,
    sizes=scales(
        n1=12,
        n2=10,
        k=16,
        spectrum=(2.0, 1.5, 1.0),
        scale=each(1e-2, 1e-3, 1e-4),
        c=2.0,
        epsilons=each((0.5, 2.0), (0.25, 0.5, 1.0, 2.0, 4.0), (0.25, 0.5, 1.0, 2.0, 4.0)),
        taus=each((0.05, 0.4), (0.05, 0.1, 0.2, 0.4), (0.025, 0.05, 0.1, 0.2, 0.4)),
        epsilon=0.5,
        tau=0.1,
    ),
    chapter=CHAPTER,
    uses=("wind2023.perturbation-threshold",),
)
def random_against_adversarial(setting: Setting) -> Evidence:
    s = setting.sizes
    truth, rank = _truth(setting), len(s.spectrum)
    start, stop = balanced(setting, s.k, s.scale), stopping_time(s.c, s.spectrum[-1], s.scale)

    def redrawn(epsilon: float, tau: float) -> torch.Tensor:
        """The error averaged over the second half of the run."""
        factors, errors = start, []
        pieces = round(stop / tau)
        for i in range(pieces):
            factors = _follow(truth, factors, [(epsilon * _drawn(setting, i), tau)])
            if i >= pieces // 2:
                errors.append(_norm(factors.product() - truth.matrix))
        return torch.stack(errors).mean(dim=0)

    def kept(direction: torch.Tensor) -> torch.Tensor:
        runs = [flow_errors(truth.matrix + e * direction, start, [stop], truth.matrix) for e in s.epsilons]
        return torch.cat(runs, dim=1)

    by_tau = torch.stack([redrawn(s.epsilon, tau) for tau in s.taus], dim=1)
    by_size = torch.stack([redrawn(epsilon, s.tau) for epsilon in s.epsilons], dim=1)
    constant = {"u_⊥v_⊥ᵀ": kept(_entry(truth, rank, 1.0)), "one draw": kept(_drawn(setting, 0))}
    above = [(i, e) for i, e in enumerate(s.epsilons) if e > s.spectrum[-1] / (2 * s.c)]
    return Evidence(
        measured={
            "exponent in τ": scaling_exponent(s.taus, by_tau),
            "exponent in ε": scaling_exponent(s.epsilons, by_size),
            "error / ε": {f"ε = {e:g}": by_size[:, i] / e for i, e in enumerate(s.epsilons)},
        },
        predicted={"exponent in τ": 0.5, "exponent in ε": 1.0},
        control={
            "error / ε": {
                f"{name}, ε = {e:g}": errors[:, i] / e for name, errors in constant.items() for i, e in above
            }
        },
        curves={
            "taus": torch.tensor(s.taus),
            "by tau": by_tau,
            "epsilons": torch.tensor(s.epsilons),
            "by size": by_size,
            "constant": constant,
        },
    )


def residual_exponent(spectrum: Sequence[float], theta: float) -> float:
    """p = 2 − 2θ Σ σ_i(1/σ_i − 1/σ_{i−1}) = 2 − 2θ(r − Σ σ_i/σ_{i−1}); while the i-th is learnt, ‖R‖ ≈ σ_i."""
    ratios = [low / high for high, low in pairwise(spectrum)]
    return 2 - 2 * theta * (len(spectrum) - sum(ratios))


def _truth(setting: Setting, spectrum: Sequence[float] | None = None) -> Truth:
    s = setting.sizes
    return rectangular(
        s.n1, s.n2, s.spectrum if spectrum is None else spectrum, setting.seeds, device=setting.device
    )


def _entry(truth: Truth, place: int, size: float) -> torch.Tensor:
    """`size` in the diagonal entry with this index, zero elsewhere, (B, n1, n2)."""
    matrix = torch.zeros_like(truth.matrix)
    matrix[:, place, place] = size
    return matrix


def _norm(matrix: torch.Tensor) -> torch.Tensor:
    return torch.linalg.matrix_norm(matrix, ord=2)


def _case(c: float, x: float) -> str:
    return f"c = {c:g}, ε = {x:g} σ_r"


def _follow(truth: Truth, start: Factors, pieces: Iterable[tuple[torch.Tensor | float, float]]) -> Factors:
    """The exact flow under a piecewise constant perturbation, given as pairs (E, duration)."""
    for perturbation, duration in pieces:
        (start,) = balanced_flow(truth.matrix + perturbation, start, [duration])
    return start


def _crossing(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Where y (B, R), like a logistic curve over x (R,), first passes one half, (B,); NaN if it does not."""
    logits = torch.logit(y.clamp(1e-300, 1 - 1e-16))
    after = (logits > 0).to(torch.int).argmax(dim=1)
    rows = torch.arange(y.shape[0], device=y.device)
    left, right = logits[rows, (after - 1).clamp(min=0)], logits[rows, after]
    found = x[after] + (x[after] - x[after - 1]) * right / (left - right)
    return torch.where(after > 0, found, torch.nan)


def _drawn(setting: Setting, i: int) -> torch.Tensor:
    """The i-th Gaussian draw of a refreshed perturbation, of operator norm one, (B, n1, n2)."""
    s = setting.sizes
    matrix = normal(setting.seeds, f"perturbation {i}", s.n1, s.n2, device=setting.device)
    return matrix / _norm(matrix)[:, None, None]


def _blocks(setting: Setting, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """One Gaussian matrix, split into its tangent part and its orthogonal block, each scaled to norm one."""
    orthogonal = torch.zeros_like(_drawn(setting, 0))
    orthogonal[:, rank:, rank:] = _drawn(setting, 0)[:, rank:, rank:]
    tangent = _drawn(setting, 0).clone()
    tangent[:, rank:, rank:] = 0
    return tuple(part / _norm(part)[:, None, None] for part in (tangent, orthogonal))  # type: ignore[return-value]


def _turning(truth: Truth, size: float) -> list[tuple[torch.Tensor, float]]:
    """The E(t) of norm `size` in the signal block that maximises |xᵀR(T)x| to first order, x = (1, ..., 1)/√r.

    Linearised at the truth, Ṙ_ij = −(σ_i + σ_j)(R_ij + E_ij), so xᵀRx = −∫⟨W(T − t), E(t)⟩dt with W(s) = abᵀ + baᵀ,
    a_i = x_iσ_ie^{−σ_is}, b_i = x_ie^{−σ_is}: the best E(t) is the polar factor of W.
    """
    sigma, r = truth.spectrum[0], truth.rank
    grid = torch.logspace(math.log10(TURNING), math.log10(0.02 / float(sigma[0])), 60, dtype=sigma.dtype)
    grid = torch.cat([grid.to(sigma), sigma.new_zeros(1)])
    grid[0] = TURNING
    pieces = []
    for begin, end in pairwise(grid):
        b = torch.exp(-sigma * (begin + end) / 2)
        left, _, right = torch.linalg.svd(torch.outer(sigma * b, b) + torch.outer(b, sigma * b))
        # W has rank two, or one if all σ_i are equal.
        rank = 1 if r == 1 or bool(sigma[0] == sigma[-1]) else 2
        block = torch.zeros_like(truth.matrix)
        block[:, :r, :r] = size * left[:, :rank] @ right[:rank]
        pieces.append((block, float(begin - end)))
    return pieces
