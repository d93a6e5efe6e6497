"""The identities of the local theorems and the exact instances, with what changes one constant."""

from fractions import Fraction

import pytest

from lowrank_core.proofs import local_guarantee
from lowrank_core.proofs.instances import rational

REPORTS = (
    local_guarantee.ball_residuals,
    local_guarantee.beyond_residuals,
    local_guarantee.constant_residuals,
    local_guarantee.level_residuals,
)


@pytest.mark.parametrize("report", REPORTS)
def test_nothing_is_left(report):
    assert set(report().values()) == {0}


def test_wrong_constants_leave_terms():
    assert local_guarantee.ball_residuals(3)["attained"] > 0
    assert local_guarantee.level_residuals(26)["attained"] > 0
    assert local_guarantee.constant_residuals(coupling=0)["determinant"] > 0


def test_the_inequality_of_the_level_in_exact_rationals():
    from random import Random

    rng = Random("level")
    for _ in range(500):
        size, cosine = rational(rng, Fraction(1, 100), 2), rational(rng, 0, Fraction(99, 100))
        t = rational(rng, 0, 1 - cosine)
        inner = size**2 - 2 * size * cosine + 1 - t * (1 - cosine)
        assert inner**3 >= 27 * size**2 * t * (1 - cosine - t) ** 2 * (1 + cosine - t)


@pytest.mark.parametrize("seed", range(5))
def test_the_route_by_its_own_operator(seed):
    instance = local_guarantee.route(seed)
    delta, epsilon, sine = instance
    assert epsilon**2 == 1 - delta**2
    assert Fraction(787, 1000) < delta < 1
    assert epsilon**2 + epsilon < 1  # below the golden ratio, so this is the printed ε
    # A*A = (1 + δ)I − 2δ eeᵀ/‖e‖² by its values on e and on M*: ‖e‖² = 2 sin², ⟨e, M*⟩ = −sin².
    value = (1 - delta) * 2 * sine
    origin = (1 + delta) - 2 * delta * sine**2 / (2 * sine)
    assert value / ((1 - delta) * epsilon**2 * origin) == instance.level < 1
    assert 2 * sine / epsilon**2 == instance.distance > 1
    assert instance.excess > 0
    assert local_guarantee.route(seed, level="without").level > 1
