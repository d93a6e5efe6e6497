"""What the regulariser does: symbols, exact instances, autograd, wrong ingredients."""

import pytest
import torch

from lowrank_core.proofs import balancing


def test_symbols():
    assert balancing.balance_residuals() == {"tangent": 0, "pythagoras": 0, "decay": 0, "sides": 0}
    assert balancing.lift_residuals() == {"norm": 0, "indefinite": 0, "factors": 0}


def test_mistakes_break_what_they_should():
    wrong = balancing.balance_residuals(sign=+1)
    assert wrong["tangent"]
    assert wrong["pythagoras"]
    assert wrong["decay"]
    assert not wrong["sides"]
    short = balancing.lift_residuals(cross=False)
    assert short["factors"]
    assert not short["norm"]
    assert not short["indefinite"]


@pytest.mark.parametrize("shape", [(2, 3, 1), (3, 3, 2), (4, 2, 3)])
def test_exact_instances(shape):
    assert balancing.instance_defects(9001, *shape) == (0, 0)
    assert balancing.instance_defects(9001, *shape, sign=+1, cross=False) == (1, 1)


def objective(u, v, matrix, weight):
    gap = u.T @ u - v.T @ v
    return (u @ v.T - matrix).square().sum() / 2 + weight / 4 * gap.square().sum()


def test_against_automatic_differentiation():
    torch.manual_seed(0)
    u, v, matrix = (torch.randn(n, m, dtype=torch.float64) for n, m in ((4, 3), (5, 3), (4, 5)))
    u.requires_grad_(), v.requires_grad_()
    whole, plain = (torch.autograd.grad(objective(u, v, matrix, mu), (u, v)) for mu in (0.7, 0.0))
    b = u.T @ u - v.T @ v
    pulled = (u @ b).square().sum() + (v @ b).square().sum()
    left, right = (sum(part.square().sum() for part in parts) for parts in (whole, plain))
    torch.testing.assert_close(left, right + 0.49 * pulled)
    assert pulled >= torch.linalg.eigvalsh(b).abs().pow(3).sum()


def test_lift_of_a_balanced_truth_in_floating_point():
    torch.manual_seed(1)
    u, v = torch.randn(4, 3, dtype=torch.float64), torch.randn(5, 3, dtype=torch.float64)
    p, _ = torch.linalg.qr(torch.randn(4, 2, dtype=torch.float64))
    q, _ = torch.linalg.qr(torch.randn(5, 2, dtype=torch.float64))
    root = torch.tensor([1.5, 0.7], dtype=torch.float64)
    a, c = p * root, q * root
    x, z = torch.cat([u, v]), torch.cat([a, c])
    symmetric = (x @ x.T - z @ z.T).square().sum() / 8
    extra = (u.T @ a - v.T @ c).square().sum() / 4
    torch.testing.assert_close(objective(u, v, a @ c.T, 0.5), symmetric + extra)
