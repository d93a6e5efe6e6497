r"""Whether a rank-one truth is a sharp local minimum of the ℓ1 loss with one column: certificates for both answers.

Let `M* = uuᵀ`, `y_i = ⟨A_i, M*⟩ + s_i` and `a_i = 2A_i u`. In the direction `v` the loss of
`(u + v)(u + v)ᵀ` has the slope `g(v)/m` with

    g(v) = Σ_{s_i = 0} |a_i·v| - b·v,    b = Σ_{s_i ≠ 0} sign(s_i) a_i,

and `|z - s| ≥ |s| - sign(s) z` makes `f(u + v) ≥ f(u) + (g(v) - Σ|vᵀA_i v|)/m` for every `v`. So the
truth is a sharp local minimum if `g > 0` away from zero. Derived here:

* if `b = Σ λ_i a_i` over clean `i` with `|λ_i| ≤ 1 - τ` and `τ > 0`, then `g(v) ≥ τ Σ |a_i·v|`, which
  is positive if the clean `a_i` span. Such weights balance the pull `b` of the corrupted measurements;
* if `b·v > Σ |a_i·v|` for some `v`, the loss falls along it, and the truth is no local minimum.

One of the two happens, or `g` touches zero. Reweighted least squares finds both: for any positive weights
`w_i` and `M = Σ w_i a_i a_iᵀ`, `λ_i = w_i a_i·v` with `Mv = b` satisfies `Σ λ_i a_i = b`. Floating-point
numbers are rationals, so the certificates are checked exactly, for the very numbers that ran.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import torch

from lowrank_core.proofs.matrices import Matrix, diagonal, inverse_form, matmul, transpose

SMOOTHING = 1e-8
TINY = 1e-300
ROUNDS = 100


def reweighted(
    rows: torch.Tensor, clean: torch.Tensor, pull: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights and direction by reweighted least squares for `min Σ |a_i·v|` subject to `b·v = 1`.

    Args:
        rows: `a_i`, (B, m, n).
        clean: which measurements are clean, (B, m) bool.
        pull: `b`, (B, n).

    Returns:
        `w`, (B, m), positive on clean rows and zero elsewhere, and `v`, (B, n).
    """
    weight = clean.to(rows.dtype)
    direction = pull
    for k in range(ROUNDS):
        direction = torch.linalg.solve((rows * weight[..., None]).mT @ rows, pull)
        size = (rows @ direction[..., None])[..., 0].abs()
        # The smoothing shrinks while the weights settle; what is left of it bounds the duality gap.
        smoothing = max(SMOOTHING, 0.7**k) * (size * clean).amax(dim=1, keepdim=True)
        # Without corruption the pull is zero, and so is every size.
        weight = clean / (size + smoothing).clamp(min=TINY)
        weight = weight / weight.amax(dim=1, keepdim=True)
    return weight, direction


def pull_of(rows: torch.Tensor, errors: torch.Tensor) -> torch.Tensor:
    """`b = Σ sign(s_i) a_i`, (B, n), from `a_i`, (B, m, n), and errors `s_i`, (B, m), zero where clean."""
    return (rows * torch.sign(errors)[..., None]).sum(dim=1)


def one_sided_slope(errors: torch.Tensor, along: torch.Tensor) -> torch.Tensor:
    """The derivative of `(1/m) Σ|⟨A_i, M⟩ - y_i|` at the truth in a direction `D`, to the one side, (B,).

    Args:
        errors: `s_i`, (B, m), zero where clean.
        along: `⟨A_i, D⟩`, (B, m).
    """
    return torch.where(errors == 0, along.abs(), -torch.sign(errors) * along).mean(dim=1)


def decide(rows: torch.Tensor, errors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Which truths are certified sharp local minima, and which certified to be none, both (B,) bool.

    Args:
        rows: `a_i`, (B, m, n).
        errors: `s_i`, (B, m), zero where clean.

    Raises:
        ArithmeticError: the clean rows of an instance do not span.
    """
    weights, directions = reweighted(rows, errors == 0, pull_of(rows, errors))
    sharp, falling = [], []
    for a, s, w, v in zip(rows.tolist(), errors.tolist(), weights.tolist(), directions.tolist(), strict=True):
        exactly = exact(a)
        pull = exact_pull(exactly, s)
        clean = [row for row, error in zip(exactly, s, strict=True) if error == 0]
        kept = [weight for weight, error in zip(w, s, strict=True) if error == 0]
        sharp.append(largest_weight(clean, pull, kept) < 1)
        falling.append(falls(clean, pull, exact([v])[0]))
    return torch.tensor(sharp), torch.tensor(falling)


def exact(rows: Sequence[Sequence[float]]) -> Matrix:
    """The floating-point numbers themselves, as fractions."""
    return [[Fraction(x) for x in row] for row in rows]


def exact_pull(rows: Matrix, errors: Sequence[float]) -> list[Fraction]:
    """`b` in exact arithmetic."""
    signs = [(s > 0) - (s < 0) for s in errors]
    return [
        sum((sign * x for sign, x in zip(signs, column, strict=True)), Fraction(0))
        for column in zip(*rows, strict=True)
    ]


def largest_weight(clean: Matrix, pull: list[Fraction], weights: Sequence[float]) -> Fraction:
    """`max |λ_i|` of the exact balance `b = Σ λ_i a_i` that positive weights of the clean rows define.

    Below one the minimum is sharp. Raises `ArithmeticError` if the clean rows do not span.
    """
    # Any positive weights give a balance, so they may be rounded.
    rounded = [Fraction(round(w * 2**40) + 1) for w in weights]
    scaled = [[w * x for x in row] for w, row in zip(rounded, clean, strict=True)]
    identity = diagonal([Fraction(1)] * len(pull))
    solution = [row[-1] for row in inverse_form(matmul(transpose(clean), scaled), [*identity, pull])[:-1]]
    return max(abs(along(row, solution)) for row in scaled)


def falls(clean: Matrix, pull: list[Fraction], direction: list[Fraction]) -> bool:
    """Tell whether `b·v > Σ |a_i·v|` over the clean rows: the loss then falls along `v`."""
    return along(pull, direction) > sum((abs(along(row, direction)) for row in clean), Fraction(0))


def along(row: list[Fraction], direction: list[Fraction]) -> Fraction:
    """`a·v`."""
    return sum((x * y for x, y in zip(row, direction, strict=True)), Fraction(0))
