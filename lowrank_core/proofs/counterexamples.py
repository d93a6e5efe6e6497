r"""Counterexamples that one can write down: spurious second-order points, with a known isometry constant.

With `ρ = a/j` and the coordinates in the order planted (`j`), shared (`s = r - j`), alone
(`a = k - s`) and unused,

    X = [0; I_r; 0],  M* = diag((√ρ/δ) I, I, 0, 0),  Q = diag(-√ρ I, 0, I, 0),
    A*A(S) = (1 + δ) S - 2δ ⟨Q, S⟩/|Q|² Q.

Everything here is derived here. As `|Q|² = 2a` and `⟨Q, E⟩ = a(1 + δ)/δ` for `E = XXᵀ - M*`, the slope is
`G = A*A(E) = (1 + δ)(E - Q)`, which is `-g = -√ρ(1 - δ²)/δ` on the planted coordinates and zero elsewhere: so
`GX = 0`. For `V = [A; W; U]` the Hessian of `½|A(XXᵀ - M*)|²` is

    2(1 + δ - g)|A|² + (1 + δ)|W + Wᵀ|² - (4δ/a) (tr W_alone)² + 2(1 + δ)|U|².

Its first coefficient is `2(1 + δ)(1 + √ρ)(δ - δ*)/δ` with `δ* = 1/(1 + 1/√ρ)`. Where it vanishes the point is
left along `X_t = [tA; I - (t²/2)(AᵀA + yP); 0]`, `P` the projector on the columns alone,
`a y = δ(√ρ|A|² + |AP|²)`: the objective changes by `-(1 + δ) a y²/(2δ) t⁴ + O(t⁸)`.

Numbers are exact fractions where `√ρ` is rational, and balls otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import isqrt
from random import Random
from typing import Any, NamedTuple

from lowrank_core.errors import ArgumentError
from lowrank_core.proofs import enclosure
from lowrank_core.proofs.inertia import count_above
from lowrank_core.proofs.instances import rational_matrix
from lowrank_core.proofs.matrices import Matrix, add, diagonal, gram, matmul, rank, transpose
from lowrank_core.proofs.minimisers import rational_orthogonal
from lowrank_core.proofs.symbolic import term_count


class Shape(NamedTuple):
    """Search rank `k`, true rank `r`, how many of its directions are planted, and unused coordinates.

    With `balls` the numbers are enclosures; otherwise they are fractions, and `ρ` must be the square of one.
    """

    k: int
    true_rank: int
    planted: int
    extra: int = 0
    balls: bool = False

    @property
    def shared(self) -> int:
        """How many directions the point and the truth have in common."""
        return self.true_rank - self.planted

    @property
    def alone(self) -> int:
        """How many columns of the point the truth knows nothing of."""
        return self.k - self.shared

    @property
    def n(self) -> int:
        """The order of the matrices."""
        return self.planted + self.k + self.extra

    def number(self, value: Any) -> Any:
        """An integer or a fraction as this shape's kind of number; enclosures pass through."""
        if not isinstance(value, (int, Fraction)):
            return value
        return enclosure.ball(value) if self.balls else Fraction(value)

    @property
    def root(self) -> Any:
        """`√ρ`. Raises `ArgumentError` if it is irrational and the shape's numbers are fractions."""
        ratio = Fraction(self.alone, self.planted)
        if self.balls:
            return enclosure.sqrt(enclosure.ball(ratio))
        root = Fraction(isqrt(ratio.numerator), isqrt(ratio.denominator))
        if root**2 != ratio:
            raise ArgumentError("ρ", ratio, "its square root is irrational", "use balls")
        return root

    @property
    def threshold(self) -> Any:
        """`δ* = 1/(1 + 1/√ρ)`, of the kind of `root`."""
        return self.root / (1 + self.root)

    def __str__(self) -> str:
        return f"k = {self.k}, r = {self.true_rank}, {self.planted} planted"


class Quadratic(NamedTuple):
    """`½⟨XXᵀ - M*, A*A(XXᵀ - M*)⟩` at a point `X`, for a positive definite `A*A`."""

    point: Matrix
    truth: Matrix
    normal: Callable[[Matrix], Matrix]

    @property
    def error(self) -> Matrix:
        """`XXᵀ - M*`."""
        return add(gram(self.point), self.truth, -1)

    @property
    def gradient(self) -> Matrix:
        """`2GX`, `G = A*A(XXᵀ - M*)`."""
        return [[2 * x for x in row] for row in matmul(self.normal(self.error), self.point)]

    @property
    def hessian(self) -> Matrix:
        """The Hessian on the entries of `X`, row by row: `V` is mapped to `2GV + 2A*A(XVᵀ + VXᵀ)X`."""
        n, k = len(self.point), len(self.point[0])
        slope = self.normal(self.error)
        columns = []
        for i in range(n):
            for j in range(k):
                v = [[int((p, q) == (i, j)) for q in range(k)] for p in range(n)]
                cross = matmul(v, transpose(self.point))
                bent = matmul(self.normal(add(cross, transpose(cross))), self.point)
                columns.append([2 * x for row in add(matmul(slope, v), bent) for x in row])
        return transpose(columns)

    def along(self, curve: list[Matrix]) -> list[Any]:
        """Coefficients in `t` of the objective at `curve[0] + t curve[1] + ...`, instead of at the point."""
        degree = 2 * (len(curve) - 1)
        errors = [[[-x for x in row] for row in self.truth]]
        errors += [[[0 * x for x in row] for row in self.truth] for _ in range(degree)]
        for p, left in enumerate(curve):
            for q, right in enumerate(curve):
                errors[p + q] = add(errors[p + q], matmul(left, transpose(right)))
        images = [self.normal(error) for error in errors]
        return [
            sum((inner(errors[p], images[q - p]) for p in range(degree + 1) if 0 <= q - p <= degree), 0) / 2
            for q in range(2 * degree + 1)
        ]


def inner(a: Matrix, b: Matrix) -> Any:
    """The sum of the products of the entries."""
    return sum((x * y for p, q in zip(a, b, strict=True) for x, y in zip(p, q, strict=True)), 0)


def member(shape: Shape, delta: Any, weight: int | Fraction = 1, rng: Random | None = None) -> Quadratic:
    """The family's member with isometry constant `delta`.

    `weight` multiplies `√ρ`; only 1 is right. With `rng` rows and columns are rotated at random, by rational
    orthogonal matrices, so that no entry is zero by the choice of coordinates.
    """
    j, s, a, extra = shape.planted, shape.shared, shape.alone, shape.extra
    root, delta = shape.number(weight) * shape.root, shape.number(delta)
    q = diagonal([-root] * j + [0] * s + [1] * a + [0] * extra)
    truth = diagonal([root / delta] * j + [1] * s + [0] * (a + extra))
    point = [[int(i == j + k) for k in range(shape.k)] for i in range(shape.n)]
    if rng is not None:
        left, right = rational_orthogonal(rng, shape.n), rational_orthogonal(rng, shape.k)
        q, truth = (matmul(matmul(left, m), transpose(left)) for m in (q, truth))
        point = matmul(matmul(left, point), right)
    size = inner(q, q)

    def normal(matrix: Matrix) -> Matrix:
        scaled = [[(1 + delta) * x for x in row] for row in matrix]
        return add(scaled, q, -2 * delta * inner(q, matrix) / size)

    return Quadratic(point, truth, normal)


def curvature(shape: Shape, delta: Any) -> Any:
    """The coefficient of `|A|²`, the only eigenvalue of the Hessian that can be negative."""
    delta = shape.number(delta)
    return 2 * (1 + delta) * (1 + shape.root) * (delta - shape.threshold) / delta


def spectrum(shape: Shape, delta: Any) -> list[tuple[Any, int]]:
    """The eigenvalues of the Hessian in closed form, with multiplicities that sum to `n k`."""
    k, delta = shape.k, shape.number(delta)
    return [
        (curvature(shape, delta), k * shape.planted),
        (0 * delta, k * (k - 1) // 2),
        (4 + 0 * delta, 1),
        (4 * (1 + delta), k * (k + 1) // 2 - 1),
        (2 * (1 + delta), k * shape.extra),
    ]


def exact_multiplicities(matrix: Matrix, values: list[Fraction]) -> dict[Fraction, int]:
    """How often each value is an eigenvalue of the symmetric matrix of fractions, by exact elimination."""
    shifted = {value: add(matrix, diagonal([value] * len(matrix)), -1) for value in values}
    return {value: len(matrix) - rank(each) for value, each in shifted.items()}


def merged(pairs: list[tuple[Fraction, int]]) -> dict[Fraction, int]:
    """The multiplicities of a spectrum in which values may repeat."""
    found: dict[Fraction, int] = {}
    for value, count in pairs:
        found[value] = found.get(value, 0) + count
    return found


def miscounted(matrix: Matrix, pairs: list[tuple[Any, int]], width: Fraction) -> int:
    """How many eigenvalues of a closed form enclosures fail to confirm, to within `width`.

    For each value the eigenvalues above `value ± width` are counted by certified inertia.
    """
    missing = 0
    ball = enclosure.ball(width)
    for value, _ in pairs:
        for cut in (value - ball, value + ball):
            expected = sum(count for other, count in pairs if other > cut)
            missing += count_above(matrix, cut) != expected
    return missing


def count_below(matrix: Matrix, cut: Fraction) -> int:
    """How many eigenvalues lie below a cut, certified; all of them if that is uncertain."""
    above = count_above(matrix, enclosure.ball(cut))
    return len(matrix) - (above or 0)


def escape_curve(shape: Shape, delta: Any, a: Matrix, tilted: int = 1) -> list[Matrix]:
    """`X_0, X_1, X_2` of `X_t = X_0 + t X_1 + t² X_2` for a direction `A` of size `j x k`.

    `tilted` multiplies `y`; 1 is best.
    """
    j, s, k = shape.planted, shape.shared, shape.k
    y = tilted * tilt(shape, delta, a)
    square = add(gram(transpose(a)), diagonal([0] * s + [y] * shape.alone))
    below = [[0] * k for _ in range(shape.extra)]
    return [
        [*([0] * k for _ in range(j)), *diagonal([1] * k), *below],
        [*a, *([0] * k for _ in range(k)), *below],
        [*([0] * k for _ in range(j)), *([[-x / 2 for x in row] for row in square]), *below],
    ]


def tilt(shape: Shape, delta: Any, a: Matrix) -> Any:
    """`y`, by which the columns alone shrink: the best choice for the fourth order."""
    alone = [row[shape.shared :] for row in a]
    return delta * (shape.root * inner(a, a) + inner(alone, alone)) / shape.alone


def escape_coefficient(shape: Shape, delta: Any, a: Matrix) -> Any:
    """The coefficient of `t⁴`; for `j = r` it is `-(1 + δ*)|A|⁴/(2 r δ*)` at the threshold."""
    return -(1 + delta) * shape.alone * tilt(shape, delta, a) ** 2 / (2 * delta)


def draw_direction(seed: int, shape: Shape) -> Matrix:
    """Draw `A`, `j x k`, with entries in `[-1, 1]`."""
    drawn = rational_matrix(Random(f"escape/{seed}/{shape}"), shape.planted, shape.k)
    return [[shape.number(x) for x in row] for row in drawn]


def proof_residuals(weight: int = 1) -> dict[str, int]:
    """For each step of the block algebra above, the number of terms by which it fails.

    The symbols are `δ`, `√ρ`, `a` and the invariants of `C = AᵀA + yP` and `A`, such as `p = |A|²` and
    `q = |AP|²`, so that all ranks are covered. `weight` multiplies `√ρ` in `Q` and in the truth; only 1 is
    right.
    """
    import sympy

    delta, ratio, a, p, q, quartic = sympy.symbols("delta ratio a p q quartic", positive=True)
    mixed, alone = sympy.symbols("mixed alone", positive=True)  # tr AᵀAC² and tr PC²
    root, j = weight * ratio, a / ratio**2
    size, overlap = root**2 * j + a, root**2 * j / delta + a
    slope = [(1 + delta) * e - 2 * delta * overlap / size * d for e, d in ((-root / delta, -root), (1, 1))]
    star = 1 / (1 + 1 / ratio)
    first = 2 * (1 + delta + slope[0])
    y = delta * (ratio * p + q) / a
    # Of |E_t - E_0|² and of ⟨Q, E_t - E_0⟩², what stands with t⁴.
    change = quartic - 2 * (quartic + y * q) + (quartic + 2 * y * q + a * y**2)
    turned = (root * p + q + a * y) ** 2
    fourth = ((1 + delta) * change - 2 * delta / size * turned) / 2
    sixth = (1 + delta) * (mixed - (mixed + y * alone)) / 4
    sixth += delta / (2 * size) * (root * p + q + a * y) * alone
    steps = {
        "|Q|²": size - 2 * a,
        "⟨Q, E⟩": overlap - a * (1 + delta) / delta,
        "G where X is not zero": slope[1],
        "G on the planted coordinates": slope[0] + ratio * (1 - delta**2) / delta,
        "eigenvalue of the planted block": first - 2 * (1 + delta) * (1 + ratio) * (delta - star) / delta,
        "eigenvalue of the trace": 4 * (1 + delta) - 2 * delta / size * (2 * a) ** 2 / a - 4,
        "fourth order": fourth + (1 + delta) * a * y**2 / (2 * delta),
        "fourth order, all planted": (fourth + (1 + delta) * p**2 * ratio**2 / (2 * a * delta)).subs(
            {q: p, delta: star}
        ),
        "sixth order": sixth,
    }
    return {name: term_count(sympy.together(step).as_numer_denom()[0]) for name, step in steps.items()}


class Measured(NamedTuple):
    """Measurement matrices times square roots: `A_i = √weights[i] · matrices[i]`."""

    weights: list[Fraction]
    matrices: list[Matrix]

    def normal(self, matrix: Matrix) -> Matrix:
        """`A*A(M) = Σ w_i ⟨B_i, M⟩ B_i`."""
        total = [[Fraction(0) for _ in row] for row in matrix]
        for weight, each in zip(self.weights, self.matrices, strict=True):
            total = add(total, each, weight * inner(each, matrix))
        return total

    @property
    def gram(self) -> Matrix:
        """The matrix of `A*A` on all entries."""
        rows = [[x for row in each for x in row] for each in self.matrices]
        weighted = [[w * x for x in row] for w, row in zip(self.weights, rows, strict=True)]
        return matmul(transpose(rows), weighted)


def example_1(basis: Matrix, coefficient: Fraction = Fraction(1, 2)) -> Measured:
    """The measurements of Zhang, Sojoudi & Lavaei (2019), Example 1, for the columns `u_i` of `basis`.

    `coefficient` stands before `u_2u_2ᵀ` in `A_1`; in the example it is 1/2.
    """
    n = len(basis)
    u = transpose(basis)
    outer = [[[[x * y for y in u[k]] for x in u[i]] for k in range(n)] for i in range(n)]
    weights = [Fraction(1), Fraction(3, 4), Fraction(1, 2), Fraction(3, 4)]
    matrices = [
        add(outer[0][0], outer[1][1], coefficient),
        add(outer[0][1], outer[1][0]),
        add(outer[0][1], outer[1][0], -1),
        outer[1][1],
    ]
    others = [outer[i][k] for i in range(n) for k in range(n) if max(i, k) > 1]
    return Measured(weights + [Fraction(1)] * len(others), matrices + others)


def conjugated(matrix: Matrix, basis: Matrix) -> Matrix:
    """`basisᵀ matrix basis`."""
    return matmul(matmul(transpose(basis), matrix), basis)


def count_nonzero(matrix: Matrix) -> int:
    """How many entries are not exactly zero."""
    return sum(x != 0 for row in matrix for x in row)
