"""Noise follows its law, from a stream of its own; corruptions do to each measurement what they say."""

import itertools
import math

import pytest
import torch
from scipy import stats

from lowrank_core.noise import LAWS, Corruption, Gaussian, Mixed, Outliers, Planted, SignFlip
from lowrank_core.problem import observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import Identity, gaussian, gaussian_symmetric
from lowrank_core.truth import psd, rectangular

M = 20_000
SEEDS = [0, 5]
SIGNIFICANCE = 1e-3
SIGMAS = 5
ALL = math.nextafter(1.0, 0.0)
"""The largest p below one: of the numbers drawn from [0, 1) only one in 2⁵³ is not below it."""


@pytest.mark.parametrize(("law", "reference"), [("gaussian", "norm"), ("cauchy", "cauchy")])
def test_continuous_laws(law, reference):
    for row in Outliers(ALL, 1.0, law).sample(SEEDS, M).numpy():
        assert stats.kstest(row, reference).pvalue > SIGNIFICANCE


def test_student_t_has_three_degrees_of_freedom():
    for row in Outliers(ALL, 1.0, "student-t").sample(SEEDS, M).numpy():
        assert stats.kstest(row, stats.t(3).cdf).pvalue > SIGNIFICANCE


def test_rademacher_is_a_fair_sign():
    noise = Outliers(ALL, 1.0, "rademacher").sample(SEEDS, M)
    assert torch.equal(noise.abs(), torch.ones_like(noise))
    assert noise.mean(dim=1).abs().max() < SIGMAS / M**0.5


def test_constant_is_one():
    noise = Outliers(ALL, 1.0, "constant").sample(SEEDS, M)
    assert torch.equal(noise, torch.ones(2, M, dtype=torch.float64))


def test_dense_gaussian_has_the_given_deviation():
    for row in Gaussian(0.3).sample(SEEDS, M).numpy():
        assert stats.kstest(row, stats.norm(scale=0.3).cdf).pvalue > SIGNIFICANCE


@pytest.mark.parametrize("law", LAWS)
def test_nobody_is_hit_with_probability_zero_and_everybody_just_below_one(law):
    assert not Outliers(0.0, law=law).sample(SEEDS, M).any()
    assert Outliers(ALL, law=law).sample(SEEDS, M).all()


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


@pytest.mark.parametrize("noise", [Gaussian(1.0), *(Outliers(ALL, 1.0, law) for law in LAWS)])
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


@pytest.mark.parametrize("noise", [Gaussian(1.0), *(Outliers(0.3, 1.0, law) for law in LAWS)])
def test_more_measurements_extend_the_noise(noise):
    assert torch.equal(noise.sample(SEEDS, 300)[:, :100], noise.sample(SEEDS, 100))


N, FEW = 5, 400
OTHER = normal(SEEDS, "test matrix", N, N)
CORRUPTIONS = {
    "planted": lambda p: Planted(p, OTHER + OTHER.mT),
    "planted, one for all": lambda p: Planted(p, torch.ones(N, N)),
    "sign flip": SignFlip,
}
OPERATORS = {
    "own": lambda seeds: gaussian_symmetric(N, FEW, seeds),
    "shared": lambda seeds: gaussian_symmetric(N, FEW, seeds, shared=True),
    "population": lambda seeds: Identity(N),
}
TRUTH = psd(N, [2.0, 1.0], SEEDS, "random")


def corrupted(corruption, operator, seeds=SEEDS):
    truth = psd(N, [2.0, 1.0], seeds, "random")
    return observe(truth, operator, "l1", corruption, seeds).observations


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_corrupted_measurements_row_by_row(corruption, name):
    operator = OPERATORS[name](SEEDS)
    found = corrupted(CORRUPTIONS[corruption](0.4), operator)
    hit = Outliers(0.4, 1.0, "constant").sample(SEEDS, operator.m).bool()
    assert 0.2 < hit.double().mean() < 0.6
    # Every ⟨Aᵢ, ·⟩ written out, from Aᵢ as the adjoint gives it.
    rows = torch.eye(operator.m, dtype=torch.float64)
    measurement_matrices = torch.stack([operator.adjoint(row.expand(2, -1)) for row in rows], dim=1)
    other = {
        "planted": OTHER + OTHER.mT,
        "planted, one for all": torch.ones(2, N, N, dtype=torch.float64),
        "sign flip": -TRUTH.matrix,
    }[corruption]
    for b in range(len(SEEDS)):
        for i in range(operator.m):
            source = other[b] if hit[b, i] else TRUTH.matrix[b]
            expected = float((measurement_matrices[b, i] * source).sum())
            assert float(found[b, i]) == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_what_is_not_hit_stays_as_it_is_and_who_is_hit_stays_hit(corruption):
    operator = OPERATORS["own"](SEEDS)
    clean = corrupted(None, operator)
    supports = []
    for p in (0.0, 0.1, 0.5, ALL):
        found = corrupted(CORRUPTIONS[corruption](p), operator)
        supports.append(found != clean)
        expected = Outliers(p, law="constant").sample(SEEDS, FEW).bool()
        assert torch.equal(supports[-1], expected)
    assert not supports[0].any()
    assert supports[-1].all()
    for smaller, larger in itertools.pairwise(supports):
        assert not (smaller & ~larger).any()


def test_a_planted_matrix_need_not_be_square():
    truth, other = rectangular(4, 3, [1.0], SEEDS), normal(SEEDS, "test matrix", 4, 3)
    operator = gaussian(4, 3, FEW, SEEDS)
    planted, clean = (
        observe(truth, operator, "l1", corruption, SEEDS).observations
        for corruption in (Planted(0.5, other), None)
    )
    hit = Outliers(0.5, law="constant").sample(SEEDS, FEW).bool()
    assert torch.equal(planted, torch.where(hit, operator.forward(other), clean))


def test_corruptions_belong_to_seeds_whatever_the_batch():
    both, alone = (corrupted(SignFlip(0.3), OPERATORS["own"](seeds), seeds) for seeds in (SEEDS, SEEDS[1:]))
    assert both[1].numpy() == pytest.approx(alone[0].numpy(), abs=1e-13)
    signs = both.sign() * corrupted(None, OPERATORS["own"](SEEDS)).sign()
    assert not torch.equal(signs[0], signs[1])


@pytest.mark.parametrize(
    "noise", [None, Gaussian(0.1), Outliers(0.3), SignFlip(0.3), CORRUPTIONS["planted"](0.1)], ids=repr
)
def test_a_problem_says_what_corrupted_it(noise):
    assert observe(TRUTH, OPERATORS["own"](SEEDS), "l1", noise, SEEDS).noise is noise
    assert isinstance(noise, Corruption) is isinstance(noise, Planted | SignFlip)


def test_a_planted_matrix_is_not_printed_in_full():
    assert repr(CORRUPTIONS["planted"](0.1)) == "Planted(p=0.1)"


def test_noise_shares_no_number_with_the_measurements():
    seen = set(gaussian_symmetric(6, 200, SEEDS).entries[0].flatten().tolist())
    for noise in (Gaussian(1.0), Outliers(ALL, 1.0)):
        assert not seen & set(noise.sample(SEEDS, 200)[0].tolist())
