"""Rewriting of words under the trace, against numbers."""

import numpy as np
import sympy

from lowrank_core.proofs.traces import Rules, trace_terms

A, AT, B, O, OT = (sympy.Symbol(name, commutative=False) for name in ("A", "At", "B", "O", "Ot"))
RULES = Rules({A: AT, AT: A, O: OT, OT: O}, {(OT, O): sympy.Integer(1)}, outer=5, inner=2)


def test_rotation_and_transposition():
    assert trace_terms(A * B * AT - B * AT * A, RULES) == 0
    assert trace_terms(A * B - B * AT, RULES) == 0
    assert trace_terms(A * B * B - B * A * B, RULES) == 0


def test_words_with_different_traces_are_kept_apart():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3, 3))
    b = b + b.T
    assert trace_terms(A * B * A * AT - A * B * AT * A, RULES) == 2
    assert abs(np.trace(a @ b @ a @ a.T) - np.trace(a @ b @ a.T @ a)) > 1e-3


def test_identities_left_by_rules_have_their_own_size():
    # tr(I − OOᵀ) = 5 − 2, and OOᵀ is found around the seam.
    assert trace_terms(1 - O * OT - 3 + 0 * A, RULES) == 1
    assert trace_terms((1 - O * OT) * (1 - O * OT) - (1 - O * OT), RULES) == 0
    assert trace_terms(5 * O * OT - 2, RULES) == 0


def test_rules_of_value_zero():
    rules = Rules({}, {(A, B): 0})
    assert trace_terms(A * B * A, rules) == 0
    assert trace_terms(B * A * A, rules) == 0
