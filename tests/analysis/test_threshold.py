"""Bisection against a scan."""

import torch

from lowrank_core.analysis.threshold import octaves, smallest_success


def test_octaves():
    assert octaves(16, 64, 1) == [16, 32, 64]
    assert octaves(16, 32, 4) == [16, 19, 23, 27, 32]
    assert octaves(1, 8, 4) == [1, 2, 3, 4, 5, 6, 7, 8]  # rounding makes repetitions, which are dropped


def test_the_smallest_success_is_that_of_a_scan():
    sizes, seeds = octaves(4, 400, 5), list(range(40))
    threshold = {seed: 3 + 11 * seed for seed in seeds}
    asked = []

    def succeeds(size, some):
        asked.append((size, tuple(some)))
        return torch.tensor([size >= threshold[seed] for seed in some])

    found = smallest_success(sizes, seeds, succeeds)
    scan = [next((s for s in sizes if s >= threshold[seed]), float("inf")) for seed in seeds]
    assert found.tolist() == scan
    assert torch.isinf(found[-1])
    assert found[0] == 4
    assert max(sum(seed in some for _, some in asked) for seed in seeds) <= 6  # log2 of 34 sizes and one


def test_without_monotony_the_predecessor_fails():
    works = {1: False, 2: True, 3: False, 4: True, 5: True}
    (found,) = smallest_success(list(works), [0], lambda size, _: torch.tensor([works[size]])).tolist()
    assert works[int(found)]
    assert not works[int(found) - 1]
