"""The discrete theorem: proof steps, certified runs, sharpness, controls, and a float64 witness."""

from fractions import Fraction

import numpy as np
import pytest

from lowrank_core.proofs import enclosure, gd_eigenvalues

SEEDS = (0, 1, 9001)


def test_symbolic_proof_and_wrong_constant():
    assert set(gd_eigenvalues.proof_residuals().values()) == {0}
    assert gd_eigenvalues.proof_residuals(Fraction(19, 10))["square"] > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_bound_holds(seed):
    for load in (Fraction(1, 2), Fraction(1, 10)):
        assert gd_eigenvalues.smallest_ratio(seed, count=8, load=load) > -1e-40


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "control", [{"load": Fraction(3, 4)}, {"indefinite": True}, {"constant": Fraction(19, 10)}]
)
def test_controls_break(seed, control):
    assert gd_eigenvalues.smallest_ratio(seed, **control) < -1e-3


@pytest.mark.parametrize("name", enclosure.available())
def test_certified_run(name):
    with enclosure.using(name):
        run = gd_eigenvalues.certify(0, record=(1, 5, 40))
        assert run.eigenvalues[:3] == (12, 0, 0)
        assert run.eigenvalues.margin > 0
        assert run.hypothesis_proved == run.steps == 40
        too_large = gd_eigenvalues.certify(0, load=Fraction(1), record=(1, 3))
        assert too_large.eigenvalues.refuted > 0
        assert too_large.hypothesis_proved < too_large.steps
        assert gd_eigenvalues.certify(0, indefinite=True, record=(100,)).eigenvalues.refuted > 0
        assert gd_eigenvalues.certify(0, constant=1, record=(1,)).eigenvalues.refuted > 0


def test_too_little_precision_is_undecided_never_wrong(monkeypatch):
    monkeypatch.setattr(enclosure, "precision", lambda bits, exact=enclosure.precision: exact(20))
    found = gd_eigenvalues.certify(0, record=(30,)).eigenvalues
    assert found.undecided > 0
    assert found.refuted == 0


@pytest.mark.parametrize("ratio", [Fraction(2, 3), Fraction(12, 17), Fraction(70, 99)])
def test_limit_is_sharp(ratio):
    load, gap = gd_eigenvalues.beyond_the_limit(ratio)
    assert load > Fraction(1, 2)
    assert gap < 0


def test_limit_is_not_exceeded_from_below():
    load, gap = gd_eigenvalues.beyond_the_limit(Fraction(71, 100))
    assert load < Fraction(1, 2)
    assert gap >= 0


def test_bound_increases_with_its_argument_and_is_the_best():
    eta, steps = Fraction(1, 3), 16
    grid = [Fraction(i, 20) for i in range(1, 30)]
    values = [gd_eigenvalues.bound(b, eta, steps) for b in grid]
    assert values == sorted(values)
    assert values[-1] == max(
        1 / (1 / b + 2 * eta * steps / (1 - 2 * eta * b)) for b in [*grid, Fraction(3, 10)]
    )


def test_against_float64():
    rng = np.random.default_rng(1)
    for _ in range(50):
        n, k = rng.integers(2, 8), rng.integers(1, 9)
        values = rng.uniform(0, 2, n) * (rng.random(n) < 0.5)
        rotation = np.linalg.qr(rng.normal(size=(n, n)))[0]
        sigma = (rotation * values) @ rotation.T
        x = rng.normal(size=(n, k)) * 10.0 ** rng.uniform(-1, 0.5)
        rank = min(n, k)
        initial = np.linalg.eigvalsh(x @ x.T)[::-1][:rank]
        eta = 0.5 / max(initial[0], values.max())
        for steps in range(1, 60):
            x = x - eta * (x @ x.T - sigma) @ x
            final = np.linalg.eigvalsh(x @ x.T)[::-1][:rank]
            assert eta * final[0] <= 0.5 + 1e-12
            bounds = [gd_eigenvalues.bound(value, eta, steps) for value in initial]
            assert (final >= np.array(bounds) - 1e-12 * final[0]).all()
