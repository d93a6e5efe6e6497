"""Compiled kernels trust sizes: what does not fit is refused before them, and in the same words without them."""

import copy
import dataclasses
import pickle
import warnings

import numpy as np
import pytest
import torch

from lowrank_core import kernels
from lowrank_core.analysis import landscape, sign_rip
from lowrank_core.errors import ArgumentError, UnseenWarning
from lowrank_core.factors import Factors, gaussian_start
from lowrank_core.problem import Problem, observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import (
    Entries,
    Gram,
    Identity,
    Transform,
    gaussian,
    gaussian_symmetric,
    rank_one,
    rank_one_symmetric,
    sampled,
    sampled_symmetric,
)
from lowrank_core.truth import psd, rectangular

SEEDS = [0, 1]
N, M, K = 5, 12, 2


def gram(operator):
    return Gram(operator, normal(SEEDS, "test y", operator.m))


with warnings.catch_warnings():
    # So few entries leave rows out, which the marks of a test would not excuse: this runs before them.
    warnings.simplefilter("ignore", UnseenWarning)
    OPERATORS = {
        "dense": gaussian(N, N, M, SEEDS),
        "dense, packed": gaussian_symmetric(N, M, SEEDS),
        "dense, shared": gaussian_symmetric(N, M, SEEDS, shared=True),
        "dense, narrow": gaussian_symmetric(N, M, SEEDS, storage="bfloat16"),
        "gram": gram(gaussian(N, N, M, SEEDS)),
        "gram, packed": gram(gaussian_symmetric(N, M, SEEDS)),
        "entries": sampled(N, N, M, SEEDS),
        "entries, packed": sampled_symmetric(N, M, SEEDS),
        "rank one": rank_one(N, N, M, SEEDS),
        "rank one, symmetric": rank_one_symmetric(N, M, SEEDS),
        "rank one, centred": rank_one_symmetric(N, M, SEEDS, centred=True),
        "identity": Identity(N),
        "transform": Transform(N, N, M, SEEDS),
    }


def given(operator, pair):
    """Arguments that fit."""
    return {
        "left": normal(SEEDS, "test left", N, K),
        "right": normal(SEEDS, "test right", N, K) if pair else None,
        "y": normal(SEEDS, "test y", operator.m),
        "loss": "l2",
        "d_left": normal(SEEDS, "test d left", N, K),
        "d_right": normal(SEEDS, "test d right", N, K) if pair else None,
        "eta": torch.full((3, len(SEEDS)), 1e-3, dtype=torch.float64),
        "gradient": normal(SEEDS, "test gradient", N * (2 if pair else 1), K),
        "direction": normal(SEEDS, "test direction", N * (2 if pair else 1), K),
        "steps": 2,
    }


CALLS = {
    "gradient": ("left", "right", "y", "loss"),
    "slope": ("left", "right", "y", "loss"),
    "descend": ("left", "right", "y", "eta"),
    "conjugate": ("left", "right", "y", "gradient", "direction", "steps"),
    "along": ("left", "right", "d_left", "d_right"),
    "forward_factors": ("left", "right"),
    "normal_map": ("matrix",),
    "forward": ("matrix",),
    "adjoint": ("z",),
}


def misfit(rng, tensor):
    """A tensor that does not fit where this one does: another batch, another length, other axes, another dtype."""
    kind = rng.integers(6)
    if kind == 0:
        return tensor[:1]
    if kind == 1:
        return torch.cat([tensor, tensor[:1]])
    if kind == 2:
        return tensor[0]
    if kind == 3:
        return tensor.float()
    if kind == 4:
        return tensor.numpy()
    axis = 1
    length = int(rng.choice([0, 1, tensor.shape[axis] - 1, tensor.shape[axis] + 1, 400]))
    index = torch.arange(length) % tensor.shape[axis]
    return tensor.index_select(axis, index)


def refusal(call):
    with pytest.raises(ArgumentError) as caught:
        call()
    return caught.value.argument, str(caught.value)


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_refuses_every_misfit_with_and_without_kernels(name):
    operator, rng = OPERATORS[name], np.random.default_rng(7)
    refused = 0
    for call, arguments in CALLS.items():
        for pair in (True, False):
            if not pair and (not operator.symmetric or call == "forward_factors"):
                continue
            fits = given(operator, pair)
            fits |= {"matrix": normal(SEEDS, "test matrix", N, N), "z": fits["y"]}
            for argument in arguments:
                if not isinstance(fits[argument], torch.Tensor):
                    continue
                for _ in range(12):
                    bad = misfit(rng, fits[argument])
                    # One step size fewer is a shorter run, and a shared ensemble serves any batch of its own.
                    alone = len(arguments) == 1 and operator.batch is None and bad.ndim == fits[argument].ndim
                    sized = bad.shape[1:] == fits[argument].shape[1:] and bad.dtype == torch.float64
                    if (
                        argument == "eta"
                        and bad.ndim == 2
                        and bad.shape[1] == 2
                        and bad.dtype == torch.float64
                    ):
                        continue
                    if alone and sized:
                        continue
                    values = [bad if each == argument else fits[each] for each in arguments]
                    with kernels.using("auto"):
                        compiled = refusal(lambda call=call, values=values: getattr(operator, call)(*values))
                    with kernels.using("torch"):
                        plain = refusal(lambda call=call, values=values: getattr(operator, call)(*values))
                    assert compiled == plain
                    assert compiled[0] in arguments
                    refused += 1
    assert refused > 100


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("choice", ["auto", "torch"])
def test_an_unknown_loss_is_refused_on_every_path(name, choice):
    operator = OPERATORS[name]
    fits = given(operator, True)
    with kernels.using(choice):
        for call in ("gradient", "slope"):
            argument, _ = refusal(
                lambda call=call: getattr(operator, call)(fits["left"], fits["right"], fits["y"], "l3")
            )
            assert argument == "loss"


TRUTH = psd(N, [2.0, 1.0], SEEDS)
PROBLEM = observe(TRUTH, gaussian_symmetric(N, M, SEEDS))
START = gaussian_start(N, K, 0.1, SEEDS)


@pytest.mark.parametrize(
    "y",
    [
        PROBLEM.observations[:, :7],
        PROBLEM.observations[:1],
        PROBLEM.observations.repeat(1, 2),
        PROBLEM.observations[0],
        PROBLEM.observations.float(),
        PROBLEM.observations * torch.nan,
        PROBLEM.observations > 0,
        "y",
        None,
    ],
    ids=["shorter", "one row", "longer", "no batch", "float32", "nan", "bool", "text", "none"],
)
def test_a_problem_checks_its_observations_however_it_is_made(y):
    assert refusal(lambda: Problem(TRUTH, PROBLEM.operator, y, "l2"))[0] == "observations"
    assert refusal(lambda: dataclasses.replace(PROBLEM, observations=y))[0] == "observations"


def test_a_problem_checks_loss_truth_and_operator():
    assert refusal(lambda: dataclasses.replace(PROBLEM, loss="l3"))[0] == "loss"
    assert refusal(lambda: dataclasses.replace(PROBLEM, truth=None))[0] == "truth"
    assert refusal(lambda: dataclasses.replace(PROBLEM, operator=Identity(N + 1)))[0] == "operator"


def test_observations_may_be_numpy_and_become_contiguous():
    turned = np.asfortranarray(PROBLEM.observations.numpy())
    problem = Problem(TRUTH, PROBLEM.operator, turned, "l2")
    assert problem.observations.is_contiguous()
    assert torch.equal(problem.gradient(START)[1], PROBLEM.gradient(START)[1])


@pytest.mark.parametrize("width", [7, 1, 13, 60])
def test_a_corruption_of_another_width_is_refused(width):
    class Cut:
        def corrupt(self, clean, operator, seeds):
            return clean[:, torch.arange(width) % clean.shape[1]]

    assert refusal(lambda: observe(TRUTH, PROBLEM.operator, "l2", Cut(), SEEDS))[0] == "noise"


def test_noise_shared_by_all_seeds_is_refused():
    class Same:
        def sample(self, seeds, m, stream="noise"):
            return torch.ones(m, dtype=torch.float64)

    assert refusal(lambda: observe(TRUTH, PROBLEM.operator, "l2", Same(), SEEDS))[0] == "noise"


@pytest.mark.parametrize("shape", [(1, N, K), (3, N, K), (2, 3, K), (2, 400, K), (2, N, 0)])
def test_a_problem_and_the_landscape_name_the_factors(shape):
    factors = Factors(torch.ones(shape, dtype=torch.float64))
    for call in (PROBLEM.gradient, PROBLEM.slope, lambda at: landscape.gradient(PROBLEM, at)):
        assert refusal(lambda call=call: call(factors))[0] == "factors.left"


def test_a_tensor_is_no_pair_of_factors():
    assert refusal(lambda: PROBLEM.gradient(START.left))[0] == "factors"


def test_errors_of_another_length_reach_no_sub_gradient():
    matrix = normal(SEEDS, "test matrix", N, N)
    assert (
        refusal(lambda: sign_rip.subgradient(PROBLEM.operator, matrix, torch.ones(2, 5).double()))[0]
        == "errors"
    )
    assert refusal(lambda: sign_rip.subgradient(PROBLEM.operator, matrix[:1]))[0] == "matrix"


def test_observations_that_carry_gradients_are_differentiated():
    y = PROBLEM.observations.clone().requires_grad_()
    value, *_ = PROBLEM.operator.gradient(START.left, None, y, "l2")
    (slope,) = torch.autograd.grad(value.sum(), y)
    assert slope.shape == y.shape


def test_a_rectangular_problem_takes_no_single_factor():
    problem = observe(rectangular(N, 4, [1.0], SEEDS), gaussian(N, 4, M, SEEDS))
    assert refusal(lambda: problem.gradient(START))[0] == "factors.right"


KEPT = {"dense": "entries", "dense, packed": "entries", "dense, shared": "entries", "rank one": "second"}
KEPT |= {"rank one, symmetric": "first", "entries": "rows", "entries, packed": "columns"}


@pytest.mark.parametrize("kind", ["auto", "torch"])
@pytest.mark.parametrize("name", KEPT)
def test_an_operator_of_which_a_part_was_cut_off_measures_nothing(name, kind):
    operator = copy.deepcopy(OPERATORS[name])
    point = given(operator, "symmetric" not in name and "packed" not in name)
    part = getattr(operator, KEPT[name])
    setattr(operator, KEPT[name], part[..., : part.shape[-1] - 1].contiguous())
    with kernels.using(kind), pytest.raises(ArgumentError) as caught:
        operator.gradient(*list(point.values())[:4])
    assert caught.value.argument == f"operator.{KEPT[name]}"


def test_entries_do_not_change_with_what_they_were_made_from():
    places = torch.arange(0, N * N, 2)
    operator = Entries(places, (N, N), False)
    places.zero_()
    assert torch.equal(operator.places[0], torch.arange(0, N * N, 2))


@pytest.mark.parametrize("name", ["dense, packed", "entries, packed", "rank one, symmetric", "identity"])
def test_sparse_tensors_are_refused_and_negated_views_are_numbers(name):
    operator = OPERATORS[name]
    left, _, y = list(given(operator, False).values())[:3]
    problem = Problem(psd(N, [1.0], SEEDS), operator, y, "l2")
    for bad in (
        lambda: problem.gradient(Factors(left.to_sparse())),
        lambda: problem.check_start(Factors(left.to_sparse())),
        lambda: dataclasses.replace(problem, observations=y.to_sparse()),
        lambda: operator.slope(left, None, y.to_sparse(), "l2"),
    ):
        with pytest.raises(ArgumentError, match="sparse"):
            bad()
    minus = problem.gradient(Factors(torch._neg_view(left)))
    assert torch.allclose(minus[1], -problem.gradient(Factors(left))[1], rtol=1e-12)
    other = dataclasses.replace(problem, observations=torch._neg_view(y))
    negated = dataclasses.replace(problem, observations=-y)
    assert torch.equal(other.gradient(Factors(left))[0], negated.gradient(Factors(left))[0])


def test_observations_that_were_changed_in_place_are_looked_at_again_by_a_run():
    operator = OPERATORS["dense, packed"]
    start = gaussian_start(N, K, 0.1, SEEDS)
    for change in (lambda y: y.fill_(float("nan")), lambda y: y.resize_(2, M - 1)):
        problem = observe(psd(N, [1.0], SEEDS), operator)
        change(problem.observations)
        with pytest.raises(ArgumentError) as caught:
            problem.check_start(start)
        assert caught.value.argument == "problem.observations"


@pytest.mark.parametrize("kind", ["auto", "torch"])
@pytest.mark.parametrize(("name", "changed"), [("dense", "m"), ("rank one", "batch"), ("entries", "shape")])
def test_an_operator_whose_sizes_were_set_anew_measures_nothing(name, changed, kind):
    operator = copy.deepcopy(OPERATORS[name])
    point = given(operator, True)
    setattr(operator, changed, None if changed == "batch" else 500 if changed == "m" else (N, N + 9))
    with kernels.using(kind), pytest.raises(ArgumentError) as caught:
        operator.gradient(*list(point.values())[:4])
    assert caught.value.argument == f"operator.{changed}"


@pytest.mark.parametrize("kind", ["auto", "torch"])
def test_places_that_were_written_to_are_not_followed(kind):
    operator = pickle.loads(pickle.dumps(OPERATORS["entries"]))
    point = list(given(operator, True).values())[:4]
    with kernels.using(kind):
        operator.gradient(*point)
        operator.rows.fill_(10**9)
        with pytest.raises(ArgumentError) as caught:
            operator.gradient(*point)
    assert caught.value.argument == "operator.rows"
