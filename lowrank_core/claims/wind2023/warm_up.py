"""A perturbation against the signal that ends: it costs time, and nothing else."""

from __future__ import annotations

import math

import torch

from lowrank_core.analysis.closed_forms import balanced_flow
from lowrank_core.analysis.crossings import half_way
from lowrank_core.claims.experiments.small_starts import balanced, stopping_time
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.claims.wind2023.perturbed import entry, follow, truth_of
from lowrank_core.linalg import operator_norm

PAGE = Page("chapters/wind2023/perturbation-budget", book=10)

DELAY = Criterion(
    "delay / predicted delay",
    0.99,
    1.01,
    width="interpolation between 400 times; pilot and edges: 1.0000",
)
FINAL = Criterion(
    "final error / unperturbed error",
    0.95,
    1.05,
    width="what is left of the push; pilot and edges: 1.0000",
)


@PAGE.claim(
    "wind2023.re-escape-delay",
    "A warm-up that pushes the signal back is paid for in time, and not lost",
    DELAY,
    FINAL,
    reference="no counterpart in the paper is known to us",
    states="prop-budget-delay",
    kind="tight",
    control="the same warm-up spent on u_⊥v_⊥ᵀ: no delay, and an error that stays",
    edges=(
        edge("r = 1, k = r + 1", spectrum=(1.0,), k=2),
        edge("k = r + 1", k=3),
        edge("k = n₁ + n₂", k=11),
        edge("n₁ = n₂ = r + 1", n1=3, n2=3, k=6),
        refused("σ_{r−1} > σ_r", "the delay has a further term of order one", spectrum=(1.0, 1.0)),
        edge("κ = 10", spectrum=(10.0, 1.0), cases=((2.0, 4.0),), seeds=1),
        edge("a long and a strong warm-up", cases=((1.1, 30.0), (5.0, 1.5))),
        refused("k > r", "the final error is far smaller, and rounding", k=2),
        refused("r < min(n₁, n₂)", "half of the starts miss σ_r", n2=2),
        refused("a₀e^{(ε − σ_r)t_w} ≪ √σ_r", "the push is learnt", cases=((5.0, 4.0),)),
    ),
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
)
def re_escape_delay(setting: Setting) -> Evidence:
    s = setting.sizes
    truth, last, sigma = truth_of(setting), len(s.spectrum) - 1, s.spectrum[-1]
    setting.assume(s.k > len(s.spectrum), "k > r")
    setting.assume(all(value > sigma for value in s.spectrum[:-1]), "σ_{r−1} > σ_r")
    setting.assume(
        all(s.scale * math.exp((e - sigma) * warm) < 0.02 * sigma**0.5 for e, warm in s.cases),
        "a₀e^{(ε − σ_r)t_w} ≪ √σ_r",
    )
    start, stop = balanced(setting, s.k, s.scale), stopping_time(s.c, sigma, s.scale)

    def learn(place: int, epsilon: float, warm: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The times after the warm-up, σ_r's entry at them, over σ_r, and the error at the last of them."""
        held = follow(truth, start, [(entry(truth, place, -epsilon), warm)] if warm else [])
        times = torch.linspace(0, stop + (epsilon / sigma - 1) * warm, 401, dtype=torch.float64)
        run = balanced_flow(truth.matrix, held, times.tolist())
        learnt = torch.stack([factors.product()[:, last, last] / sigma for factors in run], dim=1)
        return times, learnt, operator_norm(run[-1].product() - truth.matrix)

    times, learnt, unperturbed = learn(last, 0.0, 0.0)
    escape = half_way(times, learnt)
    curves = {"no warm-up": (times, learnt)}
    evidence = Evidence(predicted={DELAY: 1.0, FINAL: 1.0}, curves={"entries": curves, "escape": escape})
    for epsilon, warm in s.cases:
        size = epsilon / sigma
        case = at(f"ε = {size:g} σ_r, t_w = {warm:g}", t_w=warm, **{"ε/σ_r": size})
        for add, place in ((evidence.broken, last + 1), (evidence.found, last)):
            times, learnt, error = learn(place, epsilon, warm)
            delay = half_way(times, learnt) - escape
            add(DELAY, delay * sigma / ((epsilon - sigma) * warm), case)
            add(FINAL, error / unperturbed, case)
        curves[case] = (times + warm, learnt)
    return evidence
