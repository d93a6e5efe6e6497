"""The compiled loops over dense measurements do what the torch steps do."""

import itertools
from importlib.util import find_spec

import pytest
import torch

from lowrank_core import kernels
from lowrank_core.factors import Factors, gaussian_start
from lowrank_core.kernels import dense_loop_cpu
from lowrank_core.methods import ConjugateGradient, GradientDescent, Subgradient
from lowrank_core.methods.conjugate_gradient import first_minimum
from lowrank_core.methods.gradient_descent import looped
from lowrank_core.methods.method import State
from lowrank_core.noise import Gaussian
from lowrank_core.problem import Problem, observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import Dense, gaussian, gaussian_symmetric
from lowrank_core.solver import solve
from lowrank_core.steps import Constant, Geometric, LossProportional, Normalised, Polyak
from lowrank_core.truth import psd, rectangular

pytestmark = pytest.mark.skipif(find_spec("numba") is None, reason="these kernels need numba")
ROUNDING = 1e-12
N1, N2, K = 5, 4, 2


def setting(kind, m, seeds, shared=False):
    """An operator, factors of order one, observations, and a step size for each iteration and trajectory."""
    n2 = N2 if kind == "wide" else N1
    make = gaussian(N1, n2, m, seeds, shared) if kind == "wide" else gaussian_symmetric(N1, m, seeds, shared)
    left = normal(seeds, "test left", N1, K) / N1**0.5
    right = None if kind == "symmetric" else normal(seeds, "test right", n2, K) / N1**0.5
    y = normal(seeds, "test y", m)
    sizes = torch.linspace(0.02, 0.05, len(seeds), dtype=torch.float64)
    eta = sizes * 0.95 ** torch.arange(7, dtype=torch.float64)[:, None]
    return make, left, right, y, eta


def by_hand(operator, left, right, y, eta):
    """The updates in words, from forward and adjoint alone."""
    with kernels.using("torch"):
        for step in eta:
            size = step[:, None, None]
            residual = operator.forward(left @ (left if right is None else right).mT) - y
            slope = operator.weight * operator.adjoint(residual)
            if right is None:
                left = left - size * slope @ left
            else:
                left, right = left - size * slope @ right, right - size * slope.mT @ left
    return left, right


def agree(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert one is other is None or (one - other).abs().max() < ROUNDING


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("m", [8, 9, 10, 11, 1, 3])
@pytest.mark.parametrize("kind", ["symmetric", "packed pair", "wide"])
def test_every_remainder_of_m(kind, m, shared):
    operator, *arguments = setting(kind, m, [0, 1, 2], shared)
    agree(operator.descend(*arguments), by_hand(operator, *arguments))


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("batch", list(range(1, 18)))
def test_every_batch(batch, shared):
    operator, *arguments = setting("symmetric", 10, list(range(batch)), shared)
    found = operator.descend(*arguments)
    # From some size on, a shared ensemble is better served by a library product.
    assert found is not None or (shared and batch >= 4)
    if found is not None:
        agree(found, by_hand(operator, *arguments))


@pytest.mark.parametrize("kind", ["symmetric", "packed pair", "wide"])
def test_trajectories_that_share_an_ensemble(kind):
    operator, *arguments = setting(kind, 9, [0, 0, 0, 1, 1, 1])
    assert operator.entries.shape[0] == 2
    agree(operator.descend(*arguments), by_hand(operator, *arguments))


RULES = {
    "constant": Constant(0.03),
    "geometric": Geometric(torch.tensor([0.02, 0.03, 0.04], dtype=torch.float64), 0.9),
    "loss-proportional": LossProportional(torch.tensor([0.01, 0.02, 0.03], dtype=torch.float64)),
    "polyak": Polyak(0.3),
    "normalised constant": Normalised(Constant(torch.tensor([0.1, 0.05, 0.2], dtype=torch.float64))),
    "normalised geometric": Normalised(Geometric(0.1, torch.tensor([0.9, 1.0, 0.8], dtype=torch.float64))),
    "normalised loss-proportional": Normalised(LossProportional(0.05)),
    "normalised polyak": Normalised(Polyak(0.1)),
    "twice normalised": Normalised(Normalised(Constant(0.1))),
}


@pytest.mark.parametrize("loss", ["l1", "l2"])
@pytest.mark.parametrize("rule", list(RULES.values()), ids=list(RULES))
@pytest.mark.parametrize("kind", ["symmetric", "packed pair", "wide"])
def test_every_rule_on_either_loss(kind, rule, loss):
    for m, seeds in ((9, [0, 1, 2]), (20, [0, 0, 0])):
        operator, left, right, y, _ = setting(kind, m, seeds)
        truth = rectangular(N1, left.shape[1] if right is None else right.shape[1], [1.0], seeds)
        problem = Problem(truth, operator, y, loss)
        method = GradientDescent(rule) if loss == "l2" else Subgradient(rule)
        state = State(Factors(left, right), 3)
        fast = looped(problem, state, method.rule, 8)
        assert fast.iteration == 8
        with kernels.using("torch"):
            while state.iteration < 8:
                state = method.step(problem, state)
        agree(fast.factors, state.factors)


@pytest.mark.parametrize("rule", list(RULES.values()), ids=list(RULES))
@pytest.mark.parametrize("loss", ["l1", "l2"])
def test_where_the_residual_vanishes_nothing_moves(rule, loss):
    # One entry is not zero, so that in any order of sums the residual is zero to the bit.
    entries, left = torch.zeros(9, 15, dtype=torch.float64), torch.zeros(3, N1, K, dtype=torch.float64)
    entries[:, 0], left[:, 0, 0] = torch.arange(9) - 4.0, 2.0
    operator = Dense(entries, (N1, N1), symmetric=True)
    problem = Problem(psd(N1, [1.0], [0, 1, 2]), operator, 4.0 * entries[:, 0].expand(3, -1), loss)
    method = GradientDescent(rule) if loss == "l2" else Subgradient(rule)
    moved = looped(problem, State(Factors(left), 0), method.rule, 5)
    assert torch.equal(moved.factors.left, left)


@pytest.mark.filterwarnings("ignore:steps proportional to the loss")
@pytest.mark.parametrize(
    "rule",
    [Geometric(0.1, 0.97), LossProportional(0.1), Polyak(0.1), Normalised(Geometric(0.2, 0.97))],
    ids=str,
)
def test_a_trajectory_notices_neither_records_nor_others_nor_their_order(rule):
    def problem(seeds):
        truth, operator = psd(6, [2.0, 1.0], seeds), gaussian_symmetric(6, 50, seeds)
        return observe(truth, operator, "l1", Gaussian(0.1), seeds)

    seeds, method = [3, 4, 5], Subgradient(rule)
    start = gaussian_start(6, 3, 0.5, seeds)
    run = solve(problem(seeds), method, start, 80, record=[80])
    often = solve(problem(seeds), method, start, 80, record=range(0, 80, 7))
    assert torch.equal(run.factors.left, often.factors.left)
    order = [2, 0, 1]
    turned = solve(problem([5, 3, 4]), method, Factors(start.left[order]), 80)
    assert torch.equal(turned.factors.left, run.factors.left[order])
    spoilt = Factors(start.left.clone())
    spoilt.left[1] *= 1e160
    beside = solve(problem(seeds), method, spoilt, 80)
    assert beside.stop_reason == ("finished", "diverged", "finished")
    assert torch.equal(beside.factors.left[[0, 2]], run.factors.left[[0, 2]])


APART = torch.tensor([0.01, 1e5], dtype=torch.float64)


@pytest.mark.parametrize(
    "rule",
    [Constant(APART), Normalised(Constant(APART)), LossProportional(APART)],
    ids=["constant", "normalised", "loss"],
)
def test_divergence_is_dated_by_the_loop_that_ran(rule):
    """The same loop, ended just before and just after."""
    seeds = [0, 1]
    problem = observe(psd(6, [2.0, 1.0], seeds), gaussian_symmetric(6, 50, seeds), "l1")
    start = gaussian_start(6, 2, 1.0, seeds)
    run = solve(problem, Subgradient(rule), start, 120, record=[3])
    at = int(run.diverged_at[1])
    assert run.stop_reason == ("finished", "diverged")
    assert at > 3
    before, after = (looped(problem, State(start, 0), rule, end) for end in (at - 1, at))
    assert before.factors.finite()[1]
    assert not after.factors.finite()[1]


def test_a_lost_trajectory_stays_lost():
    for rule in RULES.values():
        operator, left, _, y, _ = setting("symmetric", 20, [0, 1, 2])
        problem = Problem(psd(N1, [1.0], [0, 1, 2]), operator, y, "l1")
        left[1, 0, 0] = torch.nan
        found = looped(problem, State(Factors(left), 0), rule, 3)
        assert found.factors.finite().tolist() == [True, False, True]


def test_normalised_steps_of_the_smooth_loss_end_alike_in_distribution():
    """Chaotic near the truth, where the slope is as small as its roundings: errors agree in size alone."""
    seeds = list(range(20))
    problem = observe(psd(6, [2.0, 1.0], seeds), gaussian_symmetric(6, 60, seeds))
    start = gaussian_start(6, 6, 0.1, seeds)
    method = GradientDescent(Normalised(LossProportional(1.0)))
    fast = solve(problem, method, start, 300)
    with kernels.using("torch"):
        slow = solve(problem, method, start, 300)
    early = slow.steps <= 20
    assert (fast.error[:, early] - slow.error[:, early]).abs().max() < 1e-9
    ratio = fast.error[:, -1].median() / slow.error[:, -1].median()
    assert 0.5 < ratio < 2.0


def test_the_weight_is_that_of_the_operator():
    _, left, _, y, eta = setting("symmetric", 9, [0, 1])
    operator = Dense(normal([0], "test entries", 9, 15)[0], (N1, N1), symmetric=True, weight=0.25)
    agree(operator.descend(left, None, y, eta), by_hand(operator, left, None, y, eta))


def test_more_than_one_thread_gives_the_same_bits():
    operator, *arguments = setting("symmetric", 10, list(range(5)))
    threads = torch.get_num_threads()
    try:
        results = []
        for count in (1, 3):
            torch.set_num_threads(count)
            results.append(operator.descend(*arguments)[0])
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*results)


def test_the_start_is_left_alone():
    operator, left, right, y, eta = setting("wide", 9, [0, 1])
    before = left.clone(), right.clone()
    operator.descend(left, right, y, eta)
    assert torch.equal(left, before[0])
    assert torch.equal(right, before[1])


@pytest.mark.parametrize("noise", [None, Gaussian(0.1)], ids=["exact", "noisy"])
@pytest.mark.parametrize(
    "rule",
    [
        Constant(0.1),
        Constant(torch.tensor([0.05, 0.1, 0.08], dtype=torch.float64)),
        Geometric(0.2, torch.tensor([0.97, 1.0, 0.9], dtype=torch.float64)),
    ],
)
def test_solve_takes_the_same_steps_with_and_without_the_loop(rule, noise, monkeypatch):
    seeds = [3, 4, 5]
    problem = observe(psd(6, [2.0, 1.0], seeds), gaussian_symmetric(6, 50, seeds), noise=noise, seeds=seeds)
    start = gaussian_start(6, 3, 0.5, seeds)
    with monkeypatch.context() as patch:
        patch.setattr(GradientDescent, "step", None)  # the torch steps are not taken
        fast = solve(problem, GradientDescent(rule), start, 70)
    with kernels.using("torch"):
        slow = solve(problem, GradientDescent(rule), start, 70)
    assert fast.loss.numpy() == pytest.approx(slow.loss.numpy(), rel=1e-9)
    assert (fast.factors.left - slow.factors.left).abs().max() < ROUNDING


def test_divergence_is_reported_at_the_right_iteration():
    seeds = [0, 1, 2]
    problem = observe(psd(6, [2.0, 1.0], seeds), gaussian_symmetric(6, 50, seeds))
    x = gaussian_start(6, 2, 1.0, seeds).left
    eta = torch.tensor([0.05, 4.0, 0.05], dtype=torch.float64)
    for start in (Factors(x), Factors(x, 0.5 * x)):
        fast = solve(problem, GradientDescent(eta), start, 100, record=[90])
        with kernels.using("torch"):
            slow = solve(problem, GradientDescent(eta), start, 100, record=[90])
        assert fast.stop_reason == ("finished", "diverged", "finished")
        assert torch.equal(fast.diverged_at, slow.diverged_at)
        assert fast.error[1, 1:].isinf().all()
        assert (fast.factors.left - slow.factors.left)[[0, 2]].abs().max() < ROUNDING


@pytest.mark.parametrize("m", [8, 9, 10, 11])
@pytest.mark.parametrize("kind", ["symmetric", "packed pair", "wide"])
def test_how_far_measurements_go_along_a_line(kind, m):
    for seeds, shared in itertools.product(([0, 1, 2], [0, 0, 1, 1]), (False, True)):
        operator, left, right, *_ = setting(kind, m, seeds, shared)
        d_left = normal(seeds, "test direction", *left.shape[1:])
        d_right = None if right is None else normal(seeds, "test other direction", *right.shape[1:])

        def measured(alpha, left=left, right=right, d_left=d_left, d_right=d_right, operator=operator):
            first = left + alpha * d_left
            second = first if right is None or d_right is None else right + alpha * d_right
            return operator.forward(first @ second.mT)

        # A parabola is known from three of its points.
        ahead, here, behind = measured(1.0), measured(0.0), measured(-1.0)
        a, b = (ahead - behind) / 2, (ahead + behind) / 2 - here
        for choice in kernels.CHOICES:
            with kernels.using(choice):
                found = operator.along(left, right, d_left, d_right)
            for one, other in zip(found, (a * a, a * b, b * b), strict=True):
                assert one.numpy() == pytest.approx(other.sum(1).numpy(), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("kind", ["symmetric", "packed pair", "wide"])
@pytest.mark.parametrize("seeds", [[0], [0, 1, 2], [0, 0, 1, 1]], ids=str)
def test_conjugate_gradients_take_the_same_steps_with_and_without_the_loop(kind, seeds, monkeypatch):
    operator, left, right, *_ = setting(kind, 43, seeds)
    truth = rectangular(N1, N2, [2.0, 1.0], seeds) if kind == "wide" else psd(N1, [2.0, 1.0], seeds)
    problem = observe(truth, operator, noise=Gaussian(0.1), seeds=seeds)
    start = Factors(left, right)
    with monkeypatch.context() as patch:
        patch.setattr(ConjugateGradient, "step", None)  # the torch steps are not taken
        fast = solve(problem, ConjugateGradient(), start, 12, record=[5, 9])
    with kernels.using("torch"):
        slow = solve(problem, ConjugateGradient(), start, 12, record=[5, 9])
    assert fast.loss.numpy() == pytest.approx(slow.loss.numpy(), rel=1e-9)
    assert (fast.factors.stacked() - slow.factors.stacked()).abs().max() < 1e-9
    for name in ("gradient", "direction"):
        assert (fast.memory[name] - slow.memory[name]).abs().max() < 1e-9


def test_a_trajectory_that_is_lost_does_not_stand_still_in_the_loop():
    operator, left, _, y, _ = setting("symmetric", 20, [0, 1])
    left[1, 0, 0] = torch.nan
    nothing = torch.zeros_like(left)
    found = operator.conjugate(left, None, y, nothing, nothing, 3)[0]
    assert found[0].isfinite().all()
    assert found[1].isnan().any()


def test_one_line_search_is_the_other():
    """The formula of the compiled loop, as plain Python, against the one for whole batches."""
    numbers = normal(range(200), "test quartics", 4) * 10.0 ** (4 * normal(range(200), "test scales", 4))
    linear, quadratic, cubic, quartic = numbers.T
    linear, quartic = -linear.abs(), quartic.abs()
    linear[0] = quadratic[1] = cubic[1:3] = quartic[3] = 0.0
    for_all = first_minimum(linear, quadratic, cubic, quartic)
    for values, expected in zip(
        torch.stack([linear, quadratic, cubic, quartic], dim=1).tolist(), for_all.tolist(), strict=True
    ):
        assert dense_loop_cpu.first_minimum(*values) == pytest.approx(expected, rel=1e-12)
