"""The multipliers in closed form, against the planted problem of the library and its landscape."""

import math
from fractions import Fraction

import pytest
import torch

from lowrank_core.analysis import landscape
from lowrank_core.analysis.planted import planted
from lowrank_core.analysis.sharp_threshold import threshold
from lowrank_core.proofs import threshold_multipliers
from lowrank_core.proofs.threshold_multipliers import Case

CASES = [Case(1, 1, 1), Case(4, 1, 1), Case(5, 2, 1), Case(3, 3, 2)]


@pytest.mark.parametrize("case", CASES)
def test_bound_is_the_threshold(case):
    n = case.search_rank + case.planted
    assert float(case.threshold) == pytest.approx(threshold(case.search_rank, case.true_rank, n), rel=1e-15)
    assert threshold_multipliers.proved_bound(case) == case.threshold
    assert threshold_multipliers.bound_without_escape(case) < float(case.threshold)


@pytest.mark.parametrize("case", CASES)
def test_nuclear_norm(case):
    # −tr S/‖S‖_* with S in coordinates, as `proofs.sdp` has it.
    positive, negative = threshold_multipliers.decomposition(case)
    s = sum(
        sign * float(weight) * torch.outer(v, v)
        for sign, parts in ((1, positive), (-1, negative))
        for weight, matrix in parts
        for v in [torch.tensor([[float(x) for x in row] for row in matrix], dtype=torch.float64).flatten()]
    )
    bound = -s.trace() / torch.linalg.matrix_norm(s, ord="nuc")
    assert float(bound) == pytest.approx(float(case.threshold), rel=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_conditions_are_those_of_the_landscape(case):
    delta = float(case.threshold)
    at = planted(case.search_rank, case.true_rank, delta, [0], planted_rank=case.planted)
    found = landscape.stationarity(at.problem, at.point)
    assert float(found.gradient) < 1e-12
    assert threshold_multipliers.conditions(case, threshold_multipliers.tight_form(case)) == 0
    hessian = landscape.hessian(at.problem, at.point)[0]
    total = 0.0
    for i, j in case.bends():
        v = torch.zeros(at.point.left.shape[1:], dtype=torch.float64)
        v[i, j - case.planted] = 1
        total += float(v.flatten() @ hessian @ v.flatten())
    assert abs(total) < 1e-10


@pytest.mark.parametrize("case", CASES)
def test_identity_for_forms_of_any_sign(case):
    for seed in range(3):
        form = threshold_multipliers.random_form(seed, case)
        assert threshold_multipliers.residual(case, form) == 0
    assert any(sign < 0 for sign, _, _ in form.terms)


@pytest.mark.parametrize("case", CASES)
def test_identity_needs_a_self_adjoint_form(case):
    form = threshold_multipliers.random_form(0, case, adjoint=False)
    assert threshold_multipliers.residual(case, form) != 0


def test_irrational_roots_are_refused():
    assert Case(9, 4, 4).root == Fraction(3, 2)
    with pytest.raises(ValueError, match="not the square"):
        _ = Case(2, 1, 1).root
    assert math.isclose(threshold(2, 1), 2 - math.sqrt(2))
