"""The trapping region of gradient descent and its sharp step size."""

from fractions import Fraction

import numpy as np
import pytest

from lowrank_core.proofs import gd_norm


def test_symbolic_proof_and_wrong_constant():
    assert set(gd_norm.proof_residuals().values()) == {0}
    wrong = gd_norm.proof_residuals(tangent=1)
    assert wrong["tangent"] > 0
    assert wrong["order"] > 0


@pytest.mark.parametrize("seed", [0, 1, 9001])
def test_norm_never_grows_up_to_the_limit_and_does_beyond(seed):
    assert gd_norm.largest_growth(seed, count=8) < 1e-40
    assert gd_norm.largest_growth(seed, load=Fraction(3, 5)) > 1e-3


def test_against_float64_near_the_boundary():
    rng = np.random.default_rng(2)
    largest = {0.5: -np.inf, 0.6: -np.inf}
    for _ in range(2000):
        n = rng.integers(1, 5)
        current, target = (
            (q * rng.choice([0, 1, rng.random(), 1 - 10 ** rng.uniform(-6, 0)], n)) @ q.T
            for q in (np.linalg.qr(rng.normal(size=(n, n)))[0] for _ in range(2))
        )
        for h in largest:
            c = np.eye(n) + h * (target - current)
            largest[h] = max(largest[h], np.linalg.eigvalsh(c @ current @ c)[-1] - 1)
    assert largest[0.5] < 1e-12
    assert largest[0.6] > 1e-3
