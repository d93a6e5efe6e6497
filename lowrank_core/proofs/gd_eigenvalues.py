r"""No eigenvalue of symmetric gradient descent can fall faster than `1/T`: the exact discrete theorem.

Gradient descent `X_{t+1} = X_t - η (X_t X_tᵀ - Σ) X_t` with `Σ` positive semidefinite, `W = XXᵀ`. If
`η ‖X_t‖² ≤ 1/2` for all `t < T`, then for every `j` and every `b ≤ λ_j(0)` with `0 < b < 1/(2η)`

    λ_j(W_T) ≥ 1 / (1/b + 2ηT / (1 - 2ηb)),

which is largest at `b = min(λ_j(0), 1/(2η(1 + √T)))`. With `rank Σ ≤ r` the squared error is at least
the sum of the squares of these bounds over `j > r`. The hypothesis holds along the whole run as soon as
`η max(σ_1, ‖X_0‖²) ≤ 1/2` (see `gd_norm`), and 1/2 is sharp (`beyond_the_limit`). Derived here; the
form `Ω(1/T²)` is that of Xiong, Ding and Du (2024). The controls drop one hypothesis each, the step size
or `Σ ⪰ 0`, or change the constant 2.
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from random import Random
from typing import Any, NamedTuple

from lowrank_core.proofs import enclosure, multiprecision
from lowrank_core.proofs.inertia import Certificate, certificate, eigenvalue_bounds, inertia
from lowrank_core.proofs.instances import Instance, badly_scaled, rational, rational_matrix
from lowrank_core.proofs.matrices import Matrix, add, diagonal, gram, matmul
from lowrank_core.proofs.symbolic import characteristic, term_count

LOAD = Fraction(1, 2)
"""The theorem's limit on `η max(σ_1, ‖X_0‖²)`."""
DIGITS = 60


def bound(initial: Any, eta: Any, steps: int, constant: Any = 2) -> Any:
    """The theorem's lower bound for an eigenvalue at `initial`, increasing in `initial`.

    `√T` is rounded up, so that the bound is exact for rational arguments; any smaller `b` is allowed.
    """
    b = min(initial, 1 / (constant * eta * (2 + isqrt(steps - 1))))
    return 1 / (1 / b + constant * eta * steps / (1 - constant * eta * b))


def step(x: Matrix, sigma: Matrix, eta: Any) -> Matrix:
    """`X + η (Σ - XXᵀ) X` in the arithmetic of the arguments."""
    return add(x, matmul(add(sigma, gram(x), -1), x), eta)


def proof_residuals(constant: Fraction | int = 2) -> dict[str, int]:
    """For each step of the proof, the number of terms by which its identity fails.

    `constant` stands for the 2 in `g(b) = b - 2ηb²`. One step maps `W` to `C W C` with
    `C = I + η(Σ - W)`. Let `0 ≤ b ≤ λ_j(W)`, `v` a unit vector in the span of the first `j`
    eigenvectors of `W`, `u = W^{1/2} v` and `a = |u|² = vᵀWv`.

    * `spectrum`: `C W C = K Kᵀ` and `KᵀK`, `K = C W^{1/2}`, have the same eigenvalues (by
      characteristic polynomials, for a 2x2 `K` of symbols); so `λ_j(CWC) ≥ min_v |Cu|²`, and
      `|Cu| ≥ uᵀCu / |u|`;
    * `target`: `uᵀCu - (a - η vᵀW²v) = η uᵀΣu`, in noncommuting symbols; it is non-negative for
      `Σ ⪰ 0`;
    * `chord`: `w(b + 1/(2η)) - b/(2η) - w² = (w - b)(1/(2η) - w)`, non-negative for the eigenvalues
      `b ≤ w ≤ 1/(2η)`; so `a - η vᵀW²v ≥ aq + b/2` with `q = 1/2 - ηb`;
    * `square`: `(aq + b/2)² - a g(b) = (aq - b/2)²`, so `|Cu|² ≥ g(b)`, and `λ_j(CWC) ≥ g(b)`;
    * `reciprocal`: `1/g(b) - 1/b = 2η/(1 - 2ηb)`, which increases with `b`. The iterates of
      `g` decrease, so `T` steps add at most `2ηT/(1 - 2ηb)` to `1/b`.
    """
    import sympy

    eta, a, b, w = sympy.symbols("eta a b w", positive=True)
    factor = sympy.Rational(constant)
    g = b - factor * eta * b**2
    q = sympy.Rational(1, 2) - eta * b
    increment = factor * eta / (1 - factor * eta * b)
    chord = w * (b + 1 / (2 * eta)) - b / (2 * eta)

    k = sympy.Matrix(2, 2, sympy.symbols("k0:4"))
    target, root, v, vt = sympy.symbols("Sigma R v vt", commutative=False)
    c = 1 + eta * (target - root**2)

    return {
        "spectrum": term_count(characteristic(k * k.T, w) - characteristic(k.T * k, w)),
        "target": term_count(
            vt * root * c * root * v
            - vt * (root**2 - eta * root**4) * v
            - eta * vt * root * target * root * v
        ),
        "chord": term_count(chord - w**2 - (w - b) * (1 / (2 * eta) - w))
        + term_count(a - eta * chord.subs(w, a) - (a * q + b / 2)),
        "square": term_count((a * q + b / 2) ** 2 - a * g - (a * q - b / 2) ** 2),
        "reciprocal": term_count(sympy.cancel(1 / g - 1 / b - increment))
        + term_count(sympy.cancel(increment.diff(b) - increment**2)),
    }


def beyond_the_limit(ratio: Fraction) -> tuple[Fraction, Fraction]:
    """`(η ‖X_0‖², λ_2(W_1) / bound - 1)`, exactly, for `Σ = 0` and a diagonal start.

    The start is `X_0 = diag(1, ratio)` and the step size `η = 1 / (4 ratio²)`.

    The second entry is negative as soon as the first exceeds 1/2 (`ratio² < 1/2`), however little: the
    limit is sharp.
    """
    eta = 1 / (4 * ratio**2)
    after = gram(step([[Fraction(1), Fraction(0)], [Fraction(0), ratio]], diagonal([0, 0]), eta))
    return eta, min(after[0][0], after[1][1]) / bound(ratio**2, eta, 1) - 1


class Run(NamedTuple):
    """A certified run of gradient descent."""

    eigenvalues: Certificate
    """The eigenvalues against their bounds, at every recorded step."""
    hypothesis_proved: int
    """Steps `t < T` at which `η ‖X_t‖² < 1/2` is certain."""
    steps: int
    """The number `T` of steps run."""


def certify(
    seed: int,
    load: Fraction = LOAD,
    record: tuple[int, ...] = (1, 3, 10, 30, 100, 300),
    indefinite: bool = False,
    constant: Fraction | int = 2,
) -> Run:
    """Run gradient descent in rigorous arithmetic and compare every eigenvalue with its bound.

    `n = k = 4`, `r = 2`; exact rational target, start and step size `η = load / max(σ_1, ‖X_0‖²)`
    (the norm rounded up); iterates as balls whose precision absorbs the wrapping effect; eigenvalues by
    inertia. `load > 1/2`, `indefinite` and `constant < 2` are controls.
    """
    rng = Random(f"gd-certificate/{seed}")
    zero = Fraction(0)
    sigma = (rational(rng, Fraction(3, 4), 1), rational(rng, Fraction(1, 4), Fraction(1, 2)), zero, zero)
    drawn = Instance(sigma, rational_matrix(rng, 4, 4))
    instance = drawn.indefinite() if indefinite else drawn
    initial = [eigenvalue_bounds(gram(instance.start), j, instance.size) for j in (1, 2, 3, 4)]
    eta = load / max(*sigma, initial[0][1])
    pairs, hypothesis = [], 0
    with enclosure.precision(128 + 3 * record[-1]):
        x = [[enclosure.ball(value) for value in row] for row in instance.start]
        target = diagonal([enclosure.ball(value) for value in instance.sigma])
        eta_ball, limit = enclosure.ball(eta), enclosure.ball(LOAD / eta)
        for t in range(1, record[-1] + 1):
            hypothesis += inertia(add(diagonal([limit] * 4), gram(x), -1)) == (4, 0)
            x = step(x, target, eta_ball)
            if t in record:
                w = gram(x)
                top = enclosure.upper(sum((w[i][i] for i in range(4)), enclosure.ball(0)))
                for j, (low, high) in enumerate(initial, start=1):
                    found = eigenvalue_bounds(w, j, top, enclosure.ball)
                    pairs.append((found, (bound(low, eta, t, constant), bound(high, eta, t, constant))))
    return Run(certificate(pairs), hypothesis, record[-1])


def smallest_ratio(
    seed: int,
    count: int = 16,
    load: Fraction = LOAD,
    indefinite: bool = False,
    constant: Fraction | int = 2,
    record: tuple[int, ...] = (1, 4, 16),
) -> float:
    """The smallest `λ_j(W_T) / bound - 1` over instances, recorded `T` and `j ≤ rank X_0`.

    Evaluated to 60 digits, with `η = load / max(σ_1, ‖X_0‖²)`. The theorem says that it is not negative for
    `load ≤ 1/2` and `Σ ⪰ 0`. `load > 1/2`, `indefinite` and `constant < 2` are controls.
    """
    ratios = []
    for drawn in badly_scaled("gd", seed, count):
        instance = drawn.indefinite() if indefinite else drawn
        with multiprecision.digits(DIGITS):
            x = multiprecision.numbers(instance.start)
            sigma = [multiprecision.number(value) for value in instance.sigma]
            factor = multiprecision.number(constant)
            initial = multiprecision.eigenvalues(gram(x))[: instance.rank]
            eta = multiprecision.number(load) / max(initial[0], *map(abs, sigma))
            for t in range(1, record[-1] + 1):
                x = step(x, diagonal(sigma), eta)
                if t in record:
                    final = multiprecision.eigenvalues(gram(x))
                    ratios += [
                        value / bound(initial[j], eta, t, factor) - 1
                        for j, value in enumerate(final[: instance.rank])
                    ]
    return float(min(ratios))
