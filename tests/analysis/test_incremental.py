"""The path past the best approximations, on truths whose approximations are known by hand."""

import pytest
import torch

from lowrank_core.analysis.incremental import approach_exponent, best_approximation, passing_distance
from lowrank_core.errors import ArgumentError
from lowrank_core.truth import rectangular

SPECTRUM = (4.0, 2.0, 1.0)


@pytest.fixture
def truth():
    return rectangular(5, 4, SPECTRUM, (0, 1))


def diagonal(*values):
    matrix = torch.zeros(5, 4, dtype=torch.float64)
    matrix.diagonal()[: len(values)] = torch.tensor(values, dtype=torch.float64)
    return matrix


def path(*matrices):
    return torch.stack(matrices).expand(2, -1, -1, -1)


@pytest.mark.parametrize(
    ("upper", "lower", "expected"), [(4.0, 2.0, 2 / 3), (2.0, 2.0, 0.0), (3.0, 1.0, 1.0), (1.0, 0.0, 2.0)]
)
def test_exponents_of_known_gaps(upper, lower, expected):
    assert approach_exponent(upper, lower) == pytest.approx(expected, rel=1e-15)
    of_tensors = approach_exponent(*(torch.tensor([v], dtype=torch.float64) for v in (upper, lower)))
    assert of_tensors.item() == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_the_best_approximation_keeps_the_largest_values(truth, rank):
    # The singular vectors are the coordinate vectors.
    expected = diagonal(*SPECTRUM[:rank]).expand(2, -1, -1)
    assert torch.equal(best_approximation(truth, rank), expected)


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_no_truncated_svd_is_nearer(rank):
    truth = rectangular(5, 4, SPECTRUM, (0, 1), basis="random")
    left, values, right = torch.linalg.svd(truth.matrix, full_matrices=False)
    expected = (left[..., :rank] * values[:, None, :rank]) @ right[:, :rank]
    torch.testing.assert_close(best_approximation(truth, rank), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("rank", [-1, 4])
def test_ranks_that_the_truth_does_not_have(truth, rank):
    with pytest.raises(ArgumentError, match="rank"):
        best_approximation(truth, rank)


def test_a_staircase_passes_at_its_distances(truth):
    stairs = path(diagonal(), diagonal(3.9, 0.1), diagonal(4.0, 2.0, 0.3), diagonal(*SPECTRUM))
    # 0.1/σ₂ = 0.05 at M₁, 0.3/σ₃ = 0.3 at M₂.
    torch.testing.assert_close(passing_distance(stairs, truth, 3), torch.full((2,), 0.3).double())
    torch.testing.assert_close(passing_distance(stairs, truth, 2), torch.full((2,), 0.05).double())


def test_nothing_is_passed_on_the_way_to_rank_one(truth):
    assert torch.equal(passing_distance(path(diagonal()), truth, 1), torch.zeros(2).double())


def test_the_order_counts(truth):
    stairs = path(diagonal(4.0, 2.0), diagonal(4.0), diagonal(*SPECTRUM))
    # After M₁ the nearest to M₂ is M₃, at σ₃.
    torch.testing.assert_close(passing_distance(stairs, truth, 3), torch.ones(2).double())
