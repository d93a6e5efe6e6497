"""Gradient descent as the time-η map of a perturbed flow."""

import pytest
import torch

from lowrank_core.analysis.embedding import Embedding, stack
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors, gaussian_start, imbalanced_start
from lowrank_core.methods import GradientDescent
from lowrank_core.problem import observe
from lowrank_core.sensing import Identity, gaussian
from lowrank_core.solver import solve
from lowrank_core.truth import psd, rectangular

SEEDS = [0, 1, 2]
ETA = 0.05
ROUNDING = 1e-13
TRUTH = rectangular(6, 5, [2.0, 1.0], SEEDS)
START = imbalanced_start(6, 5, 4, 0.3, 1.0, SEEDS)


@pytest.fixture(params=[Identity(6, 5), gaussian(6, 5, 40, SEEDS)], ids=["population", "sensing"])
def problem(request):
    return observe(TRUTH, request.param)


def stacked(factors):
    return torch.cat([factors.left, factors.right], dim=1)


def test_the_embedding_arrives_at_the_next_iterate(problem):
    after = solve(problem, GradientDescent(ETA), START, 1, reduce=False).factors
    embedding = Embedding(problem, START, ETA)
    assert (stacked(embedding.at(1.0).factors) - stacked(after)).abs().max() < ROUNDING
    assert (stacked(embedding.at(0.0).factors) - stacked(START)).abs().max() < ROUNDING
    by_exponential = torch.linalg.matrix_exp(ETA * embedding.generator) @ stacked(START)
    assert (by_exponential - stacked(after)).abs().max() < ROUNDING


def test_between_iterates_the_perturbed_flow_holds(problem):
    """Ż = (S(M* − FGᵀ) + 𝓔)Z, by finite differences."""
    embedding, h = Embedding(problem, START, ETA), 1e-4
    before, here, after = (embedding.at(0.4 + d) for d in (-h, 0.0, h))
    velocity = (stacked(after.factors) - stacked(before.factors)) / (2 * h * ETA)
    drift = stack(TRUTH.matrix - here.factors.product()) + here.perturbation
    assert (velocity - drift @ stacked(here.factors)).abs().max() < 1e-8


def test_the_perturbation_of_population_descent_is_of_first_order_in_the_step():
    problem = observe(TRUTH, Identity(6, 5))
    sizes = [
        torch.linalg.matrix_norm(Embedding(problem, START, eta).at(0.0).perturbation, ord=2)
        for eta in (1e-3, 1e-4)
    ]
    assert (sizes[0] / sizes[1] - 10).abs().max() < 0.1


def test_bad_arguments():
    problem = observe(TRUTH, Identity(6, 5))
    with pytest.raises(ArgumentError, match=r"eta = 0\.6.*logarithm.*smaller step"):
        Embedding(problem, START, 0.6)
    with pytest.raises(ArgumentError, match=r"two factors"):
        Embedding(observe(psd(6, [1.0], SEEDS), Identity(6)), gaussian_start(6, 2, 0.1, SEEDS), ETA)
    with pytest.raises(ArgumentError, match=r"problem\.loss = 'l1'"):
        Embedding(observe(TRUTH, Identity(6, 5), "l1"), START, ETA)


def test_stack_is_symmetric_with_both_signs_alike():
    residual = TRUTH.matrix - START.product()
    s = stack(residual)
    assert torch.equal(s, s.mT)
    moved = s @ stacked(START)
    assert (moved[:, :6] - residual @ START.right).abs().max() < ROUNDING
    assert (moved[:, 6:] - residual.mT @ START.left).abs().max() < ROUNDING
    assert isinstance(Factors(moved[:, :6], moved[:, 6:]), Factors)
