"""The sub-gradient method under gross outliers: any level, any magnitude, but independent of the measurements.

Where |sᵢ| is large, only the signs of the outliers enter the method, and they turn a corrupted measurement matrix
into another Gaussian one. What remains is a signal weakened to 1 − p in noise of the size √(n/m), so that
m(1 − p)² decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from lowrank_core import artefacts
from lowrank_core.analysis import rates
from lowrank_core.analysis.threshold import octaves, smallest_success
from lowrank_core.claims.claim import Criterion, Evidence, Setting
from lowrank_core.claims.grammar import each, scales
from lowrank_core.claims.ma2023 import runs
from lowrank_core.claims.registry import claim
from lowrank_core.factors import Factors
from lowrank_core.methods import GradientDescent
from lowrank_core.noise import Corruption, Noise, Outliers, Planted, SignFlip
from lowrank_core.problem import Problem
from lowrank_core.sensing.operator import MeasurementOperator
from lowrank_core.solve import Trajectory, log_spaced, solve
from lowrank_core.truth import psd

CHAPTER = "chapters/ma2023/gross-outliers"
ROTATED = 1_000_000
"""Added to a seed for the second, planted matrix."""


@dataclass(frozen=True)
class SideBySide:
    """The v-th of several corruptions for the v-th variant of every seed, see `runs.sensing`."""

    parts: tuple[Noise | Corruption | None, ...]

    def corrupt(
        self, clean: torch.Tensor, operator: MeasurementOperator, seeds: Sequence[int]
    ) -> torch.Tensor:
        seen = clean.clone()
        for variant, part in enumerate(self.parts):
            if isinstance(part, Corruption):
                other = part.corrupt(clean, operator, seeds)
            elif part is not None:
                other = clean + part.sample(seeds, operator.m).to(clean)
            else:
                other = clean
            seen[variant :: len(self.parts)] = other[variant :: len(self.parts)]
        return seen


Start = Callable[[Problem, int, float], Factors]


def robust_run(
    problem: Problem,
    setting: Setting,
    k: int | None = None,
    steps: int | None = None,
    start: Start = runs.spectral,
) -> Trajectory:
    """The sub-gradient method with the setting's α and geometric steps."""
    s = setting.sizes
    steps = steps or s.steps
    record = [*range(0, steps, 20), steps]
    begin = start(problem, k or s.k, s.alpha)
    return runs.subgradient_run(problem, begin, runs.geometric(s.eta, s.ratio), steps, record=record)


def smallest_m(
    setting: Setting,
    noise: Noise | Corruption | None,
    n: int | None = None,
    k: int | None = None,
    spectrum: Sequence[float] | None = None,
    start: Start = runs.spectral,
) -> torch.Tensor:
    """Per seed, the fewest measurements on the setting's grid with ‖XXᵀ − M*‖_F ≤ tolerance·‖M*‖_F, (S,).

    The measurements of a seed are nested: fewer of them are the first of more, corrupted alike.
    """
    s = setting.sizes

    def recovers(m: int, seeds: list[int]) -> torch.Tensor:
        some = replace(setting, seeds=tuple(seeds))
        problem = runs.sensing(some, m, noise, spectrum, n)
        run = robust_run(problem, some, k, start=start)
        return runs.final(run) <= s.tolerance * problem.truth.spectrum.norm(dim=1)

    return smallest_success(octaves(*s.grid), setting.seeds, recovers)


def grouped(values: torch.Tensor, size: int) -> torch.Tensor:
    """Geometric means over groups of so many seeds in a row, one number per group; the last may be smaller."""
    return torch.stack([group.log().mean(dim=0).exp() for group in values.split(size)])


def medians(values: torch.Tensor, size: int) -> torch.Tensor:
    """Medians over groups of so many seeds in a row, one number per group."""
    return torch.stack([group.median(dim=0).values for group in values.split(size)])


@claim(
    id="ma2023.any-corruption-level",
    title="Any corruption level below one, at the price of 1/(1 − p)² measurements",
    reference="Theorem 27 and Corollary 28 for sufficiency; that the price is really paid is measured here",
    statement=r"""With gross outliers on a fraction $p<1$ of the measurements, independent of $\mathcal A$, the
sub-gradient method with geometric steps recovers the truth from $m\gtrsim(1-p)^{-2}$ measurements: the smallest
$m$ that suffices follows $m(1-p)^2=\text{const}$, far beyond $p=1/\sqrt k$.""",
    origin="ours",
    kind="rate",
    criteria=(Criterion("exponent of the smallest m in 1 − p", -2.8, -1.5),),
    control="outliers that depend on A: with probability p, the sign of a measurement is flipped",
    breaks=("exponent of the smallest m in 1 − p",),
    seeds={"smoke": 4, "book": 16, "full": 40},
    sizes=scales(
        n=each(8, 12, 20),
        k=each(8, 12, 20),
        spectrum=each((1.0,), (1.0, 1.0), (1.0, 1.0, 1.0)),
        grid=each((12, 1_536, 2), (16, 8_192, 4), (32, 32_768, 4)),
        ps=each((0.3, 0.8), (0.2, 0.4, 0.6, 0.8), (0.2, 0.4, 0.6, 0.8)),
        flipped=each((0.1, 0.35), (0.1, 0.25, 0.4), (0.1, 0.25, 0.4)),
        tolerance=1e-2,
        alpha=each(1e-6, 1e-6, 1e-8),
        eta=each(0.6, 0.5, 0.3),
        ratio=each(0.957, 1 - 0.5 / 14, 1 - 0.3 / 18),
        steps=each(200, 300, 700),
        group=each(4, 4, 10),
    ),
    chapter=CHAPTER,
    fit="illustrates",
)
def any_corruption_level(setting: Setting) -> Evidence:
    s = setting.sizes
    needed = torch.stack([smallest_m(setting, Outliers(p)) for p in s.ps], dim=1)
    flipped = torch.stack([smallest_m(setting, SignFlip(p)) for p in s.flipped], dim=1)

    def exponent(ps: Sequence[float], smallest: torch.Tensor, share: int = 1) -> torch.Tensor:
        return rates.scaling_exponent([1 - share * p for p in ps], grouped(smallest, s.group))

    name = "exponent of the smallest m in 1 − p"
    return Evidence(
        measured={name: exponent(s.ps, needed)},
        predicted={name: -2.0},
        control={name: {"sign flips": exponent(s.flipped, flipped)}},
        notes={
            "smallest m at the largest p, median over the seeds": float(needed[:, -1].median()),
            "largest p over 1/√k": max(s.ps) * s.k**0.5,
            "exponent of the smallest m in 1 − 2p, sign flips": float(exponent(s.flipped, flipped, 2).mean()),
        },
        curves={"independent": needed, "sign flips": flipped},
    )


@claim(
    id="ma2023.paper-outlier-levels",
    title="The paper's figure 1b: four corruption levels at m = 500",
    reference="Figure 1b and pp. 3–4 for the setting; the spectrum, η, ρ and T are not stated there",
    statement=r"""With $n=k=20$, spectrum $(10,5,1)$ and outliers $N(0,100)$, the error that the sub-gradient
method reaches from $m=500$ measurements grows with $p\in\{0,0.2,0.4,0.6\}$: it recovers the truth for
$p\le0.2$. For $p=0.6$ it recovers the truth from $m=2000$ measurements.""",
    origin="paper",
    known="read",
    kind="ordering",
    criteria=(
        Criterion("median error", high=1e-2),
        Criterion("median error over that of the next lower level", low=1.0),
    ),
    control="too few measurements for the level: m = 500 for p = 0.6",
    breaks=("median error",),
    seeds={"smoke": 3, "book": 20, "full": 20},
    sizes=scales(
        n=each(12, 20, 20),
        k=each(12, 20, 20),
        spectrum=each((2.0, 1.0), (10.0, 5.0, 1.0), (10.0, 5.0, 1.0)),
        ms=each({"few": 150, "more": 2_000}, {"few": 500, "more": 2_000}, {"few": 500, "more": 2_000}),
        ps=each((0.0, 0.4, 0.7), (0.0, 0.2, 0.4, 0.6), (0.0, 0.2, 0.4, 0.6)),
        recovered=each((0.0,), (0.0, 0.2), (0.0, 0.2)),
        alpha=each(1e-6, 1e-10, 1e-10),
        # In the book, the budget of the full run, in steps that are larger and decay faster.
        eta=each(0.5, 0.45, 0.28),
        ratio=each(0.97, 1 - 0.45 / 35, 0.992),
        steps=each(600, 2_000, 5_000),
        group=10,
    ),
    chapter=CHAPTER,
    fit="illustrates",
    uses=("ma2023.any-corruption-level",),
    discrepancy="Recovery at any p < 1 is a statement about large m. At the m = {few:.0f} of the figure the truth "
    "is not recovered for p = {p:g}: the median error is {error with few:.2g} (‖M*‖_F = {norm of the truth:.3g}), "
    "and the figure levels off near 0.15, as read off the plot; with m = {more:.0f} it is {error with more:.1g}.",
)
def paper_outlier_levels(setting: Setting) -> Evidence:
    s = setting.sizes
    few, more = s.ms["few"], s.ms["more"]
    levels = SideBySide(tuple(Outliers(p) for p in s.ps))
    run = robust_run(runs.sensing(setting, few, levels, variants=len(s.ps)), setting)
    errors = runs.split(run.error.sqrt(), len(s.ps))
    # An error of 1e-2 needs no more than half of the steps that show the floors of the smaller levels.
    enough = robust_run(runs.sensing(setting, more, Outliers(s.ps[-1])), setting, steps=s.steps // 2)
    last = {p: medians(errors[:, i, -1], s.group) for i, p in enumerate(s.ps)}
    lower = zip(s.ps, s.ps[1:], strict=False)
    return Evidence(
        measured={
            "median error": {
                **{f"p = {p:g}, m = {few}": last[p] for p in s.recovered},
                f"p = {s.ps[-1]:g}, m = {more}": medians(runs.final(enough), s.group),
            },
            "median error over that of the next lower level": {
                f"p = {high:g} / {low:g}": last[high] / last[low] for low, high in lower
            },
        },
        control={"median error": {f"p = {s.ps[-1]:g}, m = {few}": last[s.ps[-1]]}},
        notes={
            "p": s.ps[-1],
            "few": float(few),
            "more": float(more),
            "error with few": float(runs.split(runs.final(run), len(s.ps))[:, -1].median()),
            "error with more": float(runs.final(enough).median()),
            "norm of the truth": float(torch.tensor(s.spectrum).norm()),
        },
        curves={
            "steps": run.steps,
            "levels": {p: errors[:, i] for i, p in enumerate(s.ps)},
            "enough": enough,
            "stored": {f"p = {p:g}": stored_band(run.steps, errors[:, i]) for i, p in enumerate(s.ps)},
        },
    )


def stored_band(steps: torch.Tensor, errors: torch.Tensor) -> dict[str, object]:
    """A curve as it is stored, at no more than 120 of its records."""
    kept = slice(None, None, -(-len(steps) // 120))
    return artefacts.band(steps[kept], errors[:, kept])


@claim(
    id="ma2023.magnitude-independence",
    title="The size and the law of the outliers do not matter",
    reference="Definition 8 allows any zero-mean law; that the mean need not vanish is derived here",
    statement=r"""The error that the sub-gradient method reaches under outliers on a fraction $p$ of the
measurements does not depend on their magnitude, on whether their law has moments, or on whether its mean is
zero, once they are large.""",
    origin="ours",
    kind="rate",
    criteria=(
        Criterion("error / error under N(0, 10²), typical of 8 seeds", 0.1, 10),
        Criterion("error", high=1e-2),
    ),
    control="ℓ2 instead of ℓ1: the same data, start and step rule",
    breaks=("error / error under N(0, 10²), typical of 8 seeds", "error"),
    seeds=runs.SEEDS | {"smoke": 6},
    sizes=scales(
        n=each(8, 12, 20),
        m=each(600, 2_000, 4_000),
        spectrum=each((1.0,), (1.0, 1.0), (1.0, 1.0, 1.0)),
        k=each(8, 12, 20),
        p=0.3,
        alpha=each(1e-4, 1e-6, 1e-8),
        eta=each(0.5, 0.5, 0.3),
        ratio=each(1 - 0.5 / 12, 1 - 0.5 / 14, 1 - 0.3 / 16),
        steps=each(350, 600, 1_500),
    ),
    chapter=CHAPTER,
    fit="illustrates",
)
def magnitude_independence(setting: Setting) -> Evidence:
    s = setting.sizes
    laws = {
        "N(0, 10²)": Outliers(s.p, 10.0),
        "N(0, 1000²)": Outliers(s.p, 1_000.0),
        "100·Cauchy": Outliers(s.p, 100.0, "cauchy"),
        "constant +50": Outliers(s.p, 50.0, "constant"),
    }
    noise = SideBySide(tuple(laws.values()))
    robust = robust_run(runs.sensing(setting, s.m, noise, variants=len(laws)), setting)
    squares = runs.sensing(setting, s.m, noise, loss="l2", variants=len(laws))
    fitted = solve(
        squares,
        GradientDescent(runs.geometric(s.eta, s.ratio)),
        runs.spectral(squares, s.k, s.alpha),
        s.steps,
        record=robust.steps,
    )
    errors, control = (runs.split(runs.final(run), len(laws)) for run in (robust, fitted))
    # The signs of outliers of different laws are independent, so only typical errors can agree.
    typical, typical_control = grouped(errors, 8), grouped(control, 8)
    ratio = "error / error under N(0, 10²), typical of 8 seeds"
    return Evidence(
        measured={
            ratio: {law: typical[:, i] / typical[:, 0] for i, law in enumerate(laws) if i > 0},
            "error": {law: errors[:, i] for i, law in enumerate(laws)},
        },
        predicted={ratio: 1.0},
        control={
            ratio: {"ℓ2, N(0, 1000²)": typical_control[:, 1] / typical_control[:, 0]},
            "error": {f"ℓ2, {law}": control[:, i] for i, law in enumerate(laws)},
        },
        curves={
            "steps": robust.steps,
            "ℓ1": {law: runs.split(robust.error.sqrt(), len(laws))[:, i] for i, law in enumerate(laws)},
            "ℓ2": {law: runs.split(fitted.error.sqrt(), len(laws))[:, i] for i, law in enumerate(laws)},
        },
    )


@claim(
    id="ma2023.dependent-corruption",
    title="Corruption that looks at A breaks down at one half",
    reference="Definition 8 asks for independence; what its loss costs is derived here",
    statement=r"""Outliers that are independent of $\mathcal A$ may hit more than half of the measurements.
Corruption that depends on $\mathcal A$ may not: if the corrupted measurements are those of another matrix
$\tilde M$, the sub-gradient method finds $M^\star$ for $p<\frac12$ and $\tilde M$ for $p>\frac12$.""",
    origin="ours",
    kind="existence",
    criteria=(
        Criterion("distance to the truth", high=1e-2),
        Criterion("distance to the planted matrix", high=1e-2),
    ),
    control="corruption that depends on A at the level p > 1/2; for the second distance, corruption that does not",
    breaks=("distance to the truth", "distance to the planted matrix"),
    seeds=runs.SEEDS,
    sizes=scales(
        n=each(8, 12, 20),
        m=each(1_200, 2_500, 8_000),
        spectrum=each((1.0,), (1.0, 1.0), (1.0, 1.0, 1.0)),
        k=each(8, 12, 20),
        minority=each(0.25, 0.3, 0.3),
        majority=each(0.75, 0.7, 0.7),
        alpha=each(1e-5, 1e-6, 1e-8),
        eta=each(0.5, 0.5, 0.3),
        ratio=each(1 - 0.5 / 12, 1 - 0.5 / 14, 1 - 0.3 / 16),
        steps=each(250, 400, 1_200),
    ),
    chapter=CHAPTER,
    fit="illustrates",
    uses=("ma2023.any-corruption-level",),
)
def dependent_corruption(setting: Setting) -> Evidence:
    s = setting.sizes
    elsewhere = [seed + ROTATED for seed in setting.seeds]
    planted = psd(s.n, s.spectrum, elsewhere, basis="random", device=setting.device).matrix
    corruptions: dict[str, Noise | Corruption] = {
        f"independent, p = {s.majority:g}": Outliers(s.majority),
        f"planted, p = {s.minority:g}": Planted(s.minority, planted.repeat_interleave(5, dim=0)),
        f"sign flips, p = {s.minority:g}": SignFlip(s.minority),
        f"planted, p = {s.majority:g}": Planted(s.majority, planted.repeat_interleave(5, dim=0)),
        f"sign flips, p = {s.majority:g}": SignFlip(s.majority),
    }
    problem = runs.sensing(setting, s.m, SideBySide(tuple(corruptions.values())), variants=5)
    run = robust_run(problem, setting)
    product = runs.split(run.factors.product(), 5).cpu()
    errors = runs.split(run.error.sqrt(), 5)
    to_truth = dict(zip(corruptions, errors[:, :, -1].unbind(dim=1), strict=True))
    to_planted = dict(
        zip(corruptions, (product - planted.cpu()[:, None]).flatten(2).norm(dim=2).mT, strict=True)
    )
    recovered, lost = list(corruptions)[:3], list(corruptions)[3:]
    return Evidence(
        measured={
            "distance to the truth": {name: to_truth[name] for name in recovered},
            "distance to the planted matrix": {lost[0]: to_planted[lost[0]]},
        },
        control={
            "distance to the truth": {name: to_truth[name] for name in lost},
            "distance to the planted matrix": {recovered[0]: to_planted[recovered[0]]},
        },
        curves={"steps": run.steps, "errors": dict(zip(corruptions, errors.unbind(dim=1), strict=True))},
    )


@claim(
    id="ma2023.l1-against-l2",
    title="With outliers ℓ1 recovers the truth; ℓ2 does not, at any step and any time",
    reference="Table 1, p. 8; best steps and stopping by an oracle are added here",
    statement=r"""Under gross outliers the sub-gradient method on the $\ell_1$ loss recovers the truth, and no
error of gradient descent on the $\ell_2$ loss is small, at its best step size and stopped at its best
iteration. The error of $\ell_2$ grows in proportion to the magnitude of the outliers until it is that of the
zero matrix.""",
    origin="paper",
    known="read",
    kind="ordering",
    criteria=(
        Criterion("ℓ1 error / ‖M*‖", high=1e-4),
        Criterion("best ℓ2 error / ‖M*‖", low=0.01),
        Criterion("best ℓ2 error / ℓ1 error", low=1e3),
        Criterion("growth of the best ℓ2 error, magnitude × 10", 5, 20),
    ),
    control="no outliers: p = 0",
    breaks=("best ℓ2 error / ‖M*‖", "best ℓ2 error / ℓ1 error"),
    seeds=runs.SEEDS,
    sizes=scales(
        n=each(8, 12, 20),
        m=each(400, 600, 1_000),
        spectrum=each((1.0,), (1.0, 1.0), (1.0, 1.0, 1.0)),
        k=each(8, 12, 20),
        p=0.1,
        alpha=each(1e-5, 1e-6, 1e-8),
        eta=each(0.5, 0.5, 0.3),
        ratio=each(1 - 0.5 / 12, 1 - 0.5 / 14, 1 - 0.3 / 16),
        steps=each(300, 600, 1_500),
        l2_etas=each((0.1, 0.3), (0.05, 0.1, 0.2, 0.4), (0.02, 0.05, 0.1, 0.2, 0.4)),
    ),
    chapter=CHAPTER,
    fit="illustrates",
    uses=("ma2023.magnitude-independence",),
)
def l1_against_l2(setting: Setting) -> Evidence:
    s = setting.sizes
    magnitudes = (1.0, 10.0, 100.0)
    noise = SideBySide((None, *(Outliers(s.p, size) for size in magnitudes)))
    variants = 1 + len(magnitudes)
    robust = robust_run(runs.sensing(setting, s.m, noise, variants=variants), setting)
    squares = runs.sensing(setting, s.m, noise, loss="l2", variants=variants)
    start = runs.spectral(squares, s.k, s.alpha)
    every = log_spaced(s.steps, 60)
    descents = [solve(squares, GradientDescent(eta), start, s.steps, record=every) for eta in s.l2_etas]
    size = torch.tensor(s.spectrum).norm()
    l1 = runs.split(runs.final(robust), variants) / size
    l2 = runs.split(torch.stack([runs.best(run) for run in descents]).amin(dim=0), variants) / size
    names = [f"N(0, {magnitude:g}²)" for magnitude in magnitudes]
    growth = "growth of the best ℓ2 error, magnitude × 10"
    return Evidence(
        measured={
            "ℓ1 error / ‖M*‖": {name: l1[:, 1 + i] for i, name in enumerate(names)},
            "best ℓ2 error / ‖M*‖": {name: l2[:, 1 + i] for i, name in enumerate(names)},
            "best ℓ2 error / ℓ1 error": {name: l2[:, 1 + i] / l1[:, 1 + i] for i, name in enumerate(names)},
            growth: {"1 to 10": l2[:, 2] / l2[:, 1]},
        },
        predicted={growth: 10.0},
        control={
            "ℓ1 error / ‖M*‖": {"p = 0": l1[:, 0]},
            "best ℓ2 error / ‖M*‖": {"p = 0": l2[:, 0]},
            "best ℓ2 error / ℓ1 error": {"p = 0": l2[:, 0] / l1[:, 0]},
        },
        curves={"magnitudes": magnitudes, "ℓ1": l1, "ℓ2": l2},
    )


@claim(
    id="ma2023.sample-complexity",
    title="The measurements needed grow with n and the rank of the truth, not with the search rank",
    reference="Table 2 and Corollary 28, an upper bound; its factors κ⁴ and r² are not tested",
    statement=r"""With outliers at a fixed level and a truth of fixed rank, the smallest $m$ from which the
sub-gradient method recovers the truth hardly depends on the search rank $k>r$, and it grows like $n$ up to
logarithms: more slowly than the number $n(n+1)/2$ of unknowns.""",
    origin="paper",
    known="read",
    kind="rate",
    criteria=(
        Criterion("exponent of the smallest m in n", 0.8, 1.75),
        Criterion("exponent of the smallest m in k", -0.2, 0.35),
    ),
    control="a truth of full rank, r = n",
    breaks=("exponent of the smallest m in n",),
    seeds={"smoke": 4, "book": 8, "full": 24},
    sizes=scales(
        n=each(12, 24, 24),
        ns=each((8, 32), (12, 24, 48), (12, 24, 48, 72)),
        full_rank=each((4, 12), (8, 16), (8, 16)),
        rank=1,
        p=0.2,
        grid=each((16, 2_048, 3), (16, 4_096, 3), (16, 4_096, 4)),
        tolerance=1e-2,
        alpha=1e-4,
        eta=each(0.6, 0.5, 0.5),
        ratio=each(0.95, 1 - 0.5 / 12, 1 - 0.5 / 12),
        steps=each(120, 280, 280),
        group=8,
    ),
    chapter=CHAPTER,
    fit="illustrates",
    uses=("ma2023.any-corruption-level",),
    discrepancy="Over n = {smallest n:.0f} to {largest n:.0f} the smallest m grows like n^{exponent:.2f}, more "
    "steeply than n itself. The bound n·ln²m allows it: the exponent of m/ln²m is {exponent of m/ln²m:.2f}. "
    "A clean linear law was not seen at these sizes. From random starts k = {largest k:.0f} instead of "
    "{smallest k:.0f} costs a factor {price of the larger k:.2f} in m.",
)
def sample_complexity(setting: Setting) -> Evidence:
    s = setting.sizes
    noise = Outliers(s.p)
    low = torch.stack([smallest_m(setting, noise, n, n, (1.0,) * s.rank) for n in s.ns], dim=1)
    full = torch.stack([smallest_m(setting, noise, n, n, (1.0,) * n) for n in s.full_rank], dim=1)
    # Random starts: half of the columns of the spectral start are zero for k = n.
    ks = (s.rank + 3, s.n)
    ranks = torch.stack(
        [smallest_m(setting, noise, s.n, k, (1.0,) * s.rank, start=runs.random) for k in ks], dim=1
    )
    name = "exponent of the smallest m in n"
    typical, typical_rank = grouped(low, s.group), grouped(ranks, s.group)
    return Evidence(
        measured={
            name: rates.scaling_exponent(s.ns, typical),
            "exponent of the smallest m in k": rates.scaling_exponent(ks, typical_rank),
        },
        predicted={name: 1.0, "exponent of the smallest m in k": 0.0},
        control={name: {"r = n": rates.scaling_exponent(s.full_rank, grouped(full, s.group))}},
        notes={
            "smallest n": float(s.ns[0]),
            "largest n": float(s.ns[-1]),
            "smallest k": float(ks[0]),
            "largest k": float(ks[1]),
            "price of the larger k": float((typical_rank[:, 1] / typical_rank[:, 0]).mean()),
            "exponent": float(rates.scaling_exponent(s.ns, typical).mean()),
            "exponent of m/ln²m": float(
                rates.scaling_exponent(s.ns, typical / typical.log().square()).mean()
            ),
        },
        curves={"low rank": low, "full rank": full, "search ranks": ranks},
    )
