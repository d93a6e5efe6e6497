"""Openness of X ↦ XXᵀ: identities, exact certificates, and the inequality and its limits in float64."""

from random import Random

import numpy as np
import pytest

from lowrank_core.proofs import openness
from lowrank_core.proofs.matrices import gram, rank


def test_symbolic_proof_and_too_few_columns():
    assert set(openness.proof_residuals().values()) == {0}
    assert openness.proof_residuals(enough_columns=False)["factor"] > 0


@pytest.mark.parametrize("ranks", [(0, 2), (1, 3), (3, 3), (2, 0)])
def test_drawn_factors_have_the_ranks_asked_for(ranks):
    x, w = openness.draw(Random(0), 3, 5, ranks)
    assert (len(x), len(x[0])) == (3, 5)
    assert (rank(gram(x)), rank(gram(w))) == ranks


@pytest.mark.parametrize(("n", "k"), [(1, 1), (2, 2), (3, 4)])
@pytest.mark.parametrize("seed", [0, 9001])
def test_every_pair_of_ranks_is_certified(n, k, seed):
    found = openness.certify(seed, n, k)
    assert found[:3] == ((n + 1) ** 2 - 1, 0, 0)
    assert openness.certify(seed, n, k, indefinite=True).refuted > 0


def test_certificates_agree_with_float64():
    rng = Random(3)
    for ranks in [(1, 2), (2, 2), (3, 1)]:
        x, w = (np.array(m, dtype=float) for m in openness.draw(rng, 3, 3, ranks))
        assert np.linalg.norm(w - x, 2) ** 2 <= np.linalg.norm(w @ w.T - x @ x.T, 2) * (1 + 1e-12)


def test_from_zero_the_inequality_is_an_equality():
    x, w = openness.draw(Random(1), 3, 3, (0, 2))
    y = np.array(gram(w), dtype=float)
    assert not any(any(row) for row in x)
    assert np.linalg.norm(np.array(w, dtype=float), 2) ** 2 == pytest.approx(np.linalg.norm(y, 2), rel=1e-12)


def test_with_one_column_the_image_is_not_convex():
    # The midpoint of two rank-one matrices has no factor with one column, near or far.
    e1, e2 = np.diag([1.0, 0.0]), np.diag([0.0, 1.0])
    assert np.linalg.matrix_rank((e1 + e2) / 2) == 2
