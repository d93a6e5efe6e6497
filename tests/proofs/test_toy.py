"""The toy problem: symbolic steps, the flow, gradient descent against it, controls."""

import math
from fractions import Fraction

import pytest
import torch

from lowrank_core.factors import Factors
from lowrank_core.methods import GradientDescent
from lowrank_core.problem import observe
from lowrank_core.proofs import toy
from lowrank_core.sensing import Identity
from lowrank_core.solver import solve
from lowrank_core.truth import rectangular


def test_symbolic_proof_and_controls():
    assert set(toy.proof_residuals().values()) == {0}
    wrong = toy.proof_residuals(power=1)
    assert min(wrong[step] for step in ("flow", "start", "sinh", "coth", "exponent", "balanced", "late")) > 0
    assert toy.proof_residuals(decay=1)["imbalance"] > 0


@pytest.mark.parametrize("seed", [0, 1, 9001])
def test_closed_form_solves_the_flow(seed):
    assert toy.largest_difference(seed, times=(1, 3)) < 1e-17
    assert toy.largest_difference(seed, times=(1,), decay=Fraction(1, 10)) > 1e-2


@pytest.mark.parametrize("c0", [0.1, 0.7, 0.7001, 1.4])
def test_closed_form_for_either_sign_and_near_balance(c0):
    b0, t, h = 0.7, 2.0, 1e-5
    p = toy.product(b0, c0, t)
    rate = (toy.product(b0, c0, t + h) - toy.product(b0, c0, t - h)) / (2 * h)
    assert toy.product(b0, c0, 0) == pytest.approx(b0 * c0, rel=1e-9)
    assert rate == pytest.approx(-p * math.hypot(b0**2 - c0**2, 2 * p), rel=1e-5)
    assert toy.product(c0, b0, t) == pytest.approx(p, rel=1e-9)


def test_descend_is_the_gradient_descent_of_the_solver():
    start = torch.tensor([[[0.4, 0.0], [0.0, 0.9]]]), torch.tensor([[[0.6, 0.0], [0.0, 0.3]]])
    run = solve(
        observe(rectangular(2, 2, (1.0,), [0]), Identity(2, 2)),
        GradientDescent(0.1),
        Factors(*(x.to(torch.float64) for x in start)),
        50,
        reduce=False,
    )
    *_, (b, c) = toy.descend(0.9, 0.3, 0.1, 50)
    left, right = run.factors
    assert float(left[0, 1, 1]) == pytest.approx(b, abs=1e-7)
    assert float(right[0, 1, 1]) == pytest.approx(c, abs=1e-7)
    assert float(left[0, 0, 1].abs() + right[0, 1, 0].abs()) == 0


@pytest.mark.parametrize("c0", [0.2, 0.6, 0.9])
def test_first_order(c0):
    coarse, fine = (toy.largest_error(0.9, c0, eta, 10) for eta in (0.02, 0.01))
    assert math.log2(coarse / fine) == pytest.approx(1, abs=0.05)


def test_controls_do_not_converge():
    for control in ({"decay": 0.1}, {"balanced": True}):
        coarse, fine = (toy.largest_error(0.9, 0.3, eta, 10, **control) for eta in (0.02, 0.01))
        assert abs(math.log2(coarse / fine)) < 0.1


def test_first_order_error_of_the_balanced_case():
    # -(3/2) ηz ln(1 + 2z₀t) at z = z(t), as the expansion of 1/z says.
    b0, eta, t = 0.8, 1e-3, 50
    *_, (b, c) = toy.descend(b0, b0, eta, round(t / eta))
    z = toy.product(b0, b0, t)
    assert (b * c / z - 1) / eta == pytest.approx(-1.5 * z * math.log(1 + 2 * b0**2 * t), rel=0.01)


def test_exponents_and_crossing():
    found = toy.exponents(0.8, 0.76, 0.01)
    assert max(abs(value / toy.exponent(x) - 1) for x, value in found) < 2 * 0.01 * 0.8**2
    assert toy.crossing(found) == pytest.approx(0.888, rel=0.01)
    assert found[-1][0] > 7.9
    assert math.isnan(toy.crossing(toy.exponents(0.8, 0.8, 0.01, until=1)))
    assert toy.exponent(0) == -2
