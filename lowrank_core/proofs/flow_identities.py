r"""Identities of the perturbed gradient flow: scalar closed forms, the stacked form, and what moves the balance.

With `Z = [F; G]`, `J = diag(I, -I)` and `S(R) = [[0, R], [Rᵀ, 0]]` the flow `F' = RG, G' = RᵀF` of
`R = M - FGᵀ` is `Z' = (S(M) - ½ZZᵀ + ½JZZᵀJ) Z`, and for a balanced start, `ZᵀJZ = 0`, the last term is
zero. Derived here.
"""

from __future__ import annotations

from lowrank_core.proofs.symbolic import term_count


def scalar_residuals(power: int = 2) -> dict[str, int]:
    """The number of terms by which each scalar law fails; `power` stands for the 2 in `e^{2σt}`.

    * `logistic`: `s = σe^{2σt}/(e^{2σt} - 1 + σ/s_0)` solves `s' = 2s(σ - s)`;
    * `start` and `half`: it is `s_0` at 0 and `σ/2` at `ln(σ/s_0 - 1)/(2σ)`;
    * `conserved`: `f² - g²` is constant under `f' = (σ - fg)g`, `g' = (σ - fg)f`;
    * `riccati`: with `u = (f + g)²/2` and `k = (f² - g²)/2`, `u' = 2σu - u² + k²`;
    * `product`: `fg = (u - k²/u)/2`;
    * `tanh`: `u = σ + ω tanh(ωt + c)`, `ω² = σ² + k²`, solves the Riccati equation.
    """
    import sympy

    sigma, s0, t, f, g, k, omega, v = sympy.symbols("sigma s_0 t f g k omega v", positive=True)
    grown = sympy.exp(power * sigma * t)
    s = sigma * grown / (grown - 1 + sigma / s0)
    half = sympy.log(sigma / s0 - 1) / (2 * sigma)
    df, dg = (sigma - f * g) * g, (sigma - f * g) * f
    u, imbalance = (f + g) ** 2 / 2, (f**2 - g**2) / 2
    du = (f + g) * (df + dg)
    # v = tanh(ωt + c) has v' = ω(1 - v²).
    solution = sigma + omega * v
    gap = omega**2 * (1 - v**2) - (2 * sigma * solution - solution**2 + k**2)
    return {
        "logistic": term_count(sympy.cancel(s.diff(t) - 2 * s * (sigma - s))),
        "start": term_count(sympy.simplify(s.subs(t, 0) - s0)),
        "half": term_count(sympy.simplify(s.subs(t, half) - sigma / 2)),
        "conserved": term_count(2 * f * df - 2 * g * dg),
        "riccati": term_count(du - (2 * sigma * u - u**2 + imbalance**2)),
        "product": term_count(sympy.cancel((u - imbalance**2 / u) / 2 - f * g)),
        "tanh": term_count(sympy.expand(gap).subs(omega**2, sigma**2 + k**2)),
    }


def stacked_residual(reflect: bool = True) -> int:
    """The terms left of `S(M - FGᵀ)Z - (S(M) - ½ZZᵀ + ½JZZᵀJ)Z`, block by block, for every size.

    Args:
        reflect: whether to keep the term with `J`; without it the identity holds for balanced factors alone.
    """
    import sympy

    f, ft, g, gt, m, mt = sympy.symbols("F Ft G Gt M Mt", commutative=False)
    half = sympy.Rational(1, 2)
    z, zt = (f, g), (ft, gt)
    velocity = ((m - f * gt) * g, (mt - g * ft) * f)
    target = ((0, m), (mt, 0))
    left = 0
    for i in range(2):
        row = 0
        for j in range(2):
            mirrored = half * z[i] * zt[j] * (1 if i == j else -1) if reflect else 0
            row += (target[i][j] - half * z[i] * zt[j] + mirrored) * z[j]
        left += term_count(velocity[i] - row)
    return left


def balance_residuals(diagonal: bool = True) -> dict[str, int]:
    """The terms left of the law of the balance `FᵀF - GᵀG`, for every size and every perturbation.

    * `off-diagonal`: under `F' = (R + E)G, G' = (R + E)ᵀF` it is constant, whatever `E` is;
    * `diagonal`: symmetric blocks `E₁₁, E₂₂` move it by `2(FᵀE₁₁F - GᵀE₂₂G)`.

    Args:
        diagonal: whether the law knows of the diagonal blocks; without them it must fail.
    """
    import sympy

    f, ft, g, gt, p, pt = sympy.symbols("F Ft G Gt P Pt", commutative=False)  # P = R + E
    a, b = sympy.symbols("E11 E22", commutative=False)  # symmetric
    law = 2 * (ft * a * f - gt * b * g) if diagonal else 0
    plain = ft * (p * g) + (gt * pt) * f - gt * (pt * f) - (ft * p) * g
    df, dft = p * g + a * f, gt * pt + ft * a
    dg, dgt = pt * f + b * g, ft * p + gt * b
    return {
        "off-diagonal": term_count(plain),
        "diagonal": term_count(ft * df + dft * f - gt * dg - dgt * g - law),
    }
