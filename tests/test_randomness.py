"""Named streams: independent of batch, order, dtype and of each other, and the same numbers for ever."""

import numpy as np
import pytest
import torch
from scipy import stats

from lowrank_core import randomness
from lowrank_core.factors import imbalanced_start
from lowrank_core.noise import Outliers
from lowrank_core.problem import observe
from lowrank_core.randomness import normal, orthonormal, stream
from lowrank_core.sensing import gaussian
from lowrank_core.truth import rectangular

ROUNDING = 1e-14


def test_golden_values():
    # Every number of the book hangs on these: a change of generator or of key must not pass unnoticed.
    assert stream(0, "sensing").standard_normal(4).tolist() == [
        -0.6443845491792818,
        -1.5571888850883053,
        1.5766207262685572,
        -0.5699574913976234,
    ]
    assert stream(0, "sensing").random(2).tolist() == [0.5451494108400133, 0.737397202052766]


@pytest.mark.parametrize(
    ("one", "other"), [((0, "start"), (0, "sensing")), ((0, "start"), (1, "start")), ((1, "12"), (11, "2"))]
)
def test_other_names_and_seeds_are_other_numbers(one, other):
    assert not np.intersect1d(stream(*one).random(1000), stream(*other).random(1000)).size


def test_streams_of_consecutive_seeds_are_not_correlated():
    draws = normal(range(8), "start", 10_000).numpy()
    correlation = np.corrcoef(draws) - np.eye(8)
    assert np.abs(correlation).max() < 5 / 10_000**0.5
    assert stats.kstest(draws.ravel(), "norm").pvalue > 1e-3


@pytest.mark.parametrize("law", [normal, orthonormal])
def test_draws_do_not_depend_on_batch_or_order(law):
    batch = law([4, 7, 2], "x", 5, 3)
    for row, seed in enumerate([4, 7, 2]):
        assert torch.equal(batch[row], law([seed], "x", 5, 3)[0])


def test_a_seed_drawn_twice_is_the_same():
    first, second = normal([3, 3], "x", 5)
    assert torch.equal(first, second)


def test_float32_is_the_rounded_float64():
    wide, narrow = (normal([0, 1], "x", 50, dtype=dtype) for dtype in (torch.float64, torch.float32))
    assert torch.equal(wide.float(), narrow)


@pytest.mark.parametrize(("n", "r"), [(6, 1), (6, 3), (6, 6)])
def test_orthonormal_columns(n, r):
    q = orthonormal(range(3), "x", n, r)
    assert q.shape == (3, n, r)
    assert (q.mT @ q - torch.eye(r)).abs().max() < ROUNDING


def test_orthonormal_columns_are_haar():
    # Without the signs of R, the first entry of Q would have one sign only.
    entries = orthonormal(range(400), "x", 3, 1)[:, 0, 0]
    assert stats.kstest(entries.numpy(), stats.uniform(-1, 2).cdf).pvalue > 1e-3


def test_truth_operator_noise_and_start_draw_from_streams_of_their_own(monkeypatch):
    drawn = []

    def told(seed, name):
        drawn.append(name)
        return stream(seed, name)

    monkeypatch.setattr(randomness, "stream", told)
    truth = rectangular(4, 3, [1.0], [0], "random")
    observe(truth, gaussian(4, 3, 5, [0]), "l1", Outliers(0.5), [0])
    imbalanced_start(4, 3, 2, 1.0, 1.0, [0])
    assert len(drawn) >= 6
    assert len(drawn) == len(set(drawn)), f"one stream is drawn from twice: {sorted(drawn)}"
