"""Operators whose A*A is given: its spectrum, its projector, and what is refused."""

import pytest
import torch

from lowrank_core.errors import ArgumentError
from lowrank_core.randomness import normal
from lowrank_core.sensing import Dense, certified, from_normal, random_certified
from lowrank_core.sensing.dense import Packing

SEEDS = (1, 2, 3)


def normal_matrix(operator, shape, symmetric):
    """A*A on the basis of the matrices, through `normal` alone: (B, q, q)."""
    n1, n2 = shape
    packing = Packing(n1, operator.device, operator.dtype) if symmetric else None
    size = packing.p if packing else n1 * n2
    columns = []
    for unit in torch.eye(size, dtype=operator.dtype):
        matrix = packing.unpack(unit[None])[0] if packing else unit.reshape(shape)
        image = operator.normal_map(matrix.expand(operator.batch or 1, -1, -1))
        columns.append(packing.pack(image) if packing else image.flatten(1))
    return torch.stack(columns, dim=-1)


@pytest.mark.parametrize("delta", [0.0, 0.3, 0.97])
@pytest.mark.parametrize("count", [1, 4, 9])
def test_the_eigenvalues_are_one_plus_and_minus_delta_with_the_right_counts(delta, count):
    matrix = normal_matrix(random_certified(4, delta, count, SEEDS), (4, 4), True)
    expected = torch.tensor([1 - delta] * count + [1 + delta] * (10 - count), dtype=torch.float64)
    torch.testing.assert_close(torch.linalg.eigvalsh(matrix), expected.expand(3, -1))


def test_directions_are_contracted_and_their_complement_is_stretched():
    directions = normal(SEEDS, "test", 2, 3, 5)
    delta = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    operator = certified(directions, delta, symmetric=False)
    for j in range(2):
        image = operator.normal_map(directions[:, j])
        torch.testing.assert_close(image, (1 - delta)[:, None, None] * directions[:, j])
    other = normal(SEEDS, "other", 3, 5)
    basis = torch.linalg.qr(directions.flatten(2).mT).Q
    other = other - (basis @ (basis.mT @ other.flatten(1)[..., None]))[..., 0].unflatten(1, (3, 5))
    torch.testing.assert_close(operator.normal_map(other), (1 + delta)[:, None, None] * other)
    assert operator.weight == 1.0
    assert operator.adjoint_defect() < 1e-14


def test_a_random_ensemble_does_not_depend_on_the_batch():
    together = random_certified(4, 0.3, 2, SEEDS).entries
    torch.testing.assert_close(random_certified(4, 0.3, 2, [2]).entries[0], together[1], rtol=0, atol=1e-14)


@pytest.mark.parametrize("symmetric", [True, False])
def test_an_operator_has_the_normal_matrix_that_it_is_made_from(symmetric):
    size = 6 if symmetric else 9
    root = normal(SEEDS, "root", size, size)
    wanted = root @ root.mT
    made = from_normal(wanted, (3, 3), symmetric)
    torch.testing.assert_close(normal_matrix(made, (3, 3), symmetric), wanted)


def test_the_weight_of_stored_matrices_can_be_said():
    entries = normal(SEEDS, "entries", 7, 6)
    assert Dense(entries, (3, 3), True).weight == pytest.approx(1 / 7)
    assert Dense(entries, (3, 3), True, weight=2.0).weight == 2.0


SYMMETRIC = torch.eye(3, dtype=torch.float64).expand(1, 1, 3, 3)


@pytest.mark.parametrize(
    ("attempt", "named"),
    [
        (lambda: certified(SYMMETRIC, 1.0), "delta"),
        (lambda: certified(SYMMETRIC, -0.1), "delta"),
        (lambda: certified(SYMMETRIC, torch.tensor([0.1, 0.2])), "delta"),
        (lambda: certified(SYMMETRIC[0], 0.1), "directions"),
        (lambda: certified(SYMMETRIC.expand(1, 2, 3, 3), 0.1), "directions"),
        (lambda: certified(SYMMETRIC * torch.nan, 0.1), "directions"),
        (lambda: certified(normal([1], "x", 1, 3, 3), 0.1), "directions"),
        (lambda: certified(normal([1], "x", 1, 3, 4), 0.1), "directions"),
        (lambda: random_certified(3, 0.1, 6, [1]), "count"),
        (lambda: random_certified(3, 0.1, 0, [1]), "count"),
        (lambda: from_normal(normal([1], "x", 6, 6)[0], (3, 3)), "normal_matrix"),
        (lambda: from_normal(-torch.eye(6, dtype=torch.float64), (3, 3)), "normal_matrix"),
        (lambda: Dense(torch.ones(2, 6, dtype=torch.float64), (3, 3), True, weight=0.0), "weight"),
    ],
)
def test_bad_input_is_named(attempt, named):
    with pytest.raises(ArgumentError, match=named):
        attempt()


def test_asymmetric_directions_say_how_to_mend_it():
    with pytest.raises(ArgumentError, match="symmetric=False"):
        certified(normal([1], "x", 1, 3, 3), 0.1)
