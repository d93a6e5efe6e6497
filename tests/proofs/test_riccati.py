"""The closed form of the flow: symbolic residuals, and a numerical ODE solver as a witness."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from lowrank_core.proofs import enclosure, riccati
from lowrank_core.proofs.instances import badly_scaled


def test_symbolic_proof():
    assert riccati.flow_residual() == 0
    assert riccati.structural_residual() == 0
    assert riccati.kernel_residual() == 0


@pytest.mark.parametrize("weight", [1, 3])
def test_wrong_weight_is_caught(weight):
    assert riccati.structural_residual(weight) > 0
    assert riccati.kernel_residual(weight) == 2
    assert riccati.instance_residual(0, weight=weight) == 9


@pytest.mark.parametrize(("n", "k"), [(2, 1), (3, 2), (2, 4), (4, 3)])
def test_instances(n, k):
    for seed in (0, 9001):
        assert riccati.instance_residual(seed, n, k) == 0
        assert riccati.instance_residual(seed, n, k, weight=1) == n * n


@pytest.mark.parametrize("indefinite", [False, True])
def test_closed_form_against_an_ode_solver(indefinite):
    gaps = {1: [], 2: []}
    for drawn in badly_scaled("ode", 0, 6):
        instance = drawn.indefinite() if indefinite else drawn
        sigma = np.diag([float(value) for value in instance.sigma])
        start = np.array([[float(x) for x in row] for row in instance.start])
        t = 2.5

        def flow(_, x, sigma=sigma, shape=start.shape):
            x = x.reshape(shape)
            return ((sigma - x @ x.T) @ x).ravel()

        end = solve_ivp(flow, (0, t), start.ravel(), method="DOP853", rtol=1e-11, atol=1e-13).y[:, -1]
        x = end.reshape(start.shape)
        with enclosure.precision(120):
            balls = [[enclosure.ball(value) for value in row] for row in instance.start]
            entries = [enclosure.ball(value) for value in instance.sigma]
            for weight, found in gaps.items():
                w = riccati.closed_form(entries, balls, enclosure.ball(Fraction(5, 2)), weight=weight)
                middle = np.array([[float(enclosure.lower(entry)) for entry in row] for row in w])
                found.append(np.abs(middle - x @ x.T).max())
    assert max(gaps[2]) < 1e-9
    assert max(gaps[1]) > 1e-2
