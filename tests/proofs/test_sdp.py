"""Best counterexamples: known values from both sides, measured feasibility, bad input and failing solvers."""

import math

import pytest
import torch

from lowrank_core.analysis import landscape
from lowrank_core.analysis.planted import planted
from lowrank_core.analysis.sharp_threshold import smallest_constant_bound, threshold
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors
from lowrank_core.problem import observe
from lowrank_core.proofs import sdp
from lowrank_core.randomness import normal
from lowrank_core.sensing import from_normal
from lowrank_core.truth import Truth


def pair(ranks, j):
    case = planted(*ranks, threshold(*ranks, ranks[0] + j), [0], j)
    truth = case.problem.truth
    return case.point.left[0], (truth.left * truth.spectrum[:, None, :].sqrt())[0]


@pytest.mark.parametrize(("ranks", "j"), [((1, 1), 1), ((2, 1), 1), ((3, 2), 2), ((3, 2), 1)])
def test_both_ends_meet_at_the_threshold(ranks, j):
    x, z = pair(ranks, j)
    found = sdp.best_counterexample(x, z)
    exact = threshold(*ranks, ranks[0] + j)
    assert found.lower - 1e-9 <= exact <= found.delta + 1e-9
    assert found.gap < 1e-6
    assert found.gradient < 1e-6
    assert found.curvature > -1e-6


def test_the_counterexample_is_one_for_the_solvers_of_this_package():
    x, z = normal([1], "x", 5, 1)[0], normal([1], "z", 5, 1)[0]
    found = sdp.best_counterexample(x, z)
    assert found.normal_matrix.shape == (15, 15)
    values = torch.linalg.eigvalsh(found.normal_matrix)
    assert float((values - 1).abs().max()) == pytest.approx(found.delta, abs=1e-9)
    size = z.norm()
    unit = (z / size)[None]
    truth = Truth(unit, unit, size.square().reshape(1, 1), "random", (0,), symmetric=True)
    problem = observe(truth, from_normal(found.normal_matrix, found.shape))
    seen = landscape.stationarity(problem, Factors(x[None]))
    assert float(seen.gradient) < 1e-5
    assert float(seen.curvature) < 1e-5


def test_the_lower_end_holds_against_other_operators_and_above_the_closed_form():
    for seed in range(4):
        x, z = normal([seed], "x", 3, 2)[0], normal([seed], "z", 3, 1)[0]
        found = sdp.best_counterexample(x, z)
        assert found.gap < 1e-5
        assert found.delta >= float(smallest_constant_bound(x[None], z[None])) - 1e-6


@pytest.mark.parametrize("balance", [0.0, 0.5])
def test_a_pair_has_the_symmetric_threshold(balance):
    x = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    exact = threshold(2, 1)
    matrix = torch.diag(torch.tensor([math.sqrt(2) / exact, 0.0, 0.0], dtype=torch.float64))
    found = sdp.best_counterexample_pair(x, x.clone(), matrix, balance)
    assert found.delta == pytest.approx(exact, abs=1e-6)
    assert found.lower == pytest.approx(exact, abs=1e-6)


def test_a_failing_solver_is_noted_and_the_next_one_asked(monkeypatch):
    import cvxpy

    whole = cvxpy.Problem.solve

    def only_the_second(self, solver, **options):
        if solver == "CLARABEL":
            raise cvxpy.error.SolverError("no")
        return whole(self, solver=solver, **options)

    monkeypatch.setattr(cvxpy.Problem, "solve", only_the_second)
    found = sdp.best_counterexample(*pair((1, 1), 1))
    assert found.solver == "SCS"
    assert found.note == "CLARABEL: no"
    assert found.delta == pytest.approx(0.5, abs=1e-5)


def test_without_any_solver_the_error_says_what_each_of_them_said(monkeypatch):
    import cvxpy

    def none(self, solver, **options):
        raise cvxpy.error.SolverError("no memory")

    monkeypatch.setattr(cvxpy.Problem, "solve", none)
    with pytest.raises(sdp.SolverFailed, match="CLARABEL: no memory; SCS: no memory"):
        sdp.best_counterexample(*pair((1, 1), 1))


EYE = torch.eye(3, 2, dtype=torch.float64)


@pytest.mark.parametrize(
    ("attempt", "named"),
    [
        (lambda: sdp.best_counterexample(EYE, torch.eye(4, 2, dtype=torch.float64)), "x, z"),
        (lambda: sdp.best_counterexample(EYE[None], EYE), "x, z"),
        (lambda: sdp.best_counterexample(EYE, EYE), "x, z"),
        (
            lambda: sdp.best_counterexample(normal([1], "x", 20, 8)[0], normal([1], "z", 20, 8)[0]),
            "at most 60",
        ),
        (lambda: sdp.best_counterexample_pair(EYE, EYE, torch.zeros(2, 3)), "left, right, matrix"),
        (lambda: sdp.best_counterexample_pair(2 * EYE, EYE, torch.zeros(3, 3)), "left, right"),
        (lambda: sdp.best_counterexample_pair(EYE, EYE, torch.zeros(3, 3), -1.0), "balance"),
        (lambda: sdp.best_counterexample_pair(EYE, EYE, EYE @ EYE.mT), "x, z"),
    ],
)
def test_bad_input_is_named(attempt, named):
    with pytest.raises(ArgumentError, match=named):
        attempt()
