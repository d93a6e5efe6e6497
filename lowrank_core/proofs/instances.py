"""Random instances with exact rational data, the same on every machine and in every arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from random import Random

from lowrank_core.proofs.matrices import Matrix, rank


@dataclass(frozen=True)
class Instance:
    """A target `Σ = diag(sigma)` of rank `r` and a start `X_0` with `n` rows and `k` columns."""

    sigma: tuple[Fraction, ...]
    start: Matrix

    @property
    def r(self) -> int:
        """The number of nonzero eigenvalues of the target."""
        return sum(value != 0 for value in self.sigma)

    @property
    def rank(self) -> int:
        """The rank of the start."""
        return rank(self.start)

    @property
    def size(self) -> Fraction:
        """The trace of `X_0 X_0ᵀ`, an upper bound of its eigenvalues."""
        return sum((x * x for row in self.start for x in row), Fraction(0))

    def indefinite(self) -> Instance:
        """The same instance with every second eigenvalue of the target negated."""
        flipped = tuple(-value if i % 2 else value for i, value in enumerate(self.sigma))
        return replace(self, sigma=flipped)


def rational(rng: Random, low: Fraction | int, high: Fraction | int, denominator: int = 1000) -> Fraction:
    """Draw a fraction in `[low, high]` from a grid of `denominator + 1` points."""
    return low + (high - low) * Fraction(rng.randint(0, denominator), denominator)


def rational_matrix(rng: Random, rows: int, columns: int) -> Matrix:
    """Draw a matrix of fractions in `[-1, 1]`."""
    return [[rational(rng, -1, 1) for _ in range(columns)] for _ in range(rows)]


def badly_scaled(name: str, seed: int, count: int) -> list[Instance]:
    """Draw instances with `2 ≤ n ≤ 5`, `1 ≤ k ≤ 6`, any `r` and columns scaled from 1 down to 1e-4."""
    rng = Random(f"{name}/{seed}")
    drawn = []
    for _ in range(count):
        n, k = rng.randint(2, 5), rng.randint(1, 6)
        r = rng.randint(0, n)
        sigma = tuple(rational(rng, Fraction(1, 10), 2) if i < r else Fraction(0) for i in range(n))
        scales = [Fraction(1, 10 ** rng.randint(0, 4)) for _ in range(k)]
        start = [
            [x * scale for x, scale in zip(row, scales, strict=True)] for row in rational_matrix(rng, n, k)
        ]
        drawn.append(Instance(sigma, start))
    return drawn
