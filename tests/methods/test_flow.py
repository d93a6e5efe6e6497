"""The perturbed gradient flow, against closed forms and its own laws."""

import builtins
import math

import pytest
import torch

from lowrank_core.analysis.closed_forms import balanced_flow
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors, coupled_start, gaussian_start, imbalanced_start
from lowrank_core.methods.flow import (
    Blocks,
    ConstantPerturbation,
    ResidualProportional,
    TimeVarying,
    flow,
)
from lowrank_core.randomness import normal
from lowrank_core.truth import psd, rectangular

SEEDS = [0, 1]
TRUTH = rectangular(6, 5, [2.0, 1.0], SEEDS)
BALANCED = coupled_start(6, 5, 4, 1.0, SEEDS).rescaled(1e-2)
GENERIC = imbalanced_start(6, 5, 4, 1.0, 1.0, SEEDS).rescaled(1e-1)
ACROSS = normal(SEEDS, "test perturbation", 6, 5) / 10
INTEGRATION = 1e-8


def imbalance(factors):
    return factors.left.mT @ factors.left - factors.right.mT @ factors.right


def symmetric(name, n):
    square = normal(SEEDS, name, n, n) / 10
    return square + square.mT


def test_without_perturbation_it_is_the_closed_form():
    found = flow(TRUTH, BALANCED, [3.0, 9.0])
    for factors, expected in zip(
        found.factors, balanced_flow(TRUTH.matrix, BALANCED, [3.0, 9.0]), strict=True
    ):
        assert (factors.product() - expected.product()).abs().max() < INTEGRATION
    assert found.times.tolist() == [3.0, 9.0]
    assert all(count > 100 for count in found.evaluations)


def test_a_constant_perturbation_is_another_target():
    (found,) = flow(TRUTH, BALANCED, [9.0], ConstantPerturbation(ACROSS)).factors
    (expected,) = balanced_flow(TRUTH.matrix + ACROSS, BALANCED, [9.0])
    assert (found.product() - expected.product()).abs().max() < INTEGRATION


def test_the_residual_proportional_perturbation_sees_the_operator_norm():
    residual = normal([0], "test residual", 6, 5)[0]
    blocks = ResidualProportional(0.5, ACROSS)(0.0, 1, residual)
    expected = 0.5 * torch.linalg.svdvals(residual)[0] * ACROSS[1]
    assert (blocks.across - expected).abs().max() < 1e-14
    assert blocks.left is None
    assert blocks.right is None


def test_balance_is_conserved_under_every_off_diagonal_perturbation():
    (end,) = flow(TRUTH, GENERIC, [5.0], TimeVarying(lambda t: math.cos(3 * t), ACROSS)).factors
    assert (imbalance(end) - imbalance(GENERIC)).abs().max() < 1e-11


def test_diagonal_blocks_move_the_balance_as_derived():
    """d/dt(FᵀF − GᵀG) = 2(FᵀE₁₁F − GᵀE₂₂G)."""
    left, right = symmetric("test left", 6), symmetric("test right", 5)
    h = 1e-4
    perturbation = TimeVarying(lambda t: 1.0, ACROSS, left, right)
    before, here, after = flow(TRUTH, GENERIC, [1 - h, 1.0, 1 + h], perturbation).factors
    drift = 2 * (here.left.mT @ left @ here.left - here.right.mT @ right @ here.right)
    assert ((imbalance(after) - imbalance(before)) / (2 * h) - drift).abs().max() < 1e-7
    assert drift.abs().max() > 1e-3


def test_trajectories_do_not_depend_on_the_batch():
    alone = flow(
        rectangular(6, 5, [2.0, 1.0], SEEDS[1:]),
        Factors(GENERIC.left[1:], GENERIC.right[1:]),
        [4.0],
    )
    together = flow(TRUTH, GENERIC, [4.0])
    assert torch.equal(alone.factors[0].left[0], together.factors[0].left[1])


def test_errors_are_operator_norms():
    found = flow(TRUTH, GENERIC, [1.0, 2.0])
    for r, factors in enumerate(found.factors):
        gap = factors.product() - TRUTH.matrix
        assert torch.equal(found.operator_errors(TRUTH.matrix)[:, r], torch.linalg.matrix_norm(gap, ord=2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"atol": 1e-5}, r"atol = .*1e-05.*too loose.*atol <= 1e-06"),
        ({"rtol": 0.1}, r"rtol <= 0\.01"),
        ({"times": [2.0, 1.0]}, r"times = \[2\.0, 1\.0\].*sort"),
        ({"times": []}, r"times = \[\]"),
        ({"start": gaussian_start(5, 2, 0.1, SEEDS), "truth": psd(5, [1.0], SEEDS)}, "two factors"),
        ({"start": Factors(*(side.float() for side in BALANCED))}, "float64 on the CPU"),
        ({"perturbation": lambda t, b, r: Blocks(1e3 * r)}, None),
    ],
)
def test_bad_arguments(options, message):
    arguments = {"truth": TRUTH, "start": BALANCED, "times": [1.0]} | options
    if message is None:
        # A large but harmless perturbation: speed-up of the flow, not an error.
        assert flow(**arguments).operator_errors(TRUTH.matrix).max() < 1
        return
    with pytest.raises(ArgumentError, match=message):
        flow(**arguments)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_flow_that_leaves_the_finite_numbers_is_an_error():
    def explosive(time, trajectory, residual):
        return Blocks(-3 * residual.norm() * residual)

    with pytest.raises(ArgumentError, match=r"cannot be followed to time 50"):
        flow(TRUTH, GENERIC, [50.0], explosive)


def test_without_scipy_the_error_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def blocked(name, *arguments, **options):
        if name.startswith("scipy"):
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", blocked)
    with pytest.raises(ArgumentError, match=r"pip install -e '\.\[flow\]'"):
        flow(TRUTH, BALANCED, [1.0])
