"""Ground truths have the spectrum and the bases that they are said to have."""

import pytest
import torch

from lowrank_core.truth import geometric_spectrum, psd, rectangular

ROUNDING = 1e-14
SPECTRUM = [3.0, 2.0, 0.5]
BASES = ["eigen", "random"]
SEEDS = [0, 1]


@pytest.mark.parametrize("basis", BASES)
def test_psd_has_the_given_eigenvalues(basis):
    truth = psd(7, SPECTRUM, SEEDS, basis)
    expected = torch.tensor([0.0] * 4 + SPECTRUM[::-1], dtype=torch.float64)
    assert truth.symmetric
    assert (truth.batch, truth.rank, truth.shape) == (2, 3, (7, 7))
    assert (torch.linalg.eigvalsh(truth.matrix) - expected).abs().max() < ROUNDING
    assert (truth.matrix - truth.matrix.mT).abs().max() < ROUNDING


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("shape", [(7, 5), (5, 7), (5, 5)])
def test_rectangular_has_the_given_singular_values(basis, shape):
    truth = rectangular(*shape, SPECTRUM, SEEDS, basis)
    expected = torch.tensor([*SPECTRUM, 0.0, 0.0], dtype=torch.float64)
    assert not truth.symmetric
    assert truth.matrix.shape == (2, *shape)
    assert (torch.linalg.svdvals(truth.matrix) - expected).abs().max() < ROUNDING


def test_eigen_basis_is_exactly_diagonal():
    diagonal = torch.diag(torch.tensor([*SPECTRUM, 0.0], dtype=torch.float64))
    assert torch.equal(psd(4, SPECTRUM, SEEDS).matrix, diagonal.expand(2, 4, 4))


@pytest.mark.parametrize(
    "make",
    [
        lambda seeds: psd(6, SPECTRUM, seeds, "random"),
        lambda seeds: rectangular(6, 5, SPECTRUM, seeds, "random"),
    ],
)
def test_random_bases_differ_by_seed_and_not_by_batch(make):
    both = make([3, 8]).matrix
    assert torch.equal(both[1], make([8]).matrix[0])
    assert (both[0] - both[1]).norm() > 0.1


def test_sides_of_a_rectangular_truth_are_independent():
    truth = rectangular(6, 6, [1.0], SEEDS, "random")
    assert (truth.left - truth.right).norm(dim=(1, 2)).min() > 0.1


def test_a_spectrum_for_each_seed():
    spectra = torch.tensor([[4.0, 1.0], [9.0, 3.0]], dtype=torch.float64)
    truth = psd(5, spectra, SEEDS)
    assert torch.equal(truth.matrix.diagonal(dim1=1, dim2=2)[:, :2], spectra)
    assert truth.condition_number.tolist() == [4.0, 3.0]


@pytest.mark.parametrize(
    ("rank", "kappa", "expected"), [(3, 4.0, [4.0, 2.0, 1.0]), (1, 7.0, [1.0]), (2, 1.0, [1.0, 1.0])]
)
def test_geometric_spectrum_ends_at_one(rank, kappa, expected):
    assert geometric_spectrum(rank, kappa) == pytest.approx(expected, rel=ROUNDING)


def test_float32_truths():
    assert psd(4, SPECTRUM, SEEDS, "random", dtype="float32").matrix.dtype is torch.float32


def test_its_roots_are_balanced_factors():
    for truth in (rectangular(6, 5, SPECTRUM, SEEDS, "random"), psd(6, SPECTRUM, SEEDS, "random")):
        left, right = truth.roots
        assert (left @ right.mT - truth.matrix).abs().max() < ROUNDING
        assert (left.mT @ left - right.mT @ right).abs().max() < ROUNDING
