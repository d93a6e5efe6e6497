"""The rational examples against the package's own landscape, and the threshold on L/μ."""

from fractions import Fraction

import pytest
import torch

from lowrank_core.analysis import landscape
from lowrank_core.factors import Factors
from lowrank_core.problem import observe
from lowrank_core.proofs import printed_radius
from lowrank_core.sensing import from_normal
from lowrank_core.sensing.dense import Packing
from lowrank_core.truth import psd

NEAR, FAR = Fraction(40, 100), Fraction(49, 100)


@pytest.mark.parametrize("seed", range(5))
def test_is_critical_inside_the_printed_radius_and_outside_the_proved_one(seed):
    found = printed_radius.draw(seed, NEAR, FAR)
    assert found.slope == [[0], [0]]
    assert 0 < found.value < found.printed_radius
    assert found.value > found.lemma_radius


@pytest.mark.parametrize("seed", range(3))
def test_the_operator_has_the_eigenvalues_stated_and_the_point_is_critical_in_floating_point(seed):
    found = printed_radius.draw(seed, NEAR, FAR)
    large = float(found.conditioning)
    error, gradient = (
        torch.tensor([[float(v) for v in row] for row in m]) for m in (found.error, found.gradient)
    )
    error, gradient = error.double()[None], gradient.double()[None]
    packing = Packing(2, error.device, error.dtype)
    # ∇φ − E is the multiple of W.
    w = packing.pack(gradient - error)[0]
    normal = torch.eye(3, dtype=torch.float64) + (large - 1) * torch.outer(w, w) / w.dot(w)
    assert (torch.linalg.eigvalsh(normal) - torch.tensor([1.0, 1.0, large])).abs().max() < 1e-5 * large
    assert (normal @ packing.pack(error)[0] - packing.pack(gradient)[0]).abs().max() < 1e-5
    problem = observe(psd(2, [1.0], [0]), from_normal(normal, (2, 2)))
    x = Factors(torch.tensor([[[float(row[0])] for row in found.x]], dtype=torch.float64))
    assert landscape.gradient(problem, x).left.abs().max() < 1e-4
    loss, _, _ = problem.gradient(x)
    assert abs(2 * float(loss) / float(found.value) - 1) < 1e-4


def test_the_threshold_on_the_condition_number():
    half = printed_radius.draw(0, Fraction(1, 2), Fraction(1, 2))
    assert abs(float(half.conditioning) - 53.7) < 0.05
    assert abs(float(half.value / half.printed_radius) - 1) < 1e-4


def test_radii_agree_at_twice_the_convexity():
    found = printed_radius.draw(0, NEAR, FAR)
    at_two = printed_radius.Instance(found.x, found.error, found.gradient, Fraction(2))
    assert at_two.printed_radius == at_two.lemma_radius


def test_a_nearer_point_has_the_same_loss_and_is_not_critical():
    found = printed_radius.draw(1, NEAR, FAR)
    assert printed_radius.nearer(found, 1) == found
    near = printed_radius.nearer(found, 1000)
    assert near.x == [[1 + (found.x[0][0] - 1) / 1000], [found.x[1][0] / 1000]]
    assert all(row != [0] for row in near.slope)
    assert 0 < near.value < found.value / 1000
