"""Closed forms of gradient flows, against an independent integrator."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from lowrank_core.analysis.closed_forms import balanced_flow, half_time, logistic, riccati, unbalanced
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import coupled_start, gaussian_start, imbalanced_start
from lowrank_core.randomness import normal
from lowrank_core.truth import rectangular

SEEDS = [0, 1]
INTEGRATION = 1e-9
TIGHT = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-15}


def integrated(target, left, right, time):
    """FGᵀ of one trajectory, by scipy."""
    n1, k = left.shape
    m = target.numpy()

    def velocity(_, state):
        f, g = np.split(state.reshape(-1, k), [n1])
        gap = m - f @ g.T
        return np.concatenate([gap @ g, gap.T @ f]).ravel()

    begin = np.concatenate([left.numpy(), right.numpy()]).ravel()
    end = solve_ivp(velocity, (0, time), begin, **TIGHT).y[:, -1].reshape(-1, k)
    return torch.from_numpy(end[:n1] @ end[n1:].T)


@pytest.mark.parametrize("sigma", [2.0, 0.5, -1.0])
def test_logistic_solves_its_equation(sigma):
    times = torch.tensor([0.0, 0.7, 3.0], dtype=torch.float64)
    found = solve_ivp(lambda _, s: 2 * s * (sigma - s), (0, 3), [0.01], t_eval=times.numpy(), **TIGHT).y[0]
    assert np.abs(logistic(sigma, 0.01, times).numpy() - found).max() < INTEGRATION


def test_logistic_reaches_its_limit_without_overflow():
    assert logistic(1.0, 1e-8, torch.tensor(1e6)) == 1.0


def test_half_time_is_where_the_logistic_is_at_half():
    time = half_time(0.5, 1e-6)
    assert float(logistic(0.5, 1e-6, torch.tensor(time, dtype=torch.float64))) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("sigma", "left", "right"),
    [(1.0, 0.3, 0.1), (1.0, 3.0, 0.1), (0.5, 2.0, 1.9), (1, 0.1, 0.1), (-1.0, 0.5, 0.2), (0.0, 0.5, 0.2)],
    ids=["tanh branch", "coth branch", "from above", "balanced", "negative σ", "σ = 0"],
)
def test_unbalanced_solves_its_equation(sigma, left, right):
    def velocity(_, state):
        f, g = state
        return [(sigma - f * g) * g, (sigma - f * g) * f]

    f, g = solve_ivp(velocity, (0, 3), [left, right], **TIGHT).y[:, -1]
    found = unbalanced(sigma, left, right, torch.tensor(3.0))
    assert float(found) == pytest.approx(f * g, abs=INTEGRATION)


@pytest.mark.parametrize(("n1", "n2", "k"), [(5, 5, 3), (6, 4, 5), (3, 5, 7)])
def test_the_flow_of_two_factors(n1, n2, k):
    target = normal(SEEDS, "test target", n1, n2) / 2
    start = coupled_start(n1, n2, k, 0.2, SEEDS)
    early, late = balanced_flow(target, start, [1.5, 4.0])
    for b in range(len(SEEDS)):
        for factors, time in ((early, 1.5), (late, 4.0)):
            expected = integrated(target[b], start.left[b], start.right[b], time)
            assert (factors.product()[b] - expected).abs().max() < INTEGRATION
    assert (riccati(target, start, 1.5) - early.product()).abs().max() < 1e-12


def test_the_flow_of_a_symmetric_factor():
    target = normal(SEEDS, "test target", 5, 5)
    target = (target + target.mT) / 4
    start = gaussian_start(5, 3, 0.2, SEEDS)
    (factors,) = balanced_flow(target, start, [2.0])
    for b in range(len(SEEDS)):
        expected = integrated(target[b], start.left[b], start.left[b], 2.0)
        assert (factors.product()[b] - expected).abs().max() < INTEGRATION
    assert (riccati(target, start, 2.0) - factors.product()).abs().max() < 1e-12


def test_tiny_blocks_keep_relative_accuracy_in_the_eigenbasis():
    """The noise block is α²·(its start) to first order, 1e-20 here, far below the rounding of the signal."""
    truth = rectangular(6, 5, [2.0, 1.0], SEEDS)
    small, smaller = (
        balanced_flow(truth.matrix, coupled_start(6, 5, 4, 1.0, SEEDS).rescaled(a), [80.0])[0]
        for a in (1e-9, 1e-10)
    )
    ratio = small.product()[:, 2:, 2:] / smaller.product()[:, 2:, 2:]
    assert (ratio - 100).abs().max() < 1e-3


def test_long_times_are_refused_by_the_one_shot_form_only():
    truth, start = rectangular(6, 5, [2.0, 1.0], SEEDS), coupled_start(6, 5, 4, 1e-3, SEEDS)
    with pytest.raises(ArgumentError, match=r"time = 20\.0.*balanced_flow"):
        riccati(truth.matrix, start, 20.0)
    # What remains after all transients is the noise block, of size α²σ/(...) at most.
    error = balanced_flow(truth.matrix, start, [60.0])[0].product() - truth.matrix
    assert error.abs().max() < 1e-5


def test_unbalanced_starts_are_refused():
    truth = rectangular(6, 5, [2.0, 1.0], SEEDS)
    for evaluate in (
        lambda s: riccati(truth.matrix, s, 1.0),
        lambda s: balanced_flow(truth.matrix, s, [1.0]),
    ):
        with pytest.raises(ArgumentError, match=r"silently wrong.*methods\.flow"):
            evaluate(imbalanced_start(6, 5, 4, 0.1, 0.5, SEEDS))


def test_other_bad_arguments():
    truth, start = rectangular(5, 5, [2.0, 1.0], SEEDS), coupled_start(5, 5, 4, 1e-3, SEEDS)
    with pytest.raises(ArgumentError, match=r"times = \[2.0, 1.0\].*sort"):
        balanced_flow(truth.matrix, start, [2.0, 1.0])
    skew = normal(SEEDS, "test target", 5, 5)
    with pytest.raises(ArgumentError, match=r"symmetric target"):
        balanced_flow(skew, gaussian_start(5, 2, 0.1, SEEDS), [1.0])
    with pytest.raises(ArgumentError, match=r"start = 0"):
        logistic(1.0, 0, torch.tensor(1.0))
    with pytest.raises(ArgumentError, match=r"start = 2.*σ = 1"):
        half_time(1, 2)
    with pytest.raises(ArgumentError, match=r"f ≠ −g|f \+ g ≠ 0"):
        unbalanced(1.0, 1.0, -1.0, torch.tensor(1.0))
    assert math.isfinite(half_time(1, 0.5 - 1e-9))
