"""Critical points of the rank-one expected loss, by algebra and by finite differences."""

import numpy as np
import pytest

from lowrank_core.proofs import rank_one_critical_points


@pytest.mark.parametrize("n", [2, 3, 5])
def test_identities_hold_for_rank_one_only(n):
    assert set(rank_one_critical_points.proof_residuals(n).values()) == {0}
    assert rank_one_critical_points.proof_residuals(n, second=1)["gradient"] > 0


def test_exact_critical_points_in_the_plane():
    assert rank_one_critical_points.critical_points((1, 0)) == [(0, 0), (1, 0)]
    assert rank_one_critical_points.critical_points((2, 1)) == [(0, 0), (0, 1), (2, 0)]


def test_the_gradient_by_finite_differences():
    rng = np.random.default_rng(0)
    u, v = rng.standard_normal((2, 4))

    def loss(x):
        return np.linalg.norm(np.outer(x, x) - np.outer(v, v))

    expected = 2 * ((u @ u) * u - (u @ v) * v) / loss(u)
    found = [(loss(u + 1e-6 * e) - loss(u - 1e-6 * e)) / 2e-6 for e in np.eye(4)]
    assert found == pytest.approx(expected, rel=1e-6)
