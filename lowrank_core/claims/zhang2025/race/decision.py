"""The decision table: which method for which situation, with the iterations that the claims have measured."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lowrank_core.claims import markup
from lowrank_core.claims.box import anchor
from lowrank_core.claims.grammar import Criterion
from lowrank_core.claims.markup import Fragment, Markup
from lowrank_core.claims.result import Result
from lowrank_core.claims.zhang2025.race import asymmetric, noiseless, noisy

HEAD = ("situation", "method", "step η · start · damping", "what it costs", "claim")
CODE = ("gd", "scaled", "prec", "damped", "pair", "rebalanced", "noise", "outliers")
"""Ends of the ids, "code-gd", at which the page has the code of each row."""


def table(
    condition: Result, rank: Result, unbalanced: Result, rebalanced: Result, noise: Result, outliers: Result
) -> Fragment:
    """One row for each situation; steps are for σ₁ = 1, and the costs are medians over the seeds of these runs."""
    by_kappa, by_rank = condition.curves["iterations"], rank.curves["iterations"]
    ranks = list(by_rank["GD"])
    kappas = "1" if len(condition.curves["kappas"]) == 1 else f"1 … {condition.curves['kappas'][-1]}"
    growth = _median(condition, noiseless.EXPONENT)
    price = _median(rebalanced, asymmetric.PRICE)
    stretched = {
        name: _median(unbalanced, asymmetric.STRETCH, f"{name} regulariser") for name in ("with", "without")
    }
    higher = _median(noise, noisy.SPECTRAL, "PrecGD, residual")
    robust = 10 ** _median(outliers, noisy.END, "ℓ1")
    prec, small = by_rank["PrecGD, residual"], by_rank["ScaledGD(λ)"]
    rows = (
        (
            "rank known, κ near 1",
            "gradient descent",
            "0.5",
            "spectral",
            "none",
            f"{_count(by_kappa['GD'][0])} iterations; they grow like κ^{growth:.2f}",
            condition,
        ),
        (
            "rank known, κ large or unknown",
            "ScaledGD",
            "0.5",
            "spectral",
            "none",
            f"{_counts(by_kappa['ScaledGD'])} iterations for κ = {kappas}",
            condition,
        ),
        (
            "rank unknown, k a small multiple of r",
            "PrecGD",
            "0.5",
            "spectral",
            "λ_t = size of the residual",
            f"{_counts(list(prec.values()))} iterations for k = {', '.join(map(str, ranks))}",
            rank,
        ),
        (
            "rank unknown, k far above r, δκ small",
            "ScaledGD(λ)",
            "0.3",
            "Gaussian, α = 1e-30",
            "λ = σ_r/2",
            f"{_counts(list(small.values()))} iterations for k = {', '.join(map(str, ranks))}; asks for σ_r",
            rank,
        ),
        (
            "(F, G) of unequal scales, rank known",
            "balancing regulariser, or ScaledGD",
            "0.5/s²; 0.5",
            "spectral, (sF, G/s)",
            "none",
            f"s = 2: {stretched['with']:.1f} times the iterations of the balanced start with the regulariser "
            f"({stretched['without']:.0f} times without it); ScaledGD does not see s (tong2021.covariance)",
            unbalanced,
        ),
        (
            "(F, G), rank unknown, κ near 1",
            "one rebalancing step",
            "0.4/κ",
            "small, imbalanced",
            "none",
            f"independent of α; grows like κ^{price:.2f}",
            rebalanced,
        ),
        (
            "Gaussian noise",
            "as without noise; ScaledGD(λ) if the rank is unknown",
            "0.3",
            "small",
            "λ = σ_r/2",
            f"known rank: one floor for all; k = 2r from a spectral start: {higher:.1f} times that floor",
            noise,
        ),
        (
            "gross outliers",
            "sub-gradient method on ℓ1",
            "0.5 · 0.99ᵗ/‖Q_t‖",
            "small",
            "none",
            f"error {robust:.0e} at the end of the geometric steps; no ℓ2 method recovers",
            outliers,
        ),
    )
    return _render(
        [
            (situation, method, " · ".join((step, start, damping)), cost, str(result.record["id"]))
            for situation, method, step, start, damping, cost, result in rows
        ]
    )


def _median(result: Result, criterion: Criterion, variant: str = "") -> float:
    values = result.record["measured"][criterion.quantity][variant]
    return float(torch.tensor(values, dtype=torch.float64).median())


def _count(times: torch.Tensor) -> str:
    """A median count of iterations to two digits, which is what they are good for."""
    middle = float(times.median())
    return f"{float(f'{middle:.2g}'):.0f}"


def _counts(times: Sequence[torch.Tensor]) -> str:
    return ", ".join(map(_count, times))


def _render(rows: Sequence[tuple[str, ...]]) -> Fragment:
    cells = [
        (row[0], _linked(f"code-{name}", row[1]), *row[2:-1], _linked(anchor(row[-1]), row[-1]))
        for name, row in zip(CODE, rows, strict=True)
    ]
    shown = markup.table(HEAD, cells, row_heads=True, caption="Which method to use")
    return Fragment(f"<div class='ledger'>{shown}</div>", "\n".join(" | ".join(row) for row in rows))


def _linked(where: str, words: str) -> Markup:
    return Markup(f"<a href='#{where}'>{markup.escaped(words)}</a>")
