"""The planted family against sympy, numpy and known numbers."""

from fractions import Fraction

import numpy as np
import pytest

from lowrank_core.proofs import counterexamples, enclosure
from lowrank_core.proofs.counterexamples import Shape, member


def as_array(matrix):
    return np.array([[float(x) for x in row] for row in matrix])


def objective(case, x):
    """½⟨E, A*A(E)⟩ in floating point, from the definition."""
    error = x @ x.T - as_array(case.truth)
    return 0.5 * np.sum(error * as_array(case.normal([list(row) for row in error])))


@pytest.mark.parametrize("shape", [Shape(1, 1, 1), Shape(2, 2, 1, 1), Shape(4, 1, 1)])
def test_gradient_and_hessian_by_finite_differences(shape):
    case = member(shape, Fraction(2, 5))
    # Off the critical point, where the gradient is not zero.
    rng = np.random.default_rng(0)
    x = as_array(case.point) + rng.integers(-3, 4, (shape.n, shape.k)) / 8
    moved = case._replace(point=[[Fraction(v) for v in row] for row in x])
    step = 1e-4
    units = np.eye(x.size).reshape(-1, *x.shape) * step
    slope = [(objective(case, x + u) - objective(case, x - u)) / (2 * step) for u in units]
    assert np.allclose(as_array(moved.gradient).ravel(), slope, atol=1e-6)

    def second(u, v):
        values = (objective(case, x + s * u + t * v) * s * t for s in (1, -1) for t in (1, -1))
        return sum(values) / (4 * step**2)

    hessian = [[second(u, v) for v in units] for u in units]
    assert np.allclose(as_array(moved.hessian), hessian, atol=1e-5)


@pytest.mark.parametrize("shape", [Shape(4, 1, 1), Shape(2, 2, 2), Shape(5, 2, 1), Shape(3, 3, 2, 1)])
@pytest.mark.parametrize("delta", [Fraction(1, 3), Fraction(9, 10)])
def test_the_spectrum_in_closed_form_is_that_of_numpy(shape, delta):
    case, pairs = member(shape, delta), counterexamples.spectrum(shape, delta)
    assert counterexamples.count_nonzero(case.gradient) == 0
    expected = sorted(float(value) for value, count in pairs for _ in range(count))
    assert np.allclose(np.linalg.eigvalsh(as_array(case.hessian)), expected, atol=1e-12)
    found = counterexamples.exact_multiplicities(case.hessian, [value for value, _ in pairs])
    assert {value: count for value, count in found.items() if count} == {
        value: count for value, count in counterexamples.merged(pairs).items() if count
    }


def test_the_operator_has_the_stated_constant():
    case = member(Shape(4, 1, 1), Fraction(2, 3))
    units = np.eye(25).reshape(25, 5, 5)
    columns = [as_array(case.normal(unit.tolist())).ravel() for unit in units]
    values = np.linalg.eigvalsh(np.array(columns))
    assert np.allclose(values, [1 / 3] + [5 / 3] * 24)


def test_balls_confirm_the_spectrum_and_reject_a_wrong_one():
    shape, delta, width = Shape(3, 2, 2, balls=True), Fraction(3, 5), Fraction(1, 10**9)
    hessian, pairs = member(shape, delta).hessian, counterexamples.spectrum(shape, delta)
    assert counterexamples.miscounted(hessian, pairs, width) == 0
    assert counterexamples.count_below(hessian, -width) == 0
    assert counterexamples.miscounted(hessian, [(1 + pairs[0][0], 6), *pairs[1:]], width) > 0
    assert counterexamples.count_below(member(shape, Fraction(1, 2)).hessian, -width) == 6


@pytest.mark.parametrize("name", enclosure.available())
def test_both_backends_enclose_the_threshold(name):
    with enclosure.using(name):
        star = Shape(2, 1, 1, balls=True).threshold
        assert (
            enclosure.lower(star)
            <= Fraction(2) - Fraction("1.414213562373095")
            <= enclosure.upper(star) + Fraction(1, 10**15)
        )
        assert (
            counterexamples.miscounted(
                member(Shape(2, 1, 1, balls=True), Fraction(1, 2)).hessian,
                counterexamples.spectrum(Shape(2, 1, 1, balls=True), Fraction(1, 2)),
                Fraction(1, 10**6),
            )
            == 0
        )


def test_an_irrational_root_needs_balls():
    assert Shape(9, 4, 4).root == Fraction(3, 2)
    with pytest.raises(ValueError, match="irrational"):
        _ = Shape(2, 1, 1).root


@pytest.mark.parametrize(
    ("shape", "a", "coefficient"),
    [
        (Shape(1, 1, 1), [[1]], Fraction(-3, 2)),
        (Shape(4, 1, 1), [[1, 2, 0, -1]], Fraction(-45)),
        (Shape(2, 2, 2), [[1, 0], [3, -1]], Fraction(-363, 4)),
    ],
)
def test_the_quartic_escape_by_hand(shape, a, coefficient):
    a = [[Fraction(x) for x in row] for row in a]
    star = shape.threshold
    curve = counterexamples.escape_curve(shape, star, a)
    found = member(shape, star).along(curve)
    assert counterexamples.escape_coefficient(shape, star, a) == coefficient
    assert found[1:8] == [0, 0, 0, coefficient, 0, 0, 0]
    t = 0.3
    x = sum(as_array(term) * t**power for power, term in enumerate(curve))
    polynomial = sum(float(c) * t**power for power, c in enumerate(found))
    assert objective(member(shape, star), x) == pytest.approx(polynomial, rel=1e-12)


def test_the_block_algebra_needs_the_right_weight():
    assert set(counterexamples.proof_residuals().values()) == {0}
    wrong = counterexamples.proof_residuals(weight=2)
    assert min(wrong.values()) > 0


def test_example_1_has_the_printed_measurements():
    measured = counterexamples.example_1([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    rows = np.array(
        [
            np.sqrt(float(weight)) * as_array(matrix).ravel()
            for weight, matrix in zip(measured.weights, measured.matrices, strict=True)
        ]
    )
    assert rows.shape == (9, 9)
    assert np.allclose(rows[1].reshape(3, 3)[:2, :2], np.sqrt(3) / 2 * np.array([[0, 1], [1, 0]]))
    assert np.allclose(np.linalg.eigvalsh(rows.T @ rows), [0.5] + [1] * 6 + [1.5] * 2)
    assert np.allclose(as_array(measured.gram), rows.T @ rows)
