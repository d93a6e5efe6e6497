"""Noise: what a perturbation in the tangent space of the truth does to the error, constant or turning."""

from __future__ import annotations

import math

import torch

from lowrank_core.analysis.rates import line_fit
from lowrank_core.analysis.turning_noise import turning_gain, turning_noise
from lowrank_core.claims.experiments.small_starts import balanced, flow_errors, stopping_time
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.claims.standing import RANK, SEARCH
from lowrank_core.claims.wind2023.perturbed import entry, follow, truth_of, unit
from lowrank_core.linalg import operator_norm
from lowrank_core.randomness import normal
from lowrank_core.truth import Truth, geometric_spectrum

PAGE = Page("chapters/wind2023/perturbation-budget")

TURNING = 8.0
"""How long before the end, in units of 1/σ_r = 1, the turning perturbation of `noise_gain` begins."""


GAIN = Criterion(
    "(1 − ν/σ_r) error / ξ, worst E", 0.99, 1.01, width="ξ²/(σ_r − ν)², and what is left of the start"
)
RANDOM = Criterion("(1 − ν/σ_r) error / ξ, random E", high=1.01, width="the same terms")
TRUNCATED = Criterion(
    "‖FGᵀ − [M* + E]_r‖ / ξ", high=1e-3, width="what is left of the start, a₀^{2 − 4cν/σ_r}/ξ"
)


@PAGE.claim(
    "wind2023.tangent-gain",
    "An orthogonal block of norm ν amplifies noise in the tangent space by 1/(1 − ν/σ_r) at most, exactly",
    GAIN,
    RANDOM,
    TRUNCATED,
    reference="no counterpart in the paper is known to us",
    states="prop-budget-gain",
    kind="tight",
    control="no orthogonal block in the worst E; in the others one above the threshold, ν = 1.1 ε*",
    edges=(
        edge("r = 1, k = 1", spectrum=(1.0,), k=1),
        edge("k = r", k=2),
        edge("k = n₁ + n₂", k=11),
        edge("n₁ = n₂ = r + 1", n1=3, n2=3),
        edge("equal singular values", spectrum=(1.0, 1.0)),
        edge("κ = 10", spectrum=(10.0, 1.0), seeds=1),
        edge("no orthogonal block", cases=((1.0, 0.0),)),
        refused("σ_{r+1}(M* + E) < σ_r/(2c) < σ_r(M* + E)", "the block is learnt", cases=((1.0, 1.1),)),
        refused("r < min(n₁, n₂)", "there is no orthogonal block", n1=2, n2=2),
        refused("c > ½", "the signal is not learnt by then", cases=((0.4, 1.2),)),
    ),
    sizes=scales(
        n1=each(6, 12, 24),
        n2=each(5, 10, 20),
        k=each(6, 14, 30),
        spectrum=each((2.0, 1.0), (2.0, 1.5, 1.0), (2.0, 1.5, 1.0)),
        # c and ν in units of ε*.
        cases=each(
            ((1.0, 0.5), (0.7, 0.9)),
            ((0.6, 0.8), (0.7, 0.9), (1.0, 0.5), (1.0, 0.9), (2.0, 0.9)),
            ((0.6, 0.8), (0.7, 0.9), (1.0, 0.5), (1.0, 0.9), (2.0, 0.9), (5.0, 0.9)),
        ),
        xi=1e-3,
        scale=1e-40,
    ),
    uses=("wind2023.perturbation-threshold",),
)
def tangent_gain(setting: Setting) -> Evidence:
    s = setting.sizes
    truth, r, sigma = truth_of(setting), len(s.spectrum), s.spectrum[-1]
    start = balanced(setting, s.k, s.scale)
    last = torch.zeros_like(truth.matrix)
    last[:, r - 1, r] = last[:, r, r - 1] = 1.0
    tangent, orthogonal = _blocks(setting, r)
    xi = s.xi * sigma

    def found(c: float, perturbation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Error and distance from the best approximation of rank r, over ξ."""
        target = truth.matrix + perturbation
        end = follow(truth, start, [(perturbation, stopping_time(c, sigma, s.scale))]).product()
        left, values, right = torch.linalg.svd(target)
        best = left[:, :, :r] * values[:, None, :r] @ right[:, :r]
        return operator_norm(end - truth.matrix) / xi, operator_norm(end - best) / xi

    evidence = Evidence(predicted={GAIN: 1.0})
    setting.assume(min(c for c, _ in s.cases) > 0.5, "c > ½")
    for c, x in s.cases:
        threshold, case = sigma / (2 * c), at(f"c = {c:g}, ν = {x:g} ε*", c=c, **{"ν/ε*": x})
        nu = x * threshold
        evidence.notes[f"gain 1/(1 − ν/σ_r) at {case}"] = 1 / (1 - x / (2 * c))
        worst = xi * last + entry(truth, r, nu)
        drawn = xi * tangent + nu * orthogonal
        for perturbation in (worst, drawn):
            values = torch.linalg.svdvals(truth.matrix + perturbation)
            setting.assume(
                bool((values[:, r] < threshold).all() and (values[:, r - 1] > threshold).all()),
                "σ_{r+1}(M* + E) < σ_r/(2c) < σ_r(M* + E)",
            )
        share = 1 - nu / sigma
        error, gap = found(c, worst)
        random_error, random_gap = found(c, drawn)
        evidence.found(GAIN, share * error, case)
        evidence.found(RANDOM, share * random_error, case)
        evidence.found(TRUNCATED, torch.maximum(gap, random_gap), case)
    # One control for every c, of the last of its cases.
    for c, x in dict(s.cases).items():
        threshold = sigma / (2 * c)
        alone, _ = found(c, xi * last)
        above, gap = found(c, xi * tangent + 1.1 * threshold * orthogonal)
        case = at(f"c = {c:g}, ν = 1.1 ε*", c=c, **{"ν/ε*": 1.1})
        evidence.broken(GAIN, (1 - x * threshold / sigma) * alone, at(f"c = {c:g}, no block", c=c))
        evidence.broken(RANDOM, (1 - 0.55 / c) * above, case)
        evidence.broken(TRUNCATED, gap, case)
    return evidence


TURNED = Criterion(
    "|xᵀRx| / ξ over the linear prediction",
    0.99,
    1.01,
    width="60 pieces for the turning, finite ξ; no dependence on the seed",
)
BOUND = Criterion("error / ξ over √(2 ln(1 + κ))", high=1.0, width="proved for the linearised flow")
SLOPE = Criterion(
    "slope of (error / ξ)² in ln κ",
    0.27,
    0.45,
    width="slopes of the linear prediction between successive κ: 0.28 to 4/9",
)


@PAGE.claim(
    "wind2023.noise-gain",
    "Noise that turns within the signal gains like the root of ln κ, and no more",
    TURNED,
    BOUND,
    SLOPE,
    reference="second version, Theorem 2.8, as restated in later work, bounds the contribution of noise ξ by a "
    "multiple of κξ",
    states="prop-budget-turning",
    kind="bound-upper",
    control="the same norm kept constant; for the bound, an orthogonal block near its threshold",
    edges=(
        edge("n₁ = n₂ = r + 1", n1=4, n2=4, k=6, seeds=1),
        edge("k = r", k=3, seeds=1),
        edge("k = n₁ + n₂", k=11, seeds=1),
        edge("κ = 256, r = 5", ranks=(1, 5), n1=6, n2=6, seeds=1),
        refused("k ≥ r", "part of the signal is missed", k=2),
        refused("r < min(n₁, n₂)", "half of the starts miss σ_r", ranks=(1, 5)),
    ),
    sizes=scales(
        n1=each(6, 12, 24),
        n2=each(5, 10, 20),
        k=each(6, 14, 30),
        # κ = 4^(r − 1).
        ranks=each((1, 2, 3), (1, 2, 3, 4, 5), (1, 2, 3, 4, 5, 6)),
        c=2.0,
        xi=1e-3,
        scale=1e-4,
    ),
    uses=("wind2023.tangent-gain",),
)
def noise_gain(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(max(s.ranks) < min(s.n1, s.n2), RANK)
    setting.assume(max(s.ranks) <= s.k, SEARCH)
    predicted: dict[str, float] = {}
    gains, still, blocked = [], [], {}
    evidence = Evidence(predicted={TURNED: 1.0})
    logs = [(r - 1) * math.log(4) for r in s.ranks]
    for r, log in zip(s.ranks, logs, strict=True):
        kappa, case = math.exp(log), at(κ=4 ** (r - 1))
        truth = truth_of(setting, geometric_spectrum(r, kappa))
        start, time = balanced(setting, s.k, s.scale), stopping_time(s.c, 1.0, s.scale)
        bound = math.sqrt(2 * math.log(1 + kappa))
        predicted[case] = linear = turning_gain(truth.spectrum[0])
        # Until the perturbation begins the flow is the unperturbed one.
        near = follow(truth, start, [(0.0, time - TURNING)])
        pieces = _turning(truth, s.xi)
        turned, kept = (
            follow(truth, near, parts).product() - truth.matrix
            for parts in (pieces, [(pieces[-1][0], TURNING)])
        )
        gains.append(operator_norm(turned) / s.xi)
        still.append(operator_norm(kept) / s.xi)
        evidence.found(TURNED, turned[:, :r, :r].sum(dim=(1, 2)).abs() / (r * s.xi * linear), case)
        evidence.found(BOUND, gains[-1] / bound, case)
        if r > 1:
            evidence.broken(TURNED, kept[:, :r, :r].sum(dim=(1, 2)).abs() / (r * s.xi * linear), case)
        if kappa < 5:
            blocked[at(f"{case}, with a block", κ=case.number)] = (
                _near_threshold(setting, truth, s.xi) / bound
            )
    evidence.broken(BOUND, blocked)
    evidence.found(SLOPE, _slope(logs, gains))
    evidence.broken(SLOPE, _slope(logs, still))
    evidence.curves.update(logs=logs, gains=torch.stack(gains, dim=1), predicted=predicted)
    return evidence


def _slope(logs: list[float], gains: list[torch.Tensor]) -> torch.Tensor:
    squares = torch.stack(gains, dim=1).square()
    return line_fit(
        torch.tensor(logs, dtype=torch.float64), squares, torch.ones_like(squares, dtype=torch.bool)
    ).slope


def _near_threshold(setting: Setting, truth: Truth, xi: float) -> torch.Tensor:
    """Error over ξ of the constant E that `tangent_gain` finds worst, at c = 0.6, ν = 0.8 ε*."""
    c, scale, r = 0.6, 1e-40, truth.rank
    matrix = entry(truth, r, 0.8 / (2 * c))
    matrix[:, r - 1, r] = matrix[:, r, r - 1] = xi
    start = balanced(setting, setting.sizes.k, scale)
    time = stopping_time(c, 1.0, scale)
    return flow_errors(truth.matrix + matrix, start, [time], truth.matrix)[:, 0] / xi


def _turning(truth: Truth, size: float) -> list[tuple[torch.Tensor, float]]:
    """The E(t) of norm `size` in the signal block that gains most on (1, ..., 1)/√r, see `turning_noise`."""
    sigma, r, pieces = truth.spectrum[0], truth.rank, []
    for block, duration in turning_noise(sigma, size, TURNING):
        matrix = torch.zeros_like(truth.matrix)
        matrix[:, :r, :r] = block
        pieces.append((matrix, duration))
    return pieces


def _blocks(setting: Setting, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """One Gaussian matrix, split into its tangent part and its orthogonal block, each scaled to norm one."""
    tangent = normal(
        setting.seeds, "perturbation 0", setting.sizes.n1, setting.sizes.n2, device=setting.device
    )
    orthogonal = torch.zeros_like(tangent)
    orthogonal[:, rank:, rank:] = tangent[:, rank:, rank:]
    return unit(tangent - orthogonal), unit(orthogonal)
