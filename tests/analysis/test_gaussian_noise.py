"""The law of the error under Gaussian noise: its parts by hand, and the eigenvalues that it rests on."""

import math
from dataclasses import replace

import pytest
import torch

from lowrank_core.analysis.gaussian_noise import error_law, positive_part_error
from lowrank_core.errors import ArgumentError
from lowrank_core.problem import observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import Identity
from lowrank_core.truth import psd


def test_without_excess_columns_it_counts_the_tangent_coordinates():
    # Symmetric matrices of rank two in order five: 5·2 − 1 free numbers.
    assert error_law(5, 2, 2) == 9


def test_a_column_in_excess_costs_twice_a_true_one():
    n = 10**9
    assert math.isclose(error_law(n, 1, 3), 5 * n, rel_tol=1e-5)


def test_the_largest_eigenvalues_of_drawn_noise():
    n, seeds = 60, range(400)
    drawn = normal(seeds, "noise", n, n)
    values = torch.linalg.eigvalsh(0.5 * (drawn + drawn.mT))
    # Order n − r* = 60 of the noise beyond r* = 1.
    for r in (2, 3, 4):
        expected = error_law(n + 1, 1, r) - (n + 1)
        assert float(values[:, 1 - r :].square().sum(dim=1).mean()) == pytest.approx(expected, rel=0.03)


def test_ranks_outside_the_table_are_refused():
    for ranks in ((2, 1), (1, 5)):
        with pytest.raises(ArgumentError):
            error_law(20, *ranks)


def test_the_positive_part_keeps_no_negative_eigenvalue():
    problem = observe(psd(2, [1.0], [0, 1]), Identity(2))
    noise = torch.tensor([[[0.0, 0.0], [0.0, -0.4]], [[0.3, 0.0], [0.0, 0.4]]], dtype=torch.float64)
    problem = replace(problem, observations=problem.observations + noise.flatten(1))
    found = positive_part_error(problem)
    torch.testing.assert_close(found, torch.tensor([0.0, 0.5], dtype=torch.float64))
