"""The drift of the toy problem's imbalance: symbolic steps, certified runs, sharpness, controls."""

from fractions import Fraction

import numpy as np
import pytest

from lowrank_core.proofs import enclosure, toy_drift
from lowrank_core.proofs.toy_drift import Start


def test_symbolic_proof_and_control():
    assert set(toy_drift.proof_residuals().values()) == {0}
    wrong = toy_drift.proof_residuals(alternating=True)
    assert min(wrong["imbalance"], wrong["sum"]) > 0


@pytest.mark.parametrize("name", enclosure.available())
def test_certified_runs(name):
    with enclosure.using(name):
        for start in (
            *toy_drift.draw(0, 2),
            Start(Fraction(1, 100), Fraction(1, 50)),
            Start(Fraction(9, 10), Fraction(3, 5)),
        ):
            run = toy_drift.certify(start, 800)
            assert run.checks == run.proved == 2 * len(run.history)
            assert run.refuted == 0
            low, high = run.final
            assert 0 < low <= high < low * (1 + Fraction(1, 10**25))


@pytest.mark.parametrize("name", enclosure.available())
def test_controls_are_certainly_violated(name):
    (start,) = toy_drift.draw(1, 1)
    with enclosure.using(name):
        assert toy_drift.certify(start, 1000, decay=Fraction(1, 200)).refuted > 0
        grown = toy_drift.certify(Start(start.v, start.u), 1000, alternating=True)
    assert grown.refuted > 0
    assert grown.final[1] < 0


def test_first_order_constant_is_sharp():
    # D = ηc₀²/2 + O(η²), whatever b₀.
    for ratio in (Fraction(1, 5), Fraction(4, 5)):
        start = Start(Fraction(1, 1000), ratio**2 / 1000)
        low, high = toy_drift.certify(start, 40_000).final
        assert float(low / (start.v / 2)) == pytest.approx(1, abs=2e-3)
        assert float(high / (start.v / 2)) == pytest.approx(1, abs=2e-3)


def test_upper_bound_is_attained_at_the_largest_step():
    start = Start(Fraction(1), Fraction(3, 5))
    low, high = toy_drift.certify(start, 1).final
    assert low <= start.v / (2 - start.u) <= high


def test_bounds_in_floating_point_up_to_the_largest_step():
    rng = np.random.default_rng(3)
    for _ in range(200):
        u, v = sorted(rng.uniform(0, 1, 2), reverse=True)
        initial, start = u - v, (u, v)
        for _ in range(100):
            u, v = u * (1 - v) ** 2, v * (1 - u) ** 2
            drift = 1 - (u - v) / initial
            assert drift <= start[1] / (2 - start[0]) * (1 + 1e-9) + 1e-12 / initial
            assert drift >= -np.expm1((u + v - sum(start)) / 4) * (1 - 1e-9) - 1e-12 / initial


def test_too_little_precision_is_undecided_never_wrong(monkeypatch):
    monkeypatch.setattr(toy_drift, "BITS", 12)
    run = toy_drift.certify(toy_drift.draw(0, 1)[0], 500)
    assert run.proved < run.checks
    assert run.refuted == 0
