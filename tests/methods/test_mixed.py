"""Mixed precision against float64: where it leaves the results as they are, and where it refuses."""

import pytest
import torch

from lowrank_core import kernels
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors, gaussian_start, imbalanced_start
from lowrank_core.methods import GradientDescent, MixedGradientDescent, mixed
from lowrank_core.noise import Gaussian
from lowrank_core.problem import observe
from lowrank_core.sensing import Dense, Identity, gaussian, gaussian_symmetric
from lowrank_core.solver import ErrorBelow, solve
from lowrank_core.steps import Geometric, Normalised, Polyak
from lowrank_core.truth import psd, rectangular

N, SEEDS = 16, [0, 1, 2, 3, 4]
ARITHMETIC = ("float32", "bfloat16")


@pytest.fixture(params=kernels.CHOICES)
def choice(request):
    with kernels.using(request.param):
        yield


def problem_of(spectrum=(1.5, 1.0), noise=None, shared=True, m=400):
    operator = gaussian_symmetric(N, m, SEEDS, shared)
    return observe(psd(N, spectrum, SEEDS, "random"), operator, "l2", noise, SEEDS if noise else None)


def errors(problem, method, k, scale, steps, record):
    return solve(problem, method, gaussian_start(N, k, scale, SEEDS), steps, record=record).error.sqrt()


def first_below(error, level):
    return (error < level).float().argmax(dim=1)


@pytest.mark.usefixtures("choice")
@pytest.mark.parametrize("shared", [True, False], ids=["shared", "batched"])
@pytest.mark.parametrize("arithmetic", ARITHMETIC)
def test_linear_convergence_takes_as_many_iterations(arithmetic, shared):
    problem, start = problem_of(shared=shared), gaussian_start(N, 2, 0.5, SEEDS)
    # Recorded rarely, so that the residual has to follow in between; the loop over T finds the iteration.
    exact = solve(problem, GradientDescent(0.15), start, 400, record=range(400)).error.sqrt()
    level = 1e-10
    wanted = first_below(exact, level)
    assert (wanted > 100).all()
    for i, t in enumerate(wanted.tolist()):
        slack = round(0.02 * t)
        run = solve(problem, MixedGradientDescent(0.15, arithmetic), start, t + slack, record=[t - slack - 1])
        assert run.error[i, -1].sqrt() < level < run.error[i, -2].sqrt()


@pytest.mark.parametrize("arithmetic", ARITHMETIC)
def test_the_floor_is_that_of_float64(arithmetic):
    error = errors(problem_of(), MixedGradientDescent(0.3, arithmetic), 2, 0.5, 400, [400])
    assert (error[:, -1] < 1e-14).all()


def test_without_new_residuals_the_floor_would_be_that_of_low_precision(monkeypatch):
    monkeypatch.setattr(mixed, "LARGEST_AGE", 10**9)
    monkeypatch.setattr(mixed, "LARGEST_ROUNDING", 1e9)
    start = gaussian_start(N, 2, 0.5, SEEDS)
    problem = problem_of()
    # One residual in float64 at the start, whose place LARGEST_AGE takes, and none after it.
    run = solve(problem, MixedGradientDescent(0.3), start, 400, record=[400])
    assert (run.error[:, -1].sqrt() > 1e-12).any()


# What the theory calls hard, with the relative change of the error that float32 and bfloat16 may make.
HARD = {
    "sublinear tail, k > r": ((1.5, 1.0), None, 5, 0.5, 0.2, 1500),
    "small start, k > r": ((1.5, 1.0), None, 5, 1e-3, 0.2, 1500),
    "noise": ((1.5, 1.0), Gaussian(0.1), 2, 0.5, 0.2, 300),
    "noise, k > r": ((1.5, 1.0), Gaussian(0.1), 5, 0.5, 0.2, 1000),
    "kappa = 100": ((1.0, 0.01), None, 2, 0.3, 0.3, 3000),
}
LIMITS = {"float32": 1e-4, "bfloat16": 0.1}


@pytest.mark.parametrize("arithmetic", ARITHMETIC)
@pytest.mark.parametrize("case", HARD)
def test_where_convergence_is_slow_or_noisy_it_agrees_or_refuses(case, arithmetic):
    spectrum, noise, k, scale, eta, steps = HARD[case]
    problem, method = problem_of(spectrum, noise), MixedGradientDescent(eta, arithmetic)
    record = [steps // 10, steps // 3, steps]
    if noise is not None and arithmetic == "bfloat16":
        with pytest.raises(ArgumentError, match=r"arithmetic = 'bfloat16'.*use \"float32\""):
            errors(problem, method, k, scale, steps, record)
        return
    exact = errors(problem, GradientDescent(eta), k, scale, steps, record)
    low = errors(problem, method, k, scale, steps, record)
    assert (exact[:, -1] > 1e-12).all()
    assert ((low - exact).abs() <= LIMITS[arithmetic] * exact).all()


def residuals_in_float64(monkeypatch, problem, method, k, steps):
    """How many times a run measures in float64."""
    count = []
    measure = Dense.measure

    def counted(self, coordinates):
        count.append(self.dtype == torch.float64)
        return measure(self, coordinates)

    monkeypatch.setattr(Dense, "measure", counted)
    start = gaussian_start(N, k, 0.5, SEEDS)
    method.advance(problem, method.init(problem, start), steps, steps)
    return sum(count)


def test_a_new_residual_every_25_iterations_is_enough_for_float32(monkeypatch):
    assert residuals_in_float64(monkeypatch, problem_of(), MixedGradientDescent(0.15), 2, 100) == 4


def test_where_roundings_would_add_up_the_residual_is_computed_more_often(monkeypatch):
    method = MixedGradientDescent(0.4, "bfloat16")
    assert residuals_in_float64(monkeypatch, problem_of(), method, 2, 100) > 6


@pytest.mark.usefixtures("choice")
@pytest.mark.parametrize("arithmetic", ARITHMETIC)
@pytest.mark.parametrize(
    "rule", [0.1, Geometric(0.2, 0.999), torch.tensor([0.05, 0.1, 0.15, 0.1, 0.1])], ids=repr
)
def test_asymmetric_factors_and_step_rules(rule, arithmetic):
    truth = rectangular(7, 5, [1.5, 1.0], SEEDS, "random")
    problem = observe(truth, gaussian(7, 5, 200, SEEDS))
    start = imbalanced_start(7, 5, 2, 0.7, 1 / 3, SEEDS)
    exact = solve(problem, GradientDescent(rule), start, 60, record=[60]).factors
    low = solve(problem, MixedGradientDescent(rule, arithmetic), start, 60, record=[60]).factors
    for a, b in zip(low, exact, strict=True):
        assert (a - b).norm() < {"float32": 1e-5, "bfloat16": 0.05}[arithmetic] * b.norm()


def test_one_step_is_the_step_of_gradient_descent():
    problem, start = problem_of(), gaussian_start(N, 2, 0.5, SEEDS)
    low, exact = MixedGradientDescent(0.1), GradientDescent(0.1)
    found = low.step(problem, low.init(problem, start)).factors
    assert torch.equal(found.left, exact.step(problem, exact.init(problem, start)).factors.left)


def test_divergence_is_dated_as_in_float64():
    problem, start = problem_of(), gaussian_start(N, 2, 0.5, SEEDS)
    eta = torch.tensor([0.1, 9.0, 0.1, 9.0, 0.1], dtype=torch.float64)
    exact, low = (
        solve(problem, make(eta), start, 60, record=[30]) for make in (GradientDescent, MixedGradientDescent)
    )
    assert (
        low.stop_reason == exact.stop_reason == ("finished", "diverged", "finished", "diverged", "finished")
    )
    assert low.diverged_at.tolist() == exact.diverged_at.tolist()


def test_runs_stop_where_they_are_told_to():
    run = solve(
        problem_of(), MixedGradientDescent(0.3), gaussian_start(N, 2, 0.5, SEEDS), 400, stop=ErrorBelow(1e-20)
    )
    assert set(run.stop_reason) == {"reached"}
    assert "MixedGradientDescent" in run.recipe["method"]["made_by"]


@pytest.mark.parametrize("rule", [Polyak(), Normalised(0.1)], ids=repr)
def test_rules_that_look_are_refused(rule):
    with pytest.raises(ArgumentError, match=r"step_size.*rounded losses"):
        MixedGradientDescent(rule)


def test_unknown_arithmetic_is_refused():
    with pytest.raises(ArgumentError, match="arithmetic = 'float16'"):
        MixedGradientDescent(0.1, "float16")


def test_other_operators_are_refused():
    problem = observe(psd(N, [1.0], SEEDS), Identity(N))
    with pytest.raises(ArgumentError, match=r"problem\.operator = Identity.*dense measurements"):
        solve(problem, MixedGradientDescent(0.1), gaussian_start(N, 2, 0.5, SEEDS), 3)
    single = gaussian_symmetric(N, 40, SEEDS, dtype="float32")
    problem = observe(psd(N, [1.0], SEEDS, dtype="float32"), single)
    with pytest.raises(ArgumentError, match="dense measurements in float64"):
        MixedGradientDescent(0.1).init(problem, Factors(torch.ones(5, N, 2)))
