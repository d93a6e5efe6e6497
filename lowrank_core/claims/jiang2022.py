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
from lowrank_core.claims.claim import Criterion, Evidence, Setting
from lowrank_core.claims.grammar import each, scales
from lowrank_core.claims.registry import claim
from lowrank_core.claims.wind2023.runs import SEEDS, balanced
from lowrank_core.randomness import normal
from lowrank_core.truth import rectangular

RATE = "exponent of min_t ‖FGᵀ − M_r‖ in a₀, over p_r"
STOPPED = "‖FGᵀ − M*‖_F / ‖M_r − M*‖_F at the stopping time"


@claim(
    id="jiang2022.early-stopping",
    title="Stopped early, the flow returns the best approximation of rank r; run on, it overfits",
    reference="abstract for early stopping; the rate and the stopping time are derived",
    statement=r"""Let the flow see $M=M^\star+W$, of full rank, with $\|W\|=0.2\,\sigma_r$, and let $M_r$ be the
best approximation of rank $r$ of $M$. From a balanced start $\min_t\|FG^\top-M_r\|\asymp a_0^{p_r}$,
$p_r=2(\sigma_r-\sigma_{r+1})/(\sigma_r+\sigma_{r+1})$ with the singular values of $M$, and at
$t^\star=2\ln(1/a_0)/(\sigma_r+\sigma_{r+1})$ the error to $M^\star$ is that of $M_r$. Later it rises.""",
    origin="ours",
    kind="tight",
    criteria=(Criterion(RATE, 0.9, 1.1), Criterion(STOPPED, 0.98, 1.02)),
    control="no early stopping, the time 20 t*; for the rate, starts of order one",
    breaks=(RATE, STOPPED),
    seeds=SEEDS,
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
    chapter="chapters/wind2023/spectral-alignment",
    uses=("jin2023.incremental-exponents",),
)
def early_stopping(setting: Setting) -> Evidence:
    s, rank = setting.sizes, len(setting.sizes.spectrum)
    truth = rectangular(s.n1, s.n2, s.spectrum, setting.seeds, device=setting.device).matrix
    drawn = normal(setting.seeds, "observation noise", s.n1, s.n2, device=setting.device)
    noise = drawn * (s.noise * s.spectrum[-1] / torch.linalg.matrix_norm(drawn, ord=2))[:, None, None]
    # In the singular basis of M every block of the flow keeps its relative accuracy.
    u, values, vh = torch.linalg.svd(truth + noise, full_matrices=True)
    seen = torch.zeros_like(truth)
    seen.diagonal(dim1=-2, dim2=-1).copy_(values)
    truth = u.mT @ truth @ vh.mT
    best = seen.clone()
    best[:, rank:, rank:] = 0
    upper, lower = values[:, rank - 1], values[:, rank]
    oracle = _frobenius(best - truth)

    def path(scale: float, times: torch.Tensor) -> torch.Tensor:
        """FGᵀ at the times, (B, R, n1, n2)."""
        flow = balanced_flow(seen, balanced(setting, s.k, scale), times.tolist())
        return torch.stack([factors.product() for factors in flow], dim=1)

    def closest(scales: tuple[float, ...]) -> torch.Tensor:
        found = []
        for scale in scales:
            near = max(0.0, 2 * math.log(1 / scale) / float((upper + lower).mean()))
            times = torch.linspace(0.8 * near, 1.2 * near + 3, s.points, dtype=torch.float64)
            found.append(_norm(path(scale, times) - best[:, None]).amin(dim=1))
        return torch.stack(found, dim=1)

    small = min(s.scales)
    stop = 2 * math.log(1 / small) / (upper + lower)
    grid = torch.cat([stop, torch.linspace(0, s.late * float(stop.mean()), s.points, dtype=torch.float64)])
    grid, _ = grid.sort()
    errors = _frobenius(path(small, grid) - truth[:, None]) / oracle[:, None]
    p = 2 * (upper - lower) / (upper + lower)
    near = closest(s.scales)
    return Evidence(
        measured={
            RATE: rates.scaling_exponent(s.scales, near) / p,
            STOPPED: errors.gather(1, torch.searchsorted(grid, stop)[:, None])[:, 0],
        },
        predicted={RATE: 1, STOPPED: 1},
        control={
            RATE: rates.scaling_exponent(s.large, closest(s.large)) / p,
            STOPPED: errors[:, -1],
        },
        notes={"mean p_r": float(p.mean())},
        curves={"times": grid, "errors": errors, "stop": stop, "scales": s.scales, "closest": near, "p": p},
    )


def _norm(matrix: torch.Tensor) -> torch.Tensor:
    return torch.linalg.matrix_norm(matrix, ord=2)


def _frobenius(matrix: torch.Tensor) -> torch.Tensor:
    return torch.linalg.matrix_norm(matrix)
