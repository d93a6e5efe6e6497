"""The local law of PrecGD against a plain loop, where blocks of the error are absent or seen by other columns."""

import numpy as np
import pytest

from lowrank_core.analysis.preconditioned_rate import local_rate


def measured(n: int, r_star: int, q: int, alpha: float, c: float) -> float:
    """The late factor per step of ‖XXᵀ − M*‖_F with the damping c‖E‖_F, population loss."""
    rng = np.random.default_rng(5)
    truth = np.diag(np.r_[np.linspace(2, 1, r_star), np.zeros(n - r_star)])
    x = 0.02 * rng.standard_normal((n, r_star + q))
    x[:r_star, :r_star] += np.sqrt(truth[:r_star, :r_star])
    if q:
        x[r_star:, r_star:] += 0.3 * np.linalg.qr(rng.standard_normal((n - r_star, q)))[0]
    errors = []
    for _ in range(3_000):
        error = x @ x.T - truth
        errors.append(np.linalg.norm(error))
        if errors[-1] < 1e-12:
            break
        gram = x.T @ x + c * errors[-1] * np.eye(r_star + q)
        x = x - 2 * alpha * np.linalg.solve(gram, (error @ x).T).T
    late = [i for i, e in enumerate(errors) if 1e-10 < e < 1e-5]
    return (errors[late[-1]] / errors[late[0]]) ** (1 / (late[-1] - late[0]))


@pytest.mark.parametrize(
    ("n", "r_star", "q", "alpha", "c"),
    [
        (2, 2, 0, 0.2, 1.0),  # no cross block at all: |1 − 4α|
        (3, 2, 0, 0.2, 1.0),
        (3, 2, 1, 0.2, 0.1),  # q = n − r*: the cross block does not decide
        (4, 2, 1, 0.2, 0.1),  # q < n − r*: it does
        (5, 2, 2, 0.1, 0.1),
        (6, 2, 4, 0.2, 2.0),
        (4, 1, 3, 0.45, 0.05),  # the core decides
    ],
)
def test_local_rate(n: int, r_star: int, q: int, alpha: float, c: float) -> None:
    assert measured(n, r_star, q, alpha, c) == pytest.approx(local_rate(alpha, c, q, n - r_star), rel=2e-3)
