"""A run is repeated, to the bit, from what JSON keeps of its recipe; what nobody drew here says so."""

import copy
import dataclasses
import json
import pickle

import numpy as np
import pytest
import torch

from lowrank_core import (
    BalancedGradientDescent,
    ConjugateGradient,
    ErrorBelow,
    Factors,
    GradientDescent,
    Identity,
    MiniBatch,
    MixedGradientDescent,
    Outliers,
    PreconditionedGradientDescent,
    Problem,
    RebalancedGradientDescent,
    ScaledGradientDescent,
    Subgradient,
    adjoint_start,
    coupled_start,
    gaussian,
    gaussian_start,
    gaussian_symmetric,
    imbalanced_start,
    kernels,
    observe,
    psd,
    rectangular,
    repeat,
    sampled,
    sampled_symmetric,
    solve,
    spectral_start,
)
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import balanced_start, rank_limited_start, rotated_start
from lowrank_core.methods import AtIteration, ResidualBelow, ResidualNorm
from lowrank_core.noise import Gaussian, Mixed, Planted, SignFlip
from lowrank_core.recipe import made, written
from lowrank_core.sensing import Dense, Transform, rank_one, rank_one_symmetric
from lowrank_core.sensing.certified_isometry import random_certified
from lowrank_core.steps import Geometric, Normalised, Polyak
from lowrank_core.truth import Truth

TRUTH, SENSING, NOISE, START = [0, 10], [7, 17], [5, 15], [3, 13]
"""Seeds of their own for everything, so that a recipe which mixes them up draws something else."""
N1, N2, K = 7, 5, 3
PSD = psd(N1, [2.0, 1.0], TRUTH, "random")
WIDE = rectangular(N1, N2, torch.tensor([[2.0, 1.0], [3.0, 0.5]], dtype=torch.float64), TRUTH, "random")
X = gaussian_start(N1, K, 1e-2, START)
F_G = imbalanced_start(N1, N2, K, 1e-2, 1 / 3, START)
DESCENT = GradientDescent(0.05)
NORMALISED = Subgradient(Normalised(Geometric(torch.tensor([0.1, 0.2], dtype=torch.float64), 0.9)))
DENSE = gaussian_symmetric(N1, 60, SENSING)
RUNS = {
    "population, reduced": (observe(psd(N1, [2.0, 1.0], TRUTH), Identity(N1)), DESCENT, X),
    "population": (observe(WIDE, Identity(N1, N2)), DESCENT, F_G),
    "gaussian": (observe(PSD, DENSE), DESCENT, X),
    "gaussian, through A*A": (observe(PSD, gaussian_symmetric(N1, 200, SENSING)), DESCENT, X),
    "gaussian, rectangular, noise": (
        observe(WIDE, gaussian(N1, N2, 60, SENSING, storage="float32"), "l2", Gaussian(0.1), NOISE),
        DESCENT,
        F_G,
    ),
    "gaussian, outliers": (observe(PSD, DENSE, "l1", Outliers(0.1, 5.0, "cauchy"), NOISE), NORMALISED, X),
    "shared, mixture": (
        observe(
            PSD,
            gaussian_symmetric(N1, 60, SENSING, shared=True),
            "l1",
            Mixed((Gaussian(0.1), Outliers(0.2))),
            NOISE,
        ),
        Subgradient(Polyak(0.01)),
        X,
    ),
    "signs flip": (observe(PSD, DENSE, "l1", SignFlip(0.1), NOISE), NORMALISED, X.rescaled(0.3)),
    "planted": (
        observe(PSD, DENSE, "l1", Planted(0.1, psd(N1, [1.0], START).matrix), NOISE),
        NORMALISED,
        spectral_start(DENSE, observe(PSD, DENSE).observations, K, 0.1),
    ),
    "rank one": (observe(WIDE, rank_one(N1, N2, 80, SENSING)), DESCENT, coupled_start(N1, N2, K, 0.1, START)),
    "rank one, centred": (observe(PSD, rank_one_symmetric(N1, 80, SENSING, centred=True)), DESCENT, X),
    "entries": (observe(PSD, sampled_symmetric(N1, 25, SENSING)), DESCENT, X),
    "entries, rectangular": (
        observe(WIDE, sampled(N1, N2, 30, SENSING)),
        RebalancedGradientDescent(0.05, AtIteration(10), torch.tensor([0.5, 1.0], dtype=torch.float64)),
        F_G,
    ),
    "transform": (observe(WIDE, Transform(N1, N2, 30, SENSING)), BalancedGradientDescent(0.05), F_G),
    "certified": (
        observe(PSD, random_certified(N1, 0.1, 3, SENSING)),
        DESCENT,
        rank_limited_start(N1, K, 2, 0.1, START),
    ),
    "float32": (
        observe(psd(N1, [2.0], TRUTH, dtype="float32"), gaussian_symmetric(N1, 60, SENSING, dtype="float32")),
        DESCENT,
        gaussian_start(N1, K, 0.1, START, dtype="float32"),
    ),
    "mini-batches": (observe(WIDE, Identity(N1, N2)), MiniBatch(0.05, 20), F_G),
    "mixed precision": (observe(PSD, DENSE), MixedGradientDescent(0.05), X),
    "conjugate gradients": (observe(PSD, DENSE), ConjugateGradient(), X),
    "scaled": (
        observe(PSD, gaussian(N1, N1, 90, SENSING)),
        ScaledGradientDescent(0.5, torch.tensor([0.1, 0.2], dtype=torch.float64)),
        rotated_start(N1, K, 0.1, START),
    ),
    "preconditioned": (observe(PSD, DENSE), PreconditionedGradientDescent(0.1, ResidualNorm(2.0, 0.5)), X),
    "balanced start": (
        observe(PSD, gaussian(N1, N1, 90, SENSING)),
        DESCENT,
        balanced_start(N1, K, 0.1, START),
    ),
    "rebalanced": (
        observe(WIDE, gaussian(N1, N2, 60, SENSING)),
        RebalancedGradientDescent(0.05, ResidualBelow(0.5, every=5), rank=2),
        adjoint_start(
            gaussian(N1, N2, 60, SENSING), observe(WIDE, gaussian(N1, N2, 60, SENSING)).observations, 3
        ),
    ),
    "made by hand": (
        Problem(
            Truth(PSD.left.clone(), PSD.left.clone(), PSD.spectrum, "random", (4, 2), True),
            DENSE,
            observe(PSD, DENSE).observations + 0.1,
            "l2",
        ),
        DESCENT,
        Factors(X.left * 2),
    ),
}


def through_json(recipe):
    return json.loads(json.dumps(recipe, allow_nan=False))


def assert_equal(again, run):
    assert torch.equal(again.start.left, run.start.left)
    for name in ("steps", "loss", "error", "operator_error", "diverged_at", "reached_at"):
        assert torch.equal(getattr(again, name), getattr(run, name)), name
    for new, old in zip(again.factors, run.factors, strict=True):
        assert new is old is None or torch.equal(new, old)
    assert again.memory.keys() == run.memory.keys()
    assert all(torch.equal(again.memory[name], run.memory[name]) for name in run.memory)
    assert again.stop_reason == run.stop_reason


@pytest.mark.parametrize("name", RUNS)
def test_a_run_is_repeated_from_its_recipe_alone(name):
    run = solve(*RUNS[name], 40)
    recipe = through_json(run.recipe)
    assert "given" not in json.dumps(recipe)
    again = repeat(recipe)
    assert_equal(again, run)
    assert again.recipe == run.recipe


def test_seeds_and_scales_stand_in_the_recipe():
    recipe = through_json(solve(*RUNS["gaussian, outliers"], 5).recipe)
    problem, start = recipe["problem"], recipe["start"]
    assert (problem["truth"]["seeds"], problem["operator"]["seeds"]) == (TRUTH, SENSING)
    assert (problem["seeds"], start["seeds"]) == (NOISE, START)
    assert (problem["truth"]["spectrum"], start["scale"]) == ([2.0, 1.0], 1e-2)
    assert problem["noise"]["p"] == 0.1
    imbalanced = through_json(solve(*RUNS["population"], 5).recipe)["start"]
    assert (imbalanced["made_by"], imbalanced["ratio"]) == (
        "lowrank_core.factors.imbalanced_start",
        1 / 3,
    )


@pytest.mark.parametrize("which", ["truth", "operator", "noise", "start"])
def test_another_seed_of_anything_is_another_run(which):
    run = solve(*RUNS["gaussian, outliers"], 20)
    recipe = through_json(run.recipe)
    place = recipe["start"] if which == "start" else recipe["problem"]
    place = place if which in ("noise", "start") else place[which]
    place["seeds"] = [seed + 1 for seed in place["seeds"]]
    again = repeat(recipe)
    assert (again.loss[:, -1] != run.loss[:, -1]).all()


def test_how_it_was_run_is_repeated_too():
    problem, method, start = RUNS["population, reduced"]
    with kernels.using("torch"):
        run = solve(
            problem,
            method,
            start,
            500,
            record=range(0, 500, 7),
            stop=ErrorBelow(1e-3),
            observables={"norm": lambda _, factors: factors.left.norm(dim=(1, 2))},
            reduce=False,
        )
    recipe = through_json(run.recipe)
    assert (recipe["kernels"], recipe["reduced"], recipe["observables"]) == ("torch", False, ["norm"])
    assert set(run.stop_reason) == {"reached"}
    assert_equal(repeat(recipe), run)


def test_a_spectral_start_from_many_observations_is_made_from_those_of_the_problem():
    operator = gaussian_symmetric(N1, 900, SENSING)
    problem = observe(PSD, operator, "l1", Outliers(0.1), NOISE)
    start = spectral_start(operator, problem.observations, K, 0.1)
    run = solve(problem, NORMALISED, start, 20)
    assert run.recipe["start"]["observations"] == {"known": "observations"}
    assert_equal(repeat(through_json(run.recipe)), run)
    other = spectral_start(operator, problem.observations * 2, K, 0.1)
    recipe = solve(problem, NORMALISED, other, 20).recipe
    assert recipe["start"]["observations"] == {"given": "tensor of shape (2, 900)"}


class Own(Identity):
    """An operator that no recipe of the package makes."""

    def __init__(self):
        super().__init__(N1)


LARGE = gaussian_start(40, 20, 0.1, START).left * 2
GIVEN = {
    "own operator": (observe(PSD, Own()), X),
    "own entries": (
        observe(PSD, Dense(DENSE.entries, (N1, N1), True)),
        X,
    ),
    "own start": (observe(psd(40, [1.0], TRUTH), Identity(40)), Factors(LARGE)),
}


@pytest.mark.parametrize("name", GIVEN)
def test_what_was_given_says_so_and_is_not_made_up(name):
    problem, start = GIVEN[name]
    run = solve(problem, DESCENT, start, 5)
    assert '"given": "' in json.dumps(run.recipe)
    assert run.recipe["problem"]["truth"]["seeds"] == TRUTH
    with pytest.raises(ArgumentError, match="given to the run") as caught:
        repeat(run.recipe)
    assert caught.value.argument == "recipe"


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (lambda: gaussian_start(40, 20, 0.1, START), lambda it: it.left.mul_(2)),
        (lambda: gaussian_symmetric(40, 9, START), lambda it: it.entries.mul_(2)),
        (lambda: gaussian_symmetric(40, 9, START), lambda it: setattr(it, "entries", 2 * it.entries)),
        (lambda: gaussian_symmetric(40, 9, START), lambda it: setattr(it, "weight", 2.0)),
    ],
    ids=["start", "entries", "other entries", "weight"],
)
def test_what_was_changed_in_place_is_no_longer_what_its_recipe_says(make, change):
    thing = make()
    assert written(thing)["seeds"] == START
    change(thing)
    assert "given" in json.dumps(written(thing))


@pytest.mark.parametrize(
    "change",
    [
        lambda problem: problem.observations.mul_(2),
        lambda problem: problem.operator.entries.mul_(2),
        lambda problem: setattr(problem.operator, "weight", 2.0),
        lambda problem: problem.truth.left.mul_(-1),
    ],
    ids=["observations", "entries", "weight", "truth"],
)
@pytest.mark.parametrize("copied", [lambda it: it, copy.deepcopy], ids=["itself", "a copy"])
def test_a_problem_of_which_a_part_was_changed_is_not_what_its_recipe_says(change, copied):
    problem = copied(
        observe(psd(60, [2.0, 1.0], range(10), "random"), gaussian_symmetric(60, 110, range(10)))
    )
    assert "given" not in json.dumps(written(problem))
    change(problem)
    assert "given" in json.dumps(written(problem))
    assert "given" in json.dumps(written(copy.deepcopy(problem)))


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))],
    ids=["shallow", "deep", "pickled"],
)
def test_a_copy_has_the_recipe_of_its_original(copied):
    problem, method, start = RUNS["gaussian, outliers"]
    run = solve(copied(problem), method, copied(start), 20)
    assert "given" not in json.dumps(run.recipe)
    assert_equal(repeat(run.recipe), run)


def test_a_problem_with_other_observations_does_not_claim_those_it_was_made_with():
    problem = observe(PSD, DENSE)
    other = dataclasses.replace(problem, observations=problem.observations * 2)
    assert torch.equal(made(through_json(written(other))).observations, other.observations)


def test_numbers_of_numpy_and_torch_are_written_as_numbers():
    start = gaussian_start(np.int64(N1), torch.tensor(K), np.float64(0.1), np.array([3, 13]))
    assert torch.equal(made(through_json(written(start))).left, start.left)


@pytest.mark.parametrize(
    "bad",
    [
        None,
        {},
        {"made_by": "os.system", "command": "true"},
        {"made_by": "lowrank_core.files.Path"},
        {"made_by": "lowrank_core.solver.solve"},
        {"made_by": "lowrank_core.nowhere.psd"},
        {"made_by": "psd"},
        {"made_by": 3},
    ],
    ids=str,
)
def test_what_names_no_maker_is_refused(bad):
    with pytest.raises(ArgumentError) as caught:
        repeat(solve(*RUNS["gaussian"], 2).recipe | {"start": bad} if isinstance(bad, dict) else bad)
    assert caught.value.argument == "recipe"
