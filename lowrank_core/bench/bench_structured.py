"""Measurements with structure, and A*A computed once: gradients that do not read m·n² numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from lowrank_core import Factors, Problem
from lowrank_core.bench.contest import Work, contest, same
from lowrank_core.bench.instances import K, dense, described, recovery
from lowrank_core.bench.row import Row
from lowrank_core.kernels import using
from lowrank_core.sensing import Gram, MeasurementOperator, rank_one_symmetric, sampled_symmetric


def rows(quick: bool = False) -> Iterator[Row]:
    """Rank-one measurements, sampled entries, and A*A at m = 10 p."""
    rounds = 5 if quick else 9
    yield from structured(50 if quick else 128, rounds)
    yield from gram(24 if quick else 50, rounds)


def structured(n: int, rounds: int) -> Iterator[Row]:
    m = 15 * n
    ours = {}
    for name, operator, flops in (
        # AX and Aᵀ(z ∘ AX) for the vectors aᵢ stacked in A, n × m.
        ("gradient, rank-one measurements", rank_one_symmetric(n, m, [0], shared=True), 4 * m * n * K),
        # An entry of XXᵀ and its part in two rows of the gradient.
        (
            "gradient, sampled entries",
            sampled_symmetric(n, min(m, n * (n + 1) // 2), [0], shared=True),
            6 * m * K,
        ),
    ):
        work, problem, start = _gradient(operator)
        same(name, work(), _exact(problem, start), 1e-13)
        ours[name] = Work(work, flops=flops)
    yield from contest(described(n, m), ours, _dense(n, m), rounds)


def gram(n: int, rounds: int) -> Iterator[Row]:
    """Many more measurements than unknowns."""
    p = n * (n + 1) // 2
    operator = dense(n, 10 * p)
    problem, start = recovery(operator)
    once = Gram(operator, problem.observations)

    def run() -> torch.Tensor:
        return once.gradient(start.left, None, problem.observations, "l2", with_value=False)[1]

    same("gradient through A*A", run(), problem.gradient(start)[1], 1e-12)
    ours = {"gradient through A*A": Work(run, nbytes=4 * p * (p + 1), working_set=8 * p * p)}
    yield from contest(described(n, 10 * p), ours, _dense(n, 10 * p, operator), rounds)


def _dense(n: int, m: int, operator: MeasurementOperator | None = None) -> dict[str, Work]:
    """The same problem with dense measurements: as it is, and through torch in two passes."""
    work, _, _ = _gradient(operator or dense(n, m))

    def two_passes() -> None:
        with using("torch"):
            work()

    return {"dense measurements": Work(work), "two passes, torch": Work(two_passes)}


def _gradient(operator: MeasurementOperator) -> tuple[Callable[[], torch.Tensor], Problem, Factors]:
    problem, start = recovery(operator)
    return (lambda: problem.gradient(start, with_value=False)[1]), problem, start


def _exact(problem: Problem, start: Factors) -> torch.Tensor:
    """The gradient by definition, w A*(A(XXᵀ) − y) X, with the operator's own A and A* alone."""
    operator, x = problem.operator, start.left
    residual = operator.forward(x @ x.mT) - problem.observations
    return operator.weight * operator.adjoint(residual) @ x
