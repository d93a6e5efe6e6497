"""The decision: four questions lead to a row of a table, with the iterations that the claims have measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch

from lowrank_core.claims import markup
from lowrank_core.claims.box import anchor
from lowrank_core.claims.grammar import Criterion
from lowrank_core.claims.markup import Fragment, Markup
from lowrank_core.claims.result import Result
from lowrank_core.claims.zhang2025.race import asymmetric, noiseless, noisy

HEAD = ("situation", "method", "step η · start · damping", "what it costs", "claim")


class Row(NamedTuple):
    """What to take in a situation; steps are for σ₁ = 1."""

    situation: str
    method: str
    step: str
    start: str
    damping: str


ROWS: Mapping[str, Row] = {
    "gd": Row("rank known, κ near 1", "gradient descent", "0.5", "spectral", "none"),
    "scaled": Row("rank known, κ large or unknown", "ScaledGD", "0.5", "spectral", "none"),
    "prec": Row(
        "rank unknown, k a small multiple of r", "PrecGD", "0.5", "spectral", "λ_t = size of the residual"
    ),
    "damped": Row(
        "rank unknown, k far above r, δκ small", "ScaledGD(λ)", "0.3", "Gaussian, α = 1e-30", "λ = σ_r/2"
    ),
    "pair": Row(
        "(F, G) of unequal scales, rank known",
        "balancing regulariser, or ScaledGD",
        "0.5/s²; 0.5",
        "spectral, (sF, G/s)",
        "none",
    ),
    "rebalanced": Row(
        "(F, G), rank unknown, κ near 1", "one rebalancing step", "0.4/κ", "small, imbalanced", "none"
    ),
    "noise": Row(
        "Gaussian noise",
        "ScaledGD(λ), stopped in time, if the rank is unknown; else as without noise",
        "0.3",
        "small",
        "λ = σ_r/2",
    ),
    "outliers": Row("gross outliers", "sub-gradient method on ℓ1", "0.5 · 0.99ᵗ/‖Q_t‖", "small", "none"),
}
"""The rows by name; the page has the code of each at the id "code-gd", and the row itself the id "row-gd"."""


class Question(NamedTuple):
    """A question, its answers -> the row that each leads to, and the answer that leads to the next question."""

    asks: str
    answers: Mapping[str, str]
    on: str = ""


QUESTIONS = (
    Question("Are some measurements plainly wrong?", {"yes, whatever the rest": "outliers"}, "no"),
    Question(
        "Do you know the rank?",
        {
            "yes; symmetric, κ near one": "gd",
            "yes; symmetric, κ large or unknown": "scaled",
            "yes; two factors": "pair",
        },
        "no",
    ),
    Question("Is there Gaussian noise?", {"yes": "noise"}, "no"),
    Question(
        "How many columns do you search with?",
        {
            "a small multiple of what you expect": "prec",
            "far more": "damped",
            "two factors, κ near one": "rebalanced",
        },
    ),
)


def chart() -> Fragment:
    """The questions as a flow chart: an answer leads to code and to a row, or to the next question."""
    steps, words = [], []
    for number, question in enumerate(QUESTIONS, 1):
        leaves = "".join(
            f"<li><span>{markup.escaped(answer)}</span> "
            f"{_linked(f'code-{name}', ROWS[name].method)} {_to_row(name)}</li>"
            for answer, name in question.answers.items()
        )
        on = f"<p class='flow-on'>{question.on}</p>" if question.on else ""
        steps.append(
            f"<li><p class='flow-asks'>{markup.escaped(question.asks)}</p><ul>{leaves}</ul>{on}</li>"
        )
        said = [f"{answer}: {ROWS[name].method}" for answer, name in question.answers.items()]
        said += [f"{question.on}: go on"] if question.on else []
        words.append(f"{number}. {question.asks} " + "; ".join(said))
    shown = f"<ol class='flow' aria-label='Which method to use'>{''.join(steps)}</ol>"
    return Fragment(shown, "\n".join(words))


def _to_row(name: str) -> str:
    situation = markup.escaped(ROWS[name].situation)
    return f"<a class='flow-row' href='#row-{name}' aria-label='row: {situation}'>row</a>"


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
    costs = {
        "gd": (f"{_count(by_kappa['GD'][0])} iterations; they grow like κ^{growth:.2f}", condition),
        "scaled": (f"{_counts(by_kappa['ScaledGD'])} iterations for κ = {kappas}", condition),
        "prec": (f"{_counts(list(prec.values()))} iterations for k = {', '.join(map(str, ranks))}", rank),
        "damped": (
            f"{_counts(list(small.values()))} iterations for k = {', '.join(map(str, ranks))}; asks for σ_r",
            rank,
        ),
        "pair": (
            f"s = 2: {stretched['with']:.1f} times the iterations of the balanced start with the regulariser "
            f"({stretched['without']:.0f} times without it); ScaledGD does not see s (tong2021.covariance)",
            unbalanced,
        ),
        "rebalanced": (f"independent of α; grows like κ^{price:.2f}", rebalanced),
        "noise": (
            f"known rank: one floor for all; k = 2r from a spectral start: {higher:.1f} times that floor",
            noise,
        ),
        "outliers": (
            f"error {robust:.0e} at the end of the geometric steps; no ℓ2 method recovers",
            outliers,
        ),
    }
    return _render({name: (cost, str(result.record["id"])) for name, (cost, result) in costs.items()})


def _median(result: Result, criterion: Criterion, variant: str = "") -> float:
    values = result.record["measured"][criterion.quantity][variant]
    return float(torch.tensor(values, dtype=torch.float64).median())


def _count(times: torch.Tensor) -> str:
    """A median count of iterations to two digits, which is what they are good for."""
    middle = float(times.median())
    return f"{float(f'{middle:.2g}'):.0f}"


def _counts(times: Sequence[torch.Tensor]) -> str:
    return ", ".join(map(_count, times))


def _render(costs: Mapping[str, tuple[str, str]]) -> Fragment:
    """The table, of the cost of each row and the claim that found it."""
    rows = [
        (row.situation, row.method, " · ".join((row.step, row.start, row.damping)), *costs[name])
        for name, row in ROWS.items()
    ]
    cells = [
        (row[0], _linked(f"code-{name}", row[1]), *row[2:-1], _linked(anchor(row[-1]), row[-1]))
        for name, row in zip(ROWS, rows, strict=True)
    ]
    ids = [{"id": f"row-{name}"} for name in ROWS]
    shown = markup.table(HEAD, cells, row_heads=True, data=ids, caption="Which method to use")
    return Fragment(f"<div class='ledger'>{shown}</div>", "\n".join(" | ".join(row) for row in rows))


def _linked(where: str, words: str) -> Markup:
    return Markup(f"<a href='#{where}'>{markup.escaped(words)}</a>")
