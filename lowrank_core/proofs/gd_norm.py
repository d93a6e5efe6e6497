r"""The region `‖X‖² ≤ M` traps gradient descent: an a-priori bound on the iterates, with a sharp step size.

If `0 ⪯ Σ ⪯ M I`, `‖X‖² ≤ M` and `ηM ≤ 1/2`, then `X_+ = X - η(XXᵀ - Σ)X` has `‖X_+‖² ≤ M`. Hence
a run with `η max(σ_1, ‖X_0‖²) ≤ 1/2` keeps `η ‖X_t‖² ≤ 1/2` for ever, which is the hypothesis of
`gd_eigenvalues`. The limit 1/2 is sharp: for scalars, `w (1 + η(M - w))²` exceeds `M` just below
`w = M` as soon as `ηM > 1/2`. Derived here. The control is a larger step.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random

from lowrank_core.proofs import multiprecision
from lowrank_core.proofs.gd_eigenvalues import LOAD, step
from lowrank_core.proofs.instances import rational, rational_matrix
from lowrank_core.proofs.matrices import diagonal, gram
from lowrank_core.proofs.symbolic import term_count

DIGITS = 50


def proof_residuals(tangent: int = 2) -> dict[str, int]:
    """For each step of the proof, the number of terms by which its identity fails.

    `tangent` stands for the 2 in `c⁻² ≥ 3 - 2c`. Scale to `M = 1`, let `h = ηM ≤ 1/2`, `W = XXᵀ`
    and `C = I + h(Σ - W)`, which is positive definite because `Σ ⪰ 0` and `hW ⪯ I/2`.

    * `tangent`: `c⁻² - (3 - 2c) = (1-c)²(1+2c)/c²`, so `C⁻² ⪰ 3I - 2C`;
    * `order`: `3I - 2C - W = (1-2h)(I - W) + 2h(I - Σ)`, positive semidefinite, so `C⁻² ⪰ W`;
    * `congruence`: `C (C⁻² - W) C = I - C W C`, so `W_+ = C W C ⪯ I`;
    * `sharp`: `d/dw [w (1 + h(1-w))²] = 1 - 2h` at `w = 1`, negative for `h > 1/2`.
    """
    import sympy

    c, h, w = sympy.symbols("c h w", positive=True)
    target, current = sympy.symbols("Sigma W", commutative=False)
    step_matrix, inverse = sympy.symbols("C Cinv", commutative=False)
    chord = (1 + tangent) - tangent * (1 + h * (target - current))
    congruence = sympy.expand(step_matrix * (inverse**2 - current) * step_matrix)
    return {
        "tangent": term_count(
            sympy.expand(c**2 * (c**-2 - (1 + tangent) + tangent * c)) - (1 - c) ** 2 * (1 + 2 * c)
        ),
        "order": term_count(chord - current - (1 - 2 * h) * (1 - current) - 2 * h * (1 - target)),
        "congruence": term_count(
            congruence.subs(step_matrix * inverse**2 * step_matrix, 1)
            - (1 - step_matrix * current * step_matrix)
        ),
        "sharp": term_count((w * (1 + h * (1 - w)) ** 2).diff(w).subs(w, 1) - (1 - 2 * h)),
    }


def largest_growth(seed: int, count: int = 24, load: Fraction = LOAD, steps: int = 4) -> float:
    """The largest `‖X_{t+1}‖² / M - 1` over random instances and `t < steps`, with `ηM = load`.

    Evaluated to 50 digits, `M = max(σ_1, ‖X_0‖²)`, `1 ≤ n ≤ 3`. The theorem says that it is not
    positive for `load ≤ 1/2`; it may be 0 up to rounding. A larger `load` is the control.
    """
    rng = Random(f"gd-norm/{seed}")
    growth = []
    for _ in range(count):
        n, k = rng.randint(1, 3), rng.randint(1, 3)
        values = [rational(rng, Fraction(1, 2), 1) for _ in range(n)]
        drawn = rational_matrix(rng, n, k)
        with multiprecision.digits(DIGITS):
            x = multiprecision.numbers(drawn)
            sigma = [multiprecision.number(value) for value in values]
            limit = max(multiprecision.eigenvalues(gram(x))[0], *sigma)
            eta = multiprecision.number(load) / limit
            for _ in range(steps):
                x = step(x, diagonal(sigma), eta)
                growth.append(multiprecision.eigenvalues(gram(x))[0] / limit - 1)
    return float(max(growth))
