"""The scalar law behind the damping that keeps ScaledGD(λ) below the error of the zero matrix."""

import numpy as np
import pytest


def step(y, sigma, eta, damping):
    """One step of a mode y = x² of ScaledGD(λ) that shares its vectors with the value σ of the truth."""
    return y * (1 + eta * (sigma - y) / (y + damping)) ** 2


@pytest.mark.parametrize("eta", [0.02, 0.1, 0.3, 0.5])
@pytest.mark.parametrize("multiple", [1.0, 2.0, 30.0])
@pytest.mark.parametrize("sigma", [1.0, 0.1, 1e-3])
def test_no_mode_leaves_the_interval_of_the_proof(eta, multiple, sigma):
    damping = multiple * eta**2 / 4
    y = np.concatenate([np.geomspace(1e-16, 1, 20_000) * 25 / 16 * sigma, [0.0]])
    stepped = step(y, sigma, eta, damping)
    assert stepped.min() >= 0
    assert stepped.max() <= 25 / 16 * sigma * (1 + 1e-12)


@pytest.mark.parametrize("share", [1e-2, 1e-4])
def test_below_the_bound_a_mode_is_thrown_far(share):
    eta = 0.3
    damping = share * eta**2 / 4
    assert step(damping, 1.0, eta, damping) == pytest.approx(eta**2 / (4 * damping), rel=0.1)
