r"""The local rate of asymmetric gradient descent: the spectrum of the linearised error operator.

One step on the population loss maps `E = FGᵀ - M*` to `E - ηL(E) + η² E G Fᵀ E` with
`L(E) = FFᵀE + EGGᵀ`. The eigenvalues of `L` are `a_i + b_j`, those of `FFᵀ` plus those of `GGᵀ`, and its
range is that of the derivative of `FGᵀ`. Its smallest nonzero eigenvalue is

    μ = min(a_+ if n2 > rank G,  b_+ if n1 > rank F,  a_+ + b_+),

`a_+` and `b_+` being the smallest nonzero eigenvalues of `FᵀF` and `GᵀG`. After rebalancing with `β`
(`rebalancing_identity`), `n1 > k` and `n2 > r`, it is `min(β², σ_r²/β²)`. Derived here. The control is
`n1 = rank F`, where `min(a_+, b_+)` is not it.
"""

from __future__ import annotations

from fractions import Fraction

from lowrank_core.proofs import enclosure
from lowrank_core.proofs.inertia import eigenvalue_bounds
from lowrank_core.proofs.matrices import Matrix, gram, rank
from lowrank_core.proofs.minimisers import Minimiser
from lowrank_core.proofs.symbolic import term_count

BITS = 256
DEPTH = 32
"""Bisections: the enclosures of `smallest_eigenvalue` are the traces of the Gram matrices over `2**32` wide."""


def proof_residuals(simultaneous: bool = True) -> dict[str, int]:
    """For each step of the derivation, the number of terms by which its identity fails.

    Noncommuting symbols. `simultaneous=False` is the control: `G` then sees the new `F`, and the linear part
    is kept but the rest is not.

    * `step`: `F_+G_+ᵀ - M* = E - ηL(E) + η² E G Fᵀ E`;
    * `tangent`: with `J(X, Y) = XGᵀ + FYᵀ` and `J*(E) = (EG, EᵀF)`, `JJ* = L`, and
      `⟨J(X, Y), E⟩ = ⟨X, EG⟩ + ⟨Y, EᵀF⟩` (checked entrywise, in 2x2 symbols);
    * `eigenvector`: `L(uvᵀ) = (a + b) uvᵀ` if `FFᵀu = au` and `vᵀGGᵀ = bvᵀ`.
    """
    import sympy

    f, ft, g, gt, e, et, u, vt = sympy.symbols("F Ft G Gt E Et u vt", commutative=False)
    eta, a, b = sympy.symbols("eta a b")

    def error_operator(x: object) -> object:
        return f * ft * x + x * g * gt

    f_next, ft_next = f - eta * e * g, ft - eta * gt * et
    again, seen_t = (e, ft) if simultaneous else (e - eta * e * g * gt, ft_next)
    gt_next = gt - eta * seen_t * again
    step = f_next * gt_next - f * gt + eta * error_operator(e) - eta**2 * e * g * ft * e

    x, y, left, right, error = (sympy.Matrix(2, 2, sympy.symbols(f"{name}0:4")) for name in "xyfge")
    inner = error.T * (x * right.T + left * y.T) - (error * right).T * x - (error.T * left).T * y
    outer = sympy.expand(error_operator(u * vt)).subs(f * ft * u, a * u).subs(vt * g * gt, b * vt)
    return {
        "step": term_count(step),
        "tangent": term_count(inner.trace()) + term_count((e * g) * gt + f * (ft * e) - error_operator(e)),
        "eigenvector": term_count(outer - (a + b) * u * vt),
    }


def local_rate(point: Minimiser) -> Fraction:
    """`μ`, exactly."""
    a, b = point.f.spectrum, point.g.spectrum
    candidates = [min(a) + min(b)]
    if len(point.g.left) > len(b):
        candidates.append(min(a))
    if len(point.f.left) > len(a):
        candidates.append(min(b))
    return min(candidates)


def naive_rate(point: Minimiser) -> Fraction:
    """`min(a_+, b_+)`, which is `μ` only if `n1 > rank F` and `n2 > rank G`."""
    return min(point.f.spectrum + point.g.spectrum)


def rebalanced_rate(truth: Matrix, r: int, beta: Fraction) -> Fraction:
    """`min(β², σ_r²/β²)`, with `σ_r²` rounded down by far less than the tests can see."""
    squares = gram(truth)
    low, _ = eigenvalue_bounds(squares, r, _trace(squares))
    return min(beta**2, low / beta**2)


def smallest_eigenvalue(left: Matrix, right: Matrix) -> tuple[Fraction, Fraction]:
    """Enclose the smallest nonzero eigenvalue of `L` at the factors `left` and `right`, by inertia.

    Which eigenvalue that is follows from the exact ranks: the kernel has `(n1 - rank F)(n2 - rank G)` dimensions.
    """
    n1, n2 = len(left), len(right)
    nonzero = n1 * n2 - (n1 - rank(left)) * (n2 - rank(right))
    a, b = gram(left), gram(right)
    with enclosure.precision(BITS):
        return eigenvalue_bounds(
            _error_operator(a, b), nonzero, _trace(a) + _trace(b), enclosure.ball, bits=DEPTH
        )


def worst_ratio(left: Matrix, right: Matrix, rate: Fraction) -> float:
    """The end of `smallest_eigenvalue`'s enclosure that is further from a rate, over the rate."""
    ends = smallest_eigenvalue(left, right)
    return max((float(end / rate) for end in ends), key=lambda ratio: abs(ratio - 1))


def _trace(a: Matrix) -> Fraction:
    return sum((row[i] for i, row in enumerate(a)), Fraction(0))


def _error_operator(a: Matrix, b: Matrix) -> Matrix:
    """The matrix of `E ↦ aE + Eb` on the entries `(i, j)` of `E`, row by row, as balls."""
    a, b = ([[enclosure.ball(x) for x in row] for row in matrix] for matrix in (a, b))
    zero = enclosure.ball(0)
    pairs = [(i, j) for i in range(len(a)) for j in range(len(b))]
    return [
        [(a[i][p] if j == q else zero) + (b[j][q] if i == p else zero) for p, q in pairs] for i, j in pairs
    ]
