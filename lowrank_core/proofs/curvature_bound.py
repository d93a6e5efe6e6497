r"""Points whose least curvature is exactly twice a published bound, in exact rationals; derived here.

For `φ(M) = ½‖M − M*‖_F²` the gradient is the error `E = XXᵀ − M*`, and `f(X) = φ(XXᵀ)` has the Hessian

    ⟨V, ∇²f(X) V⟩ = 2⟨E, VVᵀ⟩ + ‖XVᵀ + VXᵀ‖_F².

Let `X` have a kernel, `Xw = 0`, and `E = −ε uuᵀ` for a unit vector `u`. Then the second term vanishes for
`V = uwᵀ`, and the first is `−2ε`, while `f(X) = ½ε²`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from random import Random

from lowrank_core.proofs.inertia import count_above
from lowrank_core.proofs.instances import rational
from lowrank_core.proofs.matrices import Matrix, diagonal, gram, matmul, transpose

FARTHEST = Fraction(1, 2)
"""The largest `ε/λ` inside the radius `λ²/8` of Theorem 4 of Zhang, Fattahi & Zhang (2023), with `μ = L = 1`."""


@dataclass(frozen=True)
class Instance:
    """A point and a truth, with `φ = ½‖M − M*‖_F²`, so that `μ = L = 1`.

    Attributes:
        x: the point `X`, `n` by `k`.
        error: `E = XXᵀ − M*`, which is `∇φ`.
        epsilon: the `ε` of `f(X) = ½ε²`: the Frobenius norm of `E`.
        smallest: `λ`, the least nonzero eigenvalue of `M*`.
        direction: `V = uwᵀ`, a unit matrix.
    """

    x: Matrix
    error: Matrix
    epsilon: Fraction
    smallest: Fraction
    direction: Matrix

    @property
    def hessian(self) -> Matrix:
        """`∇²f(X)` in the entries of `V`, row by row: `2Eᵢⱼδₐᵦ + 2(XᵀX)ₐᵦδᵢⱼ + 2XᵢᵦXⱼₐ` at `(ia, jb)`."""
        x, columns = self.x, gram(transpose(self.x))
        places = [(i, a) for i in range(len(x)) for a in range(len(columns))]
        return [
            [
                2 * (self.error[i][j] * (a == b) + columns[a][b] * (i == j) + x[i][b] * x[j][a])
                for j, b in places
            ]
            for i, a in places
        ]

    @property
    def curvature(self) -> Fraction:
        """`⟨V, ∇²f(X) V⟩` along the direction `V`."""
        v = [[entry for row in self.direction for entry in row]]
        (value,) = matmul(matmul(v, self.hessian), transpose(v))[0]
        return Fraction(value)

    def eigenvalues_below(self, level: Fraction) -> int | None:
        """How many eigenvalues of `∇²f(X)` are not above `level`, or `None` where elimination cannot tell."""
        above, order = count_above(self.hessian, level), len(self.x) * len(self.x[0])
        return None if above is None else order - above


def build(roots: list[Fraction], n: int, k: int, share: Fraction, rng: Random | None = None) -> Instance:
    """The instance with the singular values `roots` of `X`, the last the least, and `ε = share·λ`.

    With `rng` both bases are reflected at random, by matrices of fractions.

    Args:
        roots: positive, `r` of them; all but the last are also those of a factor of `M*`, whose last
            eigenvalue is `roots[-1]²/(1 − share)`, to be the least.
        n: rows, at least `r`.
        k: columns, at least `r`; `X` has a kernel if there are more.
    """
    rank = len(roots)
    smallest = roots[-1] ** 2 / (1 - share)
    epsilon = share * smallest
    left, right = (_reflection(order, rng) for order in (n, k))
    core = [[root if i == j else Fraction(0) for j in range(k)] for i, root in enumerate(roots)]
    core += [[Fraction(0)] * k for _ in range(n - rank)]
    error = diagonal([-epsilon if i == rank - 1 else Fraction(0) for i in range(n)])
    along = [[Fraction(i == rank - 1 and j == k - 1) for j in range(k)] for i in range(n)]
    x, direction = (matmul(matmul(left, each), right) for each in (core, along))
    return Instance(x, matmul(matmul(left, error), left), epsilon, smallest, direction)


def draw(rng: Random, n: int, true_rank: int, extra: int, farthest: Fraction) -> Instance:
    """A random instance with `r + extra` columns and `ε/λ` between a tenth of `farthest` and all of it."""
    share = rational(rng, farthest / 10, farthest)
    least = rational(rng, Fraction(1, 2), 1)
    # λ = least²/(1 − share) is at most 2·least² for share ≤ ½.
    others = [least * rational(rng, Fraction(3, 2), 3) for _ in range(true_rank - 1)]
    return build([*others, least], n, true_rank + extra, share, rng)


def _reflection(order: int, rng: Random | None) -> Matrix:
    """`I − 2vvᵀ/‖v‖²` for a random `v`: symmetric, orthogonal and rational."""
    if rng is None:
        return diagonal([Fraction(1)] * order)
    v = [rational(rng, Fraction(1, 10), 1, 10) for _ in range(order)]
    square = sum(entry * entry for entry in v)
    return [[Fraction(i == j) - 2 * p * q / square for j, q in enumerate(v)] for i, p in enumerate(v)]
