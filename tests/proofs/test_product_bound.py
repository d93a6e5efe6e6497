"""Products of geometric factors, certified, with the control and a comparison in floating point."""

import math
from fractions import Fraction

import pytest

from lowrank_core.proofs import enclosure, product_bound


def test_identities_and_wrong_constant():
    assert set(product_bound.proof_residuals().values()) == {0}
    assert product_bound.proof_residuals(Fraction(1, 2))["series"] > 0


@pytest.mark.parametrize("name", enclosure.available())
def test_certified_with_every_backend(name):
    with enclosure.using(name):
        found = product_bound.certify(0, 3)
        halved = product_bound.certify(0, 3, Fraction(1, 2))
    assert (found.checks, found.proved, found.refuted) == (6, 6, 0)
    assert halved.refuted == 3


@pytest.mark.parametrize(("a", "ratio", "steps"), [(0.1, 0.9, 50), (3.0, 0.5, 10), (0.01, 0.999, 500)])
def test_bounds_in_floating_point(a, ratio, steps):
    product = math.prod(1 + a * ratio**t for t in range(1, steps + 1))
    assert math.exp(a * steps * ratio**steps / (1 + a)) <= product
    assert product * (1 + a) <= math.exp(a / (1 - ratio))
