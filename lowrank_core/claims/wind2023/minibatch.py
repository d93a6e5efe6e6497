"""Mini-batches: fresh measurements in every iteration, against one set used again and again."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lowrank_core.claims.experiments.small_starts import stopping_time
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, each, edge, refused, scales
from lowrank_core.factors import coupled_start
from lowrank_core.methods import MiniBatch
from lowrank_core.problem import observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import Identity
from lowrank_core.solve import Trajectory, solve
from lowrank_core.truth import rectangular

PAGE = Page("chapters/wind2023/perturbation-budget")

SEEDS = {"smoke": 3, "book": 8, "full": 40}


STABLE, UNSTABLE = 0.6, 1.5


@PAGE.claim(
    "wind2023.fresh-batches-suffice",
    "Fresh batches recover with far fewer measurements per iteration than a fixed set",
    Criterion("error", high=1e-4, width="8 pilot seeds: at most 1e-6"),
    reference="Theorem 2.9 as restated in later work; its batch size is sufficient and far larger",
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
    return Evidence(
        measured={"error": {f"b = {b}": e for b, e in fresh.items()}},
        control={"error": {f"b = {b}, kept": fixed[b] for b in s.batches}},
        notes={
            "degrees of freedom": 2.0 * s.n - 1,
            "unknowns": float(s.n**2),
            "iterations, each with fresh measurements": float(_iterations(s.eta, (1.0,), s.scale, s.c)),
            "r(n₁ + n₂)κ⁴, without constants and logarithms": 2.0 * s.n,
        },
        curves={"fresh": fresh, "fixed": fixed},
    )


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
    measured: dict[str, dict[str, torch.Tensor]] = {RECOVERED: {}, DIVERGED: {}, LYAPUNOV: {}}
    control: dict[str, dict[str, torch.Tensor]] = {RECOVERED: {}, DIVERGED: {}, LYAPUNOV: {}}
    by_entries: dict[float, list[float]] = {STABLE: [], UNSTABLE: []}
    for n, b, spectrum in (*s.cases, *s.large):
        name = f"n = {n}, b = {b}, r = {len(spectrum)}"
        eta = {mu: step_of_index(mu, spectrum, n, n, b) for mu in by_entries}
        found = measured if 8 * b <= 2 * n else control
        grown = _run(setting, n, 2 * n, spectrum, MiniBatch(eta[UNSTABLE], b), s.scale, s.c)
        found[DIVERGED][name] = (grown.diverged_at >= 0).double()
        found[LYAPUNOV][name] = lyapunov_exponent(setting, eta[UNSTABLE], spectrum, n, n, b, s.steps)
        if found is control:
            continue
        for mu in by_entries:
            by_entries[mu].append(eta[mu] * n * n * spectrum[0] / b)
        kept = _run(setting, n, 2 * n, spectrum, MiniBatch(eta[STABLE], b), s.scale, s.c)
        measured[RECOVERED][name] = (kept.operator_error[:, -1] <= 0.02).double()
        control[RECOVERED][f"{name}, μ = {UNSTABLE}"] = (grown.operator_error[:, -1] <= 0.02).double()
        control[DIVERGED][f"{name}, μ = {STABLE}"] = (kept.diverged_at >= 0).double()
        control[LYAPUNOV][f"{name}, μ = {STABLE}"] = lyapunov_exponent(
            setting, eta[STABLE], spectrum, n, n, b, s.steps
        )
    return Evidence(
        measured=measured,
        control=control,
        notes={
            "largest ησ₁n₁n₂/b that recovered": max(by_entries[STABLE]),
            "smallest ησ₁n₁n₂/b that diverged": min(by_entries[UNSTABLE]),
        },
    )


def hessian_values(spectrum: Sequence[float], n1: int, n2: int) -> list[tuple[float, int]]:
    """The nonzero eigenvalues of the Hessian at a balanced solution, with their multiplicities."""
    values = [(first + second, 1) for first in spectrum for second in spectrum]
    return values + [(sigma, n1 + n2 - 2 * len(spectrum)) for sigma in spectrum]


def lyapunov_exponent(
    setting: Setting, eta: float, spectrum: Sequence[float], n1: int, n2: int, b: int, steps: int
) -> torch.Tensor:
    """Mean growth of ln‖e‖ per iteration under e ← (I − η b⁻¹Σaaᵀ)e, a ~ N(0, H), one run a seed, (B,)."""
    h = torch.tensor([v for v, count in hessian_values(spectrum, n1, n2) for _ in range(count)]).double()
    error = normal(setting.seeds, "error of the factors", len(h))
    growth = torch.zeros(len(setting.seeds), dtype=torch.float64)
    for i in range(steps):
        drawn = normal(setting.seeds, f"linearised measurements {i}", b, len(h)) * h.sqrt()
        seen = torch.einsum("sbj,sj->sb", drawn, error)
        error = error - eta / b * torch.einsum("sbj,sb->sj", drawn, seen)
        size = error.norm(dim=1)
        growth += size.log()
        error = error / size[:, None]
    return growth / steps


def stability_index(eta: float, spectrum: Sequence[float], n1: int, n2: int, b: int) -> float:
    """μ of mini-batches near a balanced solution: the mean square error contracts iff it is below one.

    The error e of the factors obeys e ← (I − η b⁻¹Σaaᵀ)e with b independent Gaussian a ~ N(0, H), H the Hessian.
    In the eigenbasis of H the second moments p_j of e obey
    p_j ← p_j(1 − 2ηh_j + η²h_j²(1 + 1/b)) + η²h_j b⁻¹ Σ_i h_i p_i, and μ passes one with the largest eigenvalue of
    this map; it is inf where ηh_j(1 + 1/b) >= 2. (Derived here.)
    """
    values = hessian_values(spectrum, n1, n2)
    if eta * max(h for h, _ in values) * (1 + 1 / b) >= 2:
        return float("inf")
    return eta / b * sum(count * h / (2 - eta * h * (1 + 1 / b)) for h, count in values)


def step_of_index(mu: float, spectrum: Sequence[float], n1: int, n2: int, b: int) -> float:
    """The step size η at which `stability_index` is μ, by bisection."""
    low, high = 0.0, 1 / spectrum[0]
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if stability_index(middle, spectrum, n1, n2, b) < mu else (low, middle)
    return low


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
