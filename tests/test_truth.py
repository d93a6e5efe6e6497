"""Ground truths have the spectrum and the bases that they are said to have."""

import copy
from dataclasses import replace

import pytest
import torch

from lowrank_core.errors import ArgumentError
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


def test_a_copy_is_as_symmetric_as_its_original():
    truth = psd(4, SPECTRUM, SEEDS)
    assert copy.deepcopy(truth).symmetric
    assert replace(truth, left=truth.left.clone(), right=truth.right.clone()).symmetric
    # Equal vectors alone do not make it one: XXᵀ is then a choice that nobody made.
    assert not rectangular(4, 4, SPECTRUM, SEEDS).symmetric


BAD = {
    "vectors that are not orthonormal": ({"left": lambda t: 2 * t.left}, "left"),
    "parallel vectors": ({"right": lambda t: t.right[..., :1].expand_as(t.right)}, "right"),
    "too few vectors": ({"left": lambda t: t.left[..., :2]}, "left"),
    "vectors of other seeds": ({"left": lambda t: t.left[:1]}, "left"),
    "another basis on the right": ({"right": lambda t: -t.right}, "symmetric"),
    "a spectrum upside down": ({"spectrum": lambda t: t.spectrum.flip(1)}, "spectrum"),
    "a zero in the spectrum": ({"spectrum": lambda t: t.spectrum * (t.spectrum > 1)}, "spectrum"),
    "not a number": ({"spectrum": lambda t: t.spectrum * torch.nan}, "spectrum"),
    "a spectrum without seeds": ({"spectrum": lambda t: t.spectrum[0]}, "spectrum"),
    "a seed too few": ({"seeds": lambda t: t.seeds[:1]}, "seeds"),
    "seeds that are no integers": ({"seeds": lambda t: (0.5, 1.5)}, "seeds"),
}


@pytest.mark.parametrize(("changes", "argument"), BAD.values(), ids=BAD)
def test_a_truth_checks_itself(changes, argument):
    truth = psd(4, SPECTRUM, SEEDS)
    with pytest.raises(ArgumentError) as caught:
        replace(truth, **{name: change(truth) for name, change in changes.items()})
    assert caught.value.argument == argument
