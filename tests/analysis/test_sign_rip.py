"""φ against quadrature and sampling, the inner supremum against brute force, the search against its promises."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from lowrank_core.analysis import sign_rip
from lowrank_core.errors import ArgumentError
from lowrank_core.noise import Gaussian, Mixed, Outliers, Planted
from lowrank_core.randomness import normal
from lowrank_core.sensing import gaussian, gaussian_symmetric

DENSITIES = {"gaussian": stats.norm, "cauchy": stats.cauchy, "student-t": stats.t(3)}


def phi(norm: float, noise: object) -> float:
    return float(sign_rip.scaling(torch.tensor(norm, dtype=torch.float64), noise))  # type: ignore[arg-type]


@pytest.mark.parametrize("law", DENSITIES)
@pytest.mark.parametrize("norm", [0.05, 1.7, 20.0])
def test_scaling_is_the_mean_over_the_law(law: str, norm: float) -> None:
    # z = sinh(y) tames the heavy tails.
    mean, _ = integrate.quad(
        lambda y: (
            math.exp(-((2 * math.sinh(y)) ** 2) / (2 * norm**2))
            * DENSITIES[law].pdf(math.sinh(y))
            * math.cosh(y)
        ),
        -20,
        20,
        limit=500,
        points=[-0.1, 0, 0.1],
        epsabs=1e-13,
    )
    expected = math.sqrt(2 / math.pi) * (0.6 + 0.4 * mean)
    assert phi(norm, Outliers(0.4, 2.0, law)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("law", ["rademacher", "constant"])
def test_outliers_of_one_size(law: str) -> None:
    expected = math.sqrt(2 / math.pi) * (0.7 + 0.3 * math.exp(-4 / (2 * 9)))
    assert phi(3.0, Outliers(0.3, 2.0, law)) == pytest.approx(expected, rel=1e-14)


def test_mixtures_are_the_mean_over_the_sum() -> None:
    noise = Mixed((Gaussian(0.5), Outliers(0.3, 2.0, "constant"), Mixed((Outliers(0.2, 3.0),))))
    s = noise.sample([0], 1_000_000)[0].numpy()
    for norm in (0.3, 2.0):
        draws = math.sqrt(2 / math.pi) * np.exp(-(s**2) / (2 * norm**2))
        assert phi(norm, noise) == pytest.approx(draws.mean(), abs=5 * draws.std() / 1_000)


def test_scaling_without_noise_and_its_limits() -> None:
    clean = math.sqrt(2 / math.pi)
    assert phi(0.1, None) == clean
    assert phi(0.1, Outliers(0.3, 0.0)) == pytest.approx(clean, rel=1e-14)
    for law in sign_rip.ATTENUATIONS:
        assert phi(1e-5, Outliers(0.3, 10.0, law)) == pytest.approx(0.7 * clean, rel=1e-6)


@pytest.mark.parametrize(
    "noise",
    [Mixed((Outliers(0.1, 1.0, "cauchy"), Outliers(0.1, 1.0, "constant"))), Planted(0.1, torch.eye(3))],
)
def test_unknown_scaling_functions_are_refused(noise: object) -> None:
    with pytest.raises(ArgumentError, match="noise = "):
        phi(1.0, noise)


def test_the_zero_matrix_is_refused() -> None:
    with pytest.raises(ArgumentError, match="norm = "):
        phi(0.0, None)


def test_deviation_is_its_definition() -> None:
    operator = gaussian(3, 4, 7, [0, 1])
    matrix, errors = normal([0, 1], "x", 3, 4), normal([0, 1], "s", 7)
    noise = Gaussian(1.0)
    found = sign_rip.deviation(operator, matrix, errors, noise)
    for b in range(2):
        x, measured = matrix[b].numpy(), operator.entries[b].reshape(7, 3, 4).numpy()
        signs = np.sign((measured * x).sum(axis=(1, 2)) - errors[b].numpy())
        norm = np.linalg.norm(x)
        scale = math.sqrt(2 / math.pi) * norm / math.hypot(norm, 1.0)
        expected = (signs[:, None, None] * measured).mean(axis=0) / scale - x / norm
        np.testing.assert_allclose(found[b].numpy(), expected, atol=1e-14)


@pytest.mark.parametrize("over", sign_rip.PAIRINGS)
def test_the_inner_supremum_is_attained_and_never_exceeded(over: sign_rip.Pairing) -> None:
    matrix = normal([0], "d", 6, 6)
    best = float(sign_rip.largest_pairing(matrix, 2, over))
    left, right = normal(range(3_000), "l", 6, 2), normal(range(3_000), "r", 6, 2)
    tried = left @ right.mT if over == "all Y" else left * right[:, :1] @ left.mT
    tried = tried / tried.norm(dim=(-2, -1), keepdim=True)
    assert float((tried * matrix).sum(dim=(-2, -1)).max()) < best
    partner = sign_rip._partner(matrix, 2, over)
    assert int(torch.linalg.matrix_rank(partner)) == 2
    assert float((partner * matrix).sum()) == pytest.approx(best, rel=1e-12)
    if over == "symmetric Y":
        torch.testing.assert_close(partner, partner.mT)


def test_pairing_arguments_are_checked() -> None:
    with pytest.raises(ArgumentError, match="over"):
        sign_rip.largest_pairing(torch.eye(3)[None], 1, "some Y")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="rank"):
        sign_rip.largest_pairing(torch.eye(3)[None], 4, "all Y")


def test_search_climbs_within_the_rank_and_norm() -> None:
    seeds = [0, 0, 1, 1]
    operator, noise = gaussian_symmetric(8, 60, seeds), Outliers(0.2)
    errors = noise.sample(seeds, 60)
    start = torch.diag(torch.tensor([3.0, -1.0] + 6 * [0.0], dtype=torch.float64)).expand(4, 8, 8)
    found = sign_rip.search(operator, start, errors, noise, 2, "symmetric Y", 40, range(4))
    assert bool((found.found > 1.1 * found.first).all())
    assert torch.linalg.matrix_rank(found.matrix, rtol=1e-9).tolist() == [2] * 4
    torch.testing.assert_close(found.matrix.norm(dim=(-2, -1)), start.norm(dim=(-2, -1)))
    again = sign_rip.deviation(operator, found.matrix, errors, noise)
    torch.testing.assert_close(sign_rip.largest_pairing(again, 2, "symmetric Y"), found.found)
    # Restarts of the same measurements go different ways.
    assert float(found.found[0]) != float(found.found[1])
