"""Many trajectories over one ensemble: the entries are read once for all, until arithmetic is the limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch

from lowrank_core import Factors, Problem
from lowrank_core.bench import peers
from lowrank_core.bench.contest import Work, contest, same
from lowrank_core.bench.instances import ETA, dense, described, recovery, relative_error
from lowrank_core.bench.row import Row
from lowrank_core.kernels import using
from lowrank_core.methods import MixedGradientDescent

BATCHES = (1, 2, 4, 8, 16, 64)
BATCH = 64
ITERATIONS = 50
LONG = 400
"""Iterations after which every trajectory is far below a relative error of 1e-10."""


def rows(quick: bool = False) -> Iterator[Row]:
    """Gradients by batch size and by layout, then whole iterations in mixed precision at B = 64."""
    for n in (50,) if quick else (50, 128):
        yield from by_batch(n, rounds=5 if quick else 9)
        yield from by_layout(n, rounds=5 if quick else 9)
    for n in (50,) if quick else (50, 128):
        yield from mixed(n, rounds=5 if quick else 7)


def by_batch(n: int, rounds: int) -> Iterator[Row]:
    """A float64 gradient per trajectory; the others are one trajectory alone."""
    m = 15 * n
    operator = dense(n, m)
    whole, starts = recovery(operator, max(BATCHES))
    expected = torch.cat([_alone(whole, starts, b)() for b in range(max(BATCHES))])
    ours = {}
    for batch in BATCHES[1:]:
        problem, start = recovery(operator, batch)
        work = _gradient(problem, start)
        same(f"gradient, B={batch}", work(), expected[:batch], 1e-13)
        ours[f"gradient per trajectory, B={batch}"] = Work(
            work, batch, operator.entries.nbytes, flops=4 * operator.entries.numel() * batch
        )
    single, start = recovery(operator)
    others = {
        "B=1": Work(_gradient(single, start)),
        "two passes, torch, B=1": Work(_two_passes(single, start)),
    }
    yield from contest(described(n, m), ours, others, rounds)


def by_layout(n: int, rounds: int) -> Iterator[Row]:
    """Few trajectories, held one after the other; the other side has them in columns, as one writes A v."""
    m = 15 * n
    operator = dense(n, m)
    for batch in (2, 4, 8):
        problem, start = recovery(operator, batch)
        ours, columns = _gradient(problem, start), _columns(operator.entries, problem, start)
        same(f"gradient in columns, B={batch}", columns(), ours(), 1e-12)
        flops = 4 * operator.entries.numel() * batch
        yield from contest(
            described(n, m),
            {f"gradient per trajectory, B={batch}": Work(ours, batch, operator.entries.nbytes, flops=flops)},
            {"columns, torch, same B": Work(columns, batch)},
            rounds,
        )


LOW_PRECISION = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def mixed(n: int, rounds: int, arithmetics: Iterable[str] = tuple(LOW_PRECISION)) -> Iterator[Row]:
    """A whole iteration per trajectory: products in low precision, and a residual in float64 every so often."""
    m = 15 * n
    operator = dense(n, m)
    problem, start = recovery(operator, BATCH)
    ours = {}
    for arithmetic in arithmetics:
        dtype, method = LOW_PRECISION[arithmetic], MixedGradientDescent(ETA, arithmetic)
        if n <= 50:
            end = _ran(method, problem, start, LONG)().left
            worst = max(relative_error(x, problem) for x in end)
            if not worst <= 1e-10:
                raise RuntimeError(f"{method} ends at {worst:.1e}, above 1e-10: not timed")
        ours[f"iteration per trajectory, {arithmetic} mixed"] = Work(
            _ran(method, problem, start, ITERATIONS),
            BATCH * ITERATIONS,
            ITERATIONS * operator.entries.numel() * dtype.itemsize,
            working_set=operator.entries.numel() * dtype.itemsize,
            flops=ITERATIONS * 4 * operator.entries.numel() * BATCH,
            dtype=dtype,
        )
    full, y, x = peers.full(operator), problem.observations[0], start.left[0]
    others = {
        "autograd + SGD, torch, B=1": Work(lambda: peers.torch_sgd(full, y, x, ETA, 5), 5),
        "full matvec, torch, B=1": Work(lambda: peers.matvec(full, y, x)),
    }
    yield from contest(described(n, m, batch=BATCH), ours, others, rounds)


def _gradient(problem: Problem, start: Factors) -> Callable[[], torch.Tensor]:
    return lambda: problem.gradient(start, with_value=False)[1]


def _two_passes(problem: Problem, start: Factors) -> Callable[[], object]:
    def run() -> None:
        with using("torch"):
            problem.gradient(start, with_value=False)

    return run


def _columns(entries: torch.Tensor, problem: Problem, start: Factors) -> Callable[[], torch.Tensor]:
    return lambda: peers.columns(entries, problem.observations, start.left)


def _alone(problem: Problem, starts: Factors, b: int) -> Callable[[], torch.Tensor]:
    one = problem.observations[b : b + 1]
    return lambda: problem.operator.gradient(starts.left[b : b + 1], None, one, "l2", with_value=False)[1]


def _ran(method: MixedGradientDescent, problem: Problem, start: Factors, steps: int) -> Callable[[], Factors]:
    return lambda: method.advance(problem, method.init(problem, start), steps, steps).factors
