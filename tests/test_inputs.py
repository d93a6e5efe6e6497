"""What a hostile caller tried: every input that once gave a wrong answer, hung or died is refused by name."""

import math

import numpy as np
import pytest
import torch

from lowrank_core import (
    ErrorBelow,
    Factors,
    Geometric,
    GradientDescent,
    Identity,
    MiniBatch,
    Polyak,
    PreconditionedGradientDescent,
    RebalancedGradientDescent,
    coupled_start,
    gaussian_start,
    gaussian_symmetric,
    geometric_spectrum,
    imbalanced_start,
    log_spaced,
    observe,
    psd,
    recommend,
    rectangular,
    solve,
    spectral_start,
)
from lowrank_core.errors import ArgumentError
from lowrank_core.methods.flow import ConstantPerturbation, TimeVarying, flow
from lowrank_core.methods.preconditioned import ResidualNorm, SlopeNorm
from lowrank_core.methods.rebalanced import AtIteration
from lowrank_core.sensing import Dense, Entries, RankOne

S = [0, 1]
T = psd(5, [2.0, 1.0], S)
A = gaussian_symmetric(5, 12, S)
P = observe(T, A)
X = gaussian_start(5, 2, 0.1, S)
G = GradientDescent(0.05)
R = rectangular(4, 3, [1.0], S)
Z = imbalanced_start(4, 3, 2, 0.1, 1.0, S)

# what is wrong -> (the argument that is named, call)
REFUSED = {
    "a number for seeds": ("seeds", lambda: gaussian_start(5, 2, 0.1, 5)),
    "a seed that is no integer": ("seeds", lambda: psd(5, [1.0], [1.9])),
    "a text for seeds": ("seeds", lambda: psd(5, [1.0], "12")),
    "a seed that is no number": ("seeds", lambda: psd(5, [1.0], [math.nan])),
    "a bool for a seed": ("seeds", lambda: psd(5, [1.0], [True])),
    "a mapping for seeds": ("seeds", lambda: psd(5, [1.0], {1: 2})),
    "a negative seed of a truth that draws nothing": ("seeds", lambda: psd(5, [1.0], [-1])),
    "half an iteration": ("steps", lambda: solve(P, G, X, 30.5)),
    "a record between iterations": ("record", lambda: solve(P, G, X, 30, record=[1.7])),
    "a mask as record": ("record", lambda: solve(P, G, X, 30, record=torch.tensor([True, False]))),
    "a list of bools as record": ("record", lambda: solve(P, G, X, 30, record=[True, False])),
    "a grid to half an iteration": ("steps", lambda: log_spaced(10.5)),
    "a threshold that is no number": ("threshold", lambda: ErrorBelow(math.nan)),
    "a threshold that no error meets": ("threshold", lambda: ErrorBelow(-1)),
    "a switch between iterations": ("iteration", lambda: AtIteration(1.5)),
    "half a measurement": ("size", lambda: MiniBatch(0.1, 2.5)),
    "an infinite minimum": ("minimum", lambda: Polyak(math.inf)),
    "infinite damping": ("factor", lambda: SlopeNorm(math.inf)),
    "an infinite power": ("power", lambda: ResidualNorm(power=math.inf)),
    "infinite noise": ("noise", lambda: ResidualNorm(noise=math.inf)),
    "a ratio above one by 2e-8": ("ratio", lambda: Geometric(1.0, 1 + 2e-08)),
    "a start that underflows": ("start", lambda: solve(P, G, Factors(X.left * 1e-200), 5)),
    "a spectrum beyond memory": ("rank", lambda: geometric_spectrum(10**12, 10)),
    "a spectral start of NaN": ("observations", lambda: spectral_start(A, P.observations * math.nan, 2, 0.1)),
    "NaN in a perturbation": (
        "across",
        lambda: flow(R, Z, [1.0], ConstantPerturbation(torch.full((2, 4, 3), math.nan).double())),
    ),
    "a coefficient that is NaN": (
        "coefficient",
        lambda: flow(R, Z, [1.0], TimeVarying(lambda t: math.nan, torch.ones(2, 4, 3).double())),
    ),
    "a flow from zero": ("start", lambda: flow(R, Factors(Z.left * 0, Z.right * 0), [1.0])),
    "a flow without end": ("times", lambda: flow(R, Z, [math.inf])),
    "a flow of no time": ("times", lambda: flow(R, Z, [0.0])),
    "a flow of another batch": ("start.left", lambda: flow(rectangular(4, 3, [1.0], [0]), Z, [1.0])),
    "a perturbation without batch": (
        "across",
        lambda: flow(R, Z, [1.0], ConstantPerturbation(torch.ones(4, 3).double())),
    ),
    "no tolerance": ("rtol", lambda: flow(R, Z, [1.0], rtol=0)),
    "half a side": ("n1", lambda: Identity(2.5)),
    "an infinite side": ("n1", lambda: Identity(math.inf)),
    "True for a side": ("n1", lambda: Identity(True)),
    "negative sides": ("shape", lambda: Dense(torch.ones(3, 16).double(), (-4, -4), False)),
    "sides that are floats": ("shape", lambda: Dense(torch.ones(3, 16).double(), (4.0, 4.0), False)),
    "half a repeat": ("repeats", lambda: Dense(torch.ones(3, 2, 16).double(), (4, 4), False, 1.5)),
    "an infinite weight": (
        "weight",
        lambda: Dense(torch.ones(3, 16).double(), (4, 4), False, weight=math.inf),
    ),
    "bool entries": ("entries", lambda: Dense(torch.ones(3, 10).bool(), (4, 4), True)),
    "complex vectors": ("first", lambda: RankOne(torch.ones(3, 4) + 0j)),
    "half a column": ("shape", lambda: Entries(torch.tensor([1]), (3, 2.5), False)),
    "no rows": ("n1", lambda: coupled_start(0, 3, 2, 0.1, S)),
    "no columns": ("n2", lambda: imbalanced_start(3, 0, 2, 0.1, 1.0, S)),
    "a number for a switch": ("switch", lambda: RebalancedGradientDescent(0.1, switch=3)),
    "a number for a damping rule": ("damping", lambda: PreconditionedGradientDescent(0.1, 0.1)),
    "no method": ("method", lambda: solve(P, None, X, 5)),
    "a class for a method": ("method", lambda: solve(P, GradientDescent, X, 5)),
    "a tensor for factors": ("start", lambda: solve(P, G, X.left, 5)),
    "half a row": ("n", lambda: recommend([1.0], 0.001, 2.5, 100)),
    "infinite measurements": ("m", lambda: recommend([1.0], 0.001, 20, math.inf)),
    "an infinite margin": ("margin", lambda: recommend([1.0], 0.001, 20, 2000, margin=math.inf)),
    "a negative norm": ("norm", lambda: X.rescaled(-1)),
}


@pytest.mark.parametrize(("argument", "call"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_by_name(argument, call):
    with pytest.raises(ArgumentError) as caught:
        call()
    assert caught.value.argument == argument


def test_numbers_are_checked_in_float64():
    assert GradientDescent(1e-46).rule.eta == 1e-46
    assert GradientDescent(1e39).rule.eta == 1e39


def test_arrays_and_sequences_are_welcome_where_tensors_are():
    entries = np.arange(48.0).reshape(3, 16)
    matrix = torch.ones(1, 4, 4, dtype=torch.float64)
    wanted = Dense(torch.from_numpy(entries), (4, 4), False).forward(matrix)
    for given in (entries, entries.tolist(), entries.astype(int)):
        assert torch.equal(Dense(given, [4, 4], False).forward(matrix), wanted)
    several = solve(P, GradientDescent([0.02, 0.05]), X, 5).error
    assert torch.equal(
        several, solve(P, GradientDescent(torch.tensor([0.02, 0.05], dtype=torch.float64)), X, 5).error
    )


def test_whole_numbers_stand_for_entries_exactly():
    entries = torch.arange(30).reshape(3, 10)
    matrix = torch.eye(4, dtype=torch.float64)[None]
    found = Dense(entries, (4, 4), True).normal_map(matrix)
    assert torch.equal(found, Dense(entries.double(), (4, 4), True).normal_map(matrix))


def test_a_run_whose_loss_overflows_has_diverged():
    problem = observe(psd(4, [1e160], [0]), Identity(4))
    run = solve(problem, PreconditionedGradientDescent(0.1), gaussian_start(4, 2, 1e80, [0]), 20)
    assert run.stop_reason == ("diverged",)


def test_integers_of_a_run_that_diverges_are_inf():
    watch = {"rank": lambda problem, factors: torch.linalg.matrix_rank(factors.left)}
    run = solve(P, GradientDescent(1e3), Factors(X.left * 100), 50, observables=watch)
    assert run.stop_reason == ("diverged", "diverged")
    assert run.observed["rank"][:, -1].isposinf().all()
