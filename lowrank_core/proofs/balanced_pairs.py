r"""What the sharp threshold's proof needs for a pair of factors, as identities between symbols.

`f_μ(U, V) = ½‖A(UVᵀ) - b‖² + (μ/4)‖B‖²` with `B = UᵀU - VᵀV`, `G = A*(A(UVᵀ) - b)`. Derived here:

* at a critical point with `μ > 0` the factors are balanced, because `⟨B, Uᵀ∇_U - ∇_Vᵀ V⟩ = μ(‖UB‖² + ‖VB‖²)`;
* the escape direction `(avᵀ, -bvᵀ)`, `a` orthogonal to the columns of `U` and `b` to those of `V`,
  does not change `B` to first order, and bends by `|a|²|Vv|² + |b|²|Uv|²`;
* without the regulariser and with `Uv = 0`, the direction `(c avᵀ, -bvᵀ/c)` has the same slope for every
  `c` and bends by `c²|a|²|Vv|²` only, which may be as small as one likes.
"""

from __future__ import annotations

from lowrank_core.proofs.traces import Rules, trace_terms


def balance_terms(sign: int = -1) -> dict[str, int]:
    """The terms left of the gradient of the regulariser and of the balancing identity.

    `sign` is that of `VᵀV` in `B`: with +1 the gradient is another one.
    """
    import sympy

    names = ("U", "Ut", "V", "Vt", "G", "Gt", "T", "Tt", "S", "St", "B")
    u, ut, v, vt, g, gt, t, tt, s, st, b = (sympy.Symbol(name, commutative=False) for name in names)
    mu = sympy.Symbol("mu", positive=True)
    rules = Rules({u: ut, ut: u, v: vt, vt: v, g: gt, gt: g, t: tt, tt: t, s: st, st: s}, {})
    grad_u, grad_v_t = g * v + mu * u * b, ut * g - mu * b * vt
    # The derivative along (T, S), with ⟨B, B'⟩ for the regulariser.
    change = tt * u + ut * t + sign * (st * v + vt * s)
    along = gt * (t * vt + u * st) + mu / 2 * b * change
    stepped = (gt * t * vt + st * gt * u) + mu * b * ut * t - mu * b * vt * s
    squares = b * ut * u * b + b * vt * v * b
    return {
        "gradient": trace_terms(along - stepped, rules),
        "balance": trace_terms(b * (ut * grad_u - grad_v_t * v) - mu * squares, rules),
    }


def escape_terms(orthogonal: bool = True) -> dict[str, int]:
    """The terms left of what the escape directions do; `orthogonal=False` takes any `a` and `b`.

    `p = Vv` and `w = Uv`; `missing` is the case `μ = 0` and `Uv = 0`.
    """
    import sympy

    names = ("U", "Ut", "V", "Vt", "a", "at", "b", "bt", "v", "vt", "p", "pt", "w", "wt", "T", "Tt")
    u, ut, v, vt, a, at, b, bt, e, et, p, pt, w, wt, t, tt = (
        sympy.Symbol(name, commutative=False) for name in names
    )
    c = sympy.Symbol("c", positive=True)
    transposes = {u: ut, v: vt, a: at, b: bt, e: et, p: pt, w: wt, t: tt}
    transposes |= {right: left for left, right in transposes.items()}
    pairs = {(ut, a): 0, (at, u): 0, (vt, b): 0, (bt, v): 0, (wt, a): 0, (at, w): 0, (pt, b): 0, (bt, p): 0}
    rules = Rules(transposes, pairs if orthogonal else {})
    imbalance = e * at * u + ut * a * et + e * bt * v + vt * b * et
    bent = (p * at - b * wt) * (a * pt - w * bt)
    deficient = Rules(transposes, {(u, e): 0, (et, ut): 0, (et, e): sympy.Integer(1)})
    change = c * a * et * vt - u * e * bt / c
    slope = -c * a * et * e * bt / c
    return {
        "imbalance": trace_terms(imbalance * t, rules),
        "bending": trace_terms(bent - p * at * a * pt - b * wt * w * bt, rules),
        "missing": trace_terms((change - c * a * et * vt) * t, deficient)
        + trace_terms((slope + a * bt) * t, deficient),
    }


def block_terms(critical: bool = True) -> dict[str, int]:
    """The terms left of the orthogonality relations for `E = UVᵀ - M`, with `GᵀP = 0` and `QGᵀ = 0`.

    Without `critical`, `G` is any matrix. `P` and `Q` project on the columns of `U` and of `V`;
    `W = (I - P)M(I - Q)` and `D = E + W`.
    """
    import sympy

    names = ("X", "Xt", "M", "Mt", "P", "Q", "Gt", "G")
    x, xt, m, mt, left, right, gt, g = (sympy.Symbol(name, commutative=False) for name in names)
    w = (1 - left) * m * (1 - right)
    w_t = (1 - right) * mt * (1 - left)
    d = left * x * right - m + w
    pairs = {(left, left): left, (right, right): right}
    if critical:
        pairs |= {(gt, left): 0, (right, gt): 0, (left, g): 0, (g, right): 0}
    rules = Rules({x: xt, xt: x, m: mt, mt: m, g: gt, gt: g}, pairs)
    return {"slope": trace_terms(gt * d, rules), "orthogonal": trace_terms(w_t * d, rules)}
