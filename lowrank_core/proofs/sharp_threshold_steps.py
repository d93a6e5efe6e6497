r"""The steps of the sharp threshold's proof, as identities between symbols.

`E = XXᵀ - ZZᵀ`, `P` the projector on the columns of `X`, `W = (I - P)ZZᵀ(I - P)`, `D = E + W`,
`F = D - tW`, `α = ‖W‖/‖E‖`, `β = σ tr W/(‖W‖‖E‖)`, `s = (1 + δ)/√ρ` and `ψ² + sψ = 1`. Derived here; the
chapter has the text around the identities.
"""

from __future__ import annotations

from lowrank_core.proofs.symbolic import term_count
from lowrank_core.proofs.traces import Rules, trace_terms


def escape_terms(bend: int = 2, critical: bool = True) -> dict[str, int]:
    """For each identity of steps 1 and 2, the number of terms by which it fails.

    `bend` is the constant in `‖p uᵀ + u pᵀ‖² = 2 |p|²|u|² + bend (pᵀu)²`; without `critical`, `GX` need
    not vanish.

    * `hessian`: the second derivative of `½⟨E, HE⟩ - ⟨N, E⟩` along `V` is `2⟨HE - N, VVᵀ⟩ + ⟨L, HL⟩` with
      `L = XVᵀ + VXᵀ`, for every quadratic form `H`;
    * `bending`: the norm of `L` for `V = uvᵀ` and `p = Xv`, in the plane of `p` and `u`;
    * `slope`: `⟨G, D⟩ = 0` if `GX = 0`, with `X = PX`;
    * `orthogonal`: `⟨D, W⟩ = 0`, so that `‖E‖² = ‖D‖² + ‖W‖²`;
    * `split`: `D - W = E`.
    """
    import sympy

    step = sympy.Symbol("epsilon", real=True)
    pairs = sympy.symbols("EHE EHL EHV LHL LHV VHV EN LN VN", real=True)
    ehe, ehl, ehv, lhl, lhv, vhv, en, ln, vn = pairs
    # E becomes E + εL + ε²VVᵀ; a product of letters stands for the form H between them.
    quadratic = ehe + 2 * step * ehl + step**2 * (lhl + 2 * ehv) + 2 * step**3 * lhv + step**4 * vhv
    value = quadratic / 2 - (en + step * ln + step**2 * vn)
    second = value.diff(step, 2).subs(step, 0)

    p = sympy.Matrix(sympy.symbols("p1 p2", real=True))
    u = sympy.Matrix(sympy.symbols("u1 u2", real=True))
    turned = p * u.T + u * p.T
    bent = (turned.T * turned).trace() - 2 * p.dot(p) * u.dot(u) - bend * p.dot(u) ** 2

    names = ("X", "Xt", "Z", "Zt", "P", "G")
    x, xt, z, zt, onto, g = (sympy.Symbol(name, commutative=False) for name in names)
    off = 1 - onto
    d = onto * (x * xt - z * zt) * onto - onto * z * zt * off - off * z * zt * onto
    w = off * z * zt * off
    pairs_of = {(onto, onto): onto} | ({(g, onto): 0, (onto, g): 0} if critical else {})
    rules = Rules({x: xt, xt: x, z: zt, zt: z}, pairs_of)
    return {
        "hessian": term_count(second - (2 * (ehv - vn) + lhl)),
        "bending": term_count(bent),
        "slope": trace_terms(g * d, rules),
        "orthogonal": trace_terms(d * w, rules),
        "split": trace_terms(g * (d - w - onto * x * xt * onto + z * zt), Rules(rules.transposes, {})),
    }


def optimisation_terms(mixed: int = 2) -> dict[str, int]:
    """The same for step 3, the best `t`, with `c = α - (1 + δ)β`; `mixed` is the factor of `αβ`.

    * `cauchy`: `(1 - α² + t²α²)(1 - α² + c²) - (1 - α² + tαc)² = (1 - α²)(tα - c)²`;
    * `noiseless`: `δ² - (1 - α²) - c² = (1 + δ)(δ(1 - β²) - (1 - 2αβ + β²))`, the bound on δ of the literature.
    """
    import sympy

    alpha, beta, delta, t = sympy.symbols("alpha beta delta t", positive=True)
    c = alpha - (1 + delta) * beta
    rest = 1 - alpha**2
    product = (rest + t**2 * alpha**2) * (rest + c**2) - (rest + t * alpha * c) ** 2
    noiseless = delta**2 - rest - c**2
    bound = (1 + delta) * (delta * (1 - beta**2) - (1 - mixed * alpha * beta + beta**2))
    return {
        "cauchy": term_count(product - rest * (t * alpha - c) ** 2),
        "noiseless": term_count(noiseless - bound),
    }


def valid_inequality_terms(polar: bool = True) -> int:
    """The terms left of step 4's identity, for matrices of every size.

    With `L₁ = Z + Y`, `R₁ = Z - Y`, `Z = OS` a polar decomposition (`OᵀO = I`, `S` symmetric) and
    `K = λODOᵀ + s(I - OOᵀ)`,

        ‖A - L₁R₁ᵀ‖² + ⟨D, L₁ᵀL₁ + R₁ᵀR₁⟩ - (2sλ tr D - λ² tr D² + (r - r*)s²)
            = ‖A - L₁R₁ᵀ - K‖² + 2⟨A - sI, K⟩ + 2(1 - λ)⟨D, S²⟩ + 2⟨D, YᵀY⟩ + 2⟨YYᵀ, K⟩.

    `polar=False` takes any `Z` instead of `OS`; then the identity has no reason to hold.
    """
    import sympy

    names = ("A", "O", "Ot", "S", "D", "Y", "Yt", "Z", "Zt")
    a, o, ot, root, d, y, yt, z, zt = (sympy.Symbol(name, commutative=False) for name in names)
    lam, s = sympy.symbols("lambda s", positive=True)
    size, true_rank = sympy.symbols("r r_star", positive=True)
    if polar:
        z, zt = o * root, root * ot
    left, left_t, right, right_t = z + y, zt + yt, z - y, zt - yt
    transposes = {o: ot, ot: o, y: yt, yt: y, z: zt, zt: z}
    rules = Rules(transposes, {(ot, o): sympy.Integer(1)}, outer=size, inner=true_rank)
    k = lam * o * d * ot + s * (1 - o * ot)
    block = left * right_t
    gap, gap_t = a - block, a - right * left_t
    value = gap * gap_t + d * left_t * left + d * right_t * right
    bound = 2 * s * lam * d - lam**2 * d * d + s**2 * (1 - o * ot)
    squares = (
        (gap - k) * (gap_t - k)
        + 2 * (a - s) * k
        + 2 * (1 - lam) * d * zt * z
        + 2 * d * yt * y
        + 2 * y * yt * k
    )
    return trace_terms(value - bound - squares, rules)


def circle_terms(power: int = 2) -> dict[str, int]:
    """The same for step 5, with `s = (1 - ψ²)/ψ`, `b = √ρ β` and `q = √ρ`; `power` is that of `ψ`.

    * `psi`: `√(1 + s²/4) - s/2` solves `ψ² + sψ = 1`;
    * `circle`: `1 - 2sαb + s²b² = ψ² + (1 - ψ²)(1 - α² - b²) + (1 - ψ²)(α - b/ψ)²`;
    * `difference`: `(ψ - δ)(ψ + δ + s) = 1 - δ² - sδ`;
    * `threshold`: this is `(1 + δ)(1 + 1/q)(δ* - δ)` for `s = (1 + δ)/q` and `δ* = q/(1 + q)`.
    """
    import sympy

    alpha, b, delta, q, psi, free = sympy.symbols("alpha b delta q psi s", positive=True)
    root = sympy.sqrt(1 + free**2 / 4) - free / 2
    rest = 1 - psi**power
    s = rest / psi
    value = 1 - 2 * s * alpha * b + s**2 * b**2
    squares = psi**2 + rest * (1 - alpha**2 - b**2) + rest * (alpha - b / psi) ** 2
    product = (psi - delta) * (psi + delta + s)
    slope = (1 + delta) / q
    factored = (1 + delta) * (1 + 1 / q) * (q / (1 + q) - delta)
    return {
        "psi": term_count(root**2 + free * root - 1),
        "circle": term_count(value - squares),
        "difference": term_count(product - (1 - delta**2 - s * delta)),
        "threshold": term_count(sympy.cancel(1 - delta**2 - slope * delta - factored)),
    }
