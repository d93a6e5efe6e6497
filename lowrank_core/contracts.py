"""What every operator and every method keeps, to be asked of your own: `operator_faults(mine)` is empty.

A contract is a list of sentences, each with a check; a fault is a sentence that does not hold, with what was found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import torch

from lowrank_core import inputs, kernels
from lowrank_core.errors import ArgumentError, require
from lowrank_core.factors import Factors
from lowrank_core.loss import Loss
from lowrank_core.methods.method import Method, advanced
from lowrank_core.problem import Problem
from lowrank_core.randomness import normal
from lowrank_core.sensing.operator import MeasurementOperator, pull_back
from lowrank_core.solver import Trajectory, solve

LOSSES: tuple[Loss, ...] = ("l2", "l1")
COLUMNS = 2
"""Search rank at which operators are tried."""


def operator_faults(operator: MeasurementOperator, rtol: float = 1e-12) -> list[str]:
    """What an operator does not keep of the contract in `sensing.operator`; empty if it keeps all.

    >>> from lowrank_core.sensing import gaussian
    >>> operator_faults(gaussian(4, 6, 9, seeds=[0]))
    []

    Args:
        operator: any, in float64 (or with a larger `rtol`).
        rtol: relative rounding that is allowed.

    Raises:
        ArgumentError: no operator, or a negative `rtol`.
    """
    require(
        isinstance(operator, MeasurementOperator),
        "operator",
        operator,
        "it is no measurement operator",
        "use an instance of a subclass of sensing.MeasurementOperator",
    )
    return _faults(OPERATOR_CONTRACT, lambda check: check(operator), rtol)


def method_faults(
    method: Method, make: Callable[[Sequence[int]], tuple[Problem, Factors]], rtol: float = 1e-9
) -> list[str]:
    """What a method does not keep of the contract in `methods.method`; empty if it keeps all.

    >>> from lowrank_core import GradientDescent, Identity, gaussian_start, observe, psd
    >>> def make(seeds):
    ...     return observe(psd(5, [1.0], seeds), Identity(5)), gaussian_start(5, 2, 1.0, seeds)
    >>> method_faults(GradientDescent(0.1), make)
    []

    Args:
        method: any.
        make: seeds -> a problem that the method is made for, and a start from which it does not diverge.
        rtol: relative difference that is allowed between runs which round differently.

    Raises:
        ArgumentError: no method, a `make` that is no function, or a negative `rtol`.
    """
    require(
        isinstance(method, Method),
        "method",
        method,
        "it is no method",
        "use an instance of a subclass of methods.Method",
    )
    require(
        callable(make) and not isinstance(make, type),
        "make",
        make,
        "it is no function",
        "use one that makes a problem and a start from seeds",
    )
    return _faults(METHOD_CONTRACT, lambda check: check(method, make), rtol)


def _faults(contract: dict[str, Callable[..., float]], ask: Callable[..., float], rtol: float) -> list[str]:
    rtol = inputs.number("rtol", rtol)
    require(rtol >= 0, "rtol", rtol, "no gap is below zero", "use e.g. 1e-9")
    faults = []
    for sentence, check in contract.items():
        try:
            gap = ask(check)
        except Exception as error:  # a contract that cannot be tried is not kept
            faults.append(f"{sentence}: {type(error).__name__}: {error}")
        else:
            if not gap <= rtol:
                faults.append(f"{sentence}: off by {gap:.2g}")
    return faults


def _gap(found: torch.Tensor, wanted: torch.Tensor) -> float:
    """Largest difference over the norm of what is wanted; inf for another shape."""
    if found.shape != wanted.shape:
        return float("inf")
    return float((found - wanted).norm() / wanted.norm().clamp(min=torch.finfo(wanted.dtype).tiny))


def _seeds(operator: MeasurementOperator) -> list[int]:
    return list(range(3 if operator.batch is None else operator.batch))


def _draw(operator: MeasurementOperator, name: str, *shape: int) -> torch.Tensor:
    return normal(_seeds(operator), f"contract {name}", *shape, dtype=operator.dtype, device=operator.device)


def _points(operator: MeasurementOperator) -> list[tuple[torch.Tensor, torch.Tensor | None]]:
    """A pair of factors, and a single one where the operator takes XXᵀ."""
    n1, n2 = operator.shape
    left = _draw(operator, "left", n1, COLUMNS)
    pair: list[tuple[torch.Tensor, torch.Tensor | None]] = [(left, _draw(operator, "right", n2, COLUMNS))]
    return [*pair, (left, None)] if operator.symmetric else pair


def _observed(operator: MeasurementOperator) -> torch.Tensor:
    """Observations of a matrix that no factors here have, symmetric where the operator is."""
    matrix = _draw(operator, "truth", *operator.shape)
    return operator.forward(matrix + matrix.mT if operator.symmetric else matrix)


def _stated(
    operator: MeasurementOperator, left: torch.Tensor, right: torch.Tensor | None, y: torch.Tensor, loss: Loss
) -> torch.Tensor:
    """The loss in the words of the contract, from `forward` alone."""
    residual = operator.forward(left @ (left if right is None else right).mT) - y
    value = residual.square().sum(1) / 2 if loss == "l2" else residual.abs().sum(1)
    return operator.weight * value * (0.5 if right is None else 1.0)


def _linear(operator: MeasurementOperator) -> float:
    a, b = (_draw(operator, name, *operator.shape) for name in ("a", "b"))
    return _gap(operator.forward(2 * a - b), 2 * operator.forward(a) - operator.forward(b))


def _factors(operator: MeasurementOperator) -> float:
    left, right = _points(operator)[0]
    assert right is not None
    return _gap(operator.forward_factors(left, right), operator.forward(left @ right.mT))


def _value(operator: MeasurementOperator) -> float:
    y = _observed(operator)
    return max(
        _gap(_given(operator.gradient(left, right, y, loss)[0]), _stated(operator, left, right, y, loss))
        for left, right in _points(operator)
        for loss in LOSSES
    )


def _given(value: torch.Tensor | None) -> torch.Tensor:
    return torch.empty(0) if value is None else value


def _gradient(operator: MeasurementOperator) -> float:
    """Against finite differences in one direction, along which the loss is a quartic."""
    y, worst = _observed(operator), 0.0
    for left, right in _points(operator):
        _, d_left, d_right = operator.gradient(left, right, y, "l2")
        toward = [torch.sin(1 + side) for side in (left, right) if side is not None]
        slope = sum(
            (d * t).sum(dim=(1, 2)) for d, t in zip((d_left, d_right), toward, strict=False) if d is not None
        )

        ahead, further, back, further_back = (
            _stated(
                operator,
                left + step * toward[0],
                None if right is None else right + step * toward[1],
                y,
                "l2",
            )
            for step in (0.5, 1.0, -0.5, -1.0)
        )
        # A quartic: the five-point rule is exact but for rounding.
        exact = (8 * (ahead - back) - (further - further_back)) / 6
        worst = max(worst, _gap(torch.as_tensor(slope), exact))
    return worst


def _slope(operator: MeasurementOperator) -> float:
    y, worst = _observed(operator), 0.0
    for left, right in _points(operator):
        for loss in LOSSES:
            _, *expected = operator.gradient(left, right, y, loss)
            found = pull_back(operator.slope(left, right, y, loss)[1], left, right)
            pairs = zip(found, expected, strict=True)
            worst = max(worst, *(_gap(f, e) for f, e in pairs if f is not None and e is not None))
    return worst


def _valueless(operator: MeasurementOperator) -> float:
    y, worst = _observed(operator), 0.0
    for left, right in _points(operator):
        full = operator.gradient(left, right, y, "l2")
        without = operator.gradient(left, right, y, "l2", with_value=False)
        assert without[0] is None, "it evaluates the loss that nobody asks for"
        worst = max(worst, _gap(without[1], full[1]))
    return worst


def _along(operator: MeasurementOperator) -> float:
    worst = 0.0
    for left, right in _points(operator):
        d_left, d_right = torch.sin(left), None if right is None else torch.cos(right)
        found = torch.stack(operator.along(left, right, d_left, d_right))
        expected = torch.stack(MeasurementOperator.along(operator, left, right, d_left, d_right))
        worst = max(worst, _gap(found, expected))
    return worst


def _symmetric(operator: MeasurementOperator) -> float:
    if not operator.symmetric:
        return 0.0
    matrix = operator.adjoint(_observed(operator))
    return _gap(matrix.mT, matrix)


def _refuses(operator: MeasurementOperator) -> float:
    n1, n2 = operator.shape
    like = _draw(operator, "a", n1, n2)
    wrong = {
        "a matrix with a row too many": lambda: operator.forward(torch.cat([like, like[:, :1]], dim=1)),
        "a matrix without a batch": lambda: operator.forward(like[0]),
        "a measurement too many": lambda: operator.adjoint(_draw(operator, "z", operator.m + 1)),
    }
    if operator.batch is not None:
        wrong["a batch too large"] = lambda: operator.forward(torch.cat([like, like[:1]]))
    return _refused(wrong)


def _refuses_points(operator: MeasurementOperator) -> float:
    y = _observed(operator)

    def more(tensor: torch.Tensor, axis: int) -> torch.Tensor:
        return torch.cat([tensor, tensor.narrow(axis, 0, 1)], dim=axis)

    for left, right in _points(operator):
        other = torch.float32 if operator.dtype == torch.float64 else torch.float64
        wrong: dict[str, tuple[torch.Tensor, torch.Tensor | None, torch.Tensor]] = {
            "factors with a row too many": (more(left, 1), None if right is None else more(right, 1), y),
            "factors of a trajectory too many": (
                more(left, 0),
                right if right is None else more(right, 0),
                y,
            ),
            "factors without columns": (left[:, :, :0], None if right is None else right[:, :, :0], y),
            "factors of another dtype": (left.to(other), None if right is None else right.to(other), y),
            "an observation too many": (left, right, more(y, 1)),
            "observations of a trajectory too many": (left, right, more(y, 0)),
            "observations without a batch": (left, right, y[0]),
            "observations of another dtype": (left, right, y.to(other)),
        }
        if right is not None:
            wrong["a column too many on the right"] = (left, more(right, 2), y)
            wrong["a trajectory too many on the right"] = (left, more(right, 0), y)
        for name in ("gradient", "slope"):
            call = getattr(operator, name)
            _refused({what: partial(call, *point, "l2") for what, point in wrong.items()}, f" in `{name}`")
    return 0.0


def _refuses_losses(operator: MeasurementOperator) -> float:
    y = _observed(operator)
    for left, right in _points(operator):
        for name in ("gradient", "slope"):
            call = getattr(operator, name)
            _refused({f"the loss {loss!r}": partial(call, left, right, y, loss) for loss in ("l3", None)})
    return 0.0


def _refused(wrong: Mapping[str, Callable[[], object]], where: str = "") -> float:
    """Zero if each of these calls ends in an `ArgumentError`, with compiled kernels, which trust sizes, or not.

    Raises:
        AssertionError: one does not, and which.
    """
    for kind in dict.fromkeys((kernels.chosen(), "torch")):
        with kernels.using(kind):
            for what, call in wrong.items():
                try:
                    call()
                except ArgumentError:
                    continue
                raise AssertionError(
                    f"it takes {what}{where}" + (", without kernels" if kind == "torch" else "")
                )
    return 0.0


OPERATOR_CONTRACT: dict[str, Callable[[MeasurementOperator], float]] = {
    "forward and adjoint are each other's adjoints": lambda operator: operator.adjoint_defect(),
    "forward is linear": _linear,
    "forward_factors is forward of the product": _factors,
    "the value is the stated loss": _value,
    "the gradient is that of the stated loss": _gradient,
    "the gradient is the slope pulled back": _slope,
    "the value can be left out": _valueless,
    "along is how forward goes along a line": _along,
    "the adjoint of symmetric measurements is symmetric": _symmetric,
    "other shapes and batches are refused with an ArgumentError": _refuses,
    "factors and observations that do not fit are refused with an ArgumentError": _refuses_points,
    "an unknown loss is refused with an ArgumentError": _refuses_losses,
}
"""Sentence -> how far an operator is from it, relative."""

SEEDS = (0, 1, 2)
STEPS = 80
"""More than `gradient_descent.FEWEST_COMPILED`, so that compiled loops are tried."""

Make = Callable[[Sequence[int]], tuple[Problem, Factors]]


def _run(method: Method, make: Make, seeds: Sequence[int] = SEEDS, steps: int = STEPS) -> Trajectory:
    problem, start = make(seeds)
    return solve(problem, method, start, steps, record=range(0, steps + 1, 8), reduce=False)


def _untouched(method: Method, make: Make) -> float:
    problem, start = make(SEEDS)
    before = start.stacked().clone()
    solve(problem, method, start, 5, reduce=False)
    return _gap(start.stacked(), before)


def _moves(method: Method, make: Make) -> float:
    run = _run(method, make)
    return float("inf") if bool((run.error[:, -1] >= run.error[:, 0]).any()) else 0.0


def _repeats(method: Method, make: Make) -> float:
    return _gap(_run(method, make).error, _run(method, make).error)


def _alone(method: Method, make: Make) -> float:
    together = _run(method, make).error
    alone = torch.cat([_run(method, make, [seed]).error for seed in SEEDS])
    backwards = _run(method, make, SEEDS[::-1]).error.flip(0)
    return max(_relative(alone, together), _relative(backwards, together))


def _relative(found: torch.Tensor, wanted: torch.Tensor) -> float:
    """Largest relative difference of errors, clear of the rounding floor."""
    return float(((found - wanted).abs() / wanted.clamp(min=1e-12)).max())


def _counts(method: Method, make: Make) -> float:
    problem, start = make(SEEDS)
    state = method.init(problem, start)
    assert state.iteration == 0, "it does not begin at iteration 0"
    assert method.step(problem, state).iteration == 1, "a step is not one iteration"
    return _gap(state.factors.stacked(), start.stacked())


def _stretches(method: Method, make: Make) -> float:
    problem, start = make(SEEDS)
    stepped = method.prepare(problem, STEPS)
    by_steps = method.init(problem, start)
    whole = advanced(method, stepped, by_steps, STEPS, STEPS)
    while by_steps.iteration < STEPS:
        by_steps = method.step(problem, by_steps)
    assert whole.iteration == STEPS, "a stretch ends at another iteration"
    return _gap(whole.factors.product(), by_steps.factors.product())


def _loss(method: Method, make: Make) -> float:
    problem, start = make(SEEDS)
    other = replace(problem, loss="l1" if problem.loss == "l2" else "l2")
    try:
        method.init(other, start)
    except ArgumentError:
        return 0.0
    raise AssertionError(f"it takes the {other.loss} loss as well")


def _reduction(method: Method, make: Make) -> float:
    reason = method.reduction_refusal()
    assert reason is None or reason.strip(), "it refuses the reduction without a reason"
    return 0.0


METHOD_CONTRACT: dict[str, Callable[[Method, Make], float]] = {
    "the start is left alone": _untouched,
    "the error becomes smaller": _moves,
    "the same run twice is the same": _repeats,
    "a trajectory does not depend on its batch": _alone,
    "a step is one iteration": _counts,
    "a stretch is as many steps": _stretches,
    "another loss is refused with an ArgumentError": _loss,
    "a refusal of the reduction has a reason": _reduction,
}
"""Sentence -> how far a method is from it, relative."""
