"""Statistics over the seeds that the claims on Ma & Fattahi pool."""

from __future__ import annotations

import pytest
import torch

from lowrank_core.claims.ma2023 import typical
from lowrank_core.claims.ma2023.gaussian_noise import least_deviations, unknowns


def noisy(exponent: float, x: tuple[float, ...], seeds: int = 40) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    scatter = (0.1 * torch.randn(seeds, len(x), generator=generator, dtype=torch.float64)).exp()
    return torch.tensor(x, dtype=torch.float64) ** exponent * scatter


@pytest.mark.parametrize("statistic", [typical.geometric_mean, typical.median, typical.rms])
def test_the_exponent_of_typical_values_is_that_of_the_power_law(statistic: typical.Statistic) -> None:
    found = typical.exponent((1.0, 3.0, 10.0), noisy(-2.0, (1.0, 3.0, 10.0)), statistic)
    assert found.low < -2.0 < found.high
    assert found.high - found.low < 0.1


def test_a_ratio_on_the_same_seeds_is_exact_where_the_seeds_scale_alike() -> None:
    values = noisy(1.0, (2.0,))[:, 0]
    found = typical.ratio(3 * values, values, typical.geometric_mean)
    assert found.value == pytest.approx(3.0)
    assert found.high - found.low < 1e-12


def test_one_failed_seed_moves_the_root_mean_square_and_not_the_median() -> None:
    values = torch.full((20,), 0.15, dtype=torch.float64)
    values[0] = 1.7
    assert typical.typical(values).value == pytest.approx(0.15)
    assert typical.typical(values, typical.rms).value > 0.35


def test_outliers_divide_the_density_at_zero_by_nearly_one_minus_p() -> None:
    plain, mixed = least_deviations(0.4, 12, 2, 1000), least_deviations(0.4, 12, 2, 1000, p=0.5)
    assert mixed / plain == pytest.approx(2.0, rel=0.05)


def test_unknowns_of_a_full_rank_matrix_are_the_entries_of_a_triangle() -> None:
    assert unknowns(7, 7) == 28
