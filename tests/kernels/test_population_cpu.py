"""The compiled population loop does what the torch steps do, for every shape and every size of batch."""

from importlib.util import find_spec

import pytest
import torch

from lowrank_core import kernels
from lowrank_core.factors import Factors, gaussian_start
from lowrank_core.kernels import population_cpu
from lowrank_core.methods import GradientDescent, gradient_descent
from lowrank_core.problem import observe
from lowrank_core.randomness import normal
from lowrank_core.sensing import Identity
from lowrank_core.solver import solve
from lowrank_core.steps import Constant, Geometric
from lowrank_core.truth import psd

pytestmark = pytest.mark.skipif(find_spec("numba") is None, reason="these kernels need numba")
ROUNDING = 1e-12


def setting(batch, n1, n2, k, r):
    """A start of order one, a diagonal truth and a step size for each trajectory."""
    seeds = range(batch)
    left, right = normal(seeds, "test left", n1, k), normal(seeds, "test right", n2, k)
    spectrum = torch.zeros(batch, min(n1, n2), dtype=torch.float64)
    spectrum[:, :r] = 1.0 + torch.arange(r, dtype=torch.float64)
    eta = torch.linspace(0.01, 0.03, batch, dtype=torch.float64)
    return left / n1**0.5, right / n2**0.5, spectrum, eta


def target(spectrum, n1, n2):
    matrix = torch.zeros(len(spectrum), n1, n2, dtype=torch.float64)
    matrix.diagonal(dim1=-2, dim2=-1).copy_(spectrum)
    return matrix


def by_hand(left, right, truth, eta):
    """The updates in words: X ← X − η(XXᵀ − M)X; F ← F − η(FGᵀ − M)G and G ← G − η(FGᵀ − M)ᵀF."""
    for step in eta:
        size = step[:, None, None]
        if right is None:
            left = left - size * (left @ left.mT - truth) @ left
        else:
            gap = left @ right.mT - truth
            left, right = left - size * gap @ right, right - size * gap.mT @ left
    return left, right


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 7, 8, 11])
@pytest.mark.parametrize("n", [1, 2, 5, 8, 11])
def test_symmetric_factors(n, k):
    left, _, spectrum, eta = setting(3, n, n, k, min(n, 2))
    eta = eta.expand(50, 3)
    found, none = population_cpu.descend(left, None, spectrum, eta)
    assert none is None
    expected, _ = by_hand(left, None, target(spectrum, n, n), eta)
    assert (found - expected).abs().max() < ROUNDING


@pytest.mark.parametrize(
    ("n1", "n2", "k"), [(5, 5, 2), (4, 7, 3), (9, 3, 6), (1, 6, 1), (6, 1, 5), (8, 8, 13)]
)
def test_pairs(n1, n2, k):
    left, right, spectrum, eta = setting(3, n1, n2, k, 1)
    eta = eta.expand(50, 3)
    found = population_cpu.descend(left, right, spectrum, eta)
    for one, other in zip(found, by_hand(left, right, target(spectrum, n1, n2), eta), strict=True):
        assert one.shape == other.shape
        assert (one - other).abs().max() < ROUNDING


@pytest.mark.parametrize("symmetric", [True, False], ids=["XXᵀ", "FGᵀ"])
@pytest.mark.parametrize("batch", [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 63, 64, 65, 70])
def test_a_trajectory_does_not_notice_the_others_by_a_single_bit(batch, symmetric):
    left, right, spectrum, eta = setting(70, 6, 5 if not symmetric else 6, 3, 2)
    right = None if symmetric else right
    eta = eta.expand(31, 70)
    together = population_cpu.descend(left, right, spectrum, eta)
    kept = torch.randperm(70, generator=torch.Generator().manual_seed(batch))[:batch]
    alone = population_cpu.descend(
        left[kept], None if right is None else right[kept], spectrum[kept], eta[:, kept]
    )
    for some, every in zip(alone, together, strict=True):
        assert some is every is None or torch.equal(some, every[kept])


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 10])
def test_step_sizes_of_every_iteration_and_trajectory(steps):
    left, _, spectrum, eta = setting(5, 6, 6, 4, 2)
    table = eta * 0.9 ** torch.arange(steps, dtype=torch.float64)[:, None]
    found, _ = population_cpu.descend(left, None, spectrum, table)
    expected, _ = by_hand(left, None, target(spectrum, 6, 6), table)
    assert (found - expected).abs().max() < ROUNDING


def test_the_start_is_left_alone():
    left, right, spectrum, eta = setting(8, 4, 4, 2, 1)
    before = left.clone(), right.clone()
    population_cpu.descend(left, right, spectrum, eta.expand(3, 8))
    assert torch.equal(left, before[0])
    assert torch.equal(right, before[1])


@pytest.mark.parametrize("symmetric", [True, False], ids=["XXᵀ", "FGᵀ"])
def test_a_diverging_trajectory_is_lost_alone_and_at_the_right_iteration(symmetric):
    seeds = range(11)
    problem = observe(psd(6, [2.0, 1.0], seeds), Identity(6))
    eta = torch.full((11,), 0.05, dtype=torch.float64)
    eta[[2, 9]] = torch.tensor([3.0, 1.5], dtype=torch.float64)
    x = gaussian_start(6, 3, 1.0, seeds).left
    start = Factors(x, None if symmetric else 0.5 * x)
    fast = solve(problem, GradientDescent(eta), start, 400, record=[200])
    with kernels.using("torch"):
        slow = solve(problem, GradientDescent(eta), start, 400, record=[200])
    assert [i for i, reason in enumerate(fast.stop_reason) if reason == "diverged"] == [2, 9]
    assert torch.equal(fast.diverged_at, slow.diverged_at)
    assert (fast.diverged_at[[2, 9]] > 0).all()
    assert torch.equal(fast.error.isinf(), slow.error.isinf())
    kept = [i for i in range(11) if i not in (2, 9)]
    assert (fast.factors.left - slow.factors.left)[kept].abs().max() < ROUNDING


@pytest.mark.parametrize(
    "rule",
    [
        Constant(0.1),
        Constant(torch.linspace(0.05, 0.1, 9, dtype=torch.float64)),
        Geometric(0.2, 0.97),
        Geometric(torch.linspace(0.1, 0.2, 9, dtype=torch.float64), 0.97),
        Geometric(0.2, torch.linspace(0.9, 1.0, 9, dtype=torch.float64)),
    ],
)
def test_solve_takes_the_same_steps_with_and_without_the_loop(rule, monkeypatch):
    seeds = range(9)
    problem = observe(psd(12, [2.0, 1.0], seeds), Identity(12))
    start = gaussian_start(12, 4, 0.5, seeds)
    # A table that does not cover the run, so that the loop is entered more than once between records.
    monkeypatch.setattr(gradient_descent, "LARGEST_TABLE", 9 * 13)
    with monkeypatch.context() as patch:
        patch.setattr(GradientDescent, "step", None)  # the torch steps are not taken
        fast = solve(problem, GradientDescent(rule), start, 100)
    with kernels.using("torch"):
        slow = solve(problem, GradientDescent(rule), start, 100)
    assert torch.equal(fast.steps, slow.steps)
    assert fast.loss.numpy() == pytest.approx(slow.loss.numpy(), rel=1e-9, abs=1e-30)
    assert (fast.factors.left - slow.factors.left).abs().max() < ROUNDING


def test_x_is_rounded_once_an_iteration():
    """The truth is approached until a step is below half a unit in the last place; more roundings add to that."""
    seeds = range(8)
    problem = observe(psd(12, [1.0, 0.5], seeds), Identity(12))
    start = gaussian_start(12, 2, 0.1, seeds)
    fast = solve(problem, GradientDescent(2e-3), start, 40_000, record=[])
    with kernels.using("torch"):
        slow = solve(problem, GradientDescent(2e-3), start, 40_000, record=[])
    assert fast.operator_error[:, -1].numpy() == pytest.approx(slow.operator_error[:, -1].numpy(), rel=0.02)


def test_what_is_recorded_does_not_change_a_bit():
    seeds = range(3)
    problem = observe(psd(9, [1.0], seeds), Identity(9))
    start = gaussian_start(9, 2, 0.5, seeds)
    runs = [solve(problem, GradientDescent(0.1), start, 80, record=r) for r in (range(81), [31], None)]
    for run in runs[1:]:
        assert torch.equal(run.factors.left, runs[0].factors.left)
        assert torch.equal(run.error[:, -1], runs[0].error[:, -1])


def test_few_trajectories_of_many_columns_are_left_to_library_products():
    assert not population_cpu.pays(1, 40)
    left, _, spectrum, eta = setting(1, 40, 40, 40, 1)
    matrix = target(spectrum, 40, 40).flatten(1)
    assert Identity(40).descend(left, None, matrix, eta.expand(2, 1)) is None
    assert Identity(40).descend(left[:, :, :5], None, matrix, eta.expand(2, 1)) is not None
