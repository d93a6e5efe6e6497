"""The rebalancing step against its formula, its switch, and what it refuses."""

import pytest
import torch

from lowrank_core import reduction
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors, gaussian_start, imbalanced_start
from lowrank_core.methods import (
    AtIteration,
    GradientDescent,
    RebalancedGradientDescent,
    ResidualBelow,
    Subgradient,
)
from lowrank_core.methods.rebalanced import rebalance, residual_norm, visible_rank
from lowrank_core.problem import observe
from lowrank_core.sensing import Identity, gaussian
from lowrank_core.solver import solve
from lowrank_core.steps import Geometric, Polyak
from lowrank_core.truth import rectangular

ROUNDING = 1e-13
SEEDS = [0, 1, 2]
N1, N2, K = 16, 18, 4
ETA = 0.1
SPECTRUM = [2.0, 0.7]
START = imbalanced_start(N1, N2, K, 0.5, 1 / 3, SEEDS)


def population(batch=SEEDS, spectrum=SPECTRUM, basis="random"):
    return observe(rectangular(N1, N2, spectrum, batch, basis), Identity(N1, N2))


def sensing():
    return observe(rectangular(N1, N2, SPECTRUM, SEEDS, "random"), gaussian(N1, N2, 250, SEEDS))


def switched(problem, method, start=START, steps=1, **options):
    return solve(problem, method, start, steps, **options)


class TestStep:
    @pytest.mark.parametrize("beta", [0.3, 1.0, 2.5])
    def test_keeps_the_product_and_makes_the_left_factor_an_isometry_times_beta(self, beta):
        left, right = rebalance(*START, beta)
        assert (left @ right.mT - START.product()).abs().max() < ROUNDING
        assert (left.mT @ left - beta**2 * torch.eye(K, dtype=torch.float64)).abs().max() < ROUNDING

    def test_is_the_formula(self):
        left, right = rebalance(*START, 0.6)
        for i in range(len(SEEDS)):
            a, s, b = torch.linalg.svd(START.left[i], full_matrices=False)
            assert (left[i] - 0.6 * a).abs().max() < ROUNDING
            assert (right[i] - START.right[i] @ b.T @ s.diag() / 0.6).abs().max() < ROUNDING

    @pytest.mark.parametrize("problem", [population(), sensing()], ids=["population", "sensing"])
    def test_keeps_the_loss(self, problem):
        before, _, _ = problem.gradient(START)
        after, _, _ = problem.gradient(Factors(*rebalance(*START, 0.6)))
        assert (after / before - 1).abs().max() < ROUNDING

    def test_comes_before_the_gradient_step(self):
        problem = population()
        run = switched(problem, RebalancedGradientDescent(ETA, AtIteration(0), beta=0.8), reduce=False)
        descent = GradientDescent(ETA)
        expected = descent.step(problem, descent.init(problem, Factors(*rebalance(*START, 0.8)))).factors
        assert (run.factors.product() - expected.product()).abs().max() < ROUNDING

    def test_leaves_its_argument_alone(self):
        kept = START.left.clone()
        switched(population(), RebalancedGradientDescent(ETA, AtIteration(0), beta=1.0), reduce=False)
        assert torch.equal(START.left, kept)


class TestSwitch:
    def test_at_an_iteration(self):
        problem = population()
        run = switched(problem, RebalancedGradientDescent(ETA, AtIteration(7), beta=1.0), steps=20)
        plain = solve(problem, GradientDescent(ETA), START, 20)
        assert run.memory["switched_at"].tolist() == [7] * 3
        same = (run.error[:, run.steps <= 7] - plain.error[:, plain.steps <= 7]).abs().max()
        assert same < ROUNDING
        assert (run.error[:, -1] - plain.error[:, -1]).abs().min() > 1e-3

    @pytest.mark.parametrize("problem", [population(), sensing()], ids=["population", "sensing"])
    @pytest.mark.parametrize("every", [1, 7])
    def test_by_residual_for_each_trajectory(self, problem, every):
        threshold = 0.05
        method = RebalancedGradientDescent(ETA, ResidualBelow(threshold, every), beta=1.0)
        found = switched(problem, method, steps=400).memory["switched_at"].tolist()
        descent = GradientDescent(ETA)
        state, expected = descent.init(problem, START), [-1] * 3
        for t in range(400):
            relative = residual_norm(problem, state.factors) / problem.observations.norm(dim=1)
            for i in range(3):
                if expected[i] < 0 and t % every == 0 and relative[i] < threshold:
                    expected[i] = t
            state = descent.step(problem, state)
        assert found == expected
        assert len(set(found)) > 1

    def test_happens_once(self):
        run = switched(
            population(),
            RebalancedGradientDescent(ETA, ResidualBelow(0.5, every=1), beta=3.0),
            steps=300,
            observables={
                "gap": lambda p, f: (f.left.mT @ f.left - 9 * torch.eye(K, dtype=torch.float64)).norm(
                    dim=(1, 2)
                )
            },
            record=range(301),
        )
        for i, at in enumerate(run.memory["switched_at"].tolist()):
            drift = run.observed["gap"][i, at + 1 :]
            assert drift[-1] > drift[0] + 1e-6

    def test_one_that_never_triggers_is_plain_gradient_descent_and_reported(self):
        problem = population()
        run = switched(problem, RebalancedGradientDescent(ETA, ResidualBelow(1e-12)), steps=50)
        assert run.memory["switched_at"].tolist() == [-1] * 3
        assert torch.equal(run.error, solve(problem, GradientDescent(ETA), START, 50).error)

    def test_a_diverging_trajectory_is_dated_and_does_not_disturb_the_others(self):
        problem = population()
        etas = torch.tensor([ETA, 3.0, ETA], dtype=torch.float64)
        run = switched(problem, RebalancedGradientDescent(etas, AtIteration(60), beta=1.0), steps=80)
        alone = switched(problem, RebalancedGradientDescent(ETA, AtIteration(60), beta=1.0), steps=80)
        assert run.stop_reason == ("finished", "diverged", "finished")
        assert run.memory["switched_at"].tolist() == [60, -1, 60]
        assert run.error[0].numpy() == pytest.approx(alone.error[0].numpy(), rel=1e-9)

    @pytest.mark.parametrize("record", [[], [12], range(101)], ids=["ends", "one", "all"])
    def test_divergence_after_the_step_is_replayed_with_the_step(self, record):
        # β far from √σ_r makes this step size unstable, so only the rebalanced run leaves the finite numbers.
        method = RebalancedGradientDescent(0.2, AtIteration(10), beta=12.0)
        run = switched(population(), method, steps=100, record=record)
        every = switched(population(), method, steps=100, record=range(101))
        assert run.stop_reason == ("diverged",) * 3
        assert run.diverged_at.tolist() == every.diverged_at.tolist()
        assert (run.diverged_at > 10).all()
        assert run.memory["switched_at"].tolist() == [10] * 3


class TestBeta:
    @pytest.mark.parametrize("rank", [None, 2], ids=["rank estimated", "rank given"])
    @pytest.mark.parametrize("k", [2, 3, 4])
    @pytest.mark.parametrize("problem", [population(), sensing()], ids=["population", "sensing"])
    def test_its_square_is_the_smallest_singular_value_of_the_truth_by_default(self, problem, k, rank):
        start = imbalanced_start(N1, N2, k, 0.5, 1 / 3, SEEDS)
        method = RebalancedGradientDescent(0.05, ResidualBelow(1e-3), rank=rank)
        run = switched(problem, method, start, steps=4000)
        assert (run.memory["switched_at"] > 0).all()
        squares = torch.linalg.svdvals(run.factors.left).square()
        # FᵀF = β²I at the switch, which the rest of the run, so close to the truth, hardly changes.
        assert (squares / SPECTRUM[-1] - 1).abs().max() < 0.02

    def test_one_per_trajectory(self):
        betas = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
        together = switched(population(), RebalancedGradientDescent(0.05, AtIteration(3), betas), steps=30)
        for i, beta in enumerate(betas.tolist()):
            alone = switched(population(), RebalancedGradientDescent(0.05, AtIteration(3), beta), steps=30)
            assert together.error[i].numpy() == pytest.approx(alone.error[i].numpy(), rel=1e-10)

    def test_rank_is_seen_where_the_error_is_below_a_third_of_the_smallest_value(self):
        values = torch.tensor([[3.0, 1.0, 0.3], [3.0, 1.0, 0.01]], dtype=torch.float64)
        assert visible_rank(values, torch.tensor([0.3, 0.001])).tolist() == [2, 3]


class TestReduction:
    @pytest.mark.parametrize("switch", [AtIteration(0), ResidualBelow(0.01)], ids=repr)
    @pytest.mark.parametrize("basis", ["eigen", "random"])
    def test_reduced_runs_agree_with_full_ones(self, basis, switch):
        problem = population(basis=basis)
        method = RebalancedGradientDescent(0.05, switch, rank=2, beta=None if switch != AtIteration(0) else 1)
        full, reduced = (switched(problem, method, steps=3000, reduce=reduce) for reduce in (False, True))
        assert torch.equal(full.memory["switched_at"], reduced.memory["switched_at"])
        assert (full.error.sqrt() - reduced.error.sqrt()).abs().max() < ROUNDING
        assert (full.factors.product() - reduced.factors.product()).abs().max() < ROUNDING

    def test_is_chosen_where_gradient_descent_would_be_reduced(self):
        problem = population()
        for step in (ETA, Geometric(ETA, 0.999)):
            method = RebalancedGradientDescent(step, AtIteration(0))
            assert reduction.refusal(problem, START, method) is None
        assert "Polyak" in reduction.refusal(
            problem, START, RebalancedGradientDescent(Polyak(), AtIteration(0))
        )


class TestRefusals:
    @pytest.mark.parametrize("beta", [0.0, -1.0, torch.nan, torch.inf, torch.tensor([1.0, -1.0, 1.0])])
    def test_beta(self, beta):
        with pytest.raises(ArgumentError, match=r"beta = .*positive and finite"):
            RebalancedGradientDescent(ETA, AtIteration(0), beta)

    @pytest.mark.parametrize("rank", [0, K + 1])
    def test_rank(self, rank):
        with pytest.raises(ArgumentError, match=f"rank = {rank}"):
            switched(population(), RebalancedGradientDescent(ETA, AtIteration(0), rank=rank))

    def test_switches(self):
        with pytest.raises(ArgumentError, match="iteration = -1"):
            AtIteration(-1)
        for threshold, every, name in ((0.0, 1, "threshold"), (0.1, 0, "every")):
            with pytest.raises(ArgumentError, match=name):
                ResidualBelow(threshold, every)

    def test_symmetric_factors(self):
        from lowrank_core.truth import psd

        problem = observe(psd(8, [1.0], SEEDS), Identity(8))
        with pytest.raises(ArgumentError, match=r"start = .*cannot be rebalanced"):
            solve(
                problem,
                RebalancedGradientDescent(ETA, AtIteration(0)),
                gaussian_start(8, 2, 1.0, SEEDS),
                1,
            )

    def test_the_l1_loss(self):
        problem = observe(rectangular(N1, N2, SPECTRUM, SEEDS), Identity(N1, N2), "l1")
        Subgradient(ETA).init(problem, START)
        with pytest.raises(ArgumentError, match=r"problem\.loss = 'l1'"):
            switched(problem, RebalancedGradientDescent(ETA, AtIteration(0)))

    @pytest.mark.parametrize("reduce", [False, True])
    def test_a_left_factor_of_deficient_rank(self, reduce):
        left = START.left.clone()
        left[1, :, 3] = left[1, :, 2]
        with pytest.raises(ArgumentError, match=r"left = .*not full column rank"):
            switched(
                population(),
                RebalancedGradientDescent(ETA, AtIteration(2), beta=1.0),
                Factors(left, START.right.clone().index_copy(2, torch.tensor([3]), START.right[:, :, 2:3])),
                steps=5,
                reduce=reduce,
            )

    def test_a_rank_that_cannot_be_seen(self):
        with pytest.raises(ArgumentError, match=r"rank = None.*give rank or beta"):
            switched(population(), RebalancedGradientDescent(ETA, AtIteration(0)))
