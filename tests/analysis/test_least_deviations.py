"""The law of least absolute deviations against values by hand and a simulated median."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from lowrank_core.analysis.least_deviations import asymptotic_error, degrees_of_freedom
from lowrank_core.errors import ArgumentError


def test_a_matrix_of_full_rank_has_the_entries_of_a_triangle() -> None:
    assert degrees_of_freedom(7, 7) == 28
    assert degrees_of_freedom(7, 1) == 7


def test_under_gaussian_noise_the_error_has_the_root_of_half_pi() -> None:
    expected = 0.4 * math.sqrt(math.pi / 2) * math.sqrt((20 * 3 - 3) / 500)
    assert asymptotic_error(0.4, 20, 3, 500) == pytest.approx(expected)


def test_outliers_divide_the_density_at_zero_by_nearly_one_minus_p() -> None:
    plain, mixed = asymptotic_error(0.4, 12, 2, 1000), asymptotic_error(0.4, 12, 2, 1000, p=0.5)
    assert mixed / plain == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize("p", [0.0, 0.3])
def test_one_unknown_has_the_error_of_a_sample_median(p: float) -> None:
    generator = torch.Generator().manual_seed(0)
    m, shape = 1001, (4000, 1001)
    noise = 0.4 * torch.randn(shape, generator=generator, dtype=torch.float64)
    hit = torch.rand(shape, generator=generator, dtype=torch.float64) < p
    noise += hit * 10 * torch.randn(shape, generator=generator, dtype=torch.float64)
    medians = noise.median(dim=1).values
    assert float(medians.square().mean().sqrt()) == pytest.approx(asymptotic_error(0.4, 1, 1, m, p), rel=0.05)


@pytest.mark.parametrize(
    "wrong", [{"scale": 0.0}, {"m": 0}, {"p": 1.5}, {"r": 0}, {"r": 13}], ids=lambda wrong: next(iter(wrong))
)
def test_wrong_arguments_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(wrong))):
        asymptotic_error(**{"scale": 0.4, "n": 12, "r": 2, "m": 1000} | wrong)
