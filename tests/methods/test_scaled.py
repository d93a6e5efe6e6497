"""ScaledGD against its formula, one trajectory at a time, its dampings, where it stands still, what it refuses."""

import pytest
import torch

from lowrank_core import reduction
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors, gaussian_start, imbalanced_start, pad_columns
from lowrank_core.methods import GradientDescent, ScaledGradientDescent
from lowrank_core.methods.scaled import precondition
from lowrank_core.noise import Gaussian
from lowrank_core.problem import observe
from lowrank_core.sensing import Identity, gaussian, gaussian_symmetric
from lowrank_core.solver import solve
from lowrank_core.steps import Geometric, LossProportional
from lowrank_core.truth import psd, rectangular

ROUNDING = 1e-12
SEEDS = [0, 1, 2]
N1, N2, K = 7, 6, 3
ETA = 0.3
START = imbalanced_start(N1, N2, K, 1.0, 0.5, SEEDS)
SYMMETRIC_START = gaussian_start(N1, K, 1.0, SEEDS)
DAMPINGS = [0.0, 0.2, torch.tensor([0.0, 0.1, 2.0], dtype=torch.float64)]


def pair():
    return observe(
        rectangular(N1, N2, [2.0, 1.0], SEEDS, "random"),
        gaussian(N1, N2, 60, SEEDS),
        noise=Gaussian(0.1),
        seeds=SEEDS,
    )


def symmetric():
    return observe(psd(N1, [2.0, 1.0], SEEDS, "random"), gaussian_symmetric(N1, 60, SEEDS))


def stepped(problem, method, start):
    return method.step(problem, method.init(problem, start))


def slope(problem, i, matrix):
    """w Σ_j (⟨A_j, M⟩ − y_j) A_j of one trajectory, with every A_j written out."""
    batch, operator = problem.batch, problem.operator
    total = torch.zeros(problem.truth.shape, dtype=torch.float64)
    for j in range(operator.m):
        unit = torch.zeros(batch, operator.m, dtype=torch.float64)
        unit[i, j] = 1.0
        a = operator.adjoint(unit)[i]
        total += operator.weight * ((a * matrix).sum() - problem.observations[i, j]) * a
    return total


def value_of(damping, i):
    return float(damping[i]) if isinstance(damping, torch.Tensor) else damping


@pytest.mark.parametrize("damping", DAMPINGS, ids=["none", "fixed", "each its own"])
class TestStep:
    def test_of_a_pair_is_the_formula(self, damping):
        problem = pair()
        found = stepped(problem, ScaledGradientDescent(ETA, damping), START).factors
        for i in range(len(SEEDS)):
            f, g = START.left[i], START.right[i]
            pull, shift = slope(problem, i, f @ g.T), value_of(damping, i) * torch.eye(K, dtype=torch.float64)
            assert (
                found.left[i] - (f - ETA * pull @ g @ torch.inverse(g.T @ g + shift))
            ).abs().max() < ROUNDING
            assert (
                found.right[i] - (g - ETA * pull.T @ f @ torch.inverse(f.T @ f + shift))
            ).abs().max() < ROUNDING

    def test_of_a_symmetric_factor_is_the_formula(self, damping):
        problem = symmetric()
        found = stepped(problem, ScaledGradientDescent(ETA, damping), SYMMETRIC_START).factors
        for i in range(len(SEEDS)):
            x = SYMMETRIC_START.left[i]
            inverse = torch.inverse(x.T @ x + value_of(damping, i) * torch.eye(K, dtype=torch.float64))
            expected = x - ETA * slope(problem, i, x @ x.T) @ x @ inverse
            assert (found.left[i] - expected).abs().max() < ROUNDING

    def test_does_not_depend_on_the_batch(self, damping):
        problem = symmetric()
        together = solve(problem, ScaledGradientDescent(ETA, damping), SYMMETRIC_START, 20)
        for i, seed in enumerate(SEEDS):
            one = observe(psd(N1, [2.0, 1.0], [seed], "random"), gaussian_symmetric(N1, 60, [seed]))
            alone = solve(
                one,
                ScaledGradientDescent(ETA, value_of(damping, i)),
                Factors(SYMMETRIC_START.left[i : i + 1]),
                20,
            )
            assert (alone.factors.left[0] - together.factors.left[i]).abs().max() < 1e-9


class TestDamping:
    def test_a_large_one_is_gradient_descent_with_a_small_step(self):
        problem, large = pair(), 1e9
        scaled = stepped(problem, ScaledGradientDescent(ETA * large, large), START).factors
        plain = stepped(problem, GradientDescent(ETA), START).factors
        assert (scaled.left - plain.left).abs().max() < 1e-7
        assert (scaled.right - plain.right).abs().max() < 1e-7

    @pytest.mark.parametrize("damping", [-0.1, float("nan"), float("inf"), torch.tensor([0.1, -0.1])])
    def test_a_wrong_one_is_refused(self, damping):
        with pytest.raises(ArgumentError, match="damping"):
            ScaledGradientDescent(ETA, damping)

    def test_as_many_as_trajectories_or_an_error(self):
        with pytest.raises((ArgumentError, RuntimeError)):
            stepped(pair(), ScaledGradientDescent(ETA, torch.tensor([0.1, 0.2])), START)


class TestSingular:
    def start(self):
        """The second trajectory has a zero column."""
        left = SYMMETRIC_START.left.clone()
        left[1, :, -1] = 0.0
        return Factors(left)

    def test_a_singular_trajectory_stands_still_and_is_remembered(self):
        run = solve(symmetric(), ScaledGradientDescent(ETA), self.start(), 10)
        assert run.memory["singular_at"].tolist() == [-1, 0, -1]
        assert torch.equal(run.factors.left[1], self.start().left[1])
        assert run.stop_reason == ("finished",) * 3

    def test_the_others_do_not_notice(self):
        run = solve(symmetric(), ScaledGradientDescent(ETA), self.start(), 10)
        free = solve(symmetric(), ScaledGradientDescent(ETA), SYMMETRIC_START, 10)
        assert torch.equal(run.factors.left[[0, 2]], free.factors.left[[0, 2]])

    def test_a_pair_stands_still_in_both_factors(self):
        right = START.right.clone()
        right[0] = 0.0
        start = Factors(START.left, right)
        found = stepped(pair(), ScaledGradientDescent(ETA), start)
        assert torch.equal(found.factors.left[0], start.left[0])
        assert torch.equal(found.factors.right[0], start.right[0])
        assert found.memory["singular_at"].tolist() == [0, -1, -1]

    def test_damping_makes_it_regular(self):
        run = solve(symmetric(), ScaledGradientDescent(ETA, 0.1), self.start(), 10)
        assert run.memory["singular_at"].tolist() == [-1, -1, -1]

    def test_a_diverged_trajectory_is_not_called_singular(self):
        gradient, factor = (
            torch.ones(2, 3, 2, dtype=torch.float64),
            torch.eye(3, 2, dtype=torch.float64).repeat(2, 1, 1),
        )
        factor[0, 0, 0] = torch.nan
        product, singular = precondition(gradient, factor, torch.zeros(2, dtype=torch.float64))
        assert singular.tolist() == [False, False]
        assert not torch.isfinite(product[0]).all()
        assert torch.isfinite(product[1]).all()


class TestInvariance:
    def test_balancing_changes_nothing(self):
        problem = pair()
        q = torch.linalg.qr(torch.arange(9.0, dtype=torch.float64).reshape(3, 3).cos()).Q * torch.tensor(
            [1.0, 2, 5]
        )
        turned = Factors(START.left @ q, START.right @ torch.inverse(q).T)
        one, other = (
            stepped(problem, ScaledGradientDescent(ETA), start).factors for start in (START, turned)
        )
        assert (one.product() - other.product()).abs().max() < 1e-11

    def test_the_reduction_is_refused_without_damping_and_exact_with_it(self):
        problem = observe(psd(20, [2.0, 1.0], SEEDS), Identity(20))
        start = gaussian_start(20, 3, 0.5, SEEDS)
        assert reduction.refusal(problem, start, ScaledGradientDescent(ETA)) is not None
        full, reduced = (
            solve(problem, ScaledGradientDescent(ETA, 0.3), start, 30, reduce=how) for how in (False, True)
        )
        assert (full.factors.left - reduced.factors.left).abs().max() < 1e-12


class TestRefusals:
    def test_another_loss(self):
        problem = observe(psd(N1, [2.0, 1.0], SEEDS), gaussian_symmetric(N1, 60, SEEDS), loss="l1")
        with pytest.raises(ArgumentError, match="l2"):
            ScaledGradientDescent(ETA).init(problem, SYMMETRIC_START)

    def test_rules_made_for_gradients(self):
        with pytest.raises(ArgumentError, match="step_size"):
            ScaledGradientDescent(LossProportional(ETA))

    def test_as_many_dampings_as_neither_one_nor_the_batch(self):
        with pytest.raises(ArgumentError, match="2 values for 3 trajectories"):
            ScaledGradientDescent(ETA, torch.tensor([0.1, 0.2])).init(symmetric(), SYMMETRIC_START)

    def test_a_geometric_step_is_followed(self):
        problem = symmetric()
        run = solve(problem, ScaledGradientDescent(Geometric(ETA, 0.5)), SYMMETRIC_START, 2)
        first = stepped(problem, ScaledGradientDescent(ETA), SYMMETRIC_START)
        second = stepped(problem, ScaledGradientDescent(ETA / 2), first.factors)
        assert (run.factors.left - second.factors.left).abs().max() < ROUNDING

    def test_more_columns_than_rank_are_singular_at_a_padded_start(self):
        start = Factors(pad_columns(SYMMETRIC_START.left, K + 1))
        run = solve(symmetric(), ScaledGradientDescent(ETA), start, 3)
        assert run.memory["singular_at"].tolist() == [0, 0, 0]
