"""Sizes written in one row a parameter."""

import pytest

from lowrank_core.claims.grammar import each, scales


def test_a_plain_value_stands_for_every_scale_and_each_for_one_a_scale():
    assert scales(n=each(6, 12, 40), eta=0.1, ks=each((1,), (1, 2), None)) == {
        "smoke": {"n": 6, "eta": 0.1, "ks": (1,)},
        "book": {"n": 12, "eta": 0.1, "ks": (1, 2)},
        "full": {"n": 40, "eta": 0.1, "ks": None},
    }


def test_parameters_keep_their_order():
    assert {tuple(sizes) for sizes in scales(b=1, a=each(1, 2, 3), c=2).values()} == {("b", "a", "c")}


def test_shared_rows_may_differ_by_scale():
    shared = {"n": each(6, 12, 40), "eta": 0.1}
    assert scales(**shared | {"eta": each(1, 2, 3)})["full"] == {"n": 40, "eta": 3}


def test_no_parameters_leave_every_scale_empty():
    assert scales() == {"smoke": {}, "book": {}, "full": {}}


@pytest.mark.parametrize("values", [(1, 2), (1, 2, 3, 4)])
def test_each_scale_has_its_value(values):
    with pytest.raises(TypeError):
        each(*values)
