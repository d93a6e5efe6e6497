"""The contest that the chapter holds: every way is there, takes its turn, and computes the same gradient."""

import pytest

from lowrank_core.claims.engine import live


def test_every_order_is_between_ways_that_are_timed():
    works = live.gradients(n=6, m=20)
    seconds = live.timed(works, rounds=3)
    assert set(seconds) == set(works) == {name for order in live.ORDERS for name in order}
    assert all(len(found) == 3 and min(found) >= 0 for found in seconds.values())


def test_times_are_shared_by_the_trajectories_of_a_call(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(live.time, "process_time", lambda: now[0])

    def work(seconds):
        def run():
            now[0] += seconds

        return run

    found = live.timed({"one": (work(1.0), 1), "many": (work(4.0), 8)}, rounds=2)
    assert found == {"one": pytest.approx([1.0, 1.0]), "many": pytest.approx([0.5, 0.5])}
    assert live.beats(found, "many", "one")
    assert not live.beats(found, "one", "many")


def test_ratios_are_taken_inside_rounds():
    assert live.beats({"a": [1.0, 10.0, 1.0], "b": [2.0, 20.0, 2.0]}, "a", "b")
    assert not live.beats({"a": [1.0, 1.0, 9.0], "b": [0.5, 0.5, 90.0]}, "a", "b")
