"""The loop: run a method from a start, record along the way, return a `Trajectory`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from lowrank_core import inputs, kernels, provenance, reduction
from lowrank_core.errors import ArgumentError, require
from lowrank_core.factors import Factors
from lowrank_core.linalg import operator_norm
from lowrank_core.methods.method import Method, State, advanced
from lowrank_core.problem import Problem
from lowrank_core.progress import bar
from lowrank_core.recipe import made, written

Observable = Callable[[Problem, Factors], torch.Tensor]


@dataclass(frozen=True)
class ErrorBelow:
    """Stop when the squared Frobenius error of every trajectory has been below `threshold`, as seen at records.

    Raises:
        ArgumentError: a threshold that no error can meet: negative or not finite.
    """

    threshold: float

    def __post_init__(self) -> None:
        require(
            inputs.number("threshold", self.threshold) >= 0,
            "threshold",
            self.threshold,
            "no error is below zero",
            "use e.g. 1e-12",
        )


@dataclass(frozen=True)
class Trajectory:
    """What a run leaves behind; B trajectories, R records.

    Attributes:
        steps: recorded iterations, (R,), beginning with 0.
        loss: the loss at the records, (B, R).
        error: squared Frobenius error ‖M_t − M*‖_F², (B, R).
        operator_error: operator-norm error ‖M_t − M*‖, (B, R).
        observed: further recorded quantities by name, (B, R, ...); inf, too, once a trajectory has diverged, for
            which those in integers or bool become float64.
        factors: the factors at the end.
        start: the factors at the start.
        stop_reason: per trajectory "finished", "reached" or "diverged".
        diverged_at: the first iteration whose factors are not all finite, -1 if there is none, (B,). From
            there on loss and errors are recorded as inf. Where the factors are finite to the end and the loss is
            not, the first recorded iteration at which it overflowed.
        reached_at: the first recorded iteration that met the stop rule, -1 if none did, (B,).
        memory: what the method remembered at the end, name -> (B, ...); see the method.
        recipe: what it takes to repeat the run, in numbers and texts that JSON holds: what truth, operator, noise
            and start were made by, with which seeds and arguments, the method, and how it was run. `repeat` does
            it. What was not drawn here is "given"; see `lowrank_core.recipe`.
    """

    steps: torch.Tensor
    loss: torch.Tensor
    error: torch.Tensor
    operator_error: torch.Tensor
    observed: Mapping[str, torch.Tensor]
    factors: Factors
    start: Factors
    stop_reason: tuple[str, ...]
    diverged_at: torch.Tensor
    reached_at: torch.Tensor
    memory: Mapping[str, torch.Tensor]
    recipe: Mapping[str, Any] = field(repr=False)


def log_spaced(steps: int, per_decade: int = 20) -> torch.Tensor:
    """Iterations to record: 0, 1, ..., `steps`, evenly spaced in the logarithm, without repetitions.

    >>> log_spaced(1000, per_decade=2).tolist()
    [0, 1, 3, 7, 19, 52, 139, 373, 1000]

    Raises:
        ArgumentError: steps or per_decade below one.
    """
    steps, per_decade = inputs.whole("steps", steps, 1), inputs.whole("per_decade", per_decade, 1)
    last = torch.log10(torch.tensor(float(steps), dtype=torch.float64))
    count = int(per_decade * last) + 2
    grid = torch.logspace(0, float(last), count, dtype=torch.float64).round().long().clamp(max=steps)
    return torch.cat([torch.zeros(1, dtype=torch.long), grid]).unique()


@torch.no_grad()
def solve(
    problem: Problem,
    method: Method,
    start: Factors,
    steps: int,
    *,
    record: torch.Tensor | Sequence[int] | None = None,
    stop: ErrorBelow | None = None,
    observables: Mapping[str, Observable] | None = None,
    reduce: bool | None = None,
    progress: bool = False,
) -> Trajectory:
    """Run `method` on `problem` from `start` for `steps` iterations.

    A process that has solved must not be forked: its child may stand still in locks of torch's threads. For several
    processes use `multiprocessing.get_context("spawn")`.

    Args:
        problem: made by `problem.observe`.
        method: e.g. `GradientDescent(0.1)`.
        start: factors with the problem's batch; unchanged by the run.
        steps: number of iterations.
        record: iterations to record; default `log_spaced(steps)`. 0 and `steps` are always recorded.
        stop: end early; looked at only where records are made, so that the loop itself never waits.
        observables: further quantities to record, name -> f(problem, factors) -> (B, ...). They see the
            problem that is run, which has r + k rows when the run is reduced.
        reduce: use the exact reduction of the population loss (`lowrank_core.reduction`); by default
            wherever it holds, with True an error where it does not.
        progress: show a progress bar on stderr.

    Raises:
        ArgumentError: arguments that do not fit together; counts and records that are no integers.
    """
    steps = inputs.whole("steps", steps, 1)
    require(isinstance(problem, Problem), "problem", problem, "it is no problem", "make one with `observe`")
    require(
        stop is None or isinstance(stop, ErrorBelow),
        "stop",
        stop,
        "it is no stop rule",
        "use ErrorBelow(1e-12)",
    )
    watched = _watched(observables)
    reduce = None if reduce is None else inputs.flag("reduce", reduce)
    inputs.flag("progress", progress)
    require(
        isinstance(method, Method),
        "method",
        method,
        "it is no method",
        "use e.g. GradientDescent(0.1), or an instance of a subclass of methods.Method",
    )
    problem.check_start(start)
    at = _record_grid(steps, record)
    reduced = None
    if reduce or (reduce is None and reduction.refusal(problem, start, method) is None):
        reduced = reduction.reduce(problem, start, method)
    running = problem if reduced is None else reduced.problem
    state = method.init(running, start if reduced is None else reduced.start)
    stepped = method.prepare(running, steps)

    history = _History(running, len(at), watched)
    last_finite = state
    last_record = torch.zeros(problem.batch, dtype=torch.long, device=state.factors.left.device)
    reached = torch.full_like(last_record, -1)
    records = 0
    for records, upto in enumerate(bar(at.tolist(), "iterations", progress), start=1):
        state = advanced(method, stepped, state, upto, steps)
        finite = state.factors.finite()
        history.write(records - 1, state.factors, finite)
        last_finite = state.where(finite, last_finite)
        last_record = torch.where(finite, upto, last_record)
        if stop is not None:
            below = history.error[:, records - 1] <= stop.threshold
            reached = torch.where(below & (reached < 0), upto, reached)
            if bool((reached >= 0).all()):
                break

    diverged = _first_nonfinite(stepped, method, last_finite, last_record, state, steps)
    overflow = history.loss[:, :records].isinf()
    first_overflow = at.to(overflow.device)[overflow.int().argmax(dim=1)]
    diverged = torch.where((diverged < 0) & overflow[:, -1], first_overflow, diverged)
    factors = state.factors if reduced is None else reduced.lift(state.factors)
    return Trajectory(
        steps=at[:records],
        loss=history.loss[:, :records].cpu(),
        error=history.error[:, :records].cpu(),
        operator_error=history.operator_error[:, :records].cpu(),
        observed={name: values[:, :records].cpu() for name, values in history.observed.items()},
        factors=factors,
        start=start,
        stop_reason=tuple(
            "diverged" if d >= 0 else "reached" if h >= 0 else "finished"
            for d, h in zip(diverged.tolist(), reached.tolist(), strict=True)
        ),
        diverged_at=diverged.cpu(),
        reached_at=reached.cpu(),
        memory={name: values.cpu() for name, values in state.memory.items()},
        recipe={
            "problem": written(problem),
            "method": written(method),
            "start": written(start, {"observations": problem.observations}),
            "steps": steps,
            "record": None if record is None else at.tolist(),
            "stop": written(stop),
            "observables": list(watched),
            "reduced": reduced is not None,
            "kernels": kernels.chosen(),
            # The one that gradients came from, which may be a cheaper form of the problem's.
            "operator": repr(problem.operator if reduced is not None else stepped.operator),
            "dtype": str(problem.operator.dtype),
            "device": str(problem.operator.device),
            "core_hash": provenance.core_hash(),
            "versions": provenance.versions(),
        },
    )


def repeat(
    recipe: Mapping[str, Any],
    *,
    observables: Mapping[str, Observable] | None = None,
    progress: bool = False,
) -> Trajectory:
    """The run of a `Trajectory.recipe` again; with the same code, versions and machine it is equal to the bit.

    >>> from lowrank_core import GradientDescent, Identity, gaussian_start, observe, psd
    >>> problem = observe(psd(5, [2.0, 1.0], [7]), Identity(5))
    >>> run = solve(problem, GradientDescent(0.1), gaussian_start(5, 2, 0.1, [3]), 50)
    >>> torch.equal(repeat(run.recipe).loss, run.loss)
    True

    Args:
        recipe: as it was, or as JSON gives it back.
        observables: functions of one's own are not in a recipe, only their names; as for `solve`.

    Raises:
        ArgumentError: a recipe with something that was given to the run and not made here, as `recipe.made`, or no
            recipe.
    """
    needed = ("problem", "method", "start", "steps", "record", "stop", "reduced", "kernels")
    require(
        isinstance(recipe, Mapping) and all(key in recipe for key in needed),
        "recipe",
        recipe,
        "it is no recipe of a run",
        "use that of a Trajectory",
    )
    problem = made(recipe["problem"])
    with kernels.using(recipe["kernels"]):
        return solve(
            problem,
            made(recipe["method"]),
            made(recipe["start"], {"observations": problem.observations}),
            recipe["steps"],
            record=recipe["record"],
            stop=made(recipe["stop"]),
            observables=observables,
            reduce=recipe["reduced"],
            progress=progress,
        )


def recovery_errors(problem: Problem, factors: Factors) -> tuple[torch.Tensor, torch.Tensor]:
    """Squared Frobenius error and operator-norm error of M − M*, two (B,) tensors; inf where they overflow."""
    gap = factors.product() - problem.truth.matrix
    squared = gap.square().sum(dim=(-2, -1))
    fits = torch.isfinite(squared)
    norm = operator_norm(gap, symmetric=factors.symmetric)
    return torch.where(fits, squared, torch.inf), torch.where(fits, norm, torch.inf)


class _History:
    """Histories written by index and read back once, after the loop."""

    def __init__(self, problem: Problem, records: int, observables: dict[str, Observable]) -> None:
        self._problem, self._observables, self._records = problem, observables, records
        empty = torch.full(
            (problem.batch, records), torch.inf, dtype=problem.operator.dtype, device=problem.operator.device
        )
        self.loss, self.error, self.operator_error = empty, empty.clone(), empty.clone()
        self.observed: dict[str, torch.Tensor] = {}

    def write(self, index: int, factors: Factors, finite: torch.Tensor) -> None:
        # Observables may refuse NaN, so trajectories that left the finite numbers are measured at zero.
        safe = factors.where(finite, 0.0)
        value, _, _ = self._problem.gradient(safe)
        assert value is not None
        error, operator_error = recovery_errors(self._problem, safe)
        for row, column in (
            (self.loss, value),
            (self.error, error),
            (self.operator_error, operator_error),
        ):
            row[:, index] = torch.where(finite, column.nan_to_num(torch.inf, torch.inf), torch.inf)
        for name, observable in self._observables.items():
            values = observable(self._problem, safe)
            require(
                isinstance(values, torch.Tensor) and values.ndim >= 1 and values.shape[0] == safe.batch,
                f"observables[{name!r}]",
                tuple(values.shape) if isinstance(values, torch.Tensor) else values,
                "an observable gives one value, or one array, for each trajectory",
                f"return a tensor ({safe.batch}, ...)",
            )
            # Integers have no inf for trajectories that are lost.
            values = values if values.is_floating_point() or values.is_complex() else values.double()
            if name not in self.observed:
                self.observed[name] = values.new_full((values.shape[0], self._records, *values.shape[1:]), 0)
            lost = ~finite.reshape(-1, *(1,) * (values.ndim - 1))
            self.observed[name][:, index] = torch.where(lost, torch.inf, values)


def _watched(observables: Mapping[str, Observable] | None) -> dict[str, Observable]:
    watched = {} if observables is None else observables
    require(
        isinstance(watched, Mapping) and all(callable(each) for each in watched.values()),
        "observables",
        observables,
        "observables are named functions",
        'use e.g. {"norm": lambda problem, factors: factors.left.norm(dim=(1, 2))}',
    )
    return dict(watched)


def _record_grid(steps: int, record: torch.Tensor | Sequence[int] | None) -> torch.Tensor:
    if record is None:
        return log_spaced(steps)
    grid = inputs.integers("record", record).cpu()
    if grid.ndim != 1 or bool((grid < 0).any() or (grid > steps).any()):
        raise ArgumentError(
            "record",
            record,
            f"records are iterations between 0 and steps = {steps}",
            "clip or drop the others",
        )
    return torch.cat([grid, torch.tensor([0, steps])]).unique()


def _first_nonfinite(
    problem: Problem,
    method: Method,
    restart: State,
    since: torch.Tensor,
    final: State,
    steps: int,
) -> torch.Tensor:
    """The exact iteration at which each trajectory left the finite numbers, -1 if it did not, (B,).

    The loop looks only at records; a trajectory found not finite is replayed from its last finite record, by the
    same means as before, so that it is lost at the same iteration.
    """
    lost = ~final.factors.finite()
    first = torch.full_like(since, -1)
    for begin in since[lost].unique().tolist():
        replay = restart._replace(iteration=begin)
        waiting = lost & (since == begin)
        while bool(waiting.any()) and replay.iteration < final.iteration:
            replay = advanced(method, problem, replay, replay.iteration + 1, steps)
            gone = waiting & ~replay.factors.finite()
            first = torch.where(gone, replay.iteration, first)
            waiting = waiting & ~gone
    return first
