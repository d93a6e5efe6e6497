"""Scores of the sub-gradient are standard normal where its law is exact, and not where it is not."""

import pytest
import torch

from lowrank_core.analysis.sign_rip_scores import overall, scores, unit
from lowrank_core.noise import Gaussian, Noise, Outliers
from lowrank_core.sensing import gaussian_symmetric

SEEDS = range(200)
M = 600


def rank_one(n: int, norm: float) -> torch.Tensor:
    spread = torch.ones(len(SEEDS), n, n, dtype=torch.float64)
    return norm * unit(spread)


@pytest.mark.parametrize("noise", [None, Outliers(0.4, 3.0, "cauchy"), Gaussian(0.7)], ids=str)
def test_scores_are_standard_normal(noise: Noise | None) -> None:
    operator = gaussian_symmetric(4, M, SEEDS)
    errors = None if noise is None else noise.sample(SEEDS, M)
    for z in scores(operator, rank_one(4, 1.5), errors, noise):
        # Four standard errors of the mean and of the standard deviation of 200 draws.
        assert abs(float(z.mean())) < 4 / 200**0.5
        assert abs(float(z.std()) - 1) < 4 / 400**0.5


def test_a_wrong_law_is_noticed() -> None:
    operator = gaussian_symmetric(4, M, SEEDS)
    errors = Outliers(0.4, 3.0).sample(SEEDS, M)
    along, across = scores(operator, rank_one(4, 1.5), errors, None)
    assert float(along.mean()) < -3
    # Across X every law of the errors gives the same.
    assert abs(float(across.mean())) < 4 / 200**0.5


def test_overall_is_the_worst_case_of_the_sums() -> None:
    found = overall(torch.tensor([[1.0, -2.0], [1.0, -2.0], [1.0, -2.0], [1.0, -2.0]]))
    assert float(found) == 4.0
