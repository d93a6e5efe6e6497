"""The exponent of the closest approach: proof, digits, and the closed form against an independent evaluation."""

from fractions import Fraction
from random import Random

import mpmath
import pytest
import torch

from lowrank_core.analysis.closed_forms import balanced_flow
from lowrank_core.factors import Factors
from lowrank_core.proofs.incremental_exponent import balanced_pair, distance, instance_defect, proof_residuals


def test_every_step_of_the_proof_holds():
    assert set(proof_residuals().values()) == {0}


def test_another_time_breaks_the_powers_alone():
    broken = {name for name, terms in proof_residuals(halfway=True).items() if terms}
    assert broken == {"powers"}


@pytest.mark.parametrize("modes", [2, 3, 5])
def test_random_flows_have_the_exponent(modes):
    for seed in (0, 1, 9001):
        assert instance_defect(seed, modes) < 1e-9
        assert instance_defect(seed, modes, halfway=True) > 1e-3


def test_pairs_are_balanced_exactly():
    f, g = balanced_pair(Random(3), 4)
    for i in range(4):
        for j in range(4):
            assert sum(f[row][i] * f[row][j] - g[row][i] * g[row][j] for row in range(4)) == 0


def test_distance_agrees_with_the_stepped_flow():
    sigma, k, a, t = [Fraction(4), Fraction(2), Fraction(1)], 1, 0.01, 1.7
    pair = balanced_pair(Random(5), 3)
    with mpmath.workdps(60):
        exact = float(distance(sigma, k, pair, mpmath.mpf(a), mpmath.mpf(t)))
    left, right = (
        torch.tensor([[float(x) for x in row] for row in side], dtype=torch.float64)[None] * a
        for side in pair
    )
    target = torch.diag(torch.tensor([4.0, 2.0, 1.0], dtype=torch.float64))[None]
    product = balanced_flow(target, Factors(left, right), [t])[0].product()
    best = torch.diag(torch.tensor([4.0, 0.0, 0.0], dtype=torch.float64))
    assert torch.linalg.matrix_norm(product - best).item() == pytest.approx(exact, rel=1e-9)
