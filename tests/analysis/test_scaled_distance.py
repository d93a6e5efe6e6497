"""Distances up to invertible maps: against a general minimiser, invariances, bounds, what is refused."""

import pytest
import torch

from lowrank_core.analysis.scaled_distance import alignment_distance, scaled_distance
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors, gaussian_start
from lowrank_core.randomness import normal
from lowrank_core.truth import psd, rectangular

SEEDS = [0, 1, 2]
N1, N2, R = 7, 6, 2


def truth(kappa=5.0):
    return rectangular(N1, N2, [kappa, 1.0], SEEDS, "random")


def factors_of(truth, noise=0.0):
    root = truth.spectrum.sqrt()[:, None, :]
    left = truth.left * root + noise * normal(SEEDS, "left", N1, R) / root
    return Factors(left, truth.right * root + noise * normal(SEEDS, "right", N2, R) / root)


def minimised(factors, truth, i, weight):
    """The same minimum for one trajectory, by a quasi-Newton method over the entries of Q."""
    root, weight = truth.spectrum[i].sqrt(), weight[i].sqrt()
    target = truth.left[i] * root, truth.right[i] * root
    q = torch.eye(R, dtype=torch.float64, requires_grad=True)

    def value():
        left = (factors.left[i] @ q - target[0]) * weight
        right = (factors.right[i] @ torch.inverse(q).T - target[1]) * weight
        return left.square().sum() + right.square().sum()

    optimiser = torch.optim.LBFGS(
        [q], max_iter=500, tolerance_grad=1e-13, tolerance_change=1e-16, history_size=20
    )

    def closure():
        optimiser.zero_grad()
        found = value()
        found.backward()
        return found

    for _ in range(5):
        optimiser.step(closure)
    return float(value().detach()) ** 0.5


@pytest.mark.parametrize("noise", [0.01, 0.1])
def test_is_what_a_general_minimiser_finds(noise):
    near, spectrum = factors_of(truth(), noise), truth().spectrum
    for distance, weight in ((scaled_distance, spectrum), (alignment_distance, torch.ones_like(spectrum))):
        found = distance(near, truth())
        for i in range(len(SEEDS)):
            assert abs(float(found[i]) / minimised(near, truth(), i, weight) - 1) < 1e-6


def test_vanishes_at_the_truth_whatever_its_factors():
    exact = factors_of(truth())
    q = torch.tensor([[3.0, 1.0], [0.5, 0.2]], dtype=torch.float64)
    turned = Factors(exact.left @ q, exact.right @ torch.inverse(q).T)
    for distance in (scaled_distance, alignment_distance):
        assert float(distance(exact, truth()).max()) < 1e-13
        assert float(distance(turned, truth()).max()) < 1e-11


def test_does_not_depend_on_the_factors_of_a_matrix():
    near = factors_of(truth(), 0.1)
    q = torch.tensor([[3.0, 1.0], [0.5, 0.9]], dtype=torch.float64)
    turned = Factors(near.left @ q, near.right @ torch.inverse(q).T)
    for distance in (scaled_distance, alignment_distance):
        assert (distance(near, truth()) / distance(turned, truth()) - 1).abs().max() < 1e-9


@pytest.mark.parametrize("kappa", [1.0, 100.0])
def test_lies_between_published_multiples_of_the_error(kappa):
    # Tong, Ma & Chi (2021), Lemma 24, and Lemma 14: ‖E‖ ≤ 1.5 dist for dist ≤ 0.1σ_r.
    exact = truth(kappa)
    near = factors_of(exact, 0.015)
    error = torch.linalg.matrix_norm(near.product() - exact.matrix)
    found = scaled_distance(near, exact)
    assert bool((found <= 0.1).all())
    assert bool((found <= (2**0.5 + 1) ** 0.5 * error).all())
    assert bool((error <= 1.5 * found).all())


def test_refuses_symmetric_factors_and_other_ranks():
    symmetric = psd(N1, [2.0, 1.0], SEEDS)
    with pytest.raises(ArgumentError, match="pair"):
        scaled_distance(gaussian_start(N1, R, 1.0, SEEDS), symmetric)
    with pytest.raises(ArgumentError, match="columns"):
        scaled_distance(Factors(torch.ones(3, N1, 3), torch.ones(3, N2, 3)), truth())


def test_for_one_mode_that_is_out_of_balance_the_scale_is_free():
    # min over q of (qa − 1)² + (b/q − 1)² at ab = ½ is at qa = b/q = √½.
    one = rectangular(2, 2, [1.0], [0])
    pair = Factors(torch.tensor([[[8.0], [0.0]]]).double(), torch.tensor([[[0.0625], [0.0]]]).double())
    assert float(alignment_distance(pair, one)) == pytest.approx(2**0.5 * (1 - 0.5**0.5), abs=1e-12)
