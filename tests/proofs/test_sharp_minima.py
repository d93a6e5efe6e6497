"""Certificates of sharpness against linear programming, and against the loss itself."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from lowrank_core.proofs import sharp_minima
from lowrank_core.proofs.matrices import matmul, transpose


def instance(seed, n=4, m=16, p=0.3):
    """Rows aᵢ, errors sᵢ and the symmetric matrices, for the truth e₁e₁ᵀ."""
    rng = np.random.default_rng(seed)
    matrices = rng.normal(size=(m, n, n))
    matrices = (matrices + matrices.transpose(0, 2, 1)) / 2
    errors = 10 * rng.normal(size=m) * (rng.random(m) < p)
    return matrices, 2 * matrices[:, :, 0], errors


def least_largest_weight(rows, pull):
    """min max |λᵢ| subject to Σ λᵢaᵢ = b, by linear programming."""
    m, n = rows.shape
    bounds = [[*row, -1.0] for row in np.eye(m)] + [[*-row, -1.0] for row in np.eye(m)]
    found = linprog(
        [0.0] * m + [1.0],
        A_ub=bounds,
        b_ub=[0.0] * (2 * m),
        A_eq=np.hstack([rows.T, np.zeros((n, 1))]),
        b_eq=pull,
        bounds=[(None, None)] * m + [(0, None)],
    )
    return found.fun


def certify(rows, errors):
    a, s = torch.tensor(rows)[None], torch.tensor(errors)[None]
    weights, directions = sharp_minima.reweighted(a, s == 0, sharp_minima.pull_of(a, s))
    exact = sharp_minima.exact(rows.tolist())
    pull = sharp_minima.exact_pull(exact, errors.tolist())
    clean = [row for row, error in zip(exact, errors, strict=True) if error == 0]
    kept = weights[0][s[0] == 0].tolist()
    largest = sharp_minima.largest_weight(clean, pull, kept)
    return largest, sharp_minima.falls(clean, pull, sharp_minima.exact(directions.tolist())[0]), pull


def test_certificates_agree_with_linear_programming():
    answers = set()
    for seed in range(30):
        _, rows, errors = instance(seed)
        largest, falling, pull = certify(rows, errors)
        best = least_largest_weight(rows[errors == 0], np.array(pull, dtype=float))
        assert float(largest) >= best - 1e-9
        assert float(largest) <= best * 1.02 + 1e-9
        assert falling == (best > 1)
        answers.add(falling)
    assert answers == {True, False}


def test_the_balance_is_exact():
    clean = sharp_minima.exact([[1.0, 0.25], [0.1, -2.0], [3.0, 1.0]])
    pull = [Fraction(1, 3), Fraction(-1, 7)]
    # With one weight far above the others the balance uses the first two rows only, and can be solved by hand.
    largest = sharp_minima.largest_weight(clean, pull, [1.0, 1.0, 0.0])
    (a, b), (c, d) = transpose(clean[:2])
    solved = matmul([[d, -b], [-c, a]], [[pull[0]], [pull[1]]])
    expected = max(abs(x[0] / (a * d - b * c)) for x in solved)
    assert float(largest) == pytest.approx(float(expected), rel=1e-9)


def test_no_corruption_is_balanced_by_nothing():
    _, rows, errors = instance(0, p=0.0)
    largest, falling, pull = certify(rows, errors)
    assert pull == [0] * 4
    assert largest == 0
    assert not falling


def test_rows_that_do_not_span_are_refused():
    with pytest.raises(ArithmeticError):
        sharp_minima.largest_weight([[Fraction(1), Fraction(0)]], [Fraction(1), Fraction(0)], [1.0])


@pytest.mark.parametrize("seed", range(6))
def test_the_loss_rises_from_a_sharp_truth_and_falls_from_the_others(seed):
    matrices, rows, errors = instance(seed)
    _, falling, pull = certify(rows, errors)
    a, s = torch.tensor(rows)[None], torch.tensor(errors)[None]
    witness = sharp_minima.reweighted(a, s == 0, sharp_minima.pull_of(a, s))[1][0].numpy()
    u = np.eye(len(pull))[0]

    def change(v):
        moved = np.outer(u + v, u + v) - np.outer(u, u)
        return np.abs(np.tensordot(matrices, moved) - errors).mean() - np.abs(errors).mean()

    if falling:
        assert change(1e-6 * witness / np.linalg.norm(witness)) < 0
    else:
        directions = np.random.default_rng(seed).normal(size=(200, len(pull)))
        assert min(change(1e-5 * v / np.linalg.norm(v)) for v in directions) > 0


def test_a_batch_is_decided_as_its_instances_are():
    found = [instance(seed) for seed in range(8)]
    rows, errors = (torch.tensor(np.stack(column)) for column in list(zip(*found, strict=True))[1:])
    sharp, falling = sharp_minima.decide(rows, errors)
    single = [certify(rows, errors) for _, rows, errors in found]
    assert sharp.tolist() == [largest < 1 for largest, _, _ in single]
    assert falling.tolist() == [falls for _, falls, _ in single]
    assert sharp.any()
    assert falling.any()
    assert not (sharp & falling).any()


def test_the_slope_is_the_limit_of_differences():
    matrices, _, errors = instance(3)
    direction = np.random.default_rng(0).normal(size=(4, 4))
    along = np.tensordot(matrices, direction + direction.T)

    def loss(h):
        return np.abs(h * along - errors).mean()

    slope = sharp_minima.one_sided_slope(torch.tensor(errors)[None], torch.tensor(along)[None])
    # The loss is linear up to the first change of sign.
    assert float(slope) == pytest.approx((loss(1e-4) - loss(0)) / 1e-4, rel=1e-9)


def test_clean_measurements_rise_on_both_sides():
    errors, along = torch.zeros(1, 2), torch.tensor([[1.0, -3.0]])
    assert sharp_minima.one_sided_slope(errors, along).item() == 2
    assert sharp_minima.one_sided_slope(errors, -along).item() == 2
