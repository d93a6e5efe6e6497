"""What a method may offer beside `step`."""

import torch

from lowrank_core.factors import gaussian_start
from lowrank_core.methods import ConjugateGradient, GradientDescent, Subgradient
from lowrank_core.methods.method import Method, State, advanced
from lowrank_core.problem import observe
from lowrank_core.sensing import Gram, gaussian_symmetric
from lowrank_core.solver import solve
from lowrank_core.truth import psd

SEEDS = [0, 1]


def setting():
    return observe(psd(4, [1.0], SEEDS), gaussian_symmetric(4, 30, SEEDS)), gaussian_start(4, 2, 0.5, SEEDS)


def test_another_step_is_not_bypassed():
    class Still(GradientDescent):
        def step(self, problem, state):
            return state._replace(iteration=state.iteration + 1)

    problem, start = setting()
    run = solve(problem, Still(0.1), start, 100)
    assert torch.equal(run.factors.left, start.left)
    assert Still(0.1).prepare(problem, 10_000) is problem


def test_hooks_are_optional():
    class Shrinking(Method):
        def init(self, problem, start):
            return State(start, 0)

        def step(self, problem, state):
            return State(state.factors._replace(left=state.factors.left / 2), state.iteration + 1)

        def reduction_refusal(self):
            return "it looks at nothing"

    problem, start = setting()
    run = solve(problem, Shrinking(), start, 5)
    assert torch.equal(run.factors.left, start.left / 32)


def test_an_advance_in_one_stretch_is_the_same_as_step_by_step():
    class Counting(Method):
        calls = 0

        def init(self, problem, start):
            return State(start, 0)

        def step(self, problem, state):
            raise AssertionError("there is a faster way")

        def advance(self, problem, state, end, steps):
            assert steps == 50
            self.calls += 1
            return state._replace(iteration=end)

        def reduction_refusal(self):
            return "it looks at nothing"

    problem, start = setting()
    method = Counting()
    run = solve(problem, method, start, 50, record=[10, 20])
    assert run.steps.tolist() == [0, 10, 20, 50]
    assert method.calls == 3


def test_a_way_that_does_not_exist_leaves_single_steps():
    class Slow(ConjugateGradient):
        def advance(self, problem, state, end, steps):
            return None

    problem, start = setting()
    slow = solve(problem, Slow(), start, 5)
    fast = solve(problem, ConjugateGradient(), start, 5)
    assert (slow.factors.left - fast.factors.left).abs().max() < 1e-9
    state = State(start, 3)
    assert advanced(Slow(), problem, state, 3, 5) is state


def test_short_runs_are_stepped_and_long_ones_prepared():
    problem, start = setting()
    method = GradientDescent(0.1)
    assert method.advance(problem, State(start, 0), 10, steps=10) is None
    assert method.prepare(problem, 10) is problem
    assert isinstance(method.prepare(problem, 10_000).operator, Gram)
    short = observe(problem.truth, problem.operator, "l1")
    assert Subgradient(0.1).advance(short, State(start, 0), 10, steps=10) is None
    assert Subgradient(0.1).prepare(short, 10_000) is short
