"""The drift of the imbalance Δ = FᵀF − GᵀG: of first order in the step, and not where it matters.

Time is τ = ηT. Π is the projector of `lowrank_core.analysis.imbalance.slow_modes`, on the directions of the search
space that the signal leaves free.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.imbalance import free_directions, imbalance
from lowrank_core.analysis.imbalance_drift import signal_drift, signal_share
from lowrank_core.analysis.statistics import Pooled, pooled
from lowrank_core.claims.experiments.descents import OVER, asymmetric_run, scaled_start
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, each, edge, refused, scales
from lowrank_core.factors import Factors
from lowrank_core.linalg import operator_norm
from lowrank_core.methods import GradientDescent, State
from lowrank_core.problem import Problem
from lowrank_core.truth import rectangular

PAGE = Page("chapters/xiong2024/imbalance", full=64)


@dataclass(frozen=True)
class WeightDecay(GradientDescent):
    """Gradient descent with weight decay: `shrink`, which is ηλ, times the factors is subtracted in each step."""

    shrink: float

    def step(self, problem: Problem, state: State) -> State:
        after, before = super().step(problem, state), state.factors
        assert before.right is not None
        left, right = after.factors
        assert right is not None
        shrunk = Factors(left - self.shrink * before.left, right - self.shrink * before.right)
        return State(shrunk, after.iteration)


EXPONENT = Criterion(
    "exponent of the drift in η", 0.9, 1.1, width="order η, and single starts: sd 0.02 over 40 pilot seeds"
)
GAP = Criterion(
    "drift gained as α falls, relative gap to its law",
    high=0.1,
    width="terms of order η: 0.05 at most over 12 pilot seeds, r.m.s. 0.03",
)
PROJECTED = Criterion("drift of ΠΔΠ / ‖ΠΔ₀Π‖", high=0.001, width="order α²: below 1e-6 over 50 pilot seeds")
FALL = Criterion(
    "drift under sensing, at the smallest α / at the next",
    low=0.3,
    width="an absolute floor gives 1, none gives 0.01; single seeds scatter by a factor of three",
    pooled="median over the seeds",
)


@PAGE.claim(
    "xiong2024.imbalance-conservation",
    "The imbalance drifts by O(η) only, and not where it matters",
    EXPONENT,
    GAP,
    PROJECTED,
    FALL,
    reference="conservation along the flow is well known; the laws of the drift are new",
    states="imb-law",
    kind="rate",
    control="conservation by the flow, by weight decay, for the exponent; the population loss, by sensing, for the "
    "law of the drift and for ΠΔΠ; sensing, by the population loss, for the floor",
    sizes=scales(
        n1=each(14, 14, 50),
        n2=each(12, 12, 40),
        m=each(120, 120, 1_500),
        spectrum=each((1.0, 1.0), (1.0, 1.0), (1.0, 1.0, 1.0)),
        k=each(4, 4, 5),
        time=each(25, 60, 100),
        etas=each((0.05, 0.025), (0.05, 0.025, 0.0125), (0.05, 0.025, 0.0125, 0.00625)),
        alpha=0.3,
        eta=each(0.03, 0.02, 0.02),
        alphas=each((0.03, 0.003, 0.0003), (0.03, 0.003, 0.0003, 0.00003), (0.03, 0.003, 0.0003, 0.00003)),
        decay=0.01,
    ),
    edges=(
        edge("r = 1", spectrum=(1.0,), k=3),
        edge("k = r + 1", k=3),
        edge("k = n₂", k=12, m=150),
        edge("k > n₁", k=15, m=160),
        edge("n₂ = r + 1", n2=3, m=36),
        edge("longest steps", etas=(0.1, 0.05)),
        refused("σ₁ = σ_r", "the signal is learnt one direction after the other", spectrum=(2.0, 1.0)),
        refused(OVER, "no direction is free", k=2),
        refused("m < n₁n₂", "the operator may then be the population's", m=200),
    ),
    uses=("xiong2024.drift-identity",),
    discrepancy="The drift of the imbalance, relative to its start, depends on the start scale. From "
    "α = {largest α:g} to α = {smallest α:g} it grows on average from {population, largest α:.3f} to "
    "{population, smallest α:.3f} on the population loss, and from {sensing, largest α:.2g} to "
    "{sensing, smallest α:.2g} under sensing, where the start's imbalance is forgotten: the final Δ is indefinite "
    "on {sensing, share of indefinite Δ:.0%} of the seeds.",
)
def imbalance_conservation(setting: Setting) -> Evidence:
    s, losses = setting.sizes, {"population": None, "sensing": setting.sizes.m}
    setting.assume(s.spectrum[0] == s.spectrum[-1], "σ₁ = σ_r")
    setting.assume(s.k > len(s.spectrum), OVER)
    setting.assume(s.m < s.n1 * s.n2, "m < n₁n₂")
    unit = scaled_start(setting, s.k, 1.0)
    truth = rectangular(s.n1, s.n2, s.spectrum, setting.seeds, device=setting.device)
    free = free_directions(unit, truth)
    initial, whole = imbalance(unit), operator_norm(imbalance(unit))

    def drift(alpha: float, eta: float, m: int | None, decay: float = 0.0) -> torch.Tensor:
        start = scaled_start(setting, s.k, alpha)
        run = asymmetric_run(setting, start, m, WeightDecay(eta, eta * decay), steps=round(s.time / eta))
        return imbalance(run.factors) - imbalance(start)

    def by_step(m: int | None, decay: float = 0.0) -> torch.Tensor:
        return torch.stack([operator_norm(drift(s.alpha, eta, m, decay)) for eta in s.etas], dim=1)

    def exponent(sizes: torch.Tensor) -> torch.Tensor:
        return rates.scaling_exponent(s.etas, sizes.cpu())

    by_eta = {name: by_step(m) for name, m in losses.items()} | {"weight decay": by_step(None, s.decay)}
    # From here on in units of α², in which the imbalance of the start does not depend on α.
    by_alpha = {
        name: torch.stack([drift(alpha, s.eta, m) / alpha**2 for alpha in s.alphas], dim=1)
        for name, m in losses.items()
    }
    relative = {name: operator_norm(drifts) / whole[:, None] for name, drifts in by_alpha.items()}
    expected = signal_drift(unit, truth, s.eta, s.alphas)
    # In units of the whole signal rows: the share f fᵀ − g gᵀ of one row may nearly cancel.
    rows = operator_norm(truth.left.mT @ unit.left) ** 2
    unit_gain = rows * operator_norm(expected[:, -1]) / operator_norm(signal_share(unit, truth))

    def gap(loss: str) -> torch.Tensor:
        drifts = by_alpha[loss]
        return operator_norm(drifts[:, -1] - drifts[:, 0] - expected[:, -1]) / unit_gain

    def projected(loss: str) -> torch.Tensor:
        last = by_alpha[loss][:, -1]
        return operator_norm(free @ last @ free.mT) / operator_norm(free @ initial @ free.mT)

    def fall(loss: str) -> Pooled:
        before, last = relative[loss][:, -2:].unbind(dim=1)
        return pooled(torch.median, (s.alphas[-1] / s.alphas[-2]) ** 2 * last / before)

    indefinite = torch.linalg.eigvalsh(initial + by_alpha["sensing"][:, -1])[:, 0] < 0
    law = operator_norm(by_alpha["population"][:, :1] + expected) / whole[:, None]
    evidence = Evidence(
        predicted={EXPONENT: 1.0},
        notes={
            "largest α": s.alphas[0],
            "smallest α": s.alphas[-1],
            **{f"{name}, largest α": float(values[:, 0].mean()) for name, values in relative.items()},
            **{f"{name}, smallest α": float(values[:, -1].mean()) for name, values in relative.items()},
            "sensing, share of indefinite Δ": float(indefinite.double().mean()),
        },
        curves={"by η": by_eta, "by α": relative, "law": law},
    )
    for loss in losses:
        evidence.found(EXPONENT, exponent(by_eta[loss]), loss)
    evidence.broken(EXPONENT, exponent(by_eta["weight decay"]), "weight decay")
    evidence.found(GAP, gap("population"))
    evidence.broken(GAP, gap("sensing"), "sensing")
    evidence.found(PROJECTED, projected("population"))
    evidence.broken(PROJECTED, projected("sensing"), "sensing")
    evidence.found(FALL, fall("sensing"))
    evidence.broken(FALL, fall("population"), "population")
    return evidence
