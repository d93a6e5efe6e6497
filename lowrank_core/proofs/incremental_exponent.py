r"""How close the balanced flow passes to the best approximation of rank k: the exponent in the scale of the start.

In the eigenbasis of `S(M)` the rows of a balanced start have Gram matrix `a²Ĝ`, and `P = ZZᵀ` solves the
Riccati equation `P' = SP + PS - P²`. With `E = e^{-St}` and `K = ∫₀ᵗ e^{-2Ss} ds` its closed form reads
`P = (E(a²Ĝ)⁻¹E + K)⁻¹`. For two modes `x = σ_k > y = σ_{k+1}` at `t* = 2 ln(1/a)/(x + y)` every entry is a
power of `a`, and with `ε = a^p`, `p = 2(x - y)/(x + y)`, the closed form is a rational function of `ε`.
Derived here.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from random import Random
from typing import Any

from lowrank_core.proofs import multiprecision
from lowrank_core.proofs.instances import rational
from lowrank_core.proofs.matrices import Matrix
from lowrank_core.proofs.symbolic import term_count


def proof_residuals(halfway: bool = False) -> dict[str, int]:
    """The number of terms by which each step of the proof fails.

    * `riccati`: `P = (EĜ⁻¹E/a² + K)⁻¹` solves `P' = SP + PS - P²`, through the linear equation of `P⁻¹`;
    * `powers`: at `t*` the entries of `E(a²Ĝ)⁻¹E` carry the powers `p`, `0`, `-p` of `a`, and what
      `K` lacks of its limit carries `p + 2` and `2 - p`;
    * `limit`: for `ε → 0`, `P → diag(2x, 0)`, the best approximation of rank `k`;
    * `first order`: `P = diag(2x, 0) + εC + o(ε)` with `det C = -4x²ĝ¹¹/ĝ²² ≠ 0`;
    * `lower bound`: `max(Ae^{-2xτ}, Be^{2yτ})`, one falling and one rising, is least where they agree, and
      there equals `A^{y/(x+y)} B^{x/(x+y)} > 0`: no other time beats the order `ε`.

    Args:
        halfway: whether to stop half-way between the escapes `ln(1/a)/x` and `ln(1/a)/y`, where it must fail.
    """
    import sympy

    x, y = sympy.symbols("x y", positive=True)
    p = 2 * (x - y) / (x + y)
    time = (1 / x + 1 / y) / 2 if halfway else 2 / (x + y)  # t over ln(1/a)
    # e^{-xt} = a^{x·time}, and the Gram matrix contributes a^{-2}.
    found = (2 * x * time - 2, (x + y) * time - 2, 2 * y * time - 2, 2 * x * time, 2 * y * time)
    wanted = (p, 0, -p, p + 2, 2 - p)

    first, cross, second, eps, dx, dy = sympy.symbols("g11 g12 g22 epsilon d_x d_y", positive=True)
    inverse = sympy.Matrix(
        [[eps * first + (1 - dx) / (2 * x), cross], [cross, second / eps + (1 - dy) / (2 * y)]]
    )
    solved = inverse.inv().applyfunc(sympy.cancel)
    still = {dx: 0, dy: 0}
    limit = solved.subs(still).applyfunc(lambda entry: sympy.limit(entry, eps, 0))
    order = (solved.subs(still) - limit).applyfunc(
        lambda entry: sympy.limit(sympy.cancel(entry / eps), eps, 0)
    )
    a, b = sympy.symbols("A B", positive=True)
    meeting = sympy.log(a / b) / (2 * (x + y))
    log_value = sympy.log(a) * y / (x + y) + sympy.log(b) * x / (x + y)
    return {
        "riccati": _riccati_residual(),
        "powers": sum(term_count(sympy.cancel(f - w)) for f, w in zip(found, wanted, strict=True)),
        "limit": sum(term_count(entry) for entry in limit - sympy.diag(2 * x, 0)),
        "first order": term_count(sympy.cancel(order.det() + 4 * x**2 * first / second)),
        "lower bound": sum(
            term_count(sympy.simplify(sympy.expand_log(side - log_value, force=True)))
            for side in (sympy.log(a) - 2 * x * meeting, sympy.log(b) + 2 * y * meeting)
        ),
    }


def _riccati_residual() -> int:
    """The terms left of `(P⁻¹)' = I - P⁻¹S - SP⁻¹`: the Riccati equation times `P⁻¹` on both sides."""
    import sympy

    s, u, t, b = sympy.symbols("s u t b", positive=True)
    diagonal = b * sympy.exp(-2 * s * t) + (1 - sympy.exp(-2 * s * t)) / (2 * s)
    across = b * sympy.exp(-(s + u) * t)
    return term_count(diagonal.diff(t) - (1 - 2 * s * diagonal)) + term_count(
        across.diff(t) + (s + u) * across
    )


def instance_defect(seed: int, modes: int, halfway: bool = False) -> float:
    """`|exponent - p|` of a random balanced flow with `modes` modes, `a` from `1e-40` to `1e-60`.

    The distance is taken at `t*`, or half-way between the escapes; `k` is random, the spectrum near geometric.
    """
    import mpmath

    rng = Random(f"incremental/{seed}/{modes}")
    sigma = [2 ** (modes - i) * rational(rng, Fraction(9, 10), Fraction(11, 10)) for i in range(modes)]
    k = rng.randrange(1, modes)
    start = balanced_pair(rng, modes)
    upper, lower = sigma[k - 1], sigma[k]
    time = (1 / upper + 1 / lower) / 2 if halfway else 2 / (upper + lower)  # t over ln(1/a)
    decades = (40, 60)
    # The one-shot form loses about 2σ₁t/ln 10 digits.
    with multiprecision.digits(100 + int(4 * sigma[0] * time * decades[1])):
        found = [distance(sigma, k, start, mpmath.mpf(10) ** -d, d * time * mpmath.log(10)) for d in decades]
        rate = mpmath.log10(found[0] / found[1]) / (decades[1] - decades[0])
        return float(abs(rate - multiprecision.number(2 * (upper - lower) / (upper + lower))))


def balanced_pair(rng: Random, n: int) -> tuple[Matrix, Matrix]:
    """Random rational `n × n` factors `F`, `G = QF`, `Q` the reflection at a random plane."""
    f = [[rational(rng, -1, 1) for _ in range(n)] for _ in range(n)]
    v = [rational(rng, -1, 1) for _ in range(n)]
    square = sum(x * x for x in v)
    shadow = [2 * sum(v[i] * f[i][j] for i in range(n)) / square for j in range(n)]
    return f, [[f[i][j] - v[i] * shadow[j] for j in range(n)] for i in range(n)]


def distance(sigma: Sequence[Fraction], k: int, start: tuple[Matrix, Matrix], a: Any, t: Any) -> Any:
    """`‖FGᵀ - M_k‖_F` at time `t` of the flow towards `diag(sigma)` from `a·(F, G)`.

    By the one-shot form of the solution in the basis `(F ± G)/√2`, where `S(M)` is diagonal; in the current
    precision, which must exceed `2σ₁t/ln 10` digits by far.
    """
    import mpmath

    f, g = (mpmath.matrix(multiprecision.numbers(side)) * a for side in start)
    n = len(sigma)
    rates = [multiprecision.number(s) for s in sigma]
    rows = {+1: (f + g) / mpmath.sqrt(2), -1: (f - g) / mpmath.sqrt(2)}
    middle = mpmath.eye(n)
    for sign, z in rows.items():
        kernel = mpmath.diag([mpmath.expm1(2 * sign * s * t) / (2 * sign * s) for s in rates])
        middle += z.T * kernel * z
    grown = {sign: mpmath.diag([mpmath.exp(sign * s * t) for s in rates]) * z for sign, z in rows.items()}
    product = (grown[+1] + grown[-1]) * mpmath.inverse(middle) * (grown[+1] - grown[-1]).T / 2
    # On a matrix, `norm` is that of its entries.
    return mpmath.norm(product - mpmath.diag([s if i < k else 0 for i, s in enumerate(rates)]))
