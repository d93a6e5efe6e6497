"""The loop: what it records, where it stops, and how it reports divergence."""

import math

import pytest
import torch

from lowrank_core import kernels, provenance
from lowrank_core.factors import Factors, gaussian_start, imbalanced_start
from lowrank_core.methods import GradientDescent, Subgradient
from lowrank_core.noise import Outliers, SignFlip
from lowrank_core.problem import observe
from lowrank_core.recipe import written
from lowrank_core.sensing import Identity, gaussian, gaussian_symmetric
from lowrank_core.solver import ErrorBelow, log_spaced, solve
from lowrank_core.steps import Geometric, LossProportional, Normalised, Polyak
from lowrank_core.truth import psd, rectangular

SEEDS = [0, 1, 2]
ROUNDING = 1e-12
BATCHES = 1e-10
"""Relative difference of errors after 300 iterations: products of other batch sizes round differently."""

OPERATORS = {
    "population": lambda seeds: Identity(8),
    "sensing": lambda seeds: gaussian_symmetric(8, 60, seeds),
    "shared sensing": lambda seeds: gaussian_symmetric(8, 60, SEEDS, shared=True),
}
METHODS = {
    "gradient descent": ("l2", GradientDescent(0.05)),
    "geometric": ("l2", GradientDescent(Geometric(0.1, 0.99))),
    "loss-proportional": ("l2", GradientDescent(LossProportional(0.1))),
    "subgradient": ("l1", Subgradient(Geometric(0.1, 0.98))),
    "normalised subgradient": ("l1", Subgradient(Normalised(Geometric(0.1, 0.98)))),
}


def symmetric(operator, seeds, loss="l2", noise=None):
    truth = psd(8, [2.0, 1.0], seeds, "random")
    problem = observe(truth, OPERATORS[operator](seeds), loss, noise, seeds)
    return problem, gaussian_start(8, 3, 1.0, seeds)


def asymmetric(seeds, sensing):
    truth = rectangular(8, 7, [2.0, 1.0], seeds, "random")
    operator = gaussian(8, 7, 70, seeds) if sensing else Identity(8, 7)
    return observe(truth, operator), imbalanced_start(8, 7, 3, 0.5, 1 / 3, seeds)


@pytest.fixture
def problem_and_start():
    return symmetric("population", SEEDS)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ([3, 1], [0, 1, 3, 9]),
        ([], [0, 9]),
        ([0, 9, 9], [0, 9]),
        (range(10), list(range(10))),
        (torch.tensor([4]), [0, 4, 9]),
    ],
)
def test_records_are_sorted_and_include_the_first_and_the_last(problem_and_start, record, expected):
    run = solve(problem_and_start[0], GradientDescent(0.1), problem_and_start[1], 9, record=record)
    assert run.steps.tolist() == expected
    assert run.error.shape == run.loss.shape == run.operator_error.shape == (3, len(expected))


@pytest.mark.parametrize("steps", [1, 2, 9, 10, 1000, 12_345])
def test_log_spaced(steps):
    grid = log_spaced(steps, per_decade=20)
    assert grid[:2].tolist() == [0, 1]
    assert grid[-1] == steps
    assert (grid.diff() > 0).all()
    late = grid[grid >= 20].double().log10().diff()
    # Even to the rounding of the iteration numbers.
    assert late.numel() == 0 or late.max() < 1 / 20 + 1 / 20 / math.log(10)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize(("loss", "method"), METHODS.values(), ids=METHODS)
def test_records_are_of_the_iterate_at_their_step(operator, loss, method):
    problem, start = symmetric(operator, SEEDS, loss)
    run = solve(problem, method, start, 7, record=[1, 2, 5], reduce=False)
    state = method.init(problem, start)
    for t in range(8):
        if t in run.steps:
            column = run.steps.tolist().index(t)
            gap = state.factors.product() - problem.truth.matrix
            recorded = (run.loss, run.error, run.operator_error)
            by_hand = (
                problem.gradient(state.factors)[0],
                gap.square().sum((1, 2)),
                torch.linalg.svdvals(gap)[:, 0],
            )
            for found, expected in zip(recorded, by_hand, strict=True):
                assert found[:, column].tolist() == pytest.approx(expected.tolist(), rel=ROUNDING)
        if t < 7:
            state = method.step(problem, state)
    assert torch.equal(run.factors.left, state.factors.left)


def test_what_is_recorded_does_not_change_the_run(problem_and_start):
    problem, start = problem_and_start
    dense, sparse = (
        solve(problem, GradientDescent(0.1), start, 50, record=record) for record in (range(51), [50])
    )
    assert torch.equal(dense.factors.left, sparse.factors.left)
    assert torch.equal(dense.error[:, -1], sparse.error[:, -1])


def test_the_start_is_left_alone(problem_and_start):
    problem, start = problem_and_start
    before = start.left.clone()
    solve(problem, GradientDescent(0.1), start, 5, reduce=False)
    assert torch.equal(start.left, before)


def check_batches(make, method):
    together = solve(*_arguments(make(SEEDS), method), 300)
    backwards = solve(*_arguments(make(SEEDS[::-1]), method), 300)
    for i, seed in enumerate(SEEDS):
        alone = solve(*_arguments(make([seed]), method), 300)
        for other in (alone.error[0], backwards.error[-1 - i]):
            assert together.error[i].numpy() == pytest.approx(other.numpy(), rel=BATCHES)


def _arguments(problem_and_start, method):
    return problem_and_start[0], method, problem_and_start[1]


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize(("loss", "method"), METHODS.values(), ids=METHODS)
def test_results_do_not_depend_on_batch_size_or_order(operator, loss, method):
    check_batches(lambda seeds: symmetric(operator, seeds, loss), method)


@pytest.mark.parametrize("sensing", [False, True], ids=["population", "sensing"])
def test_asymmetric_results_do_not_depend_on_batch_size_or_order(sensing):
    check_batches(lambda seeds: asymmetric(seeds, sensing), GradientDescent(0.05))


def test_stop_below_a_threshold(problem_and_start):
    problem, start = problem_and_start
    threshold = 1e-3
    run = solve(problem, GradientDescent(0.1), start, 10_000, stop=ErrorBelow(threshold))
    first_below = (run.error <= threshold).long().argmax(dim=1)
    assert run.stop_reason == ("reached",) * 3
    assert torch.equal(run.reached_at, run.steps[first_below])
    assert run.steps[-1] == run.reached_at.max() < 10_000
    error = (run.factors.product() - problem.truth.matrix).square().sum((1, 2))
    assert error.tolist() == pytest.approx(run.error[:, -1].tolist(), rel=ROUNDING)


def test_a_threshold_out_of_reach_is_said_to_be(problem_and_start):
    problem, start = problem_and_start
    run = solve(problem, GradientDescent(0.1), start, 20, stop=ErrorBelow(1e-9))
    assert run.stop_reason == ("finished",) * 3
    assert run.reached_at.tolist() == [-1] * 3
    assert run.steps[-1] == 20


ETAS = torch.tensor([0.05, 0.9, 2.0], dtype=torch.float64)
"""The first converges, the others diverge, at different iterations."""


@pytest.mark.parametrize("reduce", [False, True])
@pytest.mark.parametrize("record", [[], [2], range(31), None], ids=["ends", "one", "all", "default"])
def test_divergence_is_dated_exactly_and_never_nan(problem_and_start, record, reduce):
    problem, start = problem_and_start
    large = Factors(start.left * 2)
    method = GradientDescent(ETAS)
    run = solve(problem, method, large, 30, record=record, reduce=reduce)

    state, first = method.init(problem, large), [-1, -1, -1]
    for t in range(1, 31):
        state = method.step(problem, state)
        for i, finite in enumerate(state.factors.finite().tolist()):
            first[i] = t if first[i] < 0 and not finite else first[i]
    assert first[0] == -1
    assert 0 < first[2] < first[1]
    assert run.diverged_at.tolist() == first
    assert run.stop_reason == ("finished", "diverged", "diverged")
    for history in (run.loss, run.error, run.operator_error):
        assert not history.isnan().any()
        for i in (1, 2):
            assert history[i, run.steps >= first[i]].isposinf().all()

    alone = solve(problem, GradientDescent(0.05), large, 30, record=record, reduce=reduce)
    assert run.error[0].numpy() == pytest.approx(alone.error[0].numpy(), rel=BATCHES)


def test_errors_that_overflow_while_the_factors_are_finite_are_inf():
    problem = observe(psd(4, [1.0], SEEDS), Identity(4))
    huge = Factors(torch.full((3, 4, 2), 1e100, dtype=torch.float64))
    run = solve(problem, GradientDescent(0.1), huge, 1)
    # Factors that are finite to the end are no result without a loss.
    assert run.stop_reason == ("diverged",) * 3
    assert run.diverged_at.tolist() == [0] * 3
    for history in (run.loss, run.error, run.operator_error):
        assert history.isposinf().all()


def test_divergence_before_the_stop_rule(problem_and_start):
    problem, start = problem_and_start
    large = Factors(start.left * 2)
    run = solve(problem, GradientDescent(ETAS), large, 3000, stop=ErrorBelow(1e-3))
    assert run.stop_reason == ("reached", "diverged", "diverged")
    assert run.reached_at[1:].tolist() == [-1, -1]


def test_observables_are_recorded_at_every_record(problem_and_start):
    problem, start = problem_and_start
    observables = {
        "trace": lambda p, f: f.left.square().sum((1, 2)),
        "gram": lambda p, f: f.left.mT @ f.left,
        "error": lambda p, f: (f.product() - p.truth.matrix).square().sum((1, 2)),
    }
    run = solve(problem, GradientDescent(0.1), start, 20, record=[3], observables=observables)
    gram = run.observed["gram"]
    assert gram.shape == (3, 3, 3, 3)
    assert torch.equal(run.observed["error"], run.error)
    assert run.observed["trace"].numpy() == pytest.approx(
        gram.diagonal(dim1=2, dim2=3).sum(-1).numpy(), rel=ROUNDING
    )
    initial, final = (f.left.mT @ f.left for f in (start, run.factors))
    assert (gram[:, 0] - initial).abs().max() < ROUNDING
    assert (gram[:, -1] - final).abs().max() < ROUNDING


def test_polyak_reaches_an_exact_zero_without_nan():
    problem = observe(psd(4, [1.0], SEEDS), Identity(4))
    run = solve(problem, GradientDescent(Polyak()), Factors(problem.truth.left.clone()), 5)
    assert not run.error.any()
    assert run.stop_reason == ("finished",) * 3


@pytest.mark.parametrize("reduce", [False, True])
def test_the_recipe_says_how_to_repeat_the_run(problem_and_start, reduce):
    problem, start = problem_and_start
    recipe = solve(problem, GradientDescent(0.1), start, 5, reduce=reduce).recipe
    assert recipe == {
        "problem": written(problem),
        "method": {"made_by": "lowrank_core.methods.gradient_descent.GradientDescent", "step_size": 0.1},
        "start": written(start),
        "steps": 5,
        "record": None,
        "stop": None,
        "observables": [],
        "reduced": reduce,
        "kernels": kernels.chosen(),
        "operator": "Identity(8, 8)",
        "dtype": "torch.float64",
        "device": "cpu",
        "core_hash": provenance.core_hash(),
        "versions": provenance.versions(),
    }


@pytest.mark.parametrize("noise", [Outliers(0.1, 5.0, "cauchy"), SignFlip(0.1)], ids=repr)
def test_the_recipe_names_the_noise(noise):
    problem, start = symmetric("sensing", SEEDS, "l1", noise)
    recipe = solve(problem, Subgradient(Normalised(Geometric(0.1, 0.9))), start, 5).recipe
    assert recipe["problem"]["noise"] == written(noise)
    assert recipe["problem"]["noise"]["p"] == 0.1
    rule = recipe["method"]["step_size"]["rule"]
    assert (rule["eta"], rule["ratio"]) == (0.1, 0.9)


@pytest.mark.cuda
@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize(("loss", "method"), METHODS.values(), ids=METHODS)
def test_cuda_agrees_with_the_cpu_on_the_same_draws(operator, loss, method):
    runs = []
    for device in ("cpu", "cuda"):
        truth = psd(8, [2.0, 1.0], SEEDS, "random", device)
        make = {
            "population": lambda d: Identity(8, device=d),
            "sensing": lambda d: gaussian_symmetric(8, 60, SEEDS, device=d),
            "shared sensing": lambda d: gaussian_symmetric(8, 60, SEEDS, shared=True, device=d),
        }[operator]
        start = gaussian_start(8, 3, 1.0, SEEDS, device)
        runs.append(solve(observe(truth, make(device), loss), method, start, 50))
    assert runs[1].factors.left.device.type == "cuda"
    assert runs[0].error.numpy() == pytest.approx(runs[1].error.numpy(), rel=BATCHES)


@pytest.mark.cuda
def test_divergence_is_dated_on_cuda():
    truth = psd(8, [2.0, 1.0], SEEDS, device="cuda")
    start = gaussian_start(8, 3, 2.0, SEEDS, "cuda")
    run = solve(observe(truth, Identity(8, device="cuda")), GradientDescent(ETAS.cuda()), start, 30)
    assert run.stop_reason == ("finished", "diverged", "diverged")
    assert not run.error.isnan().any()
