import math

import pytest
import torch

from lowrank_core.claims.xiong2024.asymmetry import crossover


def test_crossover_is_the_record_after_the_last_one_above_the_level():
    steps = torch.tensor([0, 10, 20, 30, 40])
    ratio = torch.tensor([[1.0, 0.001, 0.5, 0.001, 0.001], [1.0, 1.0, 1.0, 1.0, 1.0]], dtype=torch.float64)
    assert crossover(steps, ratio).tolist() == [30.0, 40.0]


@pytest.mark.parametrize(("modes", "time"), [(1, 3.40), (3, 2.68), (5, 2.33)])
def test_times_of_the_crossover_that_the_page_prints(modes, time):
    x = time + math.log(3)
    assert (x / math.sinh(x)) ** 2 == pytest.approx(modes / 100, rel=0.03)
