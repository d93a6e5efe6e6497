"""From a random start to a relative error of 1e-10, against whole programs and packages that do the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from lowrank_core import (
    ErrorBelow,
    Factors,
    GradientDescent,
    Problem,
    gaussian_start,
    gaussian_symmetric,
    observe,
    psd,
    solve,
)
from lowrank_core.bench import peers
from lowrank_core.bench.contest import Work, contest
from lowrank_core.bench.instances import ETA, SPECTRUM, dense, described, recovery, relative_error
from lowrank_core.bench.row import Row
from lowrank_core.methods import ConjugateGradient, Method, MixedGradientDescent

GOAL = 1e-10
LONGEST = 600


def rows(quick: bool = False) -> Iterator[Row]:
    """Seconds of a whole run, checks and records included."""
    yield from to_accuracy(20 if quick else 50, rounds=3 if quick else 7)
    yield from programs(rounds=3 if quick else 5)


def to_accuracy(n: int, rounds: int) -> Iterator[Row]:
    m = 15 * n
    operator = dense(n, m)
    problem, start = recovery(operator)
    rounded, _ = recovery(dense(n, m, "float32"))
    nbytes = operator.entries.nbytes
    steps = _needed(problem, GradientDescent(ETA), start)
    ours = {}
    for name, method, one, bytes_a_step, span in (
        ("gradient descent, float64", GradientDescent(ETA), problem, nbytes, nbytes),
        ("gradient descent, float32 storage", GradientDescent(ETA), rounded, nbytes // 2, nbytes // 2),
        ("gradient descent, float32 mixed", MixedGradientDescent(ETA), problem, nbytes // 2, nbytes // 2),
        ("conjugate gradients, float64", ConjugateGradient(), problem, 2 * nbytes, nbytes),
        ("conjugate gradients, float32 storage", ConjugateGradient(), rounded, nbytes, nbytes // 2),
    ):
        count = _needed(one, method, start)
        if isinstance(method, GradientDescent) and abs(count - steps) > max(1, 0.02 * steps):
            raise RuntimeError(f"{name} takes {count} iterations, gradient descent {steps}: not timed")
        ours[f"{name}, {count} iterations"] = Work(
            _solved(one, method, start, count), nbytes=count * bytes_a_step, working_set=span
        )

    full, y, x = peers.full(operator), problem.observations[0], start.left[0]
    runs: dict[str, Callable[[], torch.Tensor]] = {
        "autograd + SGD, torch": lambda: peers.torch_sgd(full, y, x, ETA, steps),
        "explicit gradient, torch": lambda: peers.torch_explicit(full, y, x, ETA, steps),
        "gradient descent, numpy": lambda: peers.numpy_descent(full, y, x, ETA, steps),
    }
    rivals = ["gradient descent, numpy"]
    if peers.installed("jax"):
        runs["gradient descent, jax"] = peers.jax_descent(full, y, x, ETA, steps)
        rivals.append("gradient descent, jax")
    if peers.installed("pymanopt"):
        # Near M* the loss is ‖A(E)‖²/(4m) ≈ ‖E‖²/4 within a few per cent; half of it is surely enough.
        below = GOAL**2 * float(problem.truth.matrix[0].square().sum()) / 4
        for manifold, optimiser, short in (
            ("Euclidean", "ConjugateGradient", "CG"),
            ("PSDFixedRank", "ConjugateGradient", "CG"),
            ("Euclidean", "TrustRegions", "TR"),
            ("PSDFixedRank", "TrustRegions", "TR"),
        ):
            name = f"pymanopt {manifold} {short}"
            runs[name] = peers.pymanopt_run(full, y, x, manifold, optimiser, below)
            rivals.append(name)
    for name, run in runs.items():
        _reached(name, run(), problem, 3 * GOAL)
    others = {name: Work(run) for name, run in runs.items()}
    yield from contest(
        f"{described(n, m)}, to {GOAL:.0e}", ours, others, rounds, {"fastest of numpy, jax, pymanopt": rivals}
    )


def programs(rounds: int) -> Iterator[Row]:
    """Against semidefinite programming to 1e-6, where that is feasible at all."""
    if not peers.installed("cvxpy"):
        return
    n, m, k, goal = 20, 200, 2, 1e-6
    operator = gaussian_symmetric(n, m, [0], shared=True)
    problem, start = observe(psd(n, SPECTRUM[:k], [0]), operator), gaussian_start(n, k, 0.3, [0])
    steps = _needed(problem, GradientDescent(ETA), start, goal)
    full, y = peers.full(operator), problem.observations[0]
    others = {}
    for name, options in (("SCS", {"eps": 1e-6}), ("Clarabel", {})):
        if peers.installed(name.lower()):
            run = peers.cvxpy_program(full, y, name.upper(), **options)
            gap = float((run() - problem.truth.matrix[0]).norm() / problem.truth.matrix[0].norm())
            others[f"trace minimisation, {name}, ends at {gap:.0e}"] = Work(run)
    ours = {
        f"gradient descent, float64, {steps} iterations": Work(
            _solved(problem, GradientDescent(ETA), start, steps),
            nbytes=steps * operator.entries.nbytes,
            working_set=operator.entries.nbytes,
        )
    }
    yield from contest(
        f"n={n}, r={k}, k={k}, m={m}, to {goal:.0e}",
        ours,
        others,
        rounds,
    )


def _needed(problem: Problem, method: Method, start: Factors, goal: float = GOAL) -> int:
    """Iterations that the method takes to the goal."""
    stop = ErrorBelow(goal**2 * float(problem.truth.matrix[0].square().sum()))
    count = int(solve(problem, method, start, LONGEST, record=range(LONGEST), stop=stop).reached_at)
    if count < 0:
        raise RuntimeError(f"{method} does not reach {goal:.0e} in {LONGEST} iterations: not timed")
    # Without records in between, as it will be timed.
    _reached(repr(method), _solved(problem, method, start, count)(), problem, 1.1 * goal)
    return count


def _solved(problem: Problem, method: Method, start: Factors, steps: int) -> Callable[[], torch.Tensor]:
    return lambda: solve(problem, method, start, steps, record=[steps]).factors.left[0]


def _reached(name: str, x: torch.Tensor, problem: Problem, goal: float) -> None:
    gap = relative_error(x.reshape(problem.truth.shape[0], -1), problem)
    if not gap <= goal:
        raise RuntimeError(f"{name} ends at {gap:.1e}, above {goal:.1e}: not timed")
