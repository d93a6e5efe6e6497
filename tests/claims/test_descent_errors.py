"""The errors over several scales at once are those of single runs."""

import pytest
import torch

from lowrank_core.claims.experiments.small_starts import descent, descent_errors, stopping_time
from lowrank_core.factors import imbalanced_start
from lowrank_core.problem import observe
from lowrank_core.sensing import gaussian
from lowrank_core.truth import rectangular


def test_errors_over_scales_are_those_of_single_runs():
    seeds, scales, eta, c = (3, 8), (1e-2, 1e-1, 1e-3), 0.1, 1.5

    def setup(chosen):
        truth = rectangular(6, 5, (2.0, 0.5), chosen)
        return observe(truth, gaussian(6, 5, 60, chosen)), imbalanced_start(6, 5, 4, 1.0, 1.0, chosen)

    found = descent_errors(*setup([seed for seed in seeds for _ in scales]), scales, eta, c)
    assert found.shape == (2, 3)
    for i, seed in enumerate(seeds):
        problem, start = setup([seed])
        for j, scale in enumerate(scales):
            norm = torch.tensor(scale, dtype=torch.float64)
            run = descent(problem, start.rescaled(norm), eta, stopping_time(c, 0.5, scale))
            assert float(found[i, j]) == pytest.approx(float(run.operator_error[0, -1]), rel=1e-9)
            assert torch.isfinite(found[i, j])
