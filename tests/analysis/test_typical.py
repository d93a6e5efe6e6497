"""Typical values over the seeds against values by hand."""

from __future__ import annotations

import pytest
import torch

from lowrank_core.analysis import typical


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


def test_the_median_of_an_even_sample_lies_between_its_middle_values() -> None:
    assert float(typical.median(torch.tensor([4.0, 1.0, 2.0, 8.0]))) == 3.0


def test_statistics_run_over_the_first_axis() -> None:
    values = torch.tensor([[1.0, 3.0], [4.0, 3.0], [16.0, 3.0]], dtype=torch.float64)
    assert typical.geometric_mean(values).tolist() == pytest.approx([4.0, 3.0])
    assert typical.median(values).tolist() == [4.0, 3.0]
    assert typical.rms(values).tolist() == pytest.approx([91**0.5, 3.0])


def test_the_interval_of_a_typical_size_stays_positive() -> None:
    sizes = 10.0 ** torch.arange(-9, 0, dtype=torch.float64)
    found = typical.typical_size(sizes)
    assert found.value == pytest.approx(1e-5)
    assert 0 < found.low < 1e-5 < found.high
