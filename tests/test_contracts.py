"""Every operator and every method keeps its contract, and the contracts find those that do not."""

import inspect

import pytest
import torch

from lowrank_core import kernels, methods, sensing
from lowrank_core.contracts import METHOD_CONTRACT, OPERATOR_CONTRACT, method_faults, operator_faults
from lowrank_core.factors import gaussian_start, imbalanced_start
from lowrank_core.methods import (
    METHODS,
    AtIteration,
    BalancedGradientDescent,
    ConjugateGradient,
    GradientDescent,
    MiniBatch,
    MixedGradientDescent,
    PreconditionedGradientDescent,
    RebalancedGradientDescent,
    ScaledGradientDescent,
    Subgradient,
)
from lowrank_core.problem import observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import (
    Dense,
    Entries,
    Identity,
    MeasurementOperator,
    RankOne,
    Transform,
    certified,
    gaussian,
    gaussian_symmetric,
    rank_one,
    rank_one_symmetric,
    sampled,
    sampled_symmetric,
)
from lowrank_core.steps import Geometric
from lowrank_core.truth import psd, rectangular

pytestmark = pytest.mark.filterwarnings("ignore::lowrank_core.errors.UnseenWarning")

SEEDS = [0, 1, 2]

OPERATORS = {
    "identity, square": lambda: Identity(5),
    "identity, wide": lambda: Identity(4, 6),
    "identity of order one": lambda: Identity(1),
    "gaussian": lambda: gaussian(4, 6, 9, SEEDS),
    "gaussian, shared": lambda: gaussian(4, 6, 9, SEEDS, shared=True),
    "gaussian, one measurement": lambda: gaussian(4, 6, 1, SEEDS),
    "gaussian, symmetric": lambda: gaussian_symmetric(5, 9, SEEDS),
    "gaussian, symmetric, shared": lambda: gaussian_symmetric(5, 9, SEEDS, shared=True),
    "entries": lambda: sampled(5, 4, 9, SEEDS),
    "entries, shared": lambda: sampled(5, 4, 9, SEEDS, shared=True),
    "entries, symmetric": lambda: sampled_symmetric(5, 9, SEEDS),
    "rank one": lambda: rank_one(5, 4, 9, SEEDS),
    "rank one, symmetric": lambda: rank_one_symmetric(5, 9, SEEDS),
    "certified": lambda: certified(normal(SEEDS, "directions", 2, 4, 4), 0.3, symmetric=False),
    "transform": lambda: Transform(4, 6, 9, SEEDS),
}


def test_every_class_of_operators_is_tried():
    tried = {type(make()) for make in OPERATORS.values()}
    known = {
        found
        for found in vars(sensing).values()
        if inspect.isclass(found) and issubclass(found, MeasurementOperator) and not inspect.isabstract(found)
    }
    # `Gram` answers for the observations that it was made with alone, as its own tests say.
    assert known - {sensing.Gram} == tried == {Dense, Entries, Identity, RankOne, Transform}


@pytest.mark.parametrize("backend", ["auto", "torch"])
@pytest.mark.parametrize("make", OPERATORS.values(), ids=OPERATORS)
def test_every_operator_keeps_its_contract(make, backend):
    with kernels.using(backend):
        assert operator_faults(make()) == []


def population(seeds):
    return observe(psd(8, [2.0, 1.0], seeds, "random"), Identity(8)), gaussian_start(8, 3, 1.0, seeds)


def pair_population(seeds):
    truth = rectangular(8, 7, [2.0, 1.0], seeds, "random")
    return observe(truth, Identity(8, 7)), imbalanced_start(8, 7, 3, 0.5, 1 / 3, seeds)


def dense(seeds, loss="l2"):
    truth = psd(8, [2.0, 1.0], seeds, "random")
    return observe(truth, gaussian_symmetric(8, 60, seeds), loss), gaussian_start(8, 3, 1.0, seeds)


def dense_pair(seeds):
    truth = rectangular(8, 7, [2.0, 1.0], seeds, "random")
    return observe(truth, gaussian(8, 7, 70, seeds)), imbalanced_start(8, 7, 3, 0.5, 1 / 3, seeds)


def absolute(seeds):
    return dense(seeds, "l1")


EXAMPLES = {
    "balanced": [
        (BalancedGradientDescent(0.05), dense_pair),
        (BalancedGradientDescent(0.05), pair_population),
    ],
    "conjugate-gradient": [(ConjugateGradient(), dense), (ConjugateGradient(), dense_pair)],
    "gradient-descent": [
        (GradientDescent(0.05), dense),
        (GradientDescent(Geometric(0.1, 0.99)), dense_pair),
        (GradientDescent(0.05), population),
    ],
    "mini-batch": [(MiniBatch(0.01, 40), pair_population)],
    "mixed": [(MixedGradientDescent(0.05), dense)],
    "preconditioned": [(PreconditionedGradientDescent(0.3), dense)],
    "rebalanced": [(RebalancedGradientDescent(0.05, AtIteration(9), 1.0), dense_pair)],
    "scaled": [(ScaledGradientDescent(0.3, 0.5), dense), (ScaledGradientDescent(0.3, 0.5), dense_pair)],
    "subgradient": [(Subgradient(Geometric(0.1, 0.98)), absolute)],
}
# How far runs that round differently may be apart: a line search amplifies rounding, and low precision has more.
TOLERANCES = {"conjugate-gradient": 1e-6, "mixed": 1e-3}


def test_every_method_has_an_example():
    assert set(EXAMPLES) == set(METHODS)
    assert all(type(method) is METHODS[name] for name, pairs in EXAMPLES.items() for method, _ in pairs)


@pytest.mark.parametrize(
    ("name", "method", "make"),
    [(name, method, make) for name, pairs in EXAMPLES.items() for method, make in pairs],
)
def test_every_method_keeps_its_contract(name, method, make):
    assert method_faults(method, make, TOLERANCES.get(name, 1e-9)) == []


class Broken(Dense):
    """An operator with one fault, named by what is replaced."""


def _broken(**replaced):
    operator = gaussian_symmetric(5, 9, SEEDS)
    broken = Broken(operator.entries, operator.shape, symmetric=True)
    for name, function in replaced.items():
        setattr(broken, name, lambda *a, f=function, o=operator, **k: f(o, *a, **k))
    return broken


FAULTY_OPERATORS = {
    "forward and adjoint are each other's adjoints": {"adjoint": lambda o, z: 1.001 * o.adjoint(z)},
    "forward is linear": {"forward": lambda o, m: o.forward(m).square()},
    "forward_factors is forward of the product": {
        "forward_factors": lambda o, f, g: o.forward(f @ g.mT) + 1e-3
    },
    "the value is the stated loss": {
        "gradient": lambda o, *a, **k: (2 * o.gradient(*a)[0], *o.gradient(*a, **k)[1:])
    },
    "the gradient is that of the stated loss": {
        "gradient": lambda o, *a, **k: (
            o.gradient(*a)[0],
            *(None if g is None else 2 * g for g in o.gradient(*a, **k)[1:]),
        )
    },
    "the gradient is the slope pulled back": {"slope": lambda o, *a, **k: (None, -o.slope(*a)[1])},
    "the value can be left out": {"gradient": lambda o, *a, **k: o.gradient(*a[:4])},
    "along is how forward goes along a line": {"along": lambda o, *a: tuple(2 * x for x in o.along(*a))},
    "the adjoint of symmetric measurements is symmetric": {"adjoint": lambda o, z: o.adjoint(z).triu()},
    "other shapes and batches are refused with an ArgumentError": {
        "forward": lambda o, m: o.forward(m[:3, :5] if m.ndim == 3 else m[None].expand(3, -1, -1))
    },
    "factors and observations that do not fit are refused with an ArgumentError": {
        "gradient": lambda o, f, g, y, *a, **k: o.gradient(f, g, y[:, : o.m], *a, **k)
    },
    "an unknown loss is refused with an ArgumentError": {
        "gradient": lambda o, f, g, y, loss, *a, **k: o.gradient(
            f, g, y, "l1" if loss == "l3" else loss, *a, **k
        )
    },
}


def test_every_sentence_on_operators_has_a_fault_that_it_finds():
    assert set(FAULTY_OPERATORS) == set(OPERATOR_CONTRACT)


def test_a_fault_of_the_torch_path_alone_is_found():
    def careless(operator, left, right, y, *rest, **options):
        y = y if kernels.chosen() == "auto" else y[:, : operator.m]
        return operator.gradient(left, right, y, *rest, **options)

    (fault,) = operator_faults(_broken(gradient=careless))
    assert fault.endswith("it takes an observation too many in `gradient`, without kernels")


@pytest.mark.parametrize("sentence", FAULTY_OPERATORS)
def test_a_faulty_operator_is_found(sentence):
    faults = operator_faults(_broken(**FAULTY_OPERATORS[sentence]))
    assert any(fault.startswith(sentence) for fault in faults), faults


class Faulty(GradientDescent):
    """Gradient descent with one fault."""


def _faulty(**replaced):
    made = type("Faulty", (GradientDescent,), {name: function for name, function in replaced.items()})
    return made(0.05)


def _in_place(self, problem, state):
    moved = GradientDescent.step(self, problem, state)
    state.factors.left.copy_(moved.factors.left)
    return moved


CALLS = iter(range(10**6))


def _drifting(self, problem, state):
    moved = GradientDescent.step(self, problem, state)
    return moved._replace(factors=moved.factors._replace(left=moved.factors.left + 1e-6 * next(CALLS)))


def _mixing(self, problem, state):
    moved = GradientDescent.step(self, problem, state)
    left = moved.factors.left
    return moved._replace(factors=moved.factors._replace(left=left + 1e-3 * left.mean(dim=0)))


def _longer(self, problem, state, end, steps):
    while state.iteration < end:
        state = GradientDescent.step(self, problem, state)
    return GradientDescent.step(self, problem, state)._replace(iteration=end)


FAULTY_METHODS = {
    "the start is left alone": {"step": _in_place},
    "the error becomes smaller": {"step": lambda self, p, s: s._replace(iteration=s.iteration + 1)},
    "the same run twice is the same": {"step": _drifting},
    "a trajectory does not depend on its batch": {"step": _mixing},
    "a step is one iteration": {
        "step": lambda self, p, s: GradientDescent.step(self, p, s)._replace(iteration=s.iteration + 2)
    },
    "a stretch is as many steps": {"advance": _longer},
    "another loss is refused with an ArgumentError": {"init": lambda self, p, s: methods.State(s, 0)},
    "a refusal of the reduction has a reason": {"reduction_refusal": lambda self: " "},
}


def test_every_sentence_on_methods_has_a_fault_that_it_finds():
    assert set(FAULTY_METHODS) == set(METHOD_CONTRACT)


@pytest.mark.parametrize("sentence", FAULTY_METHODS)
def test_a_faulty_method_is_found(sentence):
    faults = method_faults(_faulty(**FAULTY_METHODS[sentence]), dense)
    assert any(fault.startswith(sentence) for fault in faults), faults


def test_a_contract_that_cannot_be_tried_is_not_kept():
    def fails(self, problem, state):
        raise RuntimeError("no such kernel")

    assert any("RuntimeError: no such kernel" in fault for fault in method_faults(_faulty(step=fails), dense))
    operator = gaussian(3, 3, 4, SEEDS)
    operator.forward = lambda matrix: torch.full((3, 4), torch.nan, dtype=torch.float64)
    assert any("off by nan" in fault for fault in operator_faults(operator))
