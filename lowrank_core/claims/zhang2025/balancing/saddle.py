"""A saddle of UVᵀ that is as flat as one likes, and how long gradient descent stays there.

Here and in the other claims of this package M* has rank r and the factors have k columns; errors are not squared.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import torch

from lowrank_core.analysis import landscape, rates
from lowrank_core.analysis.crossings import first_record_below
from lowrank_core.analysis.oja_flow import projected_errors
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.factors import Factors
from lowrank_core.methods import BalancedGradientDescent, GradientDescent
from lowrank_core.problem import Problem, observe
from lowrank_core.proofs import unbalanced_saddle
from lowrank_core.randomness import draw, orthonormal
from lowrank_core.sensing import Identity
from lowrank_core.solver import solve
from lowrank_core.truth import rectangular

PAGE = Page("chapters/zhang2025/balancing")

TERMS = "terms left in the proof's identities"
WEIGHT = 0.5
"""μ where the regulariser is on."""
ROOM = "k + r ≤ n₂"
SHAPES = ((2, 3, 1, 1), (3, 4, 2, 1), (3, 5, 2, 2))
"""n1, n2, k, r of the exact instances, in turn over the seeds."""


def population(setting: Setting) -> Problem:
    """A rectangular truth in a random basis, every entry of which is seen: RIP constant zero at every order."""
    s = setting.sizes
    truth = rectangular(s.n1, s.n2, s.spectrum, setting.seeds, basis="random", device=setting.device)
    return observe(truth, Identity(s.n1, s.n2, device=setting.device))


def unseen(problem: Problem, setting: Setting) -> torch.Tensor:
    """Y, (B, n2, k): orthonormal columns on which M* vanishes."""
    s, right = setting.sizes, problem.truth.right
    drawn = orthonormal(setting.seeds, "start right", s.n2, s.k, device=setting.device)
    return torch.linalg.qr(drawn - right @ (right.mT @ drawn)).Q


def no_left(problem: Problem, right: torch.Tensor) -> Factors:
    """(0, V)."""
    return Factors(right.new_zeros(right.shape[0], problem.truth.shape[0], right.shape[2]), right)


ENTRIES = Criterion("entries of the exact gradient that do not vanish", 0, 0)
UNCERTIFIED = Criterion("statements on λ_min not certified", 0, 0)
GRADIENT = Criterion("‖∇f‖ in floating point", high=1e-9, width="rounding of numbers of the size L")
CURVATURE = Criterion("λ_min / closed form", 1 - 1e-5, 1 + 1e-5, width="rounding of L² in −σ²/L², L ≤ 100")
FADES = Criterion("exponent of −λ_min in L", -2.01, -1.99, width="a term of relative size σ₁²/L⁴, L ≥ 10")
PULL = Criterion("‖∇f_μ‖ with the regulariser / (μL³√k)", 1 - 1e-9, 1 + 1e-9, width="rounding")


@PAGE.claim(
    "zhang2025.unbalanced-near-second-order",
    "Without balancing, near-second-order points can be arbitrarily wrong even at RIP constant zero",
    Criterion(TERMS, 0, 0, exact="the identities of the rank-one case, in symbols"),
    ENTRIES,
    UNCERTIFIED,
    GRADIENT,
    CURVATURE,
    FADES,
    PULL,
    reference="abstract of the third version for the necessity of balancing; this example is derived here",
    states="prop-balancing-flat",
    origin="ours",
    kind="identity",
    control=f"the balancing regulariser is on, μ = {WEIGHT:g}: the same points are not stationary (first four); "
    "one column of V keeps the length one (the others)",
    sizes=scales(
        n1=each(3, 6, 12),
        n2=each(5, 9, 16),
        k=each(2, 3, 4),
        spectrum=each((2.0, 1.0), (2.0, 1.0), (2.0, 1.0, 0.5)),
        Ls=each((10, 100), (10, 20, 50, 100), (10, 20, 50, 100)),
        exact=each((10,), (1, 30, 1000), (1, 30, 1000, 10**6)),
    ),
    edges=(
        edge("k = 1", k=1),
        edge("n₂ = k + r", n2=4),
        edge("k > n₁", n2=7, k=5),
        edge("κ = 1000", spectrum=(2.0, 0.002)),
        edge("equal singular values", spectrum=(2.0, 2.0)),
        refused(ROOM, "M* vanishes on no k orthonormal columns", n2=3),
    ),
    waives=("k ≥ r",),
    certified_by=("symbolic", "exact", "ball"),
)
def unbalanced_near_second_order(setting: Setting) -> Evidence:
    import sympy

    s = setting.sizes
    setting.assume(s.k + len(s.spectrum) <= s.n2, ROOM)
    problem = population(setting)
    direction = unseen(problem, setting)
    sizes = torch.tensor(s.Ls, dtype=torch.float64)
    # V = LY, and the control, whose first column keeps the length one.
    lengths = {"even": sizes[:, None].expand(-1, s.k), "uneven": sizes[:, None].repeat(1, s.k)}
    lengths["uneven"][:, 0] = 1.0
    points = {
        name: [no_left(problem, direction * columns) for columns in rows.to(direction)]
        for name, rows in lengths.items()
    }
    free, pulled = (
        {name: [landscape.stationarity(problem, x, mu) for x in tried] for name, tried in points.items()}
        for mu in (0.0, WEIGHT)
    )
    curvatures, gradients = (
        {name: torch.stack([getattr(one, part) for one in tried], dim=1) for name, tried in found.items()}
        for found, part in ((free, "curvature"), (pulled, "gradient"))
    )
    instances = [
        [unbalanced_saddle.saddle(seed, *SHAPES[seed % len(SHAPES)], Fraction(size)) for size in s.exact]
        for seed in setting.seeds
    ]
    evidence = Evidence(
        notes={
            "error at these points": float(problem.truth.spectrum[0].norm()),
            f"smallest ‖∇f_μ‖, μ = {WEIGHT:g}": float(gradients["even"].min()),
            "smallest −λ_min, μ = 0": float(curvatures["even"].min()),
        },
        curves={"L": sizes, "curvature": curvatures["even"], "gradient": gradients["even"]},
    )
    for add, mu in ((evidence.found, Fraction(0)), (evidence.broken, Fraction(1, 2))):
        add(TERMS, sum(unbalanced_saddle.rank_one_residuals(sympy.Rational(mu)).values()))
        add(ENTRIES, [sum(nonzero_entries(one, mu) for one in tried) for tried in instances])
        add(
            UNCERTIFIED, [sum(unbalanced_saddle.uncertified(one, mu) for one in tried) for tried in instances]
        )
    for add, stationary in ((evidence.found, free), (evidence.broken, pulled)):
        for size, at_point in zip(s.Ls, stationary["even"], strict=True):
            add(GRADIENT, at_point.gradient, at(L=size))
    for add, name in ((evidence.found, "even"), (evidence.broken, "uneven")):
        for i, size in enumerate(s.Ls):
            closed_form = -unbalanced_saddle.curvature(size, s.spectrum[0])
            add(CURVATURE, curvatures[name][:, i] / closed_form, at(L=size))
        add(FADES, rates.scaling_exponent(s.Ls, curvatures[name]), predicted=-2.0)
        for i, size in enumerate(s.Ls):
            add(PULL, gradients[name][:, i] / (WEIGHT * size**3 * s.k**0.5), at(L=size))
    return evidence


def nonzero_entries(point: unbalanced_saddle.Saddle, mu: Fraction) -> int:
    """How many entries of the exact gradient do not vanish."""
    return sum(x != 0 for side in unbalanced_saddle.gradient(point, mu) for row in side for x in row)


def tilted(problem: Problem, setting: Setting, size: float) -> Factors:
    """(0, V) with V = L·(orthonormal), a small angle off the saddle that differs from seed to seed."""
    s, right = setting.sizes, problem.truth.right
    angle = draw(setting.seeds, "start angle", (1, 1), lambda rng, shape: 10 ** rng.uniform(-3, -1, shape))
    turn = orthonormal(setting.seeds, "start turn", s.k, s.k, device=setting.device)
    tilt = angle.to(right) * right @ turn[:, : right.shape[2]]
    return no_left(problem, size * torch.linalg.qr(unseen(problem, setting) + tilt).Q)


class Stall(NamedTuple):
    """A run from the tilted saddle, against Oja's flow from the same start."""

    times: torch.Tensor  # ηT, (R,)
    errors: torch.Tensor  # ‖UVᵀ − M*‖/‖M*‖, (B, R)
    predicted: torch.Tensor  # the same of Oja's flow, (B, R)

    @property
    def gap(self) -> torch.Tensor:
        """Largest difference of the two, (B,)."""
        return (self.errors - self.predicted).abs().amax(dim=1)

    @property
    def escape(self) -> torch.Tensor:
        """Time until the error is halved, (B,)."""
        return first_record_below(self.times, self.errors, 0.5)

    @property
    def predicted_escape(self) -> torch.Tensor:
        """The same of Oja's flow, within the times of the run, (B,)."""
        return first_record_below(self.times, self.predicted, 0.5)


def stall(setting: Setting, problem: Problem, size: float, weight: float, time: float) -> Stall:
    """Gradient descent for the given time ηT, recorded evenly."""
    # The loss alone allows η < 2/L²; the regulariser adds a multiple of L² to the Hessian.
    eta = 0.5 / size**2 if weight == 0 else 0.1 / size**2
    method = GradientDescent(eta) if weight == 0 else BalancedGradientDescent(eta, weight)
    steps = round(time / eta)
    record = torch.linspace(0, steps, setting.sizes.records).round().long().unique()
    start = tilted(problem, setting, size)
    assert start.right is not None
    run = solve(problem, method, start, steps, record=record)
    norm = problem.truth.spectrum.norm(dim=1)[:, None]
    times = eta * run.steps
    predicted = projected_errors(problem.truth, start.right, size, times)
    return Stall(times, run.error.sqrt() / norm, predicted / norm)


GAP = Criterion("largest |error − prediction| / ‖M*‖", high=0.05, width="terms θ² ≤ 0.01 and σ₁²/L⁴ ≤ 0.013")
ESCAPE = Criterion(
    "escape time / predicted", 0.95, 1.05, width="a term σ₁²/L⁴ ≤ 0.013, and 1/400 between records"
)
GROWTH = Criterion(
    "exponent of the escape time in L", 1.95, 2.05, width="the same, over a factor of 4/3 and more in L"
)


@PAGE.claim(
    "zhang2025.unbalanced-stall",
    "Gradient descent stays near the unbalanced saddle for a time that grows like L²",
    GAP,
    ESCAPE,
    GROWTH,
    reference="abstract of the third version for stalling at saddles of small curvature; the law is derived here",
    states="prop-balancing-stall",
    origin="ours",
    kind="rate",
    control=f"the balancing regulariser is on, μ = {WEIGHT:g}: it takes L away within a time 1/μ",
    sizes=scales(
        n1=each(4, 6, 12),
        n2=each(6, 9, 16),
        k=each(2, 3, 4),
        spectrum=(1.0, 0.8),
        Ls=each((4, 5), (3, 4, 6, 8), (3, 4, 6, 8, 12)),
        records=400,
    ),
    edges=(
        edge("k = r = 1", k=1, spectrum=(1.0,), Ls=(4, 6)),
        edge("n₂ = k + r", n2=4),
        edge("k > n₁", n2=8, k=6),
        edge("equal singular values", spectrum=(1.0, 1.0), Ls=(4, 6)),
        refused(ROOM, "no k orthonormal columns lie near the kernel of M*", n2=3),
        refused("k ≥ r", "the error need not be halved", k=1),
    ),
    uses=("zhang2025.unbalanced-near-second-order",),
)
def unbalanced_stall(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(s.k >= len(s.spectrum), "k ≥ r")
    setting.assume(s.k + len(s.spectrum) <= s.n2, ROOM)
    problem = population(setting)
    # The smallest angle is 1e-3 and the smallest singular value 0.8: L² ln(1000)/0.64 = 11 L², and some to halve.
    free = {at(L=size): stall(setting, problem, size, 0.0, 14 * size**2) for size in s.Ls}
    held = {at(L=size): stall(setting, problem, size, WEIGHT, 30.0) for size in s.Ls}
    evidence = Evidence(curves={"free": free, "held": held})
    for add, runs, words in (
        (evidence.found, free, ""),
        (evidence.broken, held, f", μ = {WEIGHT:g}"),
    ):
        for size, run in runs.items():
            add(GAP, run.gap, size)
            add(ESCAPE, run.escape / free[size].predicted_escape, size)
            evidence.notes[f"median escape time, {size}{words}"] = float(run.escape.median())
        escapes = torch.stack([run.escape for run in runs.values()], dim=1)
        add(GROWTH, rates.scaling_exponent(s.Ls, escapes), predicted=2.0)
    return evidence
