"""What a hostile caller tried with the helpers of the analysis: refused, by the name of the argument."""

import math

import pytest
import torch

from lowrank_core import (
    Factors,
    Identity,
    gaussian_start,
    gaussian_symmetric,
    imbalanced_start,
    observe,
    psd,
    rectangular,
)
from lowrank_core.analysis import diagonal_noise, imbalance, landscape, phases, rank_one, rates, rip
from lowrank_core.analysis import sharp_threshold as sharp
from lowrank_core.analysis.alignment import largest_angle, leading_columns
from lowrank_core.analysis.embedding import Embedding
from lowrank_core.analysis.statistics import mean_interval, student_quantile
from lowrank_core.analysis.threshold import octaves, smallest_success
from lowrank_core.analysis.threshold_search import least_bound
from lowrank_core.analysis.worst_noise import attack
from lowrank_core.errors import ArgumentError
from lowrank_core.randomness import normal, orthonormal
from lowrank_core.sensing import certified, from_normal, random_certified

S = [0, 1]
P = observe(psd(4, [2.0, 1.0], S), Identity(4))
X = gaussian_start(4, 2, 0.1, S)
WIDE, PAIR = observe(rectangular(4, 3, [1.0], S), Identity(4, 3)), imbalanced_start(4, 3, 2, 0.1, 1.0, S)
MATRIX, FRAME = normal(S, "matrix", 5, 4), orthonormal(S, "frame", 5, 2)
TIMES, VALUES = torch.arange(1.0, 9.0), torch.ones(2, 8, dtype=torch.float64)
D = torch.tensor([0.3, 0.4], dtype=torch.float64)
MEMBER = diagonal_noise.Worst(D + 1, D, D)
ONE = torch.ones(2, dtype=torch.float64)


def squares(size, seeds):
    return torch.tensor([size > 2] * len(seeds))


# what is wrong -> (the argument that is named, call)
REFUSED = {
    "negative degrees": ("degrees", lambda: student_quantile(0.975, -3)),
    "half a degree": ("degrees", lambda: student_quantile(0.975, 2.5)),
    "a level of one": ("level", lambda: student_quantile(1.0, 3)),
    "no confidence": ("confidence", lambda: mean_interval([1.0, 2.0, 3.0], 0)),
    "confidence that is no number": ("confidence", lambda: mean_interval([1.0, 2.0, 3.0], math.nan)),
    "half a rank": ("search_rank", lambda: sharp.threshold(2.5, 1)),
    "half a true rank": ("true_rank", lambda: sharp.threshold(2, 1.5)),
    "half a side": ("n", lambda: sharp.threshold(2, 1, 3.5)),
    "half a published rank": ("search_rank", lambda: sharp.published_necessary(2.5, 1)),
    "a ratio that is no number": ("ratio", lambda: sharp.psi(0.5, math.nan)),
    "a constant that is no number": ("delta", lambda: sharp.psi(math.nan, 2.0)),
    "more columns than there are": ("rank", lambda: leading_columns(MATRIX, 9)),
    "minus one column": ("rank", lambda: leading_columns(MATRIX, -1)),
    "columns that are not orthonormal": ("second", lambda: largest_angle(FRAME, MATRIX[..., :2])),
    "first columns that are not orthonormal": ("first", lambda: largest_angle(3 * FRAME, FRAME)),
    "spaces of different dimension": ("second", lambda: largest_angle(FRAME, FRAME[..., :1])),
    "a tolerance that is no number": ("tolerance", lambda: landscape.spectrum(P, X, tolerance=math.nan)),
    "a tolerance of everything": ("tolerance", lambda: landscape.spectrum(P, X, tolerance=1.0)),
    "a balance that is no number": ("balance", lambda: landscape.gradient(WIDE, PAIR, math.nan)),
    "no tolerance of the gradient": (
        "gradient_tolerance",
        lambda: landscape.near_second_order(P, X, math.nan, 0.1),
    ),
    "a time that is no number": ("when", lambda: rates.at_time(TIMES, VALUES, math.nan)),
    "a time before the first": ("when", lambda: rates.at_time(TIMES, VALUES, -5)),
    "a time after the last": ("when", lambda: rates.at_time(TIMES, VALUES, 1e9)),
    "a negative floor": ("floor", lambda: rates.last_clear(TIMES, VALUES, -1)),
    "a floor of a window": ("floor", lambda: rates.late_window(TIMES, VALUES, 1.0, floor=math.nan)),
    "negative x": ("x", lambda: rates.scaling_exponent([-1.0, 2.0], ONE[:, None].expand(2, 2))),
    "the same x twice": ("x", lambda: rates.scaling_exponent([2.0, 2.0], ONE[:, None].expand(2, 2))),
    "columns that do not fit x": ("y", lambda: rates.scaling_exponent([1.0, 2.0, 3.0], VALUES)),
    "no points in an octave": ("per_octave", lambda: octaves(1, 10, 0)),
    "octaves from zero": ("low", lambda: octaves(0, 10, 1)),
    "octaves downwards": ("high", lambda: octaves(10, 1, 1)),
    "sizes out of order": ("sizes", lambda: smallest_success([4, 2, 8], S, squares)),
    "no sizes": ("sizes", lambda: smallest_success([], S, squares)),
    "a search below the true rank": ("search_rank, true_rank", lambda: least_bound(4, 1, 2, S, 2, 2)),
    "half a start": ("starts", lambda: least_bound(3, 2, 1, S, 2.5, 2)),
    "a level beyond one": ("delta", lambda: rank_one.sharp_level(torch.tensor(2.0))),
    "a negative level": ("delta", lambda: rank_one.sharp_level(torch.tensor(-0.1))),
    "a slope beyond one": ("delta", lambda: rank_one.smallest_slope(2.0, ONE, 0.5 * ONE)),
    "a point of a level that is not attained": ("delta", lambda: rank_one.sharpest_point(torch.tensor(0.3))),
    "noise beyond one": ("delta", lambda: diagonal_noise.worst_noise(5 * D, 2, 1)),
    "noise of no constant": ("delta", lambda: diagonal_noise.worst_noise(0 * D, 2, 1)),
    "noise below the true rank": ("r, r_star", lambda: diagonal_noise.worst_noise(D, 1, 2)),
    "noise of rank zero": ("r, r_star", lambda: diagonal_noise.worst_noise(D, 0, 0)),
    "noise of half a rank": ("r", lambda: diagonal_noise.worst_noise(D, 1.5, 1)),
    "a grid of one": ("grid", lambda: diagonal_noise.worst_noise(D, 2, 1, grid=1)),
    "a member below the true rank": ("r, r_star", lambda: diagonal_noise.exhibited(MEMBER, D, 1, 2)),
    "curvature below the true rank": ("r, r_star", lambda: diagonal_noise.diagonal_noise(D, D, D, 1, 2)),
    "an attack beyond one": ("delta", lambda: attack(P, X, 5 * D)),
    "half a round": ("rounds", lambda: attack(P, X, D, rounds=1.5)),
    "a batch of one for two": ("factors.left", lambda: phases.cross(P, Factors(X.left[:1]))),
    "other rows": ("factors.left", lambda: phases.residual(P, gaussian_start(5, 2, 0.1, S))),
    "a negative step": ("eta", lambda: Embedding(WIDE, PAIR, -1)),
    "a step that is no number": ("eta", lambda: Embedding(WIDE, PAIR, math.nan)),
    "beyond the step": ("part", lambda: Embedding(WIDE, PAIR, 0.1).at(1.5)),
    "a norm of zero": ("norm", lambda: X.rescaled(0)),
    "nothing above zero": ("zero", lambda: imbalance.local_rate(PAIR, math.nan)),
    "half a rank of a limit": ("rank", lambda: imbalance.has_slow_mode(PAIR, 1.5)),
    "half an order": ("rank", lambda: rip.sampled_rip(gaussian_symmetric(4, 9, S), 1.5, S)),
    "half a sample": ("samples", lambda: rip.sampled_rip(gaussian_symmetric(4, 9, S), 1, S, samples=1.5)),
    "a number for directions": ("directions", lambda: certified(3.0, 0.1)),
    "a constant of one": ("delta", lambda: certified(torch.eye(3).double()[None, None], 1.0)),
    "constants for others": ("delta", lambda: certified(torch.eye(3).double()[None, None], [0.1, 0.2])),
    "half a direction": ("count", lambda: random_certified(4, 0.1, 1.5, S)),
    "half an order of a matrix": ("n", lambda: random_certified(4.5, 0.1, 1, S)),
    "a text for a normal matrix": ("normal_matrix", lambda: from_normal("H", (2, 2))),
    "a normal matrix that is not square": ("normal_matrix", lambda: from_normal(torch.ones(2, 3), (2, 2))),
    "NaN in a normal matrix": (
        "normal_matrix",
        lambda: from_normal(torch.full((3, 3), math.nan).double(), (2, 2)),
    ),
}


@pytest.mark.parametrize(("argument", "call"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_by_name(argument, call):
    with pytest.raises(ArgumentError) as caught:
        call()
    assert caught.value.argument == argument


def test_the_exponent_of_a_size_that_is_negative_is_that_of_its_absolute_value():
    falling = torch.tensor([[-1.0, -4.0]], dtype=torch.float64)
    assert rates.scaling_exponent([1.0, 2.0], falling).tolist() == pytest.approx([2.0])
