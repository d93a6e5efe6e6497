"""Conjugate gradients: the line search is exact, the directions are conjugate, and few iterations are enough."""

import pytest
import torch

from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors, gaussian_start
from lowrank_core.methods import ConjugateGradient, GradientDescent, State
from lowrank_core.methods.conjugate_gradient import conjugate, first_minimum
from lowrank_core.noise import Gaussian
from lowrank_core.problem import observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import Identity, gaussian, gaussian_symmetric
from lowrank_core.solver import ErrorBelow, solve
from lowrank_core.truth import psd, rectangular

SEEDS = [0, 1, 2]


def symmetric(seeds=SEEDS, noise=None):
    problem = observe(psd(6, [2.0, 1.0], seeds), gaussian_symmetric(6, 40, seeds), noise=noise, seeds=seeds)
    return problem, gaussian_start(6, 2, 0.5, seeds)


def pair(seeds=SEEDS, noise=None):
    truth = rectangular(6, 5, [2.0, 1.0], seeds)
    problem = observe(truth, gaussian(6, 5, 70, seeds), noise=noise, seeds=seeds)
    return problem, Factors(normal(seeds, "left", 6, 2) / 4, normal(seeds, "right", 5, 2) / 3)


SETTINGS = pytest.mark.parametrize("setting", [symmetric, pair])


def loss_along(problem, state, direction, alpha):
    """The loss at X + αD, in the words of the contract."""
    left, right = state.factors
    d_left, d_right = direction if right is not None else (direction[0], None)
    left = left + alpha * d_left
    right = left if right is None else right + alpha * d_right
    residual = problem.operator.forward(left @ right.mT) - problem.observations
    half = 0.5 if d_right is None else 1.0
    return half * 0.5 * problem.operator.weight * residual.square().sum(1)


@SETTINGS
@pytest.mark.parametrize("noise", [None, Gaussian(0.1)], ids=["exact", "noisy"])
def test_the_line_search_finds_the_first_minimum_of_a_fine_grid(setting, noise):
    problem, start = setting(noise=noise)
    method = ConjugateGradient()
    state = method.init(problem, start)
    for _ in range(12):
        after = method.step(problem, state)
        rows = [start.left.shape[1], start.stacked().shape[1] - start.left.shape[1]]
        direction = after.memory["direction"].split(rows, dim=1)
        moved = (after.factors.stacked() - state.factors.stacked()).flatten(1)
        taken = (moved * after.memory["direction"].flatten(1)).sum(1)
        taken = taken / after.memory["direction"].flatten(1).square().sum(1)
        assert (taken > 0).all()
        grid = torch.linspace(0.0, 1.5, 601, dtype=torch.float64)
        values = torch.stack(
            [loss_along(problem, state, direction, (a * taken)[:, None, None]) for a in grid], dim=1
        )
        # It falls all the way to the point where the method went, and rises right after.
        first = 1 + (values.diff(dim=1) > 0).to(torch.int8).argmax(dim=1)
        assert (grid[first - 1] - 1.0).abs().max() <= 0.003
        state = after


def test_first_minima_of_quartics_with_known_stationary_points():
    """f' = c(α − a)(α − b)(α − d): the smallest positive root is a minimum if f'(0) < 0."""
    roots = torch.tensor(
        [[1.0, 2.0, 3.0], [0.5, -1.0, -2.0], [1.0, 1e6, 2e6], [1e-8, 1.0, 3.0], [2.0, 50.0, 51.0]],
        dtype=torch.float64,
    )
    scale = torch.tensor([1.0, 7.0, 1e-12, 1e9, 1e-150], dtype=torch.float64)
    a, b, c = roots.T
    found = first_minimum(
        -scale * a * b * c, scale * (a * b + b * c + c * a) / 2, -scale * (a + b + c) / 3, scale / 4
    )
    assert found.numpy() == pytest.approx(roots.clamp(min=0).where(roots > 0, torch.inf).amin(1), rel=1e-12)


def test_first_minima_of_quartics_with_one_stationary_point():
    """f' = c(α − a)((α − h)² + g²): no other real root, near or far, with curvature of either sign at the start."""
    a = torch.tensor([1.0, 1.0, 1.0, 1.0, 1e-9], dtype=torch.float64)
    h = torch.tensor([0.0, 5.0, -1e7, 0.5, 1.0], dtype=torch.float64)
    g = torch.tensor([1.0, 0.1, 1e7, 10.0, 1e3], dtype=torch.float64)
    found = first_minimum(-a * (h**2 + g**2), (h**2 + g**2 + 2 * a * h) / 2, -(a + 2 * h) / 3, 0 * a + 0.25)
    assert found.numpy() == pytest.approx(a.numpy(), rel=1e-12)


def test_quartics_that_are_less_than_quartic():
    one, zero = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    assert first_minimum(-one, one, zero, zero).item() == pytest.approx(0.5, rel=1e-15)
    assert first_minimum(-one, zero, zero, one).item() == pytest.approx(0.25 ** (1 / 3), rel=1e-14)
    # At a stationary point nothing moves.
    assert first_minimum(zero, one, zero, one).item() == 0.0
    assert first_minimum(zero, zero, zero, zero).item() == 0.0


def test_directions_are_those_of_polak_and_ribiere():
    gradient, before, direction = (normal(SEEDS, name, 4, 2) for name in ("g", "before", "direction"))
    found = conjugate(gradient, before, direction)
    for i in range(len(SEEDS)):
        g, old, d = gradient[i].flatten(), before[i].flatten(), direction[i].flatten()
        beta = max(0.0, float(g @ (g - old) / (old @ old)))
        expected = -g + beta * d
        expected = -g if g @ expected > -0.5 * (g @ g) else expected
        assert (found[i].flatten() - expected).abs().max() < 1e-14
    assert torch.equal(conjugate(gradient, torch.zeros_like(before), direction), -gradient)
    # A direction that leads uphill is forgotten, as is everything when the gradient has not changed.
    assert torch.equal(conjugate(gradient, -gradient, gradient), -gradient)
    assert torch.equal(conjugate(gradient, gradient, direction), -gradient)


@SETTINGS
def test_the_first_step_goes_along_the_gradient_and_later_ones_end_where_it_is_orthogonal(setting):
    problem, start = setting()
    method = ConjugateGradient()
    state = method.step(problem, method.init(problem, start))
    _, d_left, d_right = problem.gradient(start)
    assert (state.memory["direction"] + Factors(d_left, d_right).stacked()).abs().max() < 1e-14
    for _ in range(10):
        gradient = Factors(*problem.gradient(state.factors)[1:]).stacked()
        inner = (gradient * state.memory["direction"]).sum((1, 2))
        assert (inner.abs() <= 1e-12 * state.memory["gradient"].square().sum((1, 2))).all()
        state = method.step(problem, state)


@SETTINGS
def test_the_loss_never_rises(setting):
    problem, start = setting(noise=Gaussian(0.1))
    run = solve(problem, ConjugateGradient(), start, 60, record=range(61))
    assert (run.loss.diff(dim=1) <= 1e-14 * run.loss[:, :1]).all()
    assert run.stop_reason == ("finished",) * len(SEEDS)


def test_fewer_iterations_than_gradient_descent_at_condition_number_ten():
    problem = observe(psd(10, [10.0, 3.0, 1.0], SEEDS), gaussian_symmetric(10, 200, SEEDS))
    start = gaussian_start(10, 3, 0.5, SEEDS)
    stop = ErrorBelow(1e-20)
    ours = solve(problem, ConjugateGradient(), start, 300, record=range(301), stop=stop)
    assert set(ours.stop_reason) == {"reached"}
    reached = int(ours.reached_at.max())
    # The best of several step sizes, each tried for three times as long.
    for eta in (0.02, 0.05, 0.1):
        run = solve(problem, GradientDescent(eta), start, 3 * reached)
        assert not (run.error[:, -1] <= 1e-20).any()


@SETTINGS
def test_results_do_not_depend_on_the_batch(setting):
    seeds = list(range(5))
    together = solve(*_arguments(setting(seeds)), 25)
    backwards = solve(*_arguments(setting(seeds[::-1])), 25)
    for i, seed in enumerate(seeds):
        alone = solve(*_arguments(setting([seed])), 25)
        for other in (alone.error[0], backwards.error[-1 - i]):
            assert together.error[i].numpy() == pytest.approx(other.numpy(), rel=1e-6, abs=1e-25)


def _arguments(problem_and_start):
    return problem_and_start[0], ConjugateGradient(), problem_and_start[1]


def test_a_trajectory_at_the_truth_stands_still():
    truth = psd(5, [1.0], SEEDS)
    problem = observe(truth, Identity(5))
    start = Factors(truth.left.clone())
    state = ConjugateGradient().init(problem, start)
    for _ in range(5):
        state = ConjugateGradient().step(problem, state)
    assert (state.factors.left - start.left).abs().max() < 1e-15


def test_the_l1_loss_is_refused():
    problem = observe(psd(5, [1.0], SEEDS), gaussian_symmetric(5, 30, SEEDS), "l1")
    with pytest.raises(ArgumentError, match="line search needs a loss that is a polynomial"):
        ConjugateGradient().init(problem, gaussian_start(5, 1, 0.5, SEEDS))


def test_it_is_not_reduced():
    problem = observe(psd(9, [1.0], SEEDS), Identity(9))
    start = gaussian_start(9, 2, 0.5, SEEDS)
    with pytest.raises(ArgumentError, match="reduced coordinates"):
        solve(problem, ConjugateGradient(), start, 3, reduce=True)


def test_a_state_is_chosen_for_each_trajectory_with_all_that_it_remembers():
    problem, start = symmetric()
    before = ConjugateGradient().init(problem, start)
    after = ConjugateGradient().step(problem, before)
    mixed = after.where(torch.tensor([True, False, True]), before)
    assert isinstance(mixed, State)
    for name in ("gradient", "direction"):
        assert torch.equal(mixed.memory[name][1], before.memory[name][1])
        assert torch.equal(mixed.memory[name][::2], after.memory[name][::2])


def test_a_start_beside_the_saddle_at_zero_escapes_in_a_few_iterations():
    problem = observe(psd(5, [2.0, 1.0], SEEDS), Identity(5))
    for scale in (1e-3, 1e-12, 1e-100):
        run = solve(problem, ConjugateGradient(), gaussian_start(5, 2, scale, SEEDS), 60)
        assert (run.error[:, -1] < 1e-20).all()


def test_the_first_minimum_beside_a_saddle():
    """f = −ε α − α² + α⁴/4: the only positive stationary point tends to √2, however small ε."""
    linear = -(10.0 ** -torch.arange(0, 300, 20, dtype=torch.float64))
    one, zero = torch.ones_like(linear), torch.zeros_like(linear)
    found = first_minimum(linear, -one, zero, one / 4)
    assert (found**3 - 2 * found + linear).abs().max() < 1e-14
    assert found[1:].numpy() == pytest.approx(2**0.5, rel=1e-14)
