"""Lower bounds along the flow, their controls, and a float64 witness."""

import numpy as np
import pytest

from lowrank_core.proofs import enclosure, flow_eigenvalues

SEEDS = (0, 1, 9001)


def test_symbolic_proof_and_wrong_constant():
    assert set(flow_eigenvalues.proof_residuals().values()) == {0}
    wrong = flow_eigenvalues.proof_residuals(slope=1)
    assert wrong["kernel"] > 0
    assert wrong["metric"] > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_bounds_hold(seed):
    measured = flow_eigenvalues.smallest_ratios(seed)
    assert measured.eigenvalue > -1e-100
    assert measured.tail > -1e-100


@pytest.mark.parametrize("seed", SEEDS)
def test_controls_break(seed):
    assert flow_eigenvalues.smallest_ratios(seed, indefinite=True).eigenvalue < -0.5
    assert flow_eigenvalues.smallest_ratios(seed, rank_error=1).tail < -0.5


def test_a_better_constant_would_be_false(monkeypatch):
    # equality is attained at Σ = 0, so 1.99 in place of 2 must be caught
    monkeypatch.setattr(flow_eigenvalues, "bound", lambda start, t: start / (1 + 199 * t * start / 100))
    assert flow_eigenvalues.smallest_ratios(0).eigenvalue < -1e-4


@pytest.mark.parametrize("name", enclosure.available())
def test_certificates(name):
    with enclosure.using(name):
        claim = flow_eigenvalues.certify(0, count=1)
        assert (claim.proved, claim.refuted, claim.undecided) == (9, 0, 0)
        assert claim.margin > 0
        control = flow_eigenvalues.certify(0, count=1, indefinite=True)
        assert control.refuted > 0
        assert control.margin < 0


def test_against_float64():
    rng = np.random.default_rng(0)
    for _ in range(20):
        n, k, t = 6, 4, 0.7
        sigma = np.diag([1.5, 0.5, 0, 0, 0, 0])
        start = rng.normal(size=(n, k))
        kernel = np.diag([(np.exp(2 * s * t) - 1) / s if s else 2 * t for s in np.diag(sigma)])
        grown = np.diag(np.exp(np.diag(sigma) * t)) @ start
        w = grown @ np.linalg.inv(np.eye(k) + start.T @ kernel @ start) @ grown.T
        initial, final = (np.linalg.eigvalsh(m)[::-1][:k] for m in (start @ start.T, w))
        bound = flow_eigenvalues.bound(initial, t)
        assert (final >= bound * (1 - 1e-10)).all()
        assert ((w - sigma) ** 2).sum() >= (bound[2:] ** 2).sum()
