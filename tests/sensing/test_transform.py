"""The fast transform: orthogonal, matrix-free, and the matrix that it claims to be."""

import numpy as np
import pytest
import torch
from scipy.fft import dctn

from lowrank_core.errors import ArgumentError
from lowrank_core.factors import gaussian_start
from lowrank_core.methods import GradientDescent
from lowrank_core.problem import observe
from lowrank_core.randomness import normal, stream
from lowrank_core.sensing import Transform
from lowrank_core.solver import solve
from lowrank_core.truth import psd

SEEDS = [0, 1, 2]
SIDES = [(5, 5, 11), (6, 4, 24), (3, 7, 1)]
ROUNDING = 1e-13


@pytest.mark.parametrize(("n1", "n2", "m"), SIDES)
def test_adjoint_and_orthogonality(n1, n2, m):
    operator = Transform(n1, n2, m, SEEDS)
    assert operator.adjoint_defect() < 1e-14
    z = normal(SEEDS, "test z", m)
    assert (operator.forward(operator.adjoint(z)) - z).abs().max() < ROUNDING
    assert operator.weight == pytest.approx(n1 * n2 / m)


def test_all_coefficients_make_the_identity():
    matrix = normal(SEEDS, "test matrix", 6, 4)
    assert (Transform(6, 4, 24, SEEDS).normal_map(matrix) - matrix).abs().max() < ROUNDING


@pytest.mark.parametrize(("n1", "n2", "m"), SIDES)
def test_it_is_the_stated_composition(n1, n2, m):
    """Signs, permutation, scipy's orthonormal 2-D DCT and a choice of coefficients, from the named streams."""
    matrix = normal(SEEDS, "test matrix", n1, n2)
    measured = Transform(n1, n2, m, SEEDS).forward(matrix)
    for b, seed in enumerate(SEEDS):
        signs = stream(seed, "sensing signs").choice([-1.0, 1.0], n1 * n2)
        places = stream(seed, "sensing permutation").permutation(n1 * n2)
        kept = np.sort(stream(seed, "sensing coefficients").permutation(n1 * n2)[:m])
        shuffled = (matrix[b].numpy().ravel() * signs)[places].reshape(n1, n2)
        expected = dctn(shuffled, norm="ortho").ravel()[kept]
        assert np.abs(measured[b].numpy() - expected).max() < ROUNDING


def test_normal_operator_is_the_identity_on_average():
    matrix = normal([0], "test matrix", 6, 6).expand(400, -1, -1)
    mean = Transform(6, 6, 18, range(400)).normal_map(matrix).mean(dim=0)
    assert (mean - matrix[0]).norm() / matrix[0].norm() < 0.1


def test_bad_arguments():
    for m in (0, 21):
        with pytest.raises(ArgumentError, match=rf"m = {m}.*1 <= m <= 20"):
            Transform(5, 4, m, SEEDS)
    with pytest.raises(ArgumentError, match=r"n1 = 0"):
        Transform(0, 4, 1, SEEDS)
    problem = observe(psd(5, [1.0], SEEDS), Transform(5, 5, 9, SEEDS))
    with pytest.raises(ArgumentError, match="symmetric measurement matrices"):
        solve(problem, GradientDescent(0.1), gaussian_start(5, 2, 0.1, SEEDS), 1)


def test_repr_names_the_sizes():
    assert repr(Transform(5, 4, 9, SEEDS)) == "Transform(shape=(5, 4), m=9, batch=3)"
    assert torch.equal(
        Transform(5, 4, 9, [1]).forward(normal([1], "x", 5, 4))[0],
        Transform(5, 4, 9, SEEDS).forward(normal(SEEDS, "x", 5, 4))[1],
    )
