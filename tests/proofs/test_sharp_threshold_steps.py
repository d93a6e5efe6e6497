"""The identities of the proof, their controls, and the same statements in floating point."""

import numpy as np
import pytest

from lowrank_core.proofs import balanced_pairs, sharp_threshold_steps


def test_identities():
    assert set(sharp_threshold_steps.escape_terms().values()) == {0}
    assert set(sharp_threshold_steps.optimisation_terms().values()) == {0}
    assert sharp_threshold_steps.valid_inequality_terms() == 0
    assert set(sharp_threshold_steps.circle_terms().values()) == {0}
    for found in (
        balanced_pairs.balance_terms(),
        balanced_pairs.escape_terms(),
        balanced_pairs.block_terms(),
    ):
        assert set(found.values()) == {0}


def test_controls():
    assert sharp_threshold_steps.escape_terms(bend=1)["bending"] > 0
    assert sharp_threshold_steps.optimisation_terms(mixed=1)["noiseless"] > 0
    assert sharp_threshold_steps.valid_inequality_terms(polar=False) > 0
    assert sharp_threshold_steps.circle_terms(power=1)["circle"] > 0
    assert balanced_pairs.balance_terms(sign=1)["gradient"] > 0
    assert all(balanced_pairs.escape_terms(orthogonal=False)[name] for name in ("imbalance", "bending"))


@pytest.mark.parametrize(("r", "true_rank"), [(2, 2), (3, 1), (4, 2)])
def test_the_sum_of_squares_in_floating_point(r, true_rank):
    rng = np.random.default_rng(r)
    basis = np.linalg.qr(rng.normal(size=(r, true_rank)))[0]
    root = rng.normal(size=(true_rank, true_rank))
    root = root @ root.T
    y, e = rng.normal(size=(r, true_rank)), np.diag(rng.uniform(size=true_rank))
    a, s, lam = np.diag(rng.uniform(1, 2, size=r)), 0.7, 0.4
    left, right = basis @ root + y, basis @ root - y
    k = lam * basis @ e @ basis.T + s * (np.eye(r) - basis @ basis.T)
    value = np.sum((a - left @ right.T) ** 2) + np.trace(e @ (left.T @ left + right.T @ right))
    bound = 2 * s * lam * np.trace(e) - lam**2 * np.sum(e**2) + (r - true_rank) * s**2
    squares = np.sum((a - left @ right.T - k) ** 2) + 2 * np.trace((a - s * np.eye(r)) @ k)
    squares += (
        2 * (1 - lam) * np.trace(e @ root @ root) + 2 * np.trace(e @ y.T @ y) + 2 * np.trace(y.T @ k @ y)
    )
    assert value - bound == pytest.approx(squares, rel=1e-12)
