"""Mini-batches: fresh measurements in every iteration, against one set used again and again."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lowrank_core.analysis.batch_stability import lyapunov_exponent, step_of_index
from lowrank_core.claims.experiments.small_starts import stopping_time
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, at, each, edge, refused, scales
from lowrank_core.factors import coupled_start
from lowrank_core.methods import MiniBatch
from lowrank_core.problem import observe
from lowrank_core.sensing import Identity
from lowrank_core.solver import Trajectory, solve
from lowrank_core.truth import rectangular

PAGE = Page("chapters/wind2023/perturbation-budget")

STABLE, UNSTABLE = 0.6, 1.5
"""The stability indices μ at which `batch_divergence` runs."""

ERROR = Criterion("error", high=1e-4, width="8 pilot seeds: at most 1e-6")


@PAGE.claim(
    "wind2023.fresh-batches-suffice",
    "Fresh batches recover with far fewer measurements per iteration than a fixed set",
    ERROR,
    reference="second version, Theorem 2.9, as restated in later work; its batch size is sufficient and far larger",
    states=("thm-budget-batches", "prop-budget-small-batches"),
    origin="paper",
    known="restated",
    kind="ordering",
    control="the same number of measurements, drawn once and kept",
    sizes=scales(
        n=each(8, 16, 32),
        k=each(16, 32, 64),
        scale=each(1e-3, 1e-4, 1e-4),
        c=2.0,
        eta=each(0.02, 0.02, 0.01),
        batches=each((1, 4), (1, 2, 16), (1, 2, 16)),
        kept=each((), (32, 64, 128, 256), (64, 128, 256, 512)),
    ),
    fit="illustrates",
)
def fresh_batches_suffice(setting: Setting) -> Evidence:
    s = setting.sizes

    def error(b: int, fresh: bool) -> torch.Tensor:
        run = _run(setting, s.n, s.k, (1.0,), MiniBatch(s.eta, b, fresh), s.scale, s.c)
        return run.operator_error[:, -1]

    fresh = {b: error(b, True) for b in s.batches}
    fixed = {b: error(b, False) for b in (*s.batches, *s.kept)}
    evidence = Evidence(
        notes={
            "degrees of freedom": 2.0 * s.n - 1,
            "unknowns": float(s.n**2),
            "iterations, each with fresh measurements": float(_iterations(s.eta, (1.0,), s.scale, s.c)),
            "r(n₁ + n₂)κ⁴, without constants and logarithms": 2.0 * s.n,
        },
        curves={"fresh": fresh, "fixed": fixed},
    )
    for b in s.batches:
        evidence.found(ERROR, fresh[b], at(b=b))
        evidence.broken(ERROR, fixed[b], at(f"b = {b}, kept", b=b))
    return evidence


RECOVERED = Criterion(
    "recovered (1) or not (0) at μ = 0.6", low=1.0, width="one or zero; recovered is an error below 0.02"
)
DIVERGED = Criterion("diverged (1) or not (0) at μ = 1.5", low=1.0, width="one or zero")
LYAPUNOV = Criterion(
    "Lyapunov exponent of the linearisation at μ = 1.5", low=0.005, width="8 pilot seeds: 0.024 to 0.108"
)


@PAGE.claim(
    "wind2023.batch-divergence",
    "What makes small batches fail is the step against (n₁ + n₂)/b",
    RECOVERED,
    DIVERGED,
    LYAPUNOV,
    reference="no counterpart in the paper is known to us",
    states=("prop-budget-index", "prop-budget-lyapunov"),
    kind="existence",
    control="μ = 1.5 in place of 0.6, and the reverse; batches of 2(n₁ + n₂) at the same μ",
    edges=(
        edge("the smallest matrix", cases=((8, 1, (1.0,)),)),
        edge("the largest batch, 8b = n₁ + n₂", cases=((8, 2, (1.0,)),)),
        edge("equal singular values", cases=((16, 1, (1.0, 1.0)),)),
        refused("8b ≤ n₁ + n₂", "second moments grow, and runs do not", cases=((8, 16, (1.0,)),)),
        refused("n₁ + n₂ ≥ 16", "the same for a few entries", cases=((2, 1, (1.0,)),)),
    ),
    sizes=scales(
        cases=each(
            ((8, 1, (1.0,)), (16, 2, (1.0,))),
            (
                (8, 1, (1.0,)),
                (16, 1, (1.0,)),
                (16, 4, (1.0,)),
                (16, 1, (1.0, 0.5)),
                (32, 4, (1.0,)),
            ),
            (
                (8, 1, (1.0,)),
                (16, 1, (1.0,)),
                (16, 4, (1.0,)),
                (16, 1, (1.0, 0.5)),
                (32, 1, (1.0,)),
                (32, 4, (1.0,)),
                (64, 8, (1.0,)),
            ),
        ),
        # Batches of 2(n₁ + n₂), where a run does not follow its second moments.
        large=each(
            ((8, 32, (1.0,)),), ((8, 32, (1.0,)), (16, 64, (1.0,))), ((8, 32, (1.0,)), (16, 64, (1.0,)))
        ),
        scale=each(1e-3, 1e-4, 1e-4),
        c=2.0,
        steps=400,
    ),
)
def batch_divergence(setting: Setting) -> Evidence:
    s = setting.sizes
    for n, b, _ in s.cases:
        setting.assume(n >= 8, "n₁ + n₂ ≥ 16")
        setting.assume(8 * b <= 2 * n, "8b ≤ n₁ + n₂")

    def outcome(mu: float, n: int, b: int, spectrum: Sequence[float]) -> dict[Criterion, torch.Tensor]:
        """What is judged, each (B,), at the index μ."""
        eta = step_of_index(mu, spectrum, n, n, b)
        run = _run(setting, n, 2 * n, spectrum, MiniBatch(eta, b), s.scale, s.c)
        return {
            RECOVERED: (run.operator_error[:, -1] <= 0.02).double(),
            DIVERGED: (run.diverged_at >= 0).double(),
            LYAPUNOV: lyapunov_exponent(setting.seeds, eta, spectrum, n, n, b, s.steps),
        }

    def by_entries(mu: float) -> list[float]:
        """ησ₁n₁n₂/b of the cases at the index μ."""
        return [step_of_index(mu, v, n, n, b) * n * n * v[0] / b for n, b, v in s.cases]

    evidence = Evidence(
        notes={
            "largest ησ₁n₁n₂/b that recovered": max(by_entries(STABLE)),
            "smallest ησ₁n₁n₂/b that diverged": min(by_entries(UNSTABLE)),
        }
    )
    for n, b, spectrum in s.cases:
        case = at(n=n, b=b, r=len(spectrum))
        outcomes = {mu: outcome(mu, n, b, spectrum) for mu in (STABLE, UNSTABLE)}
        for criterion in (RECOVERED, DIVERGED, LYAPUNOV):
            kept, other = (STABLE, UNSTABLE) if criterion is RECOVERED else (UNSTABLE, STABLE)
            evidence.found(criterion, outcomes[kept][criterion], case)
            evidence.broken(criterion, outcomes[other][criterion], at(**case.numbers, μ=other))
    for n, b, spectrum in s.large:
        large = outcome(UNSTABLE, n, b, spectrum)
        for criterion in (DIVERGED, LYAPUNOV):
            evidence.broken(criterion, large[criterion], at(n=n, b=b, r=len(spectrum)))
    return evidence


def _iterations(eta: float, spectrum: Sequence[float], scale: float, c: float) -> int:
    return round(stopping_time(c, spectrum[-1], scale) / eta)


def _run(
    setting: Setting, n: int, k: int, spectrum: Sequence[float], method: MiniBatch, scale: float, c: float
) -> Trajectory:
    problem = observe(
        rectangular(n, n, spectrum, setting.seeds, device=setting.device), Identity(n, device=setting.device)
    )
    start = coupled_start(n, n, k, 1.0, setting.seeds, setting.device).rescaled(scale)
    return solve(problem, method, start, _iterations(method.step_size, spectrum, scale, c), record=[0])
