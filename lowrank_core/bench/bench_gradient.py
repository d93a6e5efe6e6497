"""One gradient of dense measurements, one trajectory: the stored entries once, and half as many of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from lowrank_core import Factors, Problem
from lowrank_core.bench import peers
from lowrank_core.bench.contest import Work, contest, same
from lowrank_core.bench.instances import dense, described, recovery
from lowrank_core.bench.row import Row
from lowrank_core.kernels import using
from lowrank_core.sensing import Dense

STORAGE = ("float64", "float32", "bfloat16")


def rows(quick: bool = False) -> Iterator[Row]:
    """Every storage against the full matrix in torch, numpy and jax, and against the packed one in two passes."""
    for n in (50,) if quick else (50, 128, 256):
        yield from at(n, rounds=5 if quick else 9)


def at(n: int, rounds: int) -> Iterator[Row]:
    m = 15 * n
    entries, ours = dense(n, m).entries, {}
    for storage in STORAGE:
        operator = Dense(entries, (n, n), symmetric=True, storage=storage)
        problem, start = recovery(operator)
        full = peers.full(operator)
        same(f"gradient, {storage}", _gradient(problem, start)(), _exact(full, problem, start), 1e-13)
        ours[f"gradient, {storage} storage"] = Work(_gradient(problem, start), nbytes=operator.entries.nbytes)
        del full
    operator = Dense(entries, (n, n), symmetric=True)
    problem, start = recovery(operator)
    full, y, x = peers.full(operator), problem.observations[0], start.left[0]
    others = {
        "full matvec, torch": Work(lambda: peers.matvec(full, y, x)),
        "full einsum, torch": Work(lambda: peers.einsum(full, y, x)),
        "autograd, torch": Work(lambda: peers.autograd(full, y, x)),
        "full matvec, numpy": Work(lambda: peers.numpy_gradient(full.numpy(), y.numpy(), x.numpy())),
        "two passes, torch": Work(_two_passes(problem, start)),
    }
    # jax copies the matrix, which is too much where it has gigabytes.
    if peers.installed("jax") and n <= 128:
        derivative, iterate = peers.jax_gradient(full, y), x.numpy()
        others["autograd, jax"] = Work(lambda: derivative(iterate).block_until_ready())
    expected = peers.matvec(full, y, x)
    same("einsum", peers.einsum(full, y, x), expected, 1e-12)
    same("autograd", peers.autograd(full, y, x), expected, 1e-12)
    same("two passes", _two_passes(problem, start)(), expected, 1e-12)
    yield from contest(described(n, m), ours, others, rounds)


def _gradient(problem: Problem, start: Factors) -> Callable[[], torch.Tensor]:
    return lambda: problem.gradient(start, with_value=False)[1]


def _two_passes(problem: Problem, start: Factors) -> Callable[[], torch.Tensor]:
    def run() -> torch.Tensor:
        with using("torch"):
            return problem.gradient(start, with_value=False)[1][0]

    return run


def _exact(full: torch.Tensor, problem: Problem, start: Factors) -> torch.Tensor:
    return peers.matvec(full, problem.observations[0], start.left[0])[None]
