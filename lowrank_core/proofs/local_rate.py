r"""The local rate of asymmetric gradient descent: the spectrum of the linearised error operator.

One step on the population loss maps ``E = FGᵀ - M*`` to ``E - ηL(E) + η² E G Fᵀ E`` with
``L(E) = FFᵀE + EGGᵀ``. The eigenvalues of ``L`` are ``a_i + b_j``, those of ``FFᵀ`` plus those of ``GGᵀ``, and its
range is that of the derivative of ``FGᵀ``. Its smallest nonzero eigenvalue is

    μ = min(a_+ if n2 > rank G,  b_+ if n1 > rank F,  a_+ + b_+),

``a_+`` and ``b_+`` being the smallest nonzero eigenvalues of ``FᵀF`` and ``GᵀG``. After rebalancing with ``β``
(``rebalancing_identity``), ``n1 > k`` and ``n2 > r``, it is ``min(β², σ_r²/β²)``. Derived here. The control is
``n1 = rank F``, where ``min(a_+, b_+)`` is not it.
"""

from __future__ import annotations

from fractions import Fraction

from lowrank_core.proofs import enclosure
from lowrank_core.proofs.inertia import count_above, eigenvalue_bounds
from lowrank_core.proofs.matrices import Matrix, gram, rank
from lowrank_core.proofs.minimisers import Minimiser
from lowrank_core.proofs.symbolic import term_count

TOLERANCE = Fraction(1, 10**6)
BITS = 256


def proof_residuals(simultaneous: bool = True) -> dict[str, int]:
    """Return, for each step of the derivation, the number of terms by which its identity fails.

    Noncommuting symbols. ``simultaneous=False`` is the control: ``G`` then sees the new ``F``, and the linear part
    is kept but the rest is not.

    * ``step``: ``F_+G_+ᵀ - M* = E - ηL(E) + η² E G Fᵀ E``;
    * ``tangent``: with ``J(X, Y) = XGᵀ + FYᵀ`` and ``J*(E) = (EG, EᵀF)``, ``JJ* = L``, and
      ``⟨J(X, Y), E⟩ = ⟨X, EG⟩ + ⟨Y, EᵀF⟩`` (checked entrywise, in 2x2 symbols);
    * ``eigenvector``: ``L(uvᵀ) = (a + b) uvᵀ`` if ``FFᵀu = au`` and ``vᵀGGᵀ = bvᵀ``.
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
    """Return ``μ``, exactly."""
    n1, n2 = len(point.left), len(point.right)
    a, b = min(point.left_spectrum), min(point.right_spectrum)
    candidates = [a + b]
    if n2 > len(point.right_spectrum):
        candidates.append(a)
    if n1 > len(point.left_spectrum):
        candidates.append(b)
    return min(candidates)


def rebalanced_rate(truth: Matrix, r: int, squared_scale: Fraction) -> Fraction:
    """Return ``min(β², σ_r²/β²)``, with ``σ_r`` of the truth enclosed far within ``TOLERANCE``."""
    squares = gram(truth)
    low, _ = eigenvalue_bounds(squares, r, sum((squares[i][i] for i in range(len(squares))), Fraction(0)))
    return min(squared_scale, low / squared_scale)


def disagreements(left: Matrix, right: Matrix, mu: Fraction) -> int | None:
    """Count the disagreements of ``L`` with ``mu`` as its smallest nonzero eigenvalue; certified by inertia.

    The number of nonzero eigenvalues below ``mu`` (less ``TOLERANCE``), plus one if none is within ``TOLERANCE``
    of ``mu``; all in relative terms. ``None`` means that the enclosures were too wide to tell.
    """
    n1, n2 = len(left), len(right)
    nonzero = n1 * n2 - (n1 - rank(left)) * (n2 - rank(right))
    with enclosure.precision(BITS):
        operator = _error_operator(left, right)
        above, beyond = (
            count_above(operator, enclosure.ball(mu * cut)) for cut in (1 - TOLERANCE, 1 + TOLERANCE)
        )
    if above is None or beyond is None:
        return None
    return nonzero - above + (above == beyond)


def _error_operator(left: Matrix, right: Matrix) -> Matrix:
    """The matrix of ``L`` on entries ``(i, j)``, row by row, as balls."""
    a, b = ([[enclosure.ball(x) for x in row] for row in gram(factor)] for factor in (left, right))
    zero = enclosure.ball(0)
    pairs = [(i, j) for i in range(len(a)) for j in range(len(b))]
    return [
        [(a[i][p] if j == q else zero) + (b[j][q] if i == p else zero) for p, q in pairs] for i, j in pairs
    ]
