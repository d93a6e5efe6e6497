"""PrecGD against its formula, one trajectory at a time, its dampings, and what it refuses."""

import pytest
import torch

from lowrank_core import reduction
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors, gaussian_start, imbalanced_start
from lowrank_core.methods import PreconditionedGradientDescent, ResidualNorm, ScaledGradientDescent, SlopeNorm
from lowrank_core.noise import Gaussian
from lowrank_core.problem import observe
from lowrank_core.sensing import Identity, gaussian_symmetric
from lowrank_core.solver import solve
from lowrank_core.truth import psd, rectangular

SEEDS = [0, 1, 2]
N, K, ETA = 7, 4, 0.3
START = gaussian_start(N, K, 1.0, SEEDS)
SPECTRUM = [2.0, 1.0]


def sensing(seeds=SEEDS, noise=None):
    return observe(
        psd(N, SPECTRUM, seeds, "random"), gaussian_symmetric(N, 60, seeds), noise=noise, seeds=seeds
    )


def population(n=N):
    return observe(psd(n, SPECTRUM, SEEDS, "random"), Identity(n))


def stepped(problem, method, start=START):
    return method.step(problem, method.init(problem, start)).factors


def root(matrix, power):
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ (values**power).diag() @ vectors.T


class TestDamping:
    def test_slope_norm_is_the_printed_expression(self):
        problem = sensing()
        value, slope = problem.slope(START)
        found = SlopeNorm(1.5)(value, slope, START.left)
        for i in range(len(SEEDS)):
            x = START.left[i]
            # f is twice the loss, so that its gradient is 2A*(z)X.
            expected = 1.5 * torch.linalg.matrix_norm(2 * slope[i] @ x @ root(x.T @ x, -0.5))
            assert abs(float(found[i] / expected) - 1) < 1e-12

    @pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
    def test_residual_norm_is_a_power_of_the_error_on_the_population_loss(self, power):
        problem = population()
        value, slope = problem.slope(START)
        error = torch.linalg.matrix_norm(START.product() - problem.truth.matrix)
        found = ResidualNorm(0.7, power)(value, slope, START.left)
        assert (found / (0.7 * error**power) - 1).abs().max() < 1e-12

    def test_residual_norm_subtracts_the_noise(self):
        problem = sensing(noise=Gaussian(0.5))
        value, slope = problem.slope(START)
        residual = problem.operator.forward(START.product()) - problem.observations
        expected = (residual.square().mean(dim=1) - 0.25).abs().sqrt()
        assert (ResidualNorm(noise=0.5)(value, slope, START.left) / expected - 1).abs().max() < 1e-12

    @pytest.mark.parametrize(
        "wrong", [lambda: SlopeNorm(0.0), lambda: ResidualNorm(-1.0), lambda: ResidualNorm(1.0, -0.5)]
    )
    def test_wrong_arguments_are_refused(self, wrong):
        with pytest.raises(ArgumentError):
            wrong()

    def test_negative_noise_is_refused(self):
        with pytest.raises(ArgumentError, match="noise"):
            ResidualNorm(noise=-1.0)


class TestStep:
    @pytest.mark.parametrize("damping", [SlopeNorm(), ResidualNorm(2.0, 0.5)], ids=["slope", "residual"])
    def test_is_the_formula(self, damping):
        problem = sensing()
        value, slope = problem.slope(START)
        weights = damping(value, slope, START.left)
        found = stepped(problem, PreconditionedGradientDescent(ETA, damping)).left
        for i in range(len(SEEDS)):
            x = START.left[i]
            inverse = torch.inverse(x.T @ x + weights[i] * torch.eye(K, dtype=torch.float64))
            assert (found[i] - (x - ETA * slope[i] @ x @ inverse)).abs().max() < 1e-12

    def test_does_not_depend_on_the_batch(self):
        together = solve(sensing(), PreconditionedGradientDescent(ETA), START, 20)
        for i, seed in enumerate(SEEDS):
            alone = solve(
                sensing([seed]), PreconditionedGradientDescent(ETA), Factors(START.left[i : i + 1]), 20
            )
            assert (alone.factors.left[0] - together.factors.left[i]).abs().max() < 1e-10

    def test_depends_on_the_product_alone(self):
        q = torch.linalg.qr(torch.arange(16.0, dtype=torch.float64).reshape(K, K).sin()).Q
        one, other = (
            stepped(sensing(), PreconditionedGradientDescent(ETA), start)
            for start in (START, Factors(START.left @ q))
        )
        assert (one.product() - other.product()).abs().max() < 1e-12

    def test_a_fixed_damping_is_scaled_gradient_descent(self):
        problem = sensing()
        one = solve(problem, PreconditionedGradientDescent(ETA, ResidualNorm(0.4, 0.0)), START, 10)
        other = solve(problem, ScaledGradientDescent(ETA, 0.4), START, 10)
        assert (one.factors.left - other.factors.left).abs().max() < 1e-13

    @pytest.mark.parametrize("damping", [SlopeNorm(), ResidualNorm()], ids=["slope", "residual"])
    def test_the_reduction_is_exact(self, damping):
        problem, start = population(20), gaussian_start(20, K, 0.5, SEEDS)
        method = PreconditionedGradientDescent(ETA, damping)
        assert reduction.refusal(problem, start, method) is None
        full, reduced = (solve(problem, method, start, 30, reduce=how) for how in (False, True))
        assert (full.factors.product() - reduced.factors.product()).abs().max() < 1e-12

    def test_reaches_the_rounding_floor_and_stays_there(self):
        run = solve(population(), PreconditionedGradientDescent(0.4), START, 2_000)
        assert float(run.error.sqrt()[:, -1].max()) < 1e-13
        assert run.stop_reason == ("finished",) * len(SEEDS)

    def test_stands_still_at_the_truth_and_says_so(self):
        problem = observe(psd(N, [1.0, 1.0], SEEDS), Identity(N))
        exact = torch.eye(N, K, dtype=torch.float64)
        exact[:, 2:] = 0.0
        run = solve(problem, PreconditionedGradientDescent(ETA), Factors(exact.repeat(3, 1, 1)), 5)
        assert run.memory["singular_at"].tolist() == [0, 0, 0]
        assert float(run.error.max()) == 0.0


class TestRefusals:
    def test_a_pair_of_factors(self):
        problem = observe(rectangular(N, N - 1, SPECTRUM, SEEDS), Identity(N, N - 1))
        with pytest.raises(ArgumentError, match="symmetric"):
            PreconditionedGradientDescent(ETA).init(problem, imbalanced_start(N, N - 1, K, 1.0, 1.0, SEEDS))

    def test_another_loss(self):
        problem = observe(psd(N, SPECTRUM, SEEDS), gaussian_symmetric(N, 60, SEEDS), loss="l1")
        with pytest.raises(ArgumentError, match="l2"):
            PreconditionedGradientDescent(ETA).init(problem, START)

    def test_a_diverging_run_is_reported_and_does_not_raise(self):
        run = solve(sensing(), PreconditionedGradientDescent(80.0), START, 400)
        assert set(run.stop_reason) <= {"diverged", "finished"}
