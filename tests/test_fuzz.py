"""Bad calls by the thousand: each public function, each of its arguments, each thing that may be wrong with it.

A row of the table is one public call that works. In turn, every argument of it is replaced by every poison of its
kind, the others staying as they are. The call has to end in an `ArgumentError` that names the argument as the
caller wrote it. A poison that is legal for an argument is left out by what the row says of it: `may`, or a bound.
"""

import math
import re
import signal
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

import lowrank_core as lc
from lowrank_core import budget, claims, device, linalg, methods, noise, randomness, sensing, steps
from lowrank_core.analysis import sign_rip
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import balanced_start, pad_columns, rank_limited_start, rotated_start
from lowrank_core.methods.flow import ConstantPerturbation, ResidualProportional, TimeVarying, flow
from lowrank_core.methods.rebalanced import rebalance, visible_rank
from lowrank_core.randomness import normal

pytestmark = pytest.mark.filterwarnings("ignore::lowrank_core.errors.UnseenWarning")
SECONDS = 20
"""A call that takes longer hangs: those that work take milliseconds."""
SEEDS = [0, 1]
N, N2, M, K = 5, 4, 12, 2


class Argument(NamedTuple):
    """A value that works, and what does not work in its place, label -> value."""

    good: Any
    bad: dict[str, Any]

    def may(self, *labels):
        """The same argument, for which the poisons with these labels are legal."""
        assert set(labels) <= set(self.bad), labels
        return Argument(self.good, {label: bad for label, bad in self.bad.items() if label not in labels})

    def nor(self, **more):
        """The same argument with further poisons, for its place in this call."""
        return Argument(self.good, {**self.bad, **more})


def fixed(good):
    """An argument that other rows poison, or that depends on the one poisoned."""
    return Argument(good, {})


ANY = {"a text": "x", "a mapping": {0: 1}, "an object": object(), "a class": int, "a set": {1}}
NO_NUMBER = {
    **ANY,
    "none": None,
    "a bool": True,
    "numpy's bool": np.True_,
    "nan": math.nan,
    "infinity": math.inf,
    "bytes": b"3",
    "complex": 3 + 0j,
    "digits": "3",
    "a bool tensor": torch.tensor(True),
    "a complex tensor": torch.tensor(3 + 0j),
    "a list of lists": [[3]],
    "an empty list": [],
}


def count(good, least=1):
    several = {"a list": [3], "an array": np.array([3]), "a tensor of one": torch.tensor([3])}
    floats = {"a half": 2.5, "a whole float": float(good or 3), "a float tensor": torch.tensor(3.0)}
    return Argument(good, NO_NUMBER | several | floats | {"too few": least - 1, "beyond memory": 10**12})


def number(good, least=None, above=None, most=None, below=None):
    bad = NO_NUMBER | {
        "minus infinity": -math.inf,
        "beyond floats": 10**400,
        "a list": [0.1, 0.1, 0.1],
        "an array": np.array([0.1, 0.1, 0.1]),
        "a tensor": torch.tensor([0.1, 0.1, 0.1]),
        "a tensor of nan": torch.tensor(math.nan),
    }
    if least is not None:
        bad["below"] = least - 1e-3
    if above is not None:
        bad |= {"at the end": above, "below": above - 0.1}
    if most is not None:
        bad["beyond"] = most + 1e-3
    if below is not None:
        bad["at the other end"] = below
    return Argument(good, bad)


def each(good, least=None, above=None, **options):
    """A number, or one for each trajectory."""
    bad = number(good, least, above, **options).bad | {
        "one of them nan": [0.1, math.nan],
        "one of them a text": [0.1, "x"],
        "one of them none": [0.1, None],
        "one of them a bool": [0.1, True],
        "two axes": torch.full((2, 2), 0.1),
        "a half tensor": torch.full((2,), 0.1).half(),
    }
    return Argument(good, bad)


def seeds(good=SEEDS, same_batch=False):
    bad = ANY | {
        "none": None,
        "a number": 5,
        "a float": 1.5,
        "digits": "12",
        "bytes": b"12",
        "no seeds": [],
        "not whole": [0, 1.9],
        "whole floats": [0.0, 1.0],
        "a bool": [0, True],
        "negative": [0, -1],
        "nan": [0, math.nan],
        "one of them none": [0, None],
        "one of them digits": [0, "1"],
        "nested": [[0], [1]],
        "an array of floats": np.array([0.0, 1.0]),
        "an array of bools": np.array([True, False]),
        "two axes": np.array([[0, 1]]),
        "a tensor of floats": torch.tensor([0.0, 1.0]),
    }
    return Argument(good, bad | ({"one too many": [0, 1, 2], "one too few": [0]} if same_batch else {}))


def numbers(good):
    """A sequence of positive numbers."""
    bad = ANY | {
        "none": None,
        "one number": 3.0,
        "none at all": [],
        "nan": [math.nan],
        "infinity": [math.inf],
        "minus infinity": [-math.inf],
        "negative": [-1.0],
        "a list of texts": ["x"],
        "digits": ["3"],
        "one of them none": [None],
        "bools": [True],
        "one of them a bool": [2.0, True],
        "complex": [1 + 1j],
        "half precision": torch.ones(1).half(),
        "three axes": [[[1.0]]],
        "ragged": [[1.0], [1.0, 2.0]],
    }
    return Argument(good, bad)


def tensor(good, axes=(), finite=True, strict=False):
    """A tensor; `axes` are those whose length the call knows, `strict` says that nothing is converted."""
    bad = ANY | {
        "none": None,
        "a number": 3.0,
        "no axes": torch.tensor(3.0, dtype=torch.float64),
        "a list of texts": ["a", "b"],
        "ragged": [[1.0], [1.0, 2.0]],
        "bool": torch.ones_like(good, dtype=torch.bool),
        "complex": good + 0j,
        "half": good.half(),
        "an axis too many": good[None],
        "an axis too few": good[0],
        "objects": np.array([None, object()]),
    }
    for axis in axes:
        size = good.shape[axis]
        places = torch.arange(size + 1) % size
        bad[f"axis {axis} too long"] = good.index_select(axis, places)
        bad[f"axis {axis} empty"] = good.narrow(axis, 0, 0)
        if size > 1:
            bad[f"axis {axis} too short"] = good.narrow(axis, 0, size - 1)
    if finite:
        bad["nan"] = torch.full_like(good, math.nan)
        bad["infinity"] = torch.full_like(good, -math.inf)
    if strict:
        bad |= {
            "a list": good.tolist(),
            "numpy": good.numpy(),
            "float32": good.float(),
            "integers": good.long(),
        }
    return Argument(good, bad)


def places(good):
    return Argument(
        good,
        ANY
        | {
            "none": None,
            "a number": 3,
            "none at all": [],
            "floats": good.double(),
            "a mask": torch.tensor([True, False, True]),
            "a list of bools": [True, False],
            "one of them a bool": [2, True],
            "negative": [-1, 2],
            "beyond": [0, 10**6],
            "a list of texts": ["x"],
            "digits": ["3"],
            "one of them none": [None, 3],
            "three axes": [[[1]]],
            "not whole": [0.5, 1.0],
        },
    )


def shape(good):
    bad = ANY | {
        "none": None,
        "a number": 4,
        "one side": (4,),
        "three sides": (4, 4, 4),
        "floats": (4.0, 4.0),
        "half a side": (4, 3.5),
        "an empty side": (0, 4),
        "negative": (-4, -4),
        "nan": (4, math.nan),
        "a bool": (4, True),
        "beyond memory": (4, 10**12),
        "digits": "44",
        "texts": ("4", "4"),
        "a half": (4, None),
    }
    return Argument(good, bad)


def flag(good):
    bad = {
        "one": 1,
        "zero": 0,
        "a float": 1.0,
        "none": None,
        "nan": math.nan,
        "no list": [],
        "a list": [True],
    }
    arrays = {"an array": np.array([True, False]), "a tensor": torch.tensor([True, False])}
    return Argument(good, ANY | bad | arrays)


def choice(good):
    bad = {"none": None, "a number": 3, "bytes": b"x", "nothing": "", "a list": [good], "nan": math.nan}
    return Argument(good, ANY | bad | {"capitals": good.upper(), "an array": np.array([good, good])})


DEVICE = choice("cpu").may("capitals").nor(meta="meta", absent="cuda:99", first=0)
DTYPE = choice("float64").nor(half="float16", integers=torch.int64, numpys=np.float64, pythons=float)


def thing(good, *classes):
    """An object of the package; a class in place of an object of it is a slip of its own."""
    bad = ANY | {"none": None, "a number": 3, "nan": math.nan, "a list": [good], "a tensor": torch.ones(2, 2)}
    return Argument(good, bad | {f"the class {each.__name__}": each for each in (type(good), *classes)})


def row(call, /, **arguments):
    """A public call with arguments that work."""
    return call, arguments


def draw(name, *sizes):
    return normal(SEEDS, f"fuzz {name}", *sizes)


TRUTH = lc.psd(N, [2.0, 1.0], SEEDS)
WIDE = lc.rectangular(N, N2, [2.0, 1.0], SEEDS)
SENSING = lc.gaussian_symmetric(N, M, SEEDS)
PAIRS = lc.gaussian(N, N2, M, SEEDS)
PROBLEM = lc.observe(TRUTH, SENSING)
ROUGH = lc.observe(TRUTH, SENSING, "l1")
RECTANGULAR = lc.observe(WIDE, PAIRS)
START = lc.gaussian_start(N, K, 0.1, SEEDS)
PAIR = lc.imbalanced_start(N, N2, K, 0.1, 1.0, SEEDS)
DESCENT = lc.GradientDescent(0.05)
OPERATORS = {
    "dense": PAIRS,
    "dense, packed": SENSING,
    "dense, shared": lc.gaussian(N, N2, M, SEEDS, shared=True),
    "gram": sensing.Gram(SENSING, PROBLEM.observations),
    "entries": lc.sampled(N, N2, M, SEEDS),
    "entries, packed": lc.sampled_symmetric(N, M, SEEDS),
    "rank one": sensing.rank_one(N, N2, M, SEEDS),
    "rank one, symmetric": sensing.rank_one_symmetric(N, M, SEEDS),
    "identity": lc.Identity(N),
    "transform": sensing.Transform(N, N2, M, SEEDS),
}
SIZES = {"device": DEVICE, "dtype": DTYPE}


def solved(problem, start, method, **options):
    """A method, made and run: some arguments are first seen together with a problem."""
    return lambda **arguments: lc.solve(problem, method(**arguments), start, 3, **options)


TOO_MANY = {"one for each of three": [0.1, 0.1, 0.1]}
RATE = each(0.05, above=0.0).may("a class").nor(**{"a class": lc.StepRule}, **TOO_MANY)
PLAIN_RATE = RATE.nor(looks=lc.Polyak(), normalised=lc.Normalised(0.1))


def operator_rows(name, operator):
    """The calls of one operator: (row's name, row)."""
    n1, n2 = operator.shape
    pair = not operator.symmetric
    # A shared ensemble takes any batch.
    batch = () if operator.batch is None else (0,)
    left = tensor(draw("left", n1, K), (0, 1, 2) if pair else (1,), finite=False, strict=True)
    right = tensor(draw("right", n2, K), (0, 1, 2), finite=False, strict=True) if pair else fixed(None)
    right = right.may("none") if n1 == n2 and pair else right
    y = tensor(draw("y", operator.m), (0, 1), finite=False, strict=True)
    loss = choice("l2").nor(third="l3")
    matrix = tensor(draw("matrix", n1, n2), (*batch, 1, 2), finite=False, strict=True)
    point = {"left": left, "right": right, "y": y, "loss": loss}
    yield f"{name}: forward", row(operator.forward, matrix=matrix)
    yield f"{name}: normal_map", row(operator.normal_map, matrix=matrix)
    yield f"{name}: adjoint", row(operator.adjoint, z=tensor(y.good, (*batch, 1), finite=False, strict=True))
    yield f"{name}: gradient", row(operator.gradient, **point, with_value=flag(True))
    yield f"{name}: slope", row(operator.slope, **point, with_value=flag(True))
    if pair:
        yield f"{name}: forward_factors", row(operator.forward_factors, left=left, right=right)
    if operator.batch is None:
        yield f"{name}: adjoint_defect", row(operator.adjoint_defect, seeds=seeds())


ROWS = {
    # truths
    "psd": row(
        lc.psd, n=count(N), spectrum=numbers([2.0, 1.0]), seeds=seeds(), basis=choice("eigen"), **SIZES
    ),
    "rectangular": row(
        lc.rectangular,
        n1=count(N),
        n2=count(N2),
        spectrum=numbers([2.0, 1.0]).nor(unsorted=[1.0, 2.0], rank=[1.0] * 9, zero=[1.0, 0.0]),
        seeds=seeds(),
        basis=choice("random"),
        **SIZES,
    ),
    "geometric_spectrum": row(lc.geometric_spectrum, rank=count(3), condition_number=number(10.0, least=1.0)),
    "Truth": row(
        lc.Truth,
        left=tensor(WIDE.left, (0, 2)).nor(stretched=2 * WIDE.left, float32=WIDE.left.float()),
        right=tensor(WIDE.right, (0, 2)).nor(stretched=2 * WIDE.right, float32=WIDE.right.float()),
        spectrum=tensor(WIDE.spectrum, (0, 1)).nor(negative=-WIDE.spectrum, unsorted=WIDE.spectrum.flip(1)),
        basis=choice("eigen"),
        seeds=seeds(same_batch=True),
        symmetric=flag(False).nor(true=True),
    ),
    # operators
    "Identity": row(lc.Identity, n1=count(N), n2=count(N2).may("none"), **SIZES),
    "gaussian": row(
        lc.gaussian,
        n1=count(N),
        n2=count(N2),
        m=count(M),
        seeds=seeds(),
        shared=flag(False),
        storage=choice("float32").may("none"),
        **SIZES,
    ),
    "gaussian_symmetric": row(
        lc.gaussian_symmetric,
        n=count(N),
        m=count(M),
        seeds=seeds(),
        shared=flag(True),
        storage=choice("bfloat16").may("none"),
        **SIZES,
    ),
    "sampled": row(
        lc.sampled,
        n1=count(N),
        n2=count(N2),
        m=count(M).nor(more=N * N2 + 1),
        seeds=seeds(),
        shared=flag(False),
        **SIZES,
    ),
    "sampled_symmetric": row(
        lc.sampled_symmetric, n=count(N), m=count(M).nor(more=99), seeds=seeds(), shared=flag(False), **SIZES
    ),
    "rank_one": row(
        sensing.rank_one, n1=count(N), n2=count(N2), m=count(M), seeds=seeds(), shared=flag(False), **SIZES
    ),
    "rank_one_symmetric": row(
        sensing.rank_one_symmetric,
        n=count(N),
        m=count(M),
        seeds=seeds(),
        centred=flag(True),
        shared=flag(False),
        **SIZES,
    ),
    "Dense": row(
        sensing.Dense,
        entries=tensor(PAIRS.entries, (2,)).may("an axis too few"),
        shape=shape((N, N2)),
        symmetric=flag(False),
        repeats=count(1),
        weight=number(0.1, above=0.0).may("none"),
        storage=choice("float32").may("none"),
    ),
    "RankOne": row(
        sensing.RankOne,
        first=tensor(draw("first", M, N), (0, 1)),
        second=tensor(draw("second", M, N2), (0, 1)).may("none"),
        centred=flag(False).nor(true=True),
        repeats=count(1),
    ),
    "Entries": row(
        sensing.Entries,
        places=places(torch.tensor([0, 3, 7])).nor(unsorted=[3, 0], double=[3, 3]),
        shape=shape((N, N2)),
        symmetric=flag(False),
        repeats=count(1).nor(shared=2),
        dtype=DTYPE,
    ),
    "Transform": row(
        sensing.Transform,
        n1=count(N),
        n2=count(N2),
        m=count(M).nor(more=N * N2 + 1),
        seeds=seeds(),
        **SIZES,
    ),
    "Gram": row(
        sensing.Gram,
        operator=thing(SENSING).nor(other=OPERATORS["identity"]),
        y=tensor(PROBLEM.observations, (0, 1), finite=False, strict=True),
    ),
    "certified": row(
        sensing.certified,
        directions=tensor(draw("directions", 2, N, N2), finite=True),
        delta=each(0.3, least=0.0, below=1.0).nor(**TOO_MANY),
        symmetric=flag(False),
    ),
    "from_normal": row(
        sensing.from_normal,
        normal_matrix=tensor(torch.eye(N * N2).double(), (0, 1)).may("an axis too many"),
        shape=shape((N, N2)),
        symmetric=flag(False),
    ),
    "random_certified": row(
        sensing.random_certified,
        n=count(N),
        delta=number(0.3, least=0.0, below=1.0).nor(**TOO_MANY),
        count=count(2).nor(all=15),
        seeds=seeds(),
        **SIZES,
    ),
    **{name: made for each, operator in OPERATORS.items() for name, made in operator_rows(each, operator)},
    # starts
    "gaussian_start": row(
        lc.gaussian_start,
        n=count(N),
        k=count(K).nor(wide=N + 1),
        scale=number(0.1, above=0.0).nor(tiny=1e-200),
        seeds=seeds(),
        **SIZES,
    ),
    "rank_limited_start": row(
        rank_limited_start,
        n=count(N),
        k=count(K).nor(wide=N + 1),
        rank=count(1).nor(wide=K + 1),
        scale=number(0.1, above=0.0),
        seeds=seeds(),
        **SIZES,
    ),
    "balanced_start": row(
        balanced_start, n=count(N), k=count(K), scale=number(0.1, above=0.0), seeds=seeds(), **SIZES
    ),
    "rotated_start": row(
        rotated_start, n=count(N), k=count(K), scale=number(0.1, above=0.0), seeds=seeds(), **SIZES
    ),
    "imbalanced_start": row(
        lc.imbalanced_start,
        n1=count(N),
        n2=count(N2),
        k=count(K).nor(wide=N + N2 + 1),
        scale=number(0.1, above=0.0),
        ratio=number(0.3, above=0.0),
        seeds=seeds(),
        **SIZES,
    ),
    "coupled_start": row(
        lc.coupled_start,
        n1=count(N),
        n2=count(N2),
        k=count(K).nor(wide=N + N2 + 1),
        scale=number(0.1, above=0.0),
        seeds=seeds(),
        **SIZES,
    ),
    "spectral_start": row(
        lc.spectral_start,
        operator=thing(SENSING).nor(pairs=PAIRS),
        observations=tensor(PROBLEM.observations, (0, 1)).nor(float32=PROBLEM.observations.float()),
        k=count(K).nor(wide=N + 1),
        scale=number(0.1, above=0.0),
    ),
    "adjoint_start": row(
        lc.adjoint_start,
        operator=thing(SENSING),
        observations=tensor(PROBLEM.observations, (0, 1)),
        k=count(K).nor(wide=N + 1),
        symmetric=flag(True),
    ),
    "pad_columns": row(
        pad_columns, factors=tensor(START.left, finite=False).may("an axis too many"), k=count(K)
    ),
    "rescaled": row(START.rescaled, norm=each(1.0, above=0.0).nor(**TOO_MANY)),
    "Factors": row(
        lambda left, right: lc.solve(RECTANGULAR, DESCENT, lc.Factors(left, right), 3),
        left=tensor(PAIR.left, (0, 1, 2), strict=True),
        right=tensor(PAIR.right, (0, 1, 2), strict=True),
    ),
    # noise
    "Gaussian": row(noise.Gaussian, scale=number(0.1, least=0.0)),
    "Outliers": row(
        lc.Outliers, p=number(0.1, least=0.0, below=1.0), scale=number(10.0), law=choice("gaussian")
    ),
    "Mixed": row(noise.Mixed, parts=thing((lc.Outliers(0.1),)).may("a list").nor(empty=(), some=(3,))),
    "Planted": row(
        noise.Planted, p=number(0.1, least=0.0, below=1.0), matrix=tensor(TRUTH.matrix).may("an axis too few")
    ),
    "SignFlip": row(noise.SignFlip, p=number(0.1, least=0.0, below=1.0)),
    "sample": row(
        lc.Outliers(0.1).sample, seeds=seeds(), m=count(M), stream=choice("noise").may("a text", "capitals")
    ),
    # problems
    "observe": row(
        lc.observe,
        truth=thing(TRUTH).nor(other=WIDE),
        operator=thing(SENSING, lc.MeasurementOperator).nor(other=lc.Identity(N + 1)),
        loss=choice("l2").nor(third="l3"),
        noise=thing(lc.Outliers(0.1)).may("none"),
        seeds=seeds(same_batch=True),
    ),
    "Problem": row(
        lc.Problem,
        truth=thing(TRUTH).nor(other=WIDE),
        operator=thing(SENSING).nor(other=lc.Identity(N)),
        observations=tensor(PROBLEM.observations, (0, 1)).nor(float32=PROBLEM.observations.float()),
        loss=choice("l2").nor(third="l3"),
        noise=thing(lc.Outliers(0.1)).may("none"),
    ),
    "Problem.gradient": row(PROBLEM.gradient, factors=thing(START).nor(pair=PAIR), with_value=flag(True)),
    "Problem.slope": row(PROBLEM.slope, factors=thing(START).nor(pair=PAIR), with_value=flag(True)),
    # methods
    "GradientDescent": row(solved(PROBLEM, START, lc.GradientDescent), step_size=RATE),
    "Subgradient": row(solved(ROUGH, START, lc.Subgradient), step_size=RATE),
    "BalancedGradientDescent": row(
        solved(RECTANGULAR, PAIR, lc.BalancedGradientDescent),
        step_size=PLAIN_RATE,
        weight=number(0.5, above=0.0),
    ),
    "MiniBatch": row(
        solved(lc.observe(WIDE, lc.Identity(N, N2)), PAIR, lc.MiniBatch),
        step_size=number(0.01, above=0.0),
        size=count(4),
        fresh=flag(True),
    ),
    "MixedGradientDescent": row(
        solved(PROBLEM, START, lc.MixedGradientDescent), step_size=PLAIN_RATE, arithmetic=choice("float32")
    ),
    "PreconditionedGradientDescent": row(
        solved(PROBLEM, START, lc.PreconditionedGradientDescent),
        step_size=PLAIN_RATE,
        damping=thing(methods.SlopeNorm()),
    ),
    "SlopeNorm": row(methods.SlopeNorm, factor=number(1.0, above=0.0)),
    "ResidualNorm": row(
        methods.ResidualNorm,
        factor=number(1.0, above=0.0),
        power=number(1.0, least=0.0),
        noise=number(0.1, least=0.0),
    ),
    "RebalancedGradientDescent": row(
        solved(RECTANGULAR, PAIR, lc.RebalancedGradientDescent),
        step_size=RATE,
        switch=thing(methods.AtIteration(1)),
        beta=each(1.0, above=0.0).may("none").nor(**TOO_MANY),
        rank=count(1).may("none").nor(wide=K + 1),
    ),
    "AtIteration": row(methods.AtIteration, iteration=count(3, least=0)),
    "ResidualBelow": row(methods.ResidualBelow, threshold=number(1e-3, above=0.0), every=count(10)),
    "ConjugateGradient": row(
        lambda problem, start: lc.solve(problem, lc.ConjugateGradient(), start, 3),
        problem=thing(PROBLEM).nor(loss=ROUGH),
        start=thing(START).nor(pair=PAIR),
    ),
    "ScaledGradientDescent": row(
        solved(PROBLEM, START, lc.ScaledGradientDescent),
        step_size=PLAIN_RATE,
        damping=each(0.1, least=0.0).nor(**TOO_MANY),
    ),
    "rebalance": row(
        rebalance,
        left=tensor(PAIR.left, finite=True).may("an axis too few", "an axis too many"),
        right=tensor(PAIR.right, (0, 2), finite=True),
        beta=each(1.0, above=0.0).nor(**TOO_MANY),
    ),
    "visible_rank": row(
        visible_rank,
        values=tensor(torch.tensor([[2.0, 1.0]] * 2).double(), (0,)),
        error=tensor(torch.tensor([0.1, 0.1]).double(), (0,)),
    ),
    # steps
    "Constant": row(steps.Constant, eta=each(0.1, above=0.0).may("a list", "an array", "a tensor")),
    "Geometric": row(
        solved(PROBLEM, START, lambda **each: lc.GradientDescent(lc.Geometric(**each))),
        eta=each(0.1, above=0.0).nor(**TOO_MANY),
        ratio=each(0.9, above=0.0, most=1.0).nor(**TOO_MANY),
    ),
    "LossProportional": row(
        solved(PROBLEM, START, lambda **each: lc.GradientDescent(lc.LossProportional(**each))),
        eta=each(0.1, above=0.0).nor(**TOO_MANY),
    ),
    "Normalised": row(
        solved(ROUGH, START, lambda **each: lc.Subgradient(lc.Normalised(**each))),
        rule=each(0.1, above=0.0).nor(abstract=lc.StepRule, **TOO_MANY),
    ),
    "Polyak": row(lc.Polyak, minimum=number(0.0, least=0.0)),
    "as_rule": row(steps.as_rule, step_size=RATE.may("a list", "an array", "a tensor", *TOO_MANY)),
    # runs
    "solve": row(
        lc.solve,
        problem=thing(PROBLEM).nor(other=RECTANGULAR, loss=ROUGH),
        method=thing(DESCENT, lc.Method),
        start=thing(START).nor(pair=PAIR, bare=START.left),
        steps=count(3),
        record=places(torch.tensor([0, 2])).may("none", "none at all"),
        stop=thing(lc.ErrorBelow(1e-3)).may("none"),
        observables=thing({"norm": lambda problem, factors: factors.left.norm(dim=(1, 2))})
        .may("none")
        .nor(nothing={"norm": lambda problem, factors: None}, number={"norm": lambda problem, factors: 1.0}),
        reduce=flag(False).may("none").nor(impossible=True),
        progress=flag(False),
    ),
    "repeat": row(
        lc.repeat,
        recipe=thing(lc.solve(PROBLEM, DESCENT, START, 3).recipe),
        observables=thing({"norm": lambda problem, factors: factors.left.norm(dim=(1, 2))}).may("none"),
        progress=flag(False),
    ),
    "ErrorBelow": row(lc.ErrorBelow, threshold=number(1e-3, least=0.0)),
    "log_spaced": row(lc.log_spaced, steps=count(100), per_decade=count(5)),
    "flow": row(
        flow,
        truth=thing(WIDE),
        start=thing(PAIR).nor(symmetric=START, other=lc.imbalanced_start(N, N, K, 0.1, 1.0, SEEDS)),
        times=numbers([0.1, 0.2]).nor(unsorted=[0.2, 0.1], no_time=[0.0]),
        perturbation=thing(ConstantPerturbation(torch.zeros(2, N, N2)), ConstantPerturbation)
        .may("none")
        .nor(
            function=lambda time, trajectory, residual: 3, other=ConstantPerturbation(torch.zeros(2, N2, N))
        ),
        rtol=number(1e-6, above=0.0, most=0.1),
        atol=number(1e-12, above=0.0, most=1.0).may("none"),
        progress=flag(False),
    ),
    "ConstantPerturbation": row(ConstantPerturbation, across=tensor(draw("across", N, N2))),
    "TimeVarying": row(
        lambda **each: flow(WIDE, PAIR, [0.01], TimeVarying(**each)),
        coefficient=thing(math.cos).nor(
            nan=lambda time: math.nan, text=lambda time: "x", none=lambda time: None
        ),
        across=tensor(draw("across", N, N2), (0, 1, 2)).may("none"),
        left=tensor(draw("block", N, N), (0, 1, 2)).may("none"),
        right=tensor(draw("block", N2, N2), (0, 1, 2)).may("none"),
    ),
    "ResidualProportional": row(
        ResidualProportional, theta=number(0.1), direction=tensor(draw("across", N, N2))
    ),
    # advice
    "recommend": row(
        lc.recommend,
        spectrum=numbers([2.0, 1.0]).nor(unsorted=[1.0, 2.0]),
        alpha=number(1e-3, above=0.0).nor(large=2.0, tiny=1e-320),
        n=count(20),
        m=count(2000).nor(few=1),
        noise=thing(lc.Outliers(0.1)).may("none"),
        eta=number(0.6, above=0.0, most=1.0),
        margin=number(1.25, least=1.0),
    ),
    "smallest_budget": row(
        budget.smallest_budget, spectrum=numbers([2.0, 1.0]), alpha=number(1e-3, above=0.0).nor(large=2.0)
    ),
    "finite_step": row(budget.finite_step, eta=number(0.6, above=0.0, most=1.0)),
    "slope_norm_factor": row(
        budget.slope_norm_factor,
        spectrum=numbers([2.0, 1.0]),
        n=count(20),
        m=count(2000),
        noise=thing(lc.Outliers(0.1)).may("none"),
    ),
    # contracts, streams, devices, norms
    "operator_faults": row(lc.operator_faults, operator=thing(lc.Identity(2)), rtol=number(1e-12, least=0.0)),
    "method_faults": row(
        lc.method_faults,
        method=thing(DESCENT),
        make=thing(
            lambda seeds: (
                lc.observe(lc.psd(3, [1.0], seeds), lc.Identity(3)),
                lc.gaussian_start(3, 2, 1.0, seeds),
            )
        ),
        rtol=number(1e-9, least=0.0),
    ),
    "stream": row(
        randomness.stream,
        seed=count(3, least=0).may("beyond memory"),
        name=choice("x").may("a text", "capitals"),
    ),
    "orthonormal": row(
        randomness.orthonormal,
        seeds=seeds(),
        name=choice("x").may("a text", "capitals"),
        n=count(4),
        r=count(2).nor(wide=5),
    ),
    "resolve_device": row(device.resolve_device, device=DEVICE),
    "resolve_dtype": row(device.resolve_dtype, dtype=DTYPE),
    "operator_norm": row(
        linalg.operator_norm,
        matrix=tensor(TRUTH.matrix, finite=False).may("an axis too few", "an axis too many"),
        symmetric=flag(False),
    ),
    # analysis
    "sign_rip.subgradient": row(
        sign_rip.subgradient,
        operator=fixed(SENSING),
        matrix=tensor(TRUTH.matrix, (0, 1, 2), strict=True, finite=False),
        errors=tensor(PROBLEM.observations, (0, 1), strict=True, finite=False).may("none"),
    ),
    # claims
    "claims.run": row(
        claims.run,
        claim_id=choice("ma2023.expected-loss"),
        scale=choice("smoke"),
        device=DEVICE,
        seeds=count(1).may("none"),
        seed0=count(1, least=0).may("beyond memory"),
    ),
    "claims.find": row(claims.find, claim_id=choice("xiong2024.exact-rank-linear")),
    "claims.source": row(claims.source, claim_id=choice("xiong2024.exact-rank-linear")),
    "claims.all_claims": row(claims.all_claims, paper=choice("xiong2024").may("none")),
}


class Hung(BaseException):
    """A call took too long; no `Exception`, so that nothing on the way takes it for one of its own."""


def _hung(number, frame):
    raise Hung


def ended(call, arguments):
    """How a call ended: "returned", "hung", or the error."""
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        call(**arguments)
    except Hung:
        return "hung"
    except Exception as error:
        return error
    else:
        return "returned"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def names(error, argument):
    """Whether an error is the package's own and names the argument, a part of it, or it as a part."""
    return isinstance(error, ArgumentError) and argument in re.split(r"[.\[]", error.argument)


def bad_calls():
    """(what is done, the argument, how it ended) for each poison of each argument of each row."""
    before = signal.signal(signal.SIGALRM, _hung)
    try:
        for name, (call, arguments) in ROWS.items():
            good = {argument: each.good for argument, each in arguments.items()}
            for argument, each in arguments.items():
                for label, bad in each.bad.items():
                    yield f"{name}({argument}: {label})", argument, ended(call, good | {argument: bad})
    finally:
        signal.signal(signal.SIGALRM, before)


LARGEST_UNCLEAR = 0.05
NO_CALLS = {"Method", "MeasurementOperator", "StepRule"}
"""Bases, which nobody calls: subclasses have rows."""
RESULTS = {"State", "Trajectory"}
"""What calls give back."""


def test_every_public_function_and_class_has_a_row():
    public = {
        name
        for module in (lc, methods, sensing)
        for name in module.__all__
        if callable(getattr(module, name))
    }
    public |= {
        name
        for name, found in vars(steps).items()
        if isinstance(found, type) and issubclass(found, lc.StepRule)
    }
    assert public - NO_CALLS - RESULTS <= set(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_the_call_works_as_it_stands(name):
    call, arguments = ROWS[name]
    call(**{argument: each.good for argument, each in arguments.items()})


def test_a_thousand_bad_calls_are_refused_by_name():
    calls, silent, unclear = 0, [], []
    for what, argument, end in bad_calls():
        calls += 1
        if isinstance(end, str):
            silent.append(f"{what} {end}")
        elif not names(end, argument):
            unclear.append(f"{what} {end!r}"[:200])
    counts = f"{calls} calls, {len(silent)} returned or hung, {len(unclear)} unclear\n"
    assert not silent, counts + "\n".join(silent[:40])
    assert len(unclear) <= LARGEST_UNCLEAR * calls, counts + "\n".join(unclear[:40])
    assert calls >= 1000
