"""The exponent of the error in the scale of a symmetric start."""

from __future__ import annotations

import torch

from lowrank_core.analysis.rates import scaling_exponent
from lowrank_core.claims.experiments.small_starts import descent_errors
from lowrank_core.claims.grammar import (
    Criterion,
    Evidence,
    Page,
    Setting,
    Sweep,
    at,
    each,
    edge,
    refused,
    scales,
)
from lowrank_core.claims.standing import RANK
from lowrank_core.factors import gaussian_start, imbalanced_start
from lowrank_core.problem import observe
from lowrank_core.sensing import Dense, gaussian_symmetric
from lowrank_core.truth import psd, rectangular

PAGE = Page("chapters/wind2023/escape-times", book=10)

RATIO = "max(λ₂, 0)/λ₁ of A*A(M*)"


def law(second: torch.Tensor | float, first: torch.Tensor | float, eta: float) -> torch.Tensor:
    """2 − 2 λ̄₂/λ̄₁ with the rates λ̄ = ln(1 + ηλ)/η of the recursion; a second value below zero does not count."""
    noise = torch.as_tensor(second, dtype=torch.float64).clamp(min=0)
    return 2 - 2 * torch.log1p(eta * noise) / torch.log1p(eta * torch.as_tensor(first, dtype=torch.float64))


LAW = Criterion(
    "exponent / law of the instance",
    0.9,
    1.1,
    width="finite start scales: 0.970 to 1.067 on 150 pilot instances",
)


@PAGE.claim(
    "stoger2021.sensing-exponent",
    "Symmetric factors of a rank-one truth: the exponent is 2 − 2 max(λ₂, 0)/λ₁ of A*A(M*)",
    LAW,
    reference="main theorem, as restated in later work: error at most of order α^{21/16}; the law is derived",
    states="prop-escape-instance",
    kind="tight",
    control="stopped before the first escape, at 0.8 ln(1/a₀)",
    sizes=scales(
        n=each(18, 18, 24),
        k=each(18, 18, 24),
        ms=each((110, 400), (110, 150, 400), (190, 300, 600)),
        scales=(1e-3, 1e-5, 1e-7),
        eta=0.1,
        c=3.0,
        early=0.4,
    ),
    edges=(
        edge("n = 3, the smallest with more noise than one direction", n=3, k=3, ms=(40, 200)),
        edge("k = 2, the fewest columns", n=3, k=2, ms=(40, 200)),
        edge("a small step", eta=0.02, ms=(400,)),
        edge("a step of half the largest", eta=0.4, ms=(400,)),
        refused("k ≥ 2", "with one column no noise is left beside the signal", k=1),
        refused(RANK, "with n = 1 there is no noise", n=1, k=2),
    ),
    fit="illustrates",
)
def sensing_exponent(setting: Setting) -> Evidence:
    s = setting.sizes
    setting.assume(s.n > 1, RANK)
    setting.assume(s.k >= 2, "k ≥ 2")
    seeds = Sweep(setting, **{"a₀": s.scales}).seeds

    def instance(m: int, c: float) -> tuple[torch.Tensor, ...]:
        """The exponent over that of the law, the exponent, and λ₂/λ₁, (B,) each."""
        operator = gaussian_symmetric(s.n, m, seeds, device=setting.device)
        problem = observe(psd(s.n, (1.0,), seeds, device=setting.device), operator)
        start = gaussian_start(s.n, s.k, 1.0, seeds, setting.device)
        seen = torch.linalg.eigvalsh(operator.normal_map(problem.truth.matrix)[:: len(s.scales)]).cpu()
        exponent = scaling_exponent(s.scales, descent_errors(problem, start, s.scales, eta=s.eta, c=c))
        ratio = seen[:, -2].clamp(min=0) / seen[:, -1]
        return exponent / law(seen[:, -2], seen[:, -1], s.eta), exponent, ratio

    found = {at(m=m): instance(m, s.c) for m in s.ms}
    evidence = Evidence(
        predicted={LAW: 1},
        notes={f"median λ₂/λ₁, {name}": float(ratio.median()) for name, (_, _, ratio) in found.items()},
        curves={"instances": {name: (exponent, ratio) for name, (_, exponent, ratio) in found.items()}},
    )
    for name, (scaled, _, ratio) in found.items():
        evidence.found(LAW, scaled, name)
        evidence.found(RATIO, ratio, name)
    scaled, _, _ = instance(max(s.ms), s.early)
    evidence.broken(LAW, scaled, "stopped before the escape")
    return evidence


ADVERSARIAL = Criterion(
    "exponent of the error",
    0.99,
    1.01,
    of_prediction=True,
    width="finite start scales: within 0.1 % on 50 pilot seeds for every b",
)


@PAGE.claim(
    "stoger2021.adversarial-operator",
    "Symmetric factors do not see a negative eigenvalue, two factors do",
    ADVERSARIAL,
    reference="no counterpart in the paper is known to us",
    states="prop-escape-adversarial",
    kind="tight",
    control="two factors FGᵀ in place of XXᵀ, same measurements with b < 0: −b counts",
    sizes=scales(
        n=each(4, 8, 16),
        k=each(4, 8, 16),
        bs=each((-0.6, 0.6), (-0.6, -0.3, 0.3, 0.6), (-0.9, -0.6, -0.3, 0.3, 0.6, 0.9)),
        # Of the final error: the start is a power of it, so that it is as small against the signal for every b.
        errors=each((1e-6, 1e-9), (1e-6, 1e-8, 1e-10), (1e-6, 1e-8, 1e-10)),
        eta=0.05,
    ),
    edges=(
        edge("n = 3 and k = 2, the smallest", n=3, k=2),
        edge("b close to its ends", bs=(-0.9, 0.9)),
        edge("b = 0, the population loss", bs=(0.0, -0.1)),
        edge("a large step", eta=0.4),
        refused("n ≥ 3", "with n = 2 and b < 0 the only noise decays", n=2, k=2),
        refused("k ≥ 2", "with one column no noise is left beside the signal", k=1),
        refused("|b| < 1", "A*A must be positive definite", bs=(-1.2, 0.6)),
        refused("0 < η ≤ ½", "the signal overshoots, and settles the later the nearer η is to one", eta=0.9),
    ),
    uses=("stoger2021.sensing-exponent",),
)
def adversarial_operator(setting: Setting) -> Evidence:
    s, device = setting.sizes, setting.device
    setting.assume(s.n >= 3, "n ≥ 3")
    setting.assume(s.k >= 2, "k ≥ 2")
    setting.assume(all(abs(b) < 1 for b in s.bs), "|b| < 1")
    setting.assume(0 < s.eta <= 0.5, "0 < η ≤ ½")
    seeds = Sweep(setting, error=s.errors).seeds

    def exponent(b: float, expected: float, symmetric: bool = True) -> torch.Tensor:
        operator = _coupling(s.n, b, symmetric, device)
        if symmetric:
            truth = psd(s.n, (1.0,), seeds, device=device)
            start = gaussian_start(s.n, s.k, 1.0, seeds, device)
        else:
            truth = rectangular(s.n, s.n, (1.0,), seeds, device=device)
            start = imbalanced_start(s.n, s.n, s.k, 1.0, 1.0, seeds, device)
        starts = [error ** (1 / expected) for error in s.errors]
        problem = observe(truth, operator)
        return scaling_exponent(starts, descent_errors(problem, start, starts, eta=s.eta, c=2.0))

    def predicted(b: float) -> float:
        return float(law(b, 1.0, s.eta))

    evidence, lowest = Evidence(), min(s.bs)
    for b in s.bs:
        evidence.found(ADVERSARIAL, exponent(b, predicted(b)), at(b=b), predicted=predicted(b))
    two_factors = exponent(lowest, predicted(-lowest), symmetric=False)
    evidence.broken(ADVERSARIAL, two_factors, "two factors", predicted=predicted(lowest))
    return evidence


def _coupling(n: int, b: float, symmetric: bool, device: torch.device) -> Dense:
    """Measurements with A*A = I but for the entry b between the coordinates of e₁e₁ᵀ and e₂e₂ᵀ."""
    second = n if symmetric else n + 1
    width = n * (n + 1) // 2 if symmetric else n * n
    normal = torch.eye(width, dtype=torch.float64)
    normal[0, second] = normal[second, 0] = b
    values, vectors = torch.linalg.eigh(normal)
    root = (vectors * values.sqrt()) @ vectors.mT
    # The weight of stored measurements is one over their number.
    return Dense((width**0.5 * root).to(device), (n, n), symmetric)
