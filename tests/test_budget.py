"""The budget of normalised geometric steps against a scalar model and against the slope itself."""

import math

import pytest
import torch

from lowrank_core.budget import finite_step, recommend, slope_norm_factor, smallest_budget
from lowrank_core.errors import ArgumentError
from lowrank_core.noise import Gaussian, Outliers
from lowrank_core.sensing import gaussian_symmetric
from lowrank_core.steps import Geometric, Normalised

CASES = (
    ((1.0, 1.0, 1.0), 1e-8),
    ((10.0, 5.0, 1.0), 1e-10),
    ((4.0, 2.0, 1.0), 1e-6),
    ((10.0, 9.0, 8.0), 1e-8),
)


def learns(spectrum: tuple[float, ...], alpha: float, eta: float, budget: float) -> bool:
    """Whether the expected loss is minimised from a diagonal start, for which it is a recursion in r numbers."""
    sigma = torch.tensor(spectrum, dtype=torch.float64)
    x, step, ratio = torch.full_like(sigma, alpha), eta, 1 - eta / budget
    while step > 1e-4 * eta:
        gap = sigma - x.square()
        norm = gap.abs().max()
        if norm == 0:
            return True
        x = x * (1 + step * gap / norm)
        step *= ratio
    return bool((sigma - x.square()).abs().max() < 0.5 * sigma[-1])


@pytest.mark.parametrize(("spectrum", "alpha"), CASES)
def test_smallest_budget_separates_learning_from_not_learning(spectrum, alpha):
    smallest = smallest_budget(spectrum, alpha)
    assert not learns(spectrum, alpha, 0.1, 0.95 * smallest)
    assert learns(spectrum, alpha, 0.1, 1.1 * smallest)


def test_smallest_budget_tends_to_the_formula_in_successive_ratios():
    spectrum, alpha = (10.0, 5.0, 1.0), 1e-140
    formula = math.log(math.sqrt(10.0) / alpha) * (1 + (1 - 0.5) + (1 - 0.2))
    assert smallest_budget(spectrum, alpha) == pytest.approx(formula, rel=0.01)
    assert smallest_budget((2.0,), 1e-8) == pytest.approx(math.log(math.sqrt(2.0) / 1e-8))


def test_finite_steps_need_the_budget_of_the_exact_product():
    eta, budget = 0.6, 40.0
    ratio = 1 - eta / budget
    growth = sum(math.log1p(eta * ratio**t) for t in range(5000))
    assert budget / finite_step(eta) == pytest.approx(growth, rel=0.01)
    assert finite_step(1e-6) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("spectrum", "m", "noise"),
    [
        ((1.0, 1.0, 1.0), 500, Outliers(0.2)),
        ((1.0, 1.0, 1.0), 4000, Outliers(0.2)),
        ((10.0, 5.0, 1.0), 500, None),
        ((1.0, 1.0), 1000, Gaussian(1.0)),
    ],
)
def test_slope_norm_factor_is_that_of_random_slopes(spectrum, m, noise):
    n, seeds = 20, range(500, 512)
    operator = gaussian_symmetric(n, m, seeds)
    truth = torch.diag(torch.tensor([*spectrum, *[0.0] * (n - len(spectrum))], dtype=torch.float64))
    y = operator.forward(truth.expand(len(seeds), n, n))
    y = y if noise is None else y + noise.sample(seeds, m)
    slope = operator.adjoint(torch.sign(y)) / m
    signal = (slope * truth).sum(dim=(-2, -1)) / truth.norm()  # φ, up to fluctuations
    ratio = torch.linalg.matrix_norm(slope, ord=2) / (signal * spectrum[0] / truth.norm())
    assert slope_norm_factor(spectrum, n, m, noise) == pytest.approx(float(ratio.mean()), rel=0.08)


def test_recommendation_is_usable_as_it_is():
    step = recommend((1.0, 1.0, 1.0), 1e-8, 20, 500, Outliers(0.2))
    Normalised(Geometric(step.eta, step.ratio))
    assert step.ratio**step.steps <= 1e-16 < step.ratio ** (step.steps - 2)
    factor = slope_norm_factor((1.0, 1.0, 1.0), 20, 500, Outliers(0.2))
    smallest = smallest_budget((1.0, 1.0, 1.0), 1e-8) * finite_step(0.6) * factor
    assert step.budget == pytest.approx(1.25 * smallest)


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"spectrum": ()}, "spectrum"),
        ({"spectrum": (1.0, 2.0)}, "spectrum"),
        ({"spectrum": (1.0, 0.0)}, "spectrum"),
        ({"alpha": 1.0}, "alpha"),
        ({"alpha": 0.0}, "alpha"),
        ({"eta": 1.5}, "eta"),
        ({"margin": 0.9}, "margin"),
        ({"m": 10}, "m"),
        ({"n": 0}, "n"),
    ],
)
def test_bad_arguments_are_named(change, argument):
    arguments = {"spectrum": (1.0, 1.0, 1.0), "alpha": 1e-8, "n": 20, "m": 500} | change
    with pytest.raises(ArgumentError) as caught:
        recommend(**arguments)
    assert caught.value.argument == argument


def test_too_few_measurements_are_refused_with_a_number_that_suffices():
    with pytest.raises(ArgumentError, match="at least") as caught:
        slope_norm_factor((1.0, 1.0, 1.0), 20, 20, Outliers(0.2))
    enough = int(caught.value.fix.split()[3])
    assert slope_norm_factor((1.0, 1.0, 1.0), 20, enough, Outliers(0.2)) > 1
