"""The exact witnesses against floating point, and both sides of their hypotheses."""

import numpy as np
import pytest
import torch

from lowrank_core.analysis import landscape
from lowrank_core.factors import Factors
from lowrank_core.problem import observe
from lowrank_core.proofs import accuracy_witness
from lowrank_core.sensing import Identity
from lowrank_core.truth import psd


def floats(matrix):
    return np.array(matrix, dtype=float)


@pytest.mark.parametrize("seed", range(4))
def test_derivatives_against_the_landscape_module(seed):
    point, _ = accuracy_witness.excess_columns(seed)
    values, vectors = np.linalg.eigh(floats(point.truth))
    kept = values[::-1][values[::-1] > 1e-9]
    x = torch.tensor(vectors[:, ::-1].T.copy() @ floats(point.x))[None]
    n, r = x.shape[1:]
    problem = observe(psd(n, kept.tolist(), [0]), Identity(n))
    slope = landscape.gradient(problem, Factors(x)).left
    assert float(slope.norm()) ** 2 == pytest.approx(
        float(accuracy_witness.squared(point.gradient())), rel=1e-9
    )
    ours = np.sort(np.linalg.eigvalsh(floats(point.hessian())))
    theirs = torch.linalg.eigvalsh(landscape.hessian(problem, Factors(x)))[0].numpy()
    assert len(ours) == n * r
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_the_law_of_the_gradient_needs_an_excess_column(seed):
    assert accuracy_witness.gradient_defect(seed) == 0
    assert accuracy_witness.gradient_defect(seed, exact_rank=True) > 1
    assert accuracy_witness.negative_curvatures(seed) == 0


@pytest.mark.parametrize("seed", range(4))
def test_the_curvature_is_twice_the_error(seed):
    point, s = accuracy_witness.missing_direction(seed)
    assert accuracy_witness.curvature_failures(seed) == 0
    assert np.linalg.eigvalsh(floats(point.hessian()))[0] == pytest.approx(-2 * float(s), rel=1e-9)
    assert np.linalg.norm(floats(point.error)) == pytest.approx(float(s), rel=1e-12)
