"""The stability index of mini-batches against the second moments of the linearised iteration."""

import pytest
import torch

from lowrank_core.analysis.batch_stability import (
    hessian_values,
    lyapunov_exponent,
    stability_index,
    step_of_index,
)

SPECTRUM, N1, N2 = (2.0, 0.5), 5, 4


def hessian() -> torch.Tensor:
    """JᵀJ of (dF, dG) ↦ dF Gᵀ + F dGᵀ at the balanced solution with k = r."""
    root = torch.tensor(SPECTRUM, dtype=torch.float64).sqrt()
    left, right = torch.zeros(N1, 2, dtype=torch.float64), torch.zeros(N2, 2, dtype=torch.float64)
    left[[0, 1], [0, 1]], right[[0, 1], [0, 1]] = root, root
    columns = []
    for i in range(2 * (N1 + N2)):
        step = torch.zeros(2 * (N1 + N2), dtype=torch.float64)
        step[i] = 1
        d_left, d_right = step[: 2 * N1].view(N1, 2), step[2 * N1 :].view(N2, 2)
        columns.append((d_left @ right.T + left @ d_right.T).flatten())
    jacobian = torch.stack(columns, dim=1)
    return jacobian.T @ jacobian


def test_nonzero_eigenvalues_of_the_hessian_with_their_multiplicities():
    values = torch.linalg.eigvalsh(hessian())
    listed = [value for value, count in hessian_values(SPECTRUM, N1, N2) for _ in range(count)]
    expected = torch.tensor(listed, dtype=torch.float64).sort().values
    torch.testing.assert_close(values[values > 1e-9], expected)


@pytest.mark.parametrize("b", [1, 3, 50])
@pytest.mark.parametrize("mu", [0.6, 1.0, 1.5])
def test_index_passes_one_with_the_spectral_radius(b, mu):
    eta = step_of_index(mu, SPECTRUM, N1, N2, b)
    assert stability_index(eta, SPECTRUM, N1, N2, b) == pytest.approx(mu, rel=1e-6)
    values = torch.linalg.eigvalsh(hessian())
    h = values[values > 1e-9]
    moments = torch.diag(1 - 2 * eta * h + eta**2 * h**2 * (1 + 1 / b)) + eta**2 / b * torch.outer(h, h)
    radius = float(torch.linalg.eigvals(moments).abs().max())
    assert (radius > 1) == (mu > 1) or radius == pytest.approx(1, abs=1e-6)


def test_a_step_no_batch_can_bear_has_infinite_index():
    assert stability_index(0.6, SPECTRUM, N1, N2, 1000) == float("inf")


def test_second_moments_of_one_entry_grow_while_every_run_shrinks():
    eta = step_of_index(1.5, (1.0,), 1, 1, 1)
    found = lyapunov_exponent(range(20), eta, (1.0,), 1, 1, 1, steps=2000)
    # E ln|1 − ηhχ²| by the midpoint rule over the normal distribution, h = 2.
    z = torch.distributions.Normal(0.0, 1.0).icdf(
        (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    )
    assert float(found.mean()) == pytest.approx(
        float((1 - 2 * eta * z.square()).abs().log().mean()), abs=0.02
    )
    assert float(found.max()) < -0.3


def test_small_batches_grow_where_their_second_moments_do_and_large_ones_do_not():
    for n, b, grows in ((16, 1, True), (16, 4, True), (8, 16, False), (8, 32, False)):
        eta = step_of_index(1.5, (1.0,), n, n, b)
        found = lyapunov_exponent(range(4), eta, (1.0,), n, n, b, steps=300)
        assert bool((found > 0).all()) == grows
        assert bool((found < 0).all()) != grows
