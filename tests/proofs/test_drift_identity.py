"""The second-order identity for the imbalance: symbols, exact instances, the solver, controls."""

import pytest
import torch

from lowrank_core.analysis.imbalance import imbalance
from lowrank_core.factors import Factors, imbalanced_start
from lowrank_core.methods import GradientDescent
from lowrank_core.problem import observe
from lowrank_core.proofs import drift_identity
from lowrank_core.sensing import gaussian
from lowrank_core.solver import solve
from lowrank_core.truth import rectangular

CASES = [(3, 4, 2, 5), (4, 3, 5, 7), (3, 3, 2, 12), (1, 5, 3, 2)]


def test_symbols():
    assert drift_identity.proof_residuals() == {"identity": 0, "first order": 0}
    alternating = drift_identity.proof_residuals("alternating")
    assert alternating["identity"] > 0
    assert alternating["first order"] == 0
    decayed = drift_identity.proof_residuals("weight decay")
    assert min(decayed.values()) > 0


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", [0, 9001])
def test_exact_instances(seed, case):
    assert drift_identity.instance_residual(seed, *case) == 0
    for rule in ("alternating", "weight decay"):
        assert drift_identity.instance_residual(seed, *case, rule=rule) > 0


def test_the_solver_obeys_it():
    n1, n2, k, eta, seeds = 9, 7, 4, 0.1, [0, 1]
    problem = observe(rectangular(n1, n2, (2.0, 1.0), seeds), gaussian(n1, n2, 40, seeds))
    start = imbalanced_start(n1, n2, k, 0.5, 1 / 3, seeds)
    after = solve(problem, GradientDescent(eta), start, 1).factors
    # The right-hand side is the imbalance of the gradients RG and RᵀF, times η².
    gradients = Factors(*problem.gradient(start)[1:])
    change = imbalance(after) - imbalance(start)
    torch.testing.assert_close(change, eta**2 * imbalance(gradients), atol=1e-14, rtol=1e-10)
