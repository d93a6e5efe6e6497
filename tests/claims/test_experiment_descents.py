from types import SimpleNamespace

import pytest
import torch

from lowrank_core.claims.claim import Setting
from lowrank_core.claims.experiments.descents import assume_small_steps, generic_start, resized
from lowrank_core.claims.standing import OutsideHypotheses
from lowrank_core.factors import imbalanced_start

SETTING = Setting((3, 4), SimpleNamespace(n=4, alpha=0.5, eta=0.1, spectrum=(2.0, 1.0)), torch.device("cpu"))


def test_a_start_with_more_columns_than_rows_has_the_product_of_the_wide_one():
    start = generic_start(SETTING, k=7)
    wide = imbalanced_start(4, 7, 7, 0.5, 1, SETTING.seeds).left
    assert start.left.shape == (2, 4, 4)
    torch.testing.assert_close(start.product(), wide @ wide.mT)


def test_resized_changes_only_what_it_says():
    other = resized(SETTING, n=5)
    assert (other.sizes.n, other.sizes.eta, SETTING.sizes.n) == (5, 0.1, 4)


def test_steps_that_let_the_norm_grow_are_refused():
    start = generic_start(SETTING, k=3)
    assume_small_steps(SETTING, start)
    with pytest.raises(OutsideHypotheses, match="½"):
        assume_small_steps(resized(SETTING, eta=0.26), start)
