"""Noise follows its law, from a stream of its own."""

import pytest
import torch
from scipy import stats

from lowrank_core.noise import LAWS, Gaussian, Mixed, Outliers
from lowrank_core.problem import observe
from lowrank_core.sensing import gaussian_symmetric
from lowrank_core.truth import psd

M = 20_000
SEEDS = [0, 5]
SIGNIFICANCE = 1e-3
SIGMAS = 5


@pytest.mark.parametrize(("law", "reference"), [("gaussian", "norm"), ("cauchy", "cauchy")])
def test_continuous_laws(law, reference):
    for row in Outliers(1.0, 1.0, law).sample(SEEDS, M).numpy():
        assert stats.kstest(row, reference).pvalue > SIGNIFICANCE


def test_student_t_has_three_degrees_of_freedom():
    for row in Outliers(1.0, 1.0, "student-t").sample(SEEDS, M).numpy():
        assert stats.kstest(row, stats.t(3).cdf).pvalue > SIGNIFICANCE


def test_rademacher_is_a_fair_sign():
    noise = Outliers(1.0, 1.0, "rademacher").sample(SEEDS, M)
    assert torch.equal(noise.abs(), torch.ones_like(noise))
    assert noise.mean(dim=1).abs().max() < SIGMAS / M**0.5


def test_constant_is_one():
    noise = Outliers(1.0, 1.0, "constant").sample(SEEDS, M)
    assert torch.equal(noise, torch.ones(2, M, dtype=torch.float64))


def test_dense_gaussian_has_the_given_deviation():
    for row in Gaussian(0.3).sample(SEEDS, M).numpy():
        assert stats.kstest(row, stats.norm(scale=0.3).cdf).pvalue > SIGNIFICANCE


@pytest.mark.parametrize("law", LAWS)
def test_nobody_is_hit_with_probability_zero_and_everybody_with_one(law):
    assert not Outliers(0.0, law=law).sample(SEEDS, M).any()
    assert Outliers(1.0, law=law).sample(SEEDS, M).all()


@pytest.mark.parametrize("p", [0.05, 0.5])
def test_a_fraction_p_is_hit(p):
    hit = (Outliers(p, law="constant").sample(SEEDS, M) != 0).double().mean(dim=1)
    assert (hit - p).abs().max() < SIGMAS * (p * (1 - p) / M) ** 0.5


def test_who_is_hit_stays_hit_as_p_grows():
    few, many = (Outliers(p).sample(SEEDS, M) for p in (0.1, 0.3))
    assert torch.equal(few[few != 0], many[few != 0])


def test_scale_multiplies():
    assert torch.equal(Outliers(0.4, 8.0).sample(SEEDS, M), 8 * Outliers(0.4, 1.0).sample(SEEDS, M))
    assert torch.equal(Gaussian(8.0).sample(SEEDS, M), 8 * Gaussian(1.0).sample(SEEDS, M))


def test_mixed_is_the_sum():
    parts = (Gaussian(0.1), Outliers(0.2))
    dense, gross = (part.sample(SEEDS, M, f"noise part {i}") for i, part in enumerate(parts))
    assert torch.equal(Mixed(parts).sample(SEEDS, M), dense + gross)
    assert abs(stats.pearsonr(dense[0].numpy(), gross[0].numpy()).statistic) < SIGMAS / M**0.5


def test_mixed_parts_of_one_kind_are_independent():
    twice = Mixed((Outliers(0.5), Outliers(0.5))).sample(SEEDS, M)
    assert (twice != 0).double().mean() == pytest.approx(0.75, abs=0.02)


@pytest.mark.parametrize("noise", [Gaussian(0.1), Outliers(0.3), Mixed((Gaussian(0.1), Outliers(0.2)))])
def test_each_seed_has_its_own_noise_whatever_the_batch(noise):
    both = noise.sample(SEEDS, 50)
    assert torch.equal(both[1], noise.sample(SEEDS[1:], 50)[0])
    assert not torch.equal(both[0], both[1])


@pytest.mark.parametrize("noise", [Gaussian(1.0), *(Outliers(1.0, 1.0, law) for law in LAWS)])
def test_noise_is_independent_of_the_measurements(noise):
    operator = gaussian_symmetric(1, M, SEEDS)
    clean, noisy = (
        observe(psd(1, [1.0], SEEDS), operator, "l2", n, SEEDS).observations for n in (None, noise)
    )
    assert torch.equal(operator.entries, gaussian_symmetric(1, M, SEEDS).entries)
    added = noise.sample(SEEDS, M)
    assert torch.equal(noisy, clean + added)
    for measurement, error in zip(clean.numpy(), added.numpy(), strict=True):
        # Ranks, because the Cauchy law has no variance; a constant correlates with nothing.
        rank = stats.spearmanr(measurement, error).statistic if error.std() else 0.0
        assert abs(rank) < SIGMAS / M**0.5
