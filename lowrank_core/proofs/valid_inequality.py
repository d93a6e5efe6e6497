r"""The inequality at the heart of the sharp threshold, on exact instances.

Let `A ⪰ sI` be symmetric of order `r`, `M = LRᵀ` with `r*` columns in `L = [L₁; L₂]` and `R = [R₁;
R₂]`, `r* ≤ r`, and `E = diag(A, 0) - M`. With `ω` the Frobenius and `τ` the nuclear norm of `M₂₂ =
L₂R₂ᵀ` and `k` a bound on its rank,

    sτ ≤ ω²    implies    ‖E‖² - ω² ≥ (r - r*)s² + s²τ²/ω² ≥ (r - r* + k)/k · s²τ²/ω².

Derived here; the identity behind it is `sharp_threshold_steps.valid_inequality_terms`. Every number below is
rational: `L₂` and `R₂` have the same Gram matrix `D`, so that `τ = tr D` and `ω² = tr D²`, and `s`
is at most the smallest eigenvalue of `A`, by inertia.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Literal, NamedTuple

from lowrank_core.proofs.inertia import eigenvalue_bounds
from lowrank_core.proofs.instances import rational_matrix
from lowrank_core.proofs.matrices import Matrix, add, diagonal, gram, matmul, transpose
from lowrank_core.proofs.minimisers import columns, rational_orthogonal

Kind = Literal["generic", "learnt", "planted", "near"]
"""Any `A`; `A` close to `L₁R₁ᵀ` and `M₂₂` small; the planted family, where equality holds; close to it."""


class Shape(NamedTuple):
    """`r`, `r*`, the rows of `L₂` and of `R₂` (`below ≤ beside`), and whether `M ⪰ 0`."""

    search_rank: int
    true_rank: int
    below: int
    beside: int
    symmetric: bool

    @property
    def k(self) -> int:
        """`min(r*, rows of M₂₂)`."""
        return min(self.true_rank, self.below)


class Instance(NamedTuple):
    """An instance; `floor` is a rational number not above the smallest eigenvalue of `A`."""

    shape: Shape
    a: Matrix
    left: Matrix
    right: Matrix
    floor: Fraction


def draw(seed: int | str, shape: Shape, kind: Kind) -> Instance:
    """Draw an instance of a kind."""
    rng = Random(f"valid inequality/{seed}/{kind}/{shape}")
    size = {
        "generic": Fraction(2),
        "learnt": Fraction(1, 8),
        "planted": Fraction(0),
        "near": Fraction(1, 50),
    }[kind]
    r, true_rank, below, beside, symmetric = shape
    if kind in ("planted", "near"):
        # k directions that X misses, and r* - k that it shares with the truth.
        lower = _scaled(Fraction(rng.randint(4, 9), 3), _eye(below, true_rank))
        mean = [[Fraction(i == j >= shape.k) for j in range(true_rank)] for i in range(r)]
    else:
        size_below = Fraction(1, 20) if kind == "learnt" else Fraction(2)
        # Its diagonal does not vanish, so that M₂₂ does not.
        lower = _scaled(
            size_below, add(_eye(below, true_rank), rational_matrix(rng, below, true_rank), Fraction(3, 4))
        )
        mean = _eye(r, true_rank)
    mean = add(mean, rational_matrix(rng, r, true_rank), size)
    apart = _scaled(Fraction(0) if symmetric else size / 5, rational_matrix(rng, r, true_rank))
    if kind == "learnt":
        # The truth in the columns of X, and a unit in each column that is left over.
        a = add(gram(mean), diagonal([Fraction(i >= true_rank) for i in range(r)]))
    else:
        a = add(diagonal([Fraction(1)] * r), gram(rational_matrix(rng, r, r)), size * rng.randint(0, 2))
    trace = sum((a[i][i] for i in range(r)), Fraction(0))
    floor = Fraction(1) if kind == "planted" else eigenvalue_bounds(a, r, trace, bits=24)[0]
    turned = lower if symmetric else matmul(columns(rational_orthogonal(rng, beside), 0, below), lower)
    return Instance(shape, a, add(mean, apart) + lower, add(mean, apart, -1) + turned, floor)


def _scaled(factor: Fraction, a: Matrix) -> Matrix:
    return [[factor * x for x in row] for row in a]


def _eye(rows: int, columns: int) -> Matrix:
    return [[Fraction(i == j) for j in range(columns)] for i in range(rows)]


def ratio(instance: Instance, shrink: bool = True) -> Fraction:
    """`(‖E‖² - ω²)` over its lower bound, minus 1.

    `shrink` takes `s = min(floor, ω²/τ)`, as the hypothesis demands; without it `s = floor`.
    """
    shape = instance.shape
    r, true_rank = shape.search_rank, shape.true_rank
    truth = matmul(instance.left, transpose(instance.right))
    error = [
        [(instance.a[i][j] if i < r and j < r else 0) - x for j, x in enumerate(row)]
        for i, row in enumerate(truth)
    ]
    corner = sum((x * x for row in truth[r:] for x in row[r:]), Fraction(0))
    nuclear = sum((x * x for row in instance.left[r:] for x in row), Fraction(0))
    s = min(instance.floor, corner / nuclear) if shrink else instance.floor
    rho = Fraction(r - true_rank + shape.k, shape.k)
    gap = sum((x * x for row in error for x in row), Fraction(0)) - corner
    return gap * corner / (rho * s * s * nuclear * nuclear) - 1


def smallest_ratio(seed: int, shape: Shape, kind: Kind, count: int, shrink: bool = True) -> float:
    """The smallest ratio over `count` instances; its sign is exact."""
    return float(min(ratio(draw(f"{seed}/{i}", shape, kind), shrink) for i in range(count)))
