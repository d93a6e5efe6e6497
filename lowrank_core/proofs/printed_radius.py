r"""A spurious critical point inside a published radius, in exact rationals; derived here.

For `r = r* = 1` and `n = 2` take `φ(M) = ½(‖E‖² + (L − 1)⟨W, E⟩²/‖W‖²)` with `E = M − zzᵀ`: a quadratic
whose Hessian has the eigenvalues 1 and `L`, so that `μ = 1` on all matrices. Its gradient is `E` plus a
multiple of `W`. Let `E_N` be the part of `E` orthogonal to the tangents `xvᵀ + vxᵀ` at `x`, and `W =
βE_N − E`. If

    L = β(β − 1)/(β − 1 − τ),    1 + τ = ‖E‖²/‖E_N‖²,    β > 1 + τ,

then `∇φ = βE_N`, which annihilates `x`: the point is critical for `f(x) = φ(xxᵀ)`, with `f = ½β‖E_N‖² >
0`. Its `f` may be smaller than `μ/(4(1 + μ/L))‖z‖⁴`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import isqrt
from random import Random

from lowrank_core.proofs.matrices import Matrix, add, gram, matmul, transpose

GRID = 10**6


@dataclass(frozen=True)
class Instance:
    """The data of one example.

    Attributes:
        x: the point, a column.
        error: `E`.
        gradient: `∇φ`, so that `∇f(x) = 2∇φ x`.
        conditioning: `L`, with `μ = 1` and `‖z‖ = 1`.
    """

    x: Matrix
    error: Matrix
    gradient: Matrix
    conditioning: Fraction

    @property
    def slope(self) -> Matrix:
        """`∇f(x)`, a column."""
        return [[2 * entry for entry in row] for row in matmul(self.gradient, self.x)]

    @property
    def value(self) -> Fraction:
        """`f(x) = ½⟨∇φ, E⟩`."""
        return _inner(self.gradient, self.error) / 2

    @property
    def printed_radius(self) -> Fraction:
        """`μ/(2(1 + μ/L)) · λ²/2` with `λ = ‖z‖² = 1`: Theorem 4 of Zhang, Fattahi & Zhang (2023), p. 9."""
        return 1 / (4 * (1 + 1 / self.conditioning))

    @property
    def lemma_radius(self) -> Fraction:
        """`μ/(2(1 + L/μ)) · λ²`: Lemma 24 of the same paper."""
        return 1 / (2 * (1 + self.conditioning))


def draw(seed: int, nearest: Fraction, farthest: Fraction) -> Instance:
    """A random example with `z = (1, 0)` and an error of norm about `D`, between the two ends given.

    `D` decides the rest: the best `x` has `‖x‖² = cos²∠(x, z) = √(1 − D²)`, and the best `β` makes `L`
    least.
    """
    rng = Random(f"printed radius/{seed}")
    size = nearest + (farthest - nearest) * Fraction(rng.randint(0, GRID), GRID)
    cosine = _root(1 - size**2)
    x = [[cosine], [_root(cosine * (1 - cosine))]]
    error = add(matmul(x, transpose(x)), [[Fraction(1), Fraction(0)], [Fraction(0), Fraction(0)]], -1)
    # In the plane the matrices orthogonal to all tangents at x are the multiples of uuᵀ, u orthogonal to x.
    u = [[-x[1][0]], [x[0][0]]]
    outer = matmul(u, transpose(u))
    weight = _inner(error, outer) / _inner(outer, outer)
    normal = [[weight * entry for entry in row] for row in outer]
    tau = _inner(error, error) / _inner(normal, normal) - 1
    beta = 1 + tau + _root(tau * (1 + tau))
    w = add([[beta * entry for entry in row] for row in normal], error, -1)
    conditioning = beta * (beta - 1) / (beta - 1 - tau)
    pull = (conditioning - 1) * _inner(w, error) / _inner(w, w)
    return Instance(x, error, add(error, w, pull), conditioning)


def nearer(instance: Instance, times: int) -> Instance:
    """The same `φ` at `z + (x − z)/times`, `z = (1, 0)`: a point nearer to the truth, which is not critical."""
    x = [[1 + (instance.x[0][0] - 1) / times], [instance.x[1][0] / times]]
    error = add(gram(x), [[Fraction(1), Fraction(0)], [Fraction(0), Fraction(0)]], -1)
    w = add(instance.gradient, instance.error, -1)
    pull = (instance.conditioning - 1) * _inner(w, error) / _inner(w, w)
    return replace(instance, x=x, error=error, gradient=add(error, w, pull))


def _inner(a: Matrix, b: Matrix) -> Fraction:
    return sum((p * q for s, t in zip(a, b, strict=True) for p, q in zip(s, t, strict=True)), Fraction(0))


def _root(value: Fraction) -> Fraction:
    """A rational number near the square root."""
    return Fraction(isqrt(int(value * GRID**2)), GRID)
