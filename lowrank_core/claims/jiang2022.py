"""Claims of Jiang, Chen & Ding, "Algorithmic regularization in model-free overparametrized ..." (2022).

The abstract was read: without any assumption on the rank, gradient descent from a small start recovers the
principal components in sequence, and stopped early it returns the best approximation of rank r. The rate is derived
here.
"""

from __future__ import annotations

import math

import torch

from lowrank_core.analysis import rates
from lowrank_core.analysis.closed_forms import balanced_flow
from lowrank_core.analysis.incremental import approach_exponent
from lowrank_core.claims.experiments.small_starts import balanced
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, each, edge, refused, scales
from lowrank_core.linalg import operator_norm
from lowrank_core.randomness import normal
from lowrank_core.truth import rectangular

PAGE = Page("chapters/wind2023/spectral-alignment", book=10)

RATE = Criterion(
    "exponent of min_t ‖FGᵀ − M_r‖ in a₀, over p_r",
    0.92,
    1.1,
    width="finite a₀: 1.003 to 1.061 on 50 pilot seeds",
)
STOPPED = Criterion(
    "‖FGᵀ − M*‖_F / ‖M_r − M*‖_F at the stopping time",
    0.995,
    1.005,
    width="of the order a₀^p: within 1e-6 on 50 pilot seeds",
)


@PAGE.claim(
    "jiang2022.early-stopping",
    "Stopped early, the flow returns the best approximation of rank r; run on, it overfits",
    RATE,
    STOPPED,
    reference="abstract for early stopping; the rate and the stopping time are derived",
    states="thm-align-stopping",
    kind="tight",
    control="no early stopping, the time 20 t*; for the rate, starts of order one, and a search rank of r",
    sizes=scales(
        n1=each(8, 20, 40),
        n2=each(6, 16, 30),
        spectrum=each((2.0, 1.0), (2.0, 1.5, 1.0), (2.0, 1.5, 1.0)),
        k=each(8, 24, 48),
        noise=0.2,
        scales=each((1e-3, 1e-4, 1e-5), (1e-3, 1e-4, 1e-5, 1e-6), (1e-3, 1e-4, 1e-5, 1e-6)),
        large=(1.0, 3.0),
        points=each(80, 150, 300),
        late=20,
    ),
    edges=(
        edge("r = 1", spectrum=(1.0,)),
        edge("search rank r + 1", k=3, scales=(1e-6, 1e-8)),
        edge("search rank above n₁ and n₂", k=12),
        edge("n₁ = n₂ = r + 2", n1=4, n2=4),
        edge("little noise", noise=0.02),
        edge("more noise", noise=0.35, scales=(1e-4, 1e-5, 1e-6)),
        edge("κ = 10 and equal values", spectrum=(2.0, 2.0, 0.2), noise=0.2),
        refused("search rank above r", "nothing is fitted after M_r", k=2),
        refused("σ_r > σ_{r+1} > 0", "the data have rank r", noise=0.0),
        refused("r + 1 < min(n₁, n₂)", "the sign of det F₀G₀ᵀ decides whether σ_{r+1} is learnt", n1=3, n2=3),
    ),
    uses=("jin2023.incremental-exponents",),
)
def early_stopping(setting: Setting) -> Evidence:
    s, rank = setting.sizes, len(setting.sizes.spectrum)
    setting.assume(s.noise > 0, "σ_r > σ_{r+1} > 0")
    setting.assume(s.k > rank, "search rank above r")
    setting.assume(rank + 1 < min(s.n1, s.n2), "r + 1 < min(n₁, n₂)")
    truth = rectangular(s.n1, s.n2, s.spectrum, setting.seeds, device=setting.device).matrix
    drawn = normal(setting.seeds, "observation noise", s.n1, s.n2, device=setting.device)
    noise = drawn * (s.noise * s.spectrum[-1] / operator_norm(drawn))[:, None, None]
    # In the singular basis of M every block of the flow keeps its relative accuracy.
    u, values, vh = torch.linalg.svd(truth + noise, full_matrices=True)
    seen = torch.zeros_like(truth)
    seen.diagonal(dim1=-2, dim2=-1).copy_(values)
    truth = u.mT @ truth @ vh.mT
    best = seen.clone()
    best[:, rank:, rank:] = 0
    upper, lower = values[:, rank - 1], values[:, rank]
    oracle = _frobenius(best - truth)

    def path(scale: float, times: torch.Tensor, k: int) -> torch.Tensor:
        """FGᵀ at the times, (B, R, n1, n2)."""
        flow = balanced_flow(seen, balanced(setting, k, scale), times.tolist())
        return torch.stack([factors.product() for factors in flow], dim=1)

    def closest(scales: tuple[float, ...], k: int = s.k) -> torch.Tensor:
        found = []
        for scale in scales:
            near = max(0.0, 2 * math.log(1 / scale) / float((upper + lower).mean()))
            times = torch.linspace(0.8 * near, 1.2 * near + 3, s.points, dtype=torch.float64)
            found.append(operator_norm(path(scale, times, k) - best[:, None]).amin(dim=1))
        return torch.stack(found, dim=1)

    small = min(s.scales)
    stop = 2 * math.log(1 / small) / (upper + lower)
    grid = torch.cat([stop, torch.linspace(0, s.late * float(stop.mean()), s.points, dtype=torch.float64)])
    grid, _ = grid.sort()
    errors = _frobenius(path(small, grid, s.k) - truth[:, None]) / oracle[:, None]
    p = approach_exponent(upper, lower)

    def exponent(scales: tuple[float, ...], found: torch.Tensor) -> torch.Tensor:
        return rates.scaling_exponent(scales, found) / p

    near = closest(s.scales)
    evidence = Evidence(
        predicted={RATE: 1, STOPPED: 1},
        notes={"mean p_r": float(p.mean())},
        curves={"times": grid, "errors": errors, "stop": stop, "scales": s.scales, "closest": near, "p": p},
    )
    evidence.found(RATE, exponent(s.scales, near))
    evidence.broken(RATE, exponent(s.large, closest(s.large)), "starts of order one")
    evidence.broken(RATE, exponent(s.scales, closest(s.scales, rank)), "search rank r")
    evidence.found(STOPPED, errors.gather(1, torch.searchsorted(grid, stop)[:, None])[:, 0])
    evidence.broken(STOPPED, errors[:, -1])
    return evidence


def _frobenius(matrix: torch.Tensor) -> torch.Tensor:
    return torch.linalg.matrix_norm(matrix)
