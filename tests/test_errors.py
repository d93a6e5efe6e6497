"""Bad input is refused by one kind of error, which names the argument, its value and the way out."""

import pickle
from functools import partial

import pytest
import torch

from lowrank_core import claims
from lowrank_core.claims.registry import all_claims
from lowrank_core.device import resolve_device, resolve_dtype
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import (
    SMALLEST_SCALE,
    Factors,
    balanced_start,
    gaussian_start,
    imbalanced_start,
    pad_columns,
    rank_limited_start,
    rotated_start,
    spectral_start,
)
from lowrank_core.methods import GradientDescent, Subgradient
from lowrank_core.noise import Gaussian, Outliers, Planted, SignFlip
from lowrank_core.problem import observe
from lowrank_core.randomness import normal, stream
from lowrank_core.sensing import Dense, Identity, gaussian, gaussian_symmetric
from lowrank_core.solver import log_spaced, solve
from lowrank_core.steps import Geometric, LossProportional
from lowrank_core.truth import geometric_spectrum, psd, rectangular

SEEDS = [0, 1]
DESCENT = GradientDescent(0.1)
TRUTH = psd(5, [1.0], SEEDS)
PROBLEM = observe(TRUTH, Identity(5))
START = gaussian_start(5, 2, 1.0, SEEDS)
SENSING = gaussian_symmetric(5, 9, SEEDS)


def ones(*shape, **options):
    return torch.ones(*shape, **{"dtype": torch.float64, **options})


def spoilt(tensor, bad):
    tensor = tensor.clone()
    tensor[-1, -1, -1] = bad
    return tensor


def solve_from(*factors, problem=PROBLEM, steps=1, **options):
    return partial(solve, problem, DESCENT, Factors(*factors), steps, **options)


# name -> (call, argument, part of its value as shown, part of the fix)
CASES = {
    # truths
    "unsorted spectrum": (partial(psd, 5, [1.0, 2.0], SEEDS), "spectrum", "[1.0, 2.0]", "descending"),
    "non-positive spectrum": (
        partial(psd, 5, [1.0, 0.0], SEEDS),
        "spectrum",
        "[1.0, 0.0]",
        "leave the zeros out",
    ),
    "empty spectrum": (partial(psd, 5, [], SEEDS), "spectrum", "(2, 0)", "(r,)"),
    "spectra for other seeds": (partial(psd, 5, ones(3, 1), SEEDS), "spectrum", "(3, 1)", "(B, r)"),
    "NaN in the spectrum": (
        partial(psd, 5, [torch.nan], SEEDS),
        "spectrum",
        "shape (2, 1)",
        "remove or replace",
    ),
    "rank above n": (partial(psd, 2, [1.0] * 3, SEEDS), "spectrum", "3 values", "larger n"),
    "rank above n2": (partial(rectangular, 5, 2, [1.0] * 3, SEEDS), "spectrum", "3 values", "larger n"),
    "unknown basis": (partial(psd, 5, [1.0], SEEDS, "fourier"), "basis", "'fourier'", '"eigen" or "random"'),
    "no seeds": (partial(psd, 5, [1.0], []), "seeds", "[]", "range(8)"),
    "rank zero": (partial(geometric_spectrum, 0, 2.0), "rank", "0", "rank >= 1"),
    "condition number below one": (partial(geometric_spectrum, 2, 0.5), "condition_number", "0.5", ">= 1"),
    # randomness
    "negative seed": (partial(stream, -1, "x"), "seed", "-1", "0, 1, 2"),
    "nameless stream": (partial(stream, 0, ""), "name", "''", "sensing"),
    "no draws": (partial(normal, [], "x", 3), "seeds", "[]", "range(8)"),
    # noise
    "p above one": (partial(Outliers, 1.5), "p", "1.5", "p=0.1"),
    "p below zero": (partial(Outliers, -0.1), "p", "-0.1", "p=0.1"),
    "p of one": (partial(Outliers, 1.0), "p", "1.0", "Gaussian(scale) for noise on every measurement"),
    "everything planted": (partial(Planted, 1.0, ones(5, 5)), "p", "1.0", "p=0.1"),
    "less than nothing planted": (partial(Planted, -0.1, ones(5, 5)), "p", "-0.1", "p=0.1"),
    "every sign flipped": (partial(SignFlip, 1.0), "p", "1.0", "p=0.1"),
    "fewer than no signs flipped": (partial(SignFlip, -1e-9), "p", "-1e-09", "p=0.1"),
    "flips not a number": (partial(SignFlip, float("nan")), "p", "nan", "p=0.1"),
    "p not a number": (partial(Outliers, float("nan")), "p", "nan", "p=0.1"),
    "unknown law": (partial(Outliers, 0.1, 1.0, "uniform"), "law", "'uniform'", "rademacher"),
    "negative deviation": (partial(Gaussian, -1.0), "scale", "-1.0", ">= 0"),
    # operators
    "no measurements": (partial(gaussian_symmetric, 5, 0, SEEDS), "m", "0", "m >= 1"),
    "fewer than none": (partial(gaussian, 5, 4, -3, SEEDS), "m", "-3", "m >= 1"),
    "empty matrices": (partial(gaussian, 5, 0, 3, SEEDS), "n2", "0", "n2 >= 1"),
    "empty identity": (partial(Identity, 0), "n1", "0", "n1 >= 1"),
    "entries of another n": (
        partial(Dense, ones(3, 10), (5, 5), True),
        "entries",
        "(3, 10)",
        "check n1, n2 and m",
    ),
    "entries without rows": (
        partial(Dense, ones(0, 15), (5, 5), True),
        "entries",
        "(0, 15)",
        "check n1, n2 and m",
    ),
    "symmetric but not square": (partial(Dense, ones(3, 10), (5, 2), True), "shape", "(5, 2)", "n1 = n2"),
    "NaN in the entries": (
        partial(Dense, spoilt(ones(1, 2, 15), torch.nan), (5, 5), True),
        "entries",
        "shape (1, 2, 15)",
        "remove or replace",
    ),
    "ensembles for nobody": (
        partial(Dense, ones(1, 2, 15), (5, 5), True, 0),
        "repeats",
        "0",
        "use >= 1",
    ),
    "repeats of a shared ensemble": (
        partial(Dense, ones(2, 15), (5, 5), True, 2),
        "repeats",
        "2",
        "1 for (m, q)",
    ),
    "matrix without batch": (
        partial(Identity(5).forward, ones(5, 5)),
        "matrix",
        "(5, 5)",
        "add the batch axis",
    ),
    "matrix of another n": (partial(Identity(5).forward, ones(2, 4, 4)), "matrix", "(2, 4, 4)", "the same n"),
    "measurements of another m": (partial(Identity(5).adjoint, ones(2, 9)), "z", "(2, 9)", "this operator"),
    # problems
    "operator of another n": (
        partial(observe, TRUTH, Identity(4)),
        "operator",
        "Identity(4, 4)",
        "the same n",
    ),
    "operator of another batch": (
        partial(observe, TRUTH, gaussian_symmetric(5, 3, [0])),
        "operator",
        "batch=1",
        "the same seeds",
    ),
    "operator of another dtype": (
        partial(observe, TRUTH, Identity(5, dtype="float32")),
        "operator",
        "Identity(5, 5)",
        "same device and dtype",
    ),
    "unknown loss": (partial(observe, TRUTH, Identity(5), "huber"), "loss", "'huber'", '"l2" or "l1"'),
    "noise without seeds": (
        partial(observe, TRUTH, Identity(5), "l2", Gaussian(1.0)),
        "seeds",
        "None",
        "the truth was made with",
    ),
    "noise for other seeds": (
        partial(observe, TRUTH, Identity(5), "l2", Gaussian(1.0), [0]),
        "seeds",
        "[0]",
        "the truth was made with",
    ),
    "infinite noise": (
        partial(Gaussian, float("inf")),
        "scale",
        "inf",
        "use a number",
    ),
    "corruption without seeds": (
        partial(observe, TRUTH, Identity(5), "l1", SignFlip(0.1)),
        "seeds",
        "None",
        "the truth was made with",
    ),
    "corruption for other seeds": (
        partial(observe, TRUTH, Identity(5), "l1", Planted(0.1, ones(5, 5)), [0]),
        "seeds",
        "[0]",
        "the truth was made with",
    ),
    "planted matrix of another n": (
        partial(observe, TRUTH, Identity(5), "l1", Planted(0.1, ones(4, 4)), SEEDS),
        "matrix",
        "(4, 4)",
        "the n and the seeds of the truth",
    ),
    "planted matrices of another batch": (
        partial(observe, TRUTH, Identity(5), "l1", Planted(0.1, ones(3, 5, 5)), SEEDS),
        "matrix",
        "(3, 5, 5)",
        "the n and the seeds of the truth",
    ),
    "NaN planted": (
        partial(Planted, 0.9, ones(5, 5) * torch.nan),
        "matrix",
        "shape (5, 5)",
        "remove or replace",
    ),
    # starts
    "search rank above n": (partial(gaussian_start, 5, 6, 1.0, SEEDS), "k", "6", "1 <= k <= 5"),
    "search rank zero": (partial(balanced_start, 5, 0, 1.0, SEEDS), "k", "0", "1 <= k <= 5"),
    "search rank above n1 + n2": (
        partial(imbalanced_start, 9, 5, 15, 1.0, 1.0, SEEDS),
        "k",
        "15",
        "1 <= k <= 14",
    ),
    "start of scale zero": (partial(gaussian_start, 5, 2, 0.0, SEEDS), "scale", "0.0", "1e-3"),
    "scale whose square underflows": (
        partial(gaussian_start, 5, 2, 1e-200, SEEDS),
        "scale",
        "1e-200",
        "scale >= 1e-150",
    ),
    "rank-limited underflow": (
        partial(rank_limited_start, 5, 2, 1, 1e-200, SEEDS),
        "scale",
        "1e-200",
        "scale >= 1e-150",
    ),
    "imbalanced underflow": (
        partial(imbalanced_start, 5, 5, 2, 1e-200, 1.0, SEEDS),
        "scale",
        "1e-200",
        "scale >= 1e-150",
    ),
    "balanced underflow": (
        partial(balanced_start, 5, 2, 1e-200, SEEDS),
        "scale",
        "1e-200",
        "scale >= 1e-150",
    ),
    "rotated underflow": (
        partial(rotated_start, 5, 2, 1e-200, SEEDS),
        "scale",
        "1e-200",
        "scale >= 1e-150",
    ),
    "spectral underflow": (
        partial(spectral_start, SENSING, ones(2, 9), 2, 1e-200),
        "scale",
        "1e-200",
        "scale >= 1e-150",
    ),
    "spectral start of scale zero": (
        partial(spectral_start, SENSING, ones(2, 9), 2, 0.0),
        "scale",
        "0.0",
        "1e-3",
    ),
    "spectral search rank above n": (
        partial(spectral_start, SENSING, ones(2, 9), 6, 1.0),
        "k",
        "6",
        "1 <= k <= 5",
    ),
    "spectral start of other observations": (
        partial(spectral_start, SENSING, ones(2, 8), 2, 1.0),
        "observations",
        "(2, 8)",
        "measurements of this operator",
    ),
    "spectral start of an operator that is not symmetric": (
        partial(spectral_start, gaussian(5, 5, 9, SEEDS), ones(2, 9), 2, 1.0),
        "operator",
        "Dense(rectangular",
        "use sensing.gaussian_symmetric",
    ),
    "start at zero": (solve_from(0 * START.left), "start", "all factors zero", "gaussian_start"),
    "one of two starts at zero": (
        solve_from(START.left * ones(2, 1, 1).index_fill(0, torch.tensor([1]), 0.0)),
        "start",
        "all factors zero",
        "gaussian_start",
    ),
    "both factors zero": (
        solve_from(0 * START.left, 0 * START.left),
        "start",
        "all factors zero",
        "gaussian_start",
    ),
    "both factors of one trajectory zero": (
        solve_from(*(START.left * ones(2, 1, 1).index_fill(0, torch.tensor([0]), 0.0),) * 2),
        "start",
        "all factors zero",
        "gaussian_start",
    ),
    "ratio zero": (partial(imbalanced_start, 5, 5, 2, 1.0, 0.0, SEEDS), "ratio", "0.0", "1/3"),
    "rank above k": (partial(rank_limited_start, 5, 2, 3, 1.0, SEEDS), "rank", "3", "rank <= k"),
    "too many columns": (partial(pad_columns, ones(2, 5, 3), 2), "k", "2", "k >= 3"),
    "start of another n": (solve_from(ones(2, 4, 2)), "start.left", "(2, 4, 2)", "seeds and sizes"),
    "start of another batch": (solve_from(ones(3, 5, 2)), "start.left", "(3, 5, 2)", "seeds and sizes"),
    "start without batch": (solve_from(ones(5, 2)), "start.left", "(5, 2)", "seeds and sizes"),
    "right factor of another n": (
        solve_from(ones(2, 5, 2), ones(2, 4, 2)),
        "start.right",
        "(2, 4, 2)",
        "sizes",
    ),
    "unequal search ranks": (
        solve_from(ones(2, 5, 2), ones(2, 5, 3)),
        "start.right",
        "(2, 5, 3)",
        "same search rank",
    ),
    "more columns than rows of both sides": (
        solve_from(ones(2, 5, 11), ones(2, 5, 11)),
        "search rank k",
        "11",
        "k <= 10",
    ),
    "more columns than rows": (solve_from(ones(2, 5, 6)), "search rank k", "6", "k <= 5"),
    "start of another dtype": (
        solve_from(ones(2, 5, 2, dtype=torch.float32)),
        "start.left",
        "torch.float32",
        "same device and dtype",
    ),
    "NaN in the start": (
        solve_from(spoilt(START.left, torch.nan)),
        "start.left",
        "shape (2, 5, 2)",
        "remove",
    ),
    "inf in the right factor": (
        solve_from(START.left, spoilt(START.left, torch.inf)),
        "start.right",
        "shape (2, 5, 2)",
        "remove",
    ),
    "XXᵀ for a rectangular truth": (
        solve_from(ones(2, 5, 2), problem=observe(rectangular(5, 5, [1.0], SEEDS), Identity(5))),
        "start",
        "symmetric",
        "asymmetric start (F, G)",
    ),
    "XXᵀ for asymmetric measurements": (
        solve_from(ones(2, 5, 2), problem=observe(TRUTH, gaussian(5, 5, 9, SEEDS))),
        "start",
        "symmetric",
        "gaussian_symmetric",
    ),
    # methods and steps
    "negative step": (partial(GradientDescent, -0.1), "step_size", "-0.1", "a number"),
    "step zero": (partial(Subgradient, 0.0), "step_size", "0.0", "a number"),
    "NaN step": (partial(GradientDescent, float("nan")), "step_size", "nan", "a number"),
    "one of the steps negative": (
        partial(GradientDescent, torch.tensor([0.1, -0.1])),
        "step_size",
        "-0.1",
        "(B,)",
    ),
    "matrix of steps": (partial(GradientDescent, ones(2, 2)), "step_size", "1.", "(B,)"),
    "negative geometric step": (partial(Geometric, -1.0, 0.9), "eta", "-1.0", "use a number"),
    "growing steps": (partial(Geometric, 1.0, 1.1), "ratio", "1.1", "0.99"),
    "negative loss-proportional step": (partial(LossProportional, -1.0), "eta", "-1.0", "use a number"),
    "steps for another batch": (
        partial(solve, PROBLEM, GradientDescent(ones(3) / 10), START, 1),
        "step_size",
        "0.1",
        "one value per trajectory",
    ),
    # solve
    "no iterations": (solve_from(*START, steps=0), "steps", "0", "steps >= 1"),
    "record before the start": (solve_from(*START, record=[-1]), "record", "[-1]", "clip or drop"),
    "record after the end": (solve_from(*START, record=[2]), "record", "[2]", "clip or drop"),
    "a grid of records": (solve_from(*START, record=[[0], [1]]), "record", "[[0], [1]]", "clip or drop"),
    "no grid": (partial(log_spaced, 0), "steps", "0", "steps >= 1"),
    "empty decades": (partial(log_spaced, 9, 0), "per_decade", "0", ">= 1"),
    # devices
    "unknown device": (partial(resolve_device, "gpu"), "device", "'gpu'", '"cpu" or "cuda"'),
    "unsupported device": (partial(resolve_device, "meta"), "device", "'meta'", '"cpu" or "cuda"'),
    "no device": (partial(resolve_device, None), "device", "None", '"cpu" or "cuda"'),
    "unknown dtype": (partial(resolve_dtype, "float8"), "dtype", "'float8'", '"float64" or "float32"'),
    "unsupported dtype": (
        partial(resolve_dtype, torch.float16),
        "dtype",
        "torch.float16",
        '"float64" or "float32"',
    ),
    # claims
    "unknown claim": (
        partial(claims.run, "xiong2024.exact-rank-linaer"),
        "claim_id",
        "'xiong2024.exact-rank-linaer'",
        "did you mean xiong2024.exact-rank-linear",
    ),
    "unknown paper": (partial(all_claims, "euclid300bc"), "paper", "'euclid300bc'", "xiong2024"),
    "unknown scale": (
        partial(claims.run, "xiong2024.riccati", "huge"),
        "scale",
        "'huge'",
        '"smoke" or "book" or "full"',
    ),
    "no seeds to run": (partial(claims.run, "xiong2024.riccati", seeds=0), "seeds", "0", "seeds >= 1"),
    "negative first seed": (partial(claims.run, "xiong2024.riccati", seed0=-1), "seed0", "-1", "0, 1, 2"),
}


@pytest.mark.parametrize(("call", "argument", "value", "fix"), CASES.values(), ids=CASES)
def test_bad_arguments_are_named_shown_and_mended(call, argument, value, fix):
    with pytest.raises(ArgumentError) as caught:
        call()
    message = str(caught.value)
    assert message.startswith(f"{argument} = ")
    shown, _, advice = message.removeprefix(f"{argument} = ").partition(" Fix: ")
    assert value in shown
    assert fix in advice


@pytest.mark.parametrize("zero", [0, 1], ids=["F = 0", "G = 0"])
def test_one_factor_may_be_zero(zero):
    # F = 0 leaves a gradient in F as long as G is not zero.
    factors = [START.left, START.left.clone()]
    factors[zero] = torch.zeros_like(START.left)
    run = solve_from(*factors, steps=5)()
    assert (run.factors[zero].abs().amax((1, 2)) > 0).all()
    # And one may be zero in one trajectory, the other in the other.
    mask = ones(2, 1, 1).index_fill(0, torch.tensor([1]), 0.0)
    PROBLEM.check_start(Factors(START.left * mask, START.left * (1 - mask)))


def test_the_smallest_start_scale_is_above_the_underflow():
    product = gaussian_start(5, 2, SMALLEST_SCALE, SEEDS).product()
    assert product.diagonal(dim1=1, dim2=2).min() > torch.finfo(torch.float64).tiny
    with pytest.raises(ArgumentError, match=r"scale = 9\.99e-151: .*Fix: use scale >= 1e-150"):
        gaussian_start(5, 2, 9.99e-151, SEEDS)


@pytest.mark.parametrize(
    "call",
    [
        partial(resolve_device, "cuda"),
        partial(resolve_device, torch.device("cuda", 0)),
        partial(psd, 5, [1.0], SEEDS, device="cuda"),
        partial(claims.run, "xiong2024.riccati", device="cuda"),
    ],
)
def test_cuda_is_refused_where_there_is_none(call, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ArgumentError, match=r"device = 'cuda.*sees 0 CUDA devices.*Fix: use device=\"cpu\""):
        call()


def test_a_card_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ArgumentError, match=r"device = 'cuda:1'.*sees 1 CUDA devices"):
        resolve_device("cuda:1")


def test_bad_numbers_are_counted_and_located():
    with pytest.raises(ArgumentError, match=r"holds 1 NaN or inf entries, the first at index \(1, 4, 1\)"):
        solve_from(spoilt(START.left, torch.nan))()


def test_errors_travel_between_processes():
    # `claims run` judges claims in processes of their own; an error that cannot travel breaks the pool.
    error = ArgumentError("seeds", 0, "too few", "use more")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.argument, copy.fix) == (str(error), "seeds", "use more")
