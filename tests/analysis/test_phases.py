"""Signal, residual and their parts, against a plain computation with an explicit basis."""

import pytest
import torch

from lowrank_core.analysis import phases
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors, balanced_start, gaussian_start
from lowrank_core.methods import GradientDescent
from lowrank_core.problem import observe
from lowrank_core.sensing import Identity
from lowrank_core.solver import solve
from lowrank_core.truth import psd

SEEDS = [0, 1]
N, K, R = 7, 5, 2


def problem(basis="random"):
    return observe(psd(N, [2.0, 1.0], SEEDS, basis), Identity(N))


def by_hand(given, factors):
    """S, E, F, G with a complement of V from a full QR and P_S from a pseudo-inverse."""
    v = given.truth.left
    complement = torch.linalg.qr(v, mode="complete").Q[:, :, R:]
    s, e = v.mT @ factors.left, complement.mT @ factors.left
    onto = torch.linalg.pinv(s) @ s
    return s, e, e @ onto, e - e @ onto


def norm(matrix):
    return torch.linalg.matrix_norm(matrix, ord=2)


@pytest.mark.parametrize("basis", ["eigen", "random"])
def test_observables_by_hand(basis):
    given, start = problem(basis), gaussian_start(N, K, 0.7, SEEDS)
    s, e, f, g = by_hand(given, start)
    expected = {
        "‖Σ − SSᵀ‖": norm(torch.diag_embed(given.truth.spectrum) - s @ s.mT),
        "‖SEᵀ‖": norm(s @ e.mT),
        "‖EEᵀ‖": norm(e @ e.mT),
        "‖FFᵀ‖": norm(f @ f.mT),
        "‖GGᵀ‖": norm(g @ g.mT),
        "eigenvalues of SSᵀ": torch.linalg.eigvalsh(s @ s.mT).flip(-1),
    }
    assert expected.keys() == phases.OBSERVABLES.keys()
    for name, values in expected.items():
        torch.testing.assert_close(phases.OBSERVABLES[name](given, start), values, rtol=1e-10, atol=1e-13)


def test_parts_add_up_and_do_not_overlap():
    given, start = problem(), gaussian_start(N, K, 0.7, SEEDS)
    split = phases.parts(given, start)
    torch.testing.assert_close(given.truth.left @ split.signal + split.residual, start.left)
    torch.testing.assert_close(split.inside + split.outside, split.residual)
    assert float((split.signal @ split.outside.mT).abs().max()) < 1e-15


def test_tiny_and_badly_scaled_signals():
    # One signal direction is learnt, the other still 1e-10 of it: G must not see either.
    given = problem("eigen")
    start = gaussian_start(N, K, 1.0, SEEDS).left.clone()
    plain = phases.parts(given, Factors(start))
    scaled = start.clone()
    scaled[:, 1] *= 1e-10
    torch.testing.assert_close(
        phases.parts(given, Factors(scaled)).outside, plain.outside, rtol=1e-9, atol=1e-14
    )
    tiny = phases.OBSERVABLES["‖GGᵀ‖"](given, Factors(1e-10 * start))
    torch.testing.assert_close(tiny, 1e-20 * phases.OBSERVABLES["‖GGᵀ‖"](given, Factors(start)))


def test_without_signal_everything_is_outside():
    given = problem("eigen")
    start = gaussian_start(N, K, 1.0, SEEDS).left.clone()
    start[:, :R] = 0.0
    split = phases.parts(given, Factors(start))
    assert not split.inside.any()
    torch.testing.assert_close(split.outside, split.residual)


def test_nothing_is_outside_with_k_equal_to_r():
    values = phases.outside(problem(), gaussian_start(N, R, 1.0, SEEDS))
    assert float(values.max()) < 1e-28


def test_lemma_14_along_a_run():
    # ‖XXᵀ − M*‖ ≤ ‖Σ − SSᵀ‖ + 2‖SEᵀ‖ + ‖EEᵀ‖, and a reduced run records the same norms as a full one.
    given = observe(psd(12, [2.0, 1.0], SEEDS), Identity(12))
    start = gaussian_start(12, K, 0.5, SEEDS)
    full, reduced = (
        solve(given, GradientDescent(0.1), start, 60, observables=phases.OBSERVABLES, reduce=reduce)
        for reduce in (False, True)
    )
    seen = full.observed
    bound = seen["‖Σ − SSᵀ‖"] + 2 * seen["‖SEᵀ‖"] + seen["‖EEᵀ‖"]
    assert bool((full.operator_error <= bound * (1 + 1e-12)).all())
    for name, values in seen.items():
        torch.testing.assert_close(reduced.observed[name], values, rtol=1e-8, atol=1e-13)


def test_a_pair_of_factors_is_refused():
    with pytest.raises(ArgumentError, match="symmetric"):
        phases.parts(problem(), balanced_start(N, K, 1.0, SEEDS))
