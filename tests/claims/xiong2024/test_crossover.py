import math

import pytest


@pytest.mark.parametrize(("modes", "time"), [(1, 3.40), (3, 2.68), (5, 2.33)])
def test_times_of_the_crossover_that_the_page_prints(modes, time):
    x = time + math.log(3)
    assert (x / math.sinh(x)) ** 2 == pytest.approx(modes / 100, rel=0.03)
