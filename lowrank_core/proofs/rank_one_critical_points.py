r"""The expected loss of a rank-one truth has no critical point but zero and the truth itself.

Let `f(u) = ‖uuᵀ - vvᵀ‖_F` with `v ≠ 0`. Away from the kink `u = ±v`, where `f = 0`, `f` is differentiable
and its gradient is `2g/f` with `g = |u|²u - ⟨u, v⟩v`. If `g = 0`, then `⟨g, u⟩ = a² - b² = 0` and
`⟨g, v⟩ = b(a - s) = 0`, where `a = |u|²`, `b = ⟨u, v⟩`, `s = |v|²`. Either `b = 0`, and
`a = 0`: `u = 0`; or `a = s` and `b = ±s`, and `|u ∓ v|² = a ∓ 2b + s = 0`: `u = ±v`, the kink. In
particular no `u` orthogonal to `v` is critical, except zero, the only smooth critical point. Derived here, in
every dimension. The control is a truth of rank two, which has further critical points.
"""

from __future__ import annotations

from lowrank_core.proofs.symbolic import term_count


def proof_residuals(n: int = 4, second: int = 0) -> dict[str, int]:
    """For each step of the proof, the number of terms by which its identity fails in `n` dimensions.

    `second` adds `second · wwᵀ` to the truth, `w` a further vector of symbols.

    * `gradient`: `∇f² = 4g`;
    * `along u`: `⟨g, u⟩ = a² - b²`;
    * `along v`: `⟨g, v⟩ = b(a - s)`;
    * `distance`: `|u - v|² = a - 2b + s`, and with `-v` for `v` the other sign.
    """
    import sympy

    u, v, w = (sympy.Matrix(sympy.symbols(f"{name}0:{n}", real=True)) for name in "uvw")
    truth = v * v.T + second * w * w.T
    a, b, s = (sympy.expand(x.dot(y)) for x, y in ((u, u), (u, v), (v, v)))
    g = a * u - b * v
    gap = u * u.T - truth
    gradient = sympy.Matrix([sum(x**2 for x in gap).diff(x) for x in u]) / 4
    return {
        "gradient": sum(term_count(x) for x in gradient - g),
        "along u": term_count(gradient.dot(u) - (a**2 - b**2)),
        "along v": term_count(gradient.dot(v) - b * (a - s)),
        "distance": term_count((u - v).dot(u - v) - (a - 2 * b + s)),
    }


def critical_points(spectrum: tuple[int, int]) -> list[tuple[int, int]]:
    """The squared coordinates of all real `u` in the plane with `|u|²u = diag(spectrum)u`, exactly.

    The truth is `diag(spectrum)`: with `(1, 0)` it has rank one, and `0` and `±e₁` are its points.
    """
    import sympy

    x, y = sympy.symbols("x y", real=True)
    size = x**2 + y**2
    found = sympy.solve([size * x - spectrum[0] * x, size * y - spectrum[1] * y], [x, y], dict=True)
    return sorted({(int(point[x] ** 2), int(point[y] ** 2)) for point in found})
