"""The rebalancing step: symbols, exact instances, a floating-point SVD, wrong ingredients."""

import pytest
import torch

from lowrank_core.proofs import rebalancing_identity
from lowrank_core.proofs.rebalancing_identity import rebalance

BROKEN = {
    "β and 1/β exchanged": (False, True, True),
    "S forgotten": (True, False, True),
    "B not transposed": (True, False, True),
}


def test_symbols():
    assert rebalancing_identity.proof_residuals() == (0, 0, 0)


@pytest.mark.parametrize("case", [(4, 3, 2), (3, 6, 3), (6, 2, 4)])
def test_exact_instances(case):
    assert rebalancing_identity.instance_residuals(9001, *case) == (0, 0, 0)


@pytest.mark.parametrize(("mistake", "broken"), BROKEN.items())
def test_mistakes_break_what_they_should(mistake, broken):
    for found in (
        rebalancing_identity.proof_residuals(mistake),
        rebalancing_identity.instance_residuals(0, 5, 4, 3, mistake),
    ):
        assert tuple(count > 0 for count in found) == broken


def test_spectrum_at_a_minimiser_in_floating_point():
    torch.manual_seed(0)
    f, k, beta = torch.randn(7, 4, dtype=torch.float64), 4, 0.7
    g = torch.randn(6, 2, dtype=torch.float64) @ torch.randn(2, k, dtype=torch.float64)
    a, s, b = torch.linalg.svd(f, full_matrices=False)
    left, right = (
        torch.tensor(x, dtype=torch.float64) for x in rebalance(*(x.tolist() for x in (a, s, b, g)), beta)
    )
    torch.testing.assert_close(left @ right.T, f @ g.T)
    torch.testing.assert_close(left.T @ left, beta**2 * torch.eye(k, dtype=torch.float64))
    squares = torch.linalg.svdvals(f @ g.T)[:2] ** 2
    torch.testing.assert_close(torch.linalg.svdvals(right)[:2] ** 2, squares / beta**2)
