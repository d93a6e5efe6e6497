"""Helpers of the claims on the sharp threshold, and hypotheses without which a statement fails."""

import math
from fractions import Fraction
from types import SimpleNamespace

import pytest
import torch

from lowrank_core.analysis.diagonal_noise import diagonal_noise, worst_noise
from lowrank_core.analysis.planted import planted
from lowrank_core.analysis.rip import sampled_rip
from lowrank_core.analysis.sharp_threshold import threshold
from lowrank_core.claims.claim import Setting
from lowrank_core.claims.zhang2025.counterexamples.traps import NEAR, near_starts
from lowrank_core.claims.zhang2025.sharp.descents import lower_order
from lowrank_core.proofs import valid_inequality
from lowrank_core.sensing import Dense


@pytest.mark.parametrize("ranks", [(4, 3), (3, 2), (2, 1)])
def test_the_constant_of_order_twice_the_true_rank(ranks):
    r, true = ranks
    star = threshold(r, true)
    delta = lower_order(ranks, 0.9) * star
    assert delta > star
    operator = planted(r, true, delta, [0]).problem.operator
    assert isinstance(operator, Dense)
    found = sampled_rip(operator, 2 * true, [0], samples=6, rounds=60).scale_free
    assert found.item() == pytest.approx(0.9 * star, rel=2e-3)


def test_starts_near_the_trap_are_gaussian_given_a_short_row():
    sizes = SimpleNamespace(sigma=0.7)
    starts = near_starts(Setting((0, 1), sizes, torch.device("cpu")), 4_000)
    assert starts.shape == (2, 4_000, 3, 2)
    length = starts[:, :, 0].norm(dim=-1)
    assert length.amax() <= NEAR
    half = 0.7 * math.sqrt(-2 * math.log1p(0.5 * math.expm1(-(NEAR**2) / (2 * 0.49))))
    assert length.median().item() == pytest.approx(half, rel=1e-2)
    assert starts[:, :, 1:].std().item() == pytest.approx(0.7, rel=3e-2)


def test_without_curvature_the_family_needs_no_noise():
    delta = torch.tensor([0.3], dtype=torch.float64)
    kept, free = (worst_noise(delta, 2, 1, grid=40, curvature=curvature) for curvature in (True, False))
    assert free.noise.abs() < 1e-3 * kept.noise.abs()
    assert diagonal_noise(kept.truth, kept.angle, delta, 2, 1)[1] >= -1e-9


def test_the_valid_inequality_needs_a_nonnegative_s():
    # A = 0 ⪰ −1 and M = diag(0, 1) have ‖E‖² − ω² = 0, below s²τ²/ω² = 1, although sτ ≤ ω².
    shape = valid_inequality.Shape(1, 1, 1, 1, True)
    side = [[Fraction(0)], [Fraction(1)]]
    instance = valid_inequality.Instance(shape, [[Fraction(0)]], side, side, Fraction(-1))
    assert valid_inequality.ratio(instance) == -1
