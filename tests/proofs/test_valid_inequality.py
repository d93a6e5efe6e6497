"""Exact instances of the valid inequality, against singular values in floating point."""

import numpy as np
import pytest

from lowrank_core.proofs import valid_inequality
from lowrank_core.proofs.valid_inequality import Shape

SHAPES = [
    Shape(1, 1, 1, 1, True),
    Shape(3, 2, 1, 1, True),
    Shape(2, 2, 2, 3, False),
    Shape(3, 2, 1, 3, False),
]


@pytest.mark.parametrize("kind", ["generic", "learnt", "planted", "near"])
@pytest.mark.parametrize("shape", SHAPES)
def test_ratio_in_floating_point(shape, kind):
    found = valid_inequality.draw(3, shape, kind)
    left, right, a = (np.array(m, dtype=float) for m in (found.left, found.right, found.a))
    r = shape.search_rank
    error = -left @ right.T
    error[:r, :r] += a
    assert np.linalg.eigvalsh(a)[0] >= float(found.floor) - 1e-12
    assert float(found.floor) > 0
    hidden = np.linalg.svd((left @ right.T)[r:, r:], compute_uv=False)
    tau, omega = hidden.sum(), np.linalg.norm(hidden)
    k = min(shape.true_rank, shape.below)
    s = min(float(found.floor), omega**2 / tau)
    bound = (r - shape.true_rank + k) / k * (s * tau / omega) ** 2
    ratio = (np.linalg.norm(error) ** 2 - omega**2) / bound - 1
    assert float(valid_inequality.ratio(found)) == pytest.approx(ratio, rel=1e-7, abs=1e-9)
    assert valid_inequality.ratio(found) >= 0
    assert (valid_inequality.ratio(found) == 0) == (kind == "planted")


def test_the_hypothesis_is_needed():
    found = valid_inequality.draw(0, Shape(2, 2, 3, 3, True), "learnt")
    assert valid_inequality.ratio(found) > 0 > valid_inequality.ratio(found, shrink=False)
