"""The reduced run is the full run: same numbers, fewer rows; and where it is not, it is refused."""

import pytest

from lowrank_core import reduction
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors, balanced_start, gaussian_start, imbalanced_start, rank_limited_start
from lowrank_core.methods import GradientDescent, Subgradient
from lowrank_core.noise import Gaussian
from lowrank_core.problem import observe
from lowrank_core.sensing import Identity, gaussian_symmetric
from lowrank_core.solver import solve
from lowrank_core.steps import Geometric, LossProportional, Normalised, Polyak
from lowrank_core.truth import psd, rectangular

SEEDS = [0, 1]
SPECTRUM = [2.0, 1.0]
N, K = 16, 3
LONG = 10_000
AGREEMENT = 1e-13
"""Between norms of errors, ‖M_t − M*‖, at every record of 10 000 iterations, for truths of norm 2."""
ROUNDING = 1e-14
BASES = ["eigen", "random"]

STARTS = {
    "generic": lambda: gaussian_start(N, K, 1.0, SEEDS),
    "small": lambda: gaussian_start(N, K, 1e-6, SEEDS),
    "rank-limited": lambda: rank_limited_start(N, K, 2, 1.0, SEEDS),
    "asymmetric": lambda: imbalanced_start(N, N - 4, K, 0.5, 1 / 3, SEEDS),
}


def case(name, basis):
    start = STARTS[name]()
    if start.symmetric:
        return observe(psd(N, SPECTRUM, SEEDS, basis), Identity(N)), start
    return observe(rectangular(N, N - 4, SPECTRUM, SEEDS, basis), Identity(N, N - 4)), start


def both(problem, start, method, steps):
    return (solve(problem, method, start, steps, reduce=reduce) for reduce in (False, True))


def assert_same_errors(reduced, full):
    assert (reduced.error.sqrt() - full.error.sqrt()).abs().max() < AGREEMENT
    assert (reduced.loss.sqrt() - full.loss.sqrt()).abs().max() < AGREEMENT
    assert (reduced.operator_error - full.operator_error).abs().max() < AGREEMENT


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("name", STARTS)
def test_long_runs_agree(name, basis):
    problem, start = case(name, basis)
    full, reduced = both(problem, start, GradientDescent(0.1), LONG)
    assert (full.recipe["reduced"], reduced.recipe["reduced"]) == (False, True)
    assert_same_errors(reduced, full)


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("name", STARTS)
def test_lifted_factors_are_the_full_factors(name, basis):
    problem, start = case(name, basis)
    full, reduced = both(problem, start, GradientDescent(0.1), 500)
    for found, expected in zip(reduced.factors, full.factors, strict=True):
        assert (found is None) is (expected is None)
        if expected is not None:
            assert found.shape == expected.shape
            assert (found - expected).norm() < AGREEMENT


@pytest.mark.parametrize("rule", [Geometric(0.1, 0.999), LossProportional(0.05)])
def test_rules_that_may_be_reduced_agree(rule):
    full, reduced = both(*case("generic", "random"), GradientDescent(rule), 1000)
    assert_same_errors(reduced, full)


def test_an_asymmetric_run_on_a_symmetric_truth():
    problem = observe(psd(N, SPECTRUM, SEEDS, "random"), Identity(N))
    start = imbalanced_start(N, N, K, 0.5, 1 / 3, SEEDS)
    full, reduced = both(problem, start, GradientDescent(0.1), 1000)
    assert_same_errors(reduced, full)


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("name", STARTS)
def test_lifting_undoes_splitting(name, basis):
    problem, start = case(name, basis)
    reduced = reduction.reduce(problem, start, GradientDescent(0.1))
    for found, expected in zip(reduced.lift(reduced.start), start, strict=True):
        assert expected is None or (found - expected).norm() <= ROUNDING * expected.norm()
    assert reduced.problem.truth.shape == (len(SPECTRUM) + K,) * 2


def test_observables_see_the_reduced_problem():
    seen = []
    problem, start = case("generic", "eigen")
    solve(
        problem,
        GradientDescent(0.1),
        start,
        1,
        observables={"rows": lambda p, f: seen.append(f.left.shape[1]) or f.left[:, 0, 0]},
    )
    assert set(seen) == {len(SPECTRUM) + K}


TRUTH = psd(N, SPECTRUM, SEEDS)
DESCENT = GradientDescent(0.1)
START = gaussian_start(N, K, 1.0, SEEDS)
NOISY = observe(TRUTH, Identity(N), "l2", Gaussian(0.1), SEEDS)
REFUSED = {
    "sensing": (
        observe(TRUTH, gaussian_symmetric(N, 200, SEEDS)),
        DESCENT,
        START,
        "only the population loss",
    ),
    "l1": (observe(TRUTH, Identity(N), "l1"), Subgradient(0.1), START, "entrywise l1 loss"),
    "polyak": (
        observe(TRUTH, Identity(N)),
        GradientDescent(Polyak()),
        START,
        "Polyak steps amplify rounding",
    ),
    "normalised": (
        observe(TRUTH, Identity(N)),
        GradientDescent(Normalised(Geometric(0.1, 0.99))),
        START,
        "normalised steps amplify rounding",
    ),
    "noise": (NOISY, DESCENT, balanced_start(N, K, 1.0, SEEDS), "observations are noisy"),
    "no gain": (
        observe(TRUTH, Identity(N)),
        DESCENT,
        gaussian_start(N, N - 2, 1.0, SEEDS),
        "gains nothing for n <= r \\+ k",
    ),
}


@pytest.mark.parametrize(("problem", "method", "start", "reason"), REFUSED.values(), ids=REFUSED)
def test_refusals_say_why_and_full_runs_are_chosen(problem, method, start, reason):
    with pytest.raises(ArgumentError, match=f"reduce = True.*{reason}.*reduce=False"):
        solve(problem, method, start, 1, reduce=True)
    assert solve(problem, method, start, 1).recipe["reduced"] is False


def test_normalised_runs_that_differ_by_one_rounding_part():
    # The reason for their refusal, shown on full runs; plain geometric steps forget the rounding.
    apart = {}
    for rule in (Geometric(0.02, 0.999), Normalised(Geometric(0.02, 0.999))):
        runs = [
            solve(observe(TRUTH, Identity(N)), GradientDescent(rule), Factors(start), 1000, reduce=False)
            for start in (START.left, START.left * (1 + 1e-15))
        ]
        gap = (runs[0].error.sqrt() - runs[1].error.sqrt()).abs()
        apart[type(rule)] = float((gap / runs[0].error.sqrt()).max())
    assert apart[Geometric] < ROUNDING * 100
    assert apart[Normalised] > 0.1


@pytest.mark.parametrize("name", STARTS)
def test_reduction_is_chosen_wherever_it_holds(name):
    problem, start = case(name, "eigen")
    assert solve(problem, DESCENT, start, 1).recipe["reduced"] is True
    assert solve(problem, DESCENT, start, 1, reduce=False).recipe["reduced"] is False


def test_the_smallest_size_that_gains():
    k = N - len(SPECTRUM) - 1
    start = gaussian_start(N, k, 1.0, SEEDS)
    assert solve(observe(TRUTH, Identity(N)), DESCENT, start, 1).recipe["reduced"] is True


def test_a_start_blind_to_a_direction_stays_blind():
    problem, start = case("generic", "eigen")
    start.left[:, 0] = 0.0
    run = solve(problem, DESCENT, Factors(start.left), 100)
    assert not run.factors.left[:, 0].any()
