"""A constant perturbation orthogonal to the truth: the exponent of the error, and the threshold."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lowrank_core.analysis.crossings import half_way
from lowrank_core.analysis.rates import scaling_exponent
from lowrank_core.claims.experiments.small_starts import balanced, flow_errors, stopping_time
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.claims.wind2023.perturbed import entry, truth_of

PAGE = Page("chapters/wind2023/perturbation-budget", book=10)

EXPONENT = Criterion(
    "exponent of the error",
    0.97,
    1.03,
    of_prediction=True,
    width="60 pilot seeds: 0.997 to 1.001, from further powers of a₀",
)


@PAGE.claim(
    "wind2023.orthogonal-adversary",
    "A constant perturbation orthogonal to the truth lowers the exponent of the error",
    EXPONENT,
    reference="a sharp form of the abstract's “sufficiently bounded”; no counterpart in the paper is known to us",
    states="prop-budget-exponent",
    kind="tight",
    control="no spare columns: k = r, where the adversary has nothing to grow in",
    edges=(
        edge("r = 1, k = r + 1", spectrum=(1.0,), k=2),
        edge("k = r + 1, at a smaller start", k=3, cases=((2.0, 0.2),), scales=(1e-8, 1e-10, 1e-12)),
        edge("k = n₁ + n₂", k=11),
        edge(
            "n₁ = n₂ = r + 2, at a smaller start",
            n1=4,
            n2=4,
            k=6,
            cases=((2.0, 0.2),),
            scales=(1e-8, 1e-10, 1e-12),
        ),
        edge("equal singular values", spectrum=(1.0, 1.0)),
        edge("κ = 20", spectrum=(20.0, 1.0)),
        edge("near the threshold, at a smaller start", cases=((2.0, 0.22),), scales=(1e-12, 1e-14, 1e-16)),
        refused("k > r", "the adversary has nothing to grow in", k=2),
        refused(
            "r + 1 < min(n₁, n₂)", "the sign of det F₀G₀ᵀ holds E back in half of the runs", n1=3, n2=3, k=6
        ),
        refused("ε < σ_r/(2c)", "the adversary is learnt", cases=((2.0, 0.3),)),
    ),
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
)
def orthogonal_adversary(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(s.k > len(s.spectrum), "k > r")
    setting.assume(len(s.spectrum) + 1 < min(s.n1, s.n2), "r + 1 < min(n₁, n₂)")
    setting.assume(all(2 * c * x < 1 < 2 * c for c, x in s.cases), "ε < σ_r/(2c)")
    truth, rank = truth_of(setting), len(s.spectrum)

    def errors(k: int, c: float, x: float, scales: Sequence[float]) -> torch.Tensor:
        target = truth.matrix + entry(truth, rank, x * s.spectrum[-1])
        runs = [
            flow_errors(target, balanced(setting, k, a), [stopping_time(c, s.spectrum[-1], a)], truth.matrix)
            for a in scales
        ]
        return torch.cat(runs, dim=1)

    found: dict[str, torch.Tensor] = {}
    evidence = Evidence(curves={"scales": torch.tensor(s.scales), "errors": found})
    for c, x in s.cases:
        case = at(f"c = {c:g}, ε = {x:g} σ_r", c=c, **{"ε/σ_r": x})
        found[case] = errors(s.k, c, x, s.scales)
        exponent = scaling_exponent(s.scales, found[case])
        evidence.found(EXPONENT, exponent, case, predicted=min(2 - 4 * c * x, 4 * c - 2))
    c, x = s.control_case
    exact = scaling_exponent(s.control_scales, errors(rank, c, x, s.control_scales))
    evidence.broken(EXPONENT, exact, "k = r", predicted=2 - 4 * c * x)
    return evidence


BELOW = Criterion("error / ε at 0.7 ε*", high=1e-3, width="a₀^{2 − 1.4} at most, times constants")
ABOVE = Criterion(
    "error / ε at 1.3 ε*",
    0.98,
    1.02,
    width="a₀^{0.6} at most, times constants that are large where spare columns are few",
)
CROSSOVER = Criterion(
    "ε of error ε/2, in units of ε*", 0.95, 1.2, width="a crossover of order 1/ln(1/a₀) above 1"
)


@PAGE.claim(
    "wind2023.perturbation-threshold",
    "The threshold of the perturbation is σ_r/(2c), and it is sharp",
    BELOW,
    ABOVE,
    CROSSOVER,
    reference="a sharp form of the abstract's “sufficiently bounded”; no counterpart in the paper is known to us",
    states="prop-budget-threshold",
    kind="tight",
    control="the same ε, another stop: at 2c, or at 0.7 c, in place of c",
    edges=(
        edge("r = 1, k = r + 1, at a smaller start", spectrum=(1.0,), k=2, scale=1e-30, cs=(1.0,)),
        edge("k = r + 1, at a smaller start", k=3, scale=1e-30, cs=(1.0,), seeds=1),
        edge("k = n₁ + n₂", k=11, cs=(1.0,)),
        edge("n₁ = n₂ = r + 2, at a smaller start", n1=4, n2=4, k=6, scale=1e-30, cs=(1.0,), seeds=1),
        edge("equal singular values", spectrum=(1.0, 1.0), cs=(1.0,)),
        edge("κ = 10", spectrum=(10.0, 1.0), cs=(1.0,), seeds=1),
        edge("a late stop", cs=(10.0,), seeds=1),
        refused("k > r", "the adversary has nothing to grow in", k=2),
        refused(
            "r + 1 < min(n₁, n₂)",
            "the sign of det F₀G₀ᵀ forbids half of the starts to learn E",
            n1=3,
            n2=3,
            k=6,
        ),
        refused("c ≥ 1", "σ_r is not learnt well enough", cs=(0.7,)),
    ),
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
    uses=("wind2023.orthogonal-adversary",),
)
def perturbation_threshold(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(s.k > len(s.spectrum), "k > r")
    setting.assume(min(s.cs) >= 1, "c ≥ 1")
    setting.assume(len(s.spectrum) + 1 < min(s.n1, s.n2), "r + 1 < min(n₁, n₂)")
    truth, rank, sigma = truth_of(setting), len(s.spectrum), s.spectrum[-1]
    start = balanced(setting, s.k, s.scale)
    relative = torch.linspace(0.3, 1.7, 29)

    def saturation(epsilon: float, cs: Sequence[float]) -> torch.Tensor:
        times = [stopping_time(c, sigma, s.scale) for c in cs]
        target = truth.matrix + entry(truth, rank, epsilon)
        return flow_errors(target, start, times, truth.matrix) / epsilon

    def across(c: float, stop: float) -> torch.Tensor:
        """At ε = x ε*(c) for every x."""
        return torch.cat([saturation(float(x) * sigma / (2 * c), (stop,)) for x in relative], dim=1)

    first, last = s.map_cs
    cs, epsilons = torch.linspace(first, last, s.map_points), torch.linspace(0, sigma, s.map_points + 1)[1:]
    curves = {at(c=c): across(c, c) for c in s.cs}
    evidence = Evidence(
        predicted={BELOW: 0.0, ABOVE: 1.0, CROSSOVER: 1.0},
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
    for criterion, part, moved in ((BELOW, 0.7, 2), (ABOVE, 1.3, 0.7)):
        place = int((relative - part).abs().argmin())
        evidence.found(criterion, {case: curve[:, place] for case, curve in curves.items()})
        for c in s.cs:
            stop = moved * c
            case = at(f"ε = {part:g} ε*({c:g}), stop at {stop:g}", c=c, stop=stop, **{"ε/ε*": part})
            evidence.broken(criterion, saturation(part * sigma / (2 * c), (stop,))[:, 0], case)
    evidence.found(CROSSOVER, {case: half_way(relative, curve) for case, curve in curves.items()})
    late = 2 * s.cs[0]
    evidence.broken(CROSSOVER, half_way(relative, across(s.cs[0], late)), at(f"stop at {late:g}", stop=late))
    return evidence
