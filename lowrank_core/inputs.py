"""How arguments become what the code computes with: one rule for each kind of argument, in one place.

- *counts and sizes* are integers of Python, numpy or torch; a float is refused even if it is whole, and so is
  a bool;
- *seeds* are a sequence of integers, none negative; a bare number, a text or a mapping is refused;
- *numbers* are real and finite, of Python, numpy or torch, and are compared in float64;
- *tensors* may be given as numpy arrays or sequences. float64 and float32 stay what they are, integers and Python
  numbers become float64; bool, complex and half precision are refused, because nobody can tell what was meant, and
  sparse ones, because nothing here computes with them;
- *flags* are True or False, so that an argument in the wrong place is not taken for one.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Set
from typing import Any, SupportsIndex, cast

import numpy as np
import torch

from lowrank_core.errors import ArgumentError, require

LARGEST_COUNT = 2**31
"""No memory holds more rows, measurements or iterations' records than this."""
FLOATS = (torch.float64, torch.float32)
INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


def whole(argument: str, value: object, least: int | None = None, most: int = LARGEST_COUNT) -> int:
    """An integer from `least` (if it is given; else whoever asks looks at the range) to `most`.

    >>> whole("steps", 30)
    30

    Raises:
        ArgumentError: a float, a bool, or whatever else is no integer; one out of range.
    """
    count = _index(value)
    if count is None or count > most or (least is not None and count < least):
        problem = "it is no integer" if count is None else "it is out of range"
        wanted = argument if least is None else f"{argument} >= {least}"
        raise ArgumentError(argument, value, problem, f"use an integer {wanted}, at most {most}")
    return count


def seed(argument: str, value: object) -> int:
    """One seed.

    Raises:
        ArgumentError: no integer, or a negative one.
    """
    index = _index(value)
    if index is None or index < 0:
        raise ArgumentError(argument, value, "seeds are non-negative integers", "use 0, 1, 2, ...")
    return index


def seeds(argument: str, value: object, count: int | None = None) -> list[int]:
    """Seeds, one for each trajectory.

    >>> seeds("seeds", range(3))
    [0, 1, 2]

    Args:
        count: how many there have to be.

    Raises:
        ArgumentError: no sequence, none at all, another number of them, or something in it that is no integer or
            is negative.
    """
    require(
        _is_sequence(value) and getattr(value, "ndim", 1) == 1,
        argument,
        value,
        "seeds are a sequence of integers, one per trajectory",
        "use a list, e.g. [7] for one seed, or range(8)",
    )
    given = list(cast("Iterable[object]", value))
    require(bool(given), argument, given, "no seeds given", "give at least one, e.g. range(8)")
    found = []
    for seed in given:
        index = _index(seed)
        if index is None or index < 0:
            raise ArgumentError(argument, value, f"{seed!r} is no non-negative integer", "use 0, 1, 2, ...")
        found.append(index)
    require(
        count is None or len(found) == count,
        argument,
        value,
        f"there are {len(found)} seeds for {count} trajectories",
        "pass the seeds that the truth was made with",
    )
    return found


def shape(argument: str, value: object) -> tuple[int, int]:
    """The sides (n1, n2) of a matrix, each at least one.

    Raises:
        ArgumentError: not two of them, or no counts.
    """
    sides = tuple(value) if isinstance(value, tuple | list | torch.Size) else ()
    counts = [_index(side) for side in sides]
    if len(counts) != 2 or any(n is None or not 1 <= n <= LARGEST_COUNT for n in counts):
        raise ArgumentError(
            argument, value, "it is not the two sides of a matrix", "use (n1, n2), both at least 1"
        )
    return cast("tuple[int, int]", tuple(counts))


def sides(shape: tuple[int, int], symmetric: bool) -> tuple[int, int]:
    """The sides of a matrix, which callers know as n if it is symmetric, else as n1 and n2.

    Raises:
        ArgumentError: no integers, or below one.
    """
    names = ("n", "n") if symmetric else ("n1", "n2")
    n1, n2 = (whole(name, n, 1) for name, n in zip(names, shape, strict=True))
    return n1, n2


def number(argument: str, value: object, fix: str = "use a number, e.g. 0.1") -> float:
    """A real, finite number as a float64.

    Raises:
        ArgumentError: NaN, inf, a bool, a complex number, a text, or several numbers.
    """
    plain = not isinstance(value, bool | np.bool_) and (
        isinstance(value, int | float | np.integer | np.floating) or _is_scalar(value)
    )
    try:
        found = float(cast("float", value)) if plain else math.nan
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise ArgumentError(argument, value, "it is not one real, finite number", fix)
    return found


def between(
    argument: str, value: object, low: float, high: float, problem: str, ends: str = "[]"
) -> torch.Tensor:
    """One number, or several as a tensor, in an interval; as they are, numbers in float64.

    Args:
        ends: "[]" if both ends belong to it, "[)" if the lower one does, "()" if none.

    Raises:
        ArgumentError: anything that is no number in it, NaN among them.
    """
    found = tensor(argument, value)
    above = found >= low if ends[0] == "[" else found > low
    below = found <= high if ends[1] == "]" else found < high
    fix = f"use numbers in {ends[0]}{low:g}, {high:g}{ends[1]}"
    require(bool((above & below).all()), argument, _shown(found), problem, fix)
    return found


def flag(argument: str, value: object) -> bool:
    """True or False.

    Raises:
        ArgumentError: anything else, however true it looks.
    """
    if not isinstance(value, bool | np.bool_):
        raise ArgumentError(argument, value, "it is neither True nor False", "use True or False")
    return bool(value)


def text(argument: str, value: object, fix: str) -> str:
    """A text that is not empty.

    Raises:
        ArgumentError: nothing, or no text.
    """
    if not isinstance(value, str) or not value:
        raise ArgumentError(argument, value, "it is no text, or an empty one", fix)
    return value


def spectrum(argument: str, value: Any) -> list[float]:
    """Positive numbers, largest first, at least one.

    Raises:
        ArgumentError: not so.
    """
    given = tensor(argument, value)
    require(
        given.ndim == 1 and given.numel() >= 1 and bool(torch.isfinite(given).all()),
        argument,
        value,
        "it is no sequence of finite numbers",
        "give one or more, e.g. [2.0, 1.0]",
    )
    require(
        bool((given > 0).all() and (given.diff() <= 0).all()),
        argument,
        value,
        "the nonzero spectrum must be positive and sorted, largest first",
        "sort it in descending order and leave the zeros out",
    )
    return cast("list[float]", given.tolist())


def one_or_each(argument: str, value: Any, batch: int) -> None:
    """Raise `ArgumentError` unless a value as of `per_trajectory` is one number, or one for each of `batch`."""
    count = value.numel() if isinstance(value, torch.Tensor) else 1
    require(
        count in (1, batch),
        argument,
        value,
        f"it holds {count} values for {batch} trajectories",
        "give one number, or one value per trajectory",
    )


def choice(argument: str, value: object, options: Iterable[str], problem: str) -> None:
    """Raise `ArgumentError` unless the value is one of some texts."""
    options = list(options)
    fix = "use " + " or ".join(f'"{option}"' for option in options)
    require(isinstance(value, str) and value in options, argument, value, problem, fix)


def tensor(argument: str, value: Any) -> torch.Tensor:
    """A tensor of float64 or float32, by the rule above; one that is so already is returned itself.

    >>> tensor("spectrum", [2, 1]).dtype
    torch.float64

    Raises:
        ArgumentError: bool, complex, half precision, an integer that float64 cannot hold, or no array at all.
    """
    if not isinstance(value, torch.Tensor):
        value = _from_numpy(argument, value)
    require(
        value.layout == torch.strided,
        argument,
        f"tensor of layout {value.layout}",
        "it is sparse",
        "write all entries out, e.g. by .to_dense()",
    )
    if value.dtype in FLOATS:
        return value.resolve_neg()
    require(
        value.dtype in INTEGERS,
        argument,
        _shown(value),
        f"entries of {value.dtype} cannot be computed with",
        "convert them, e.g. by .double(), if real numbers are what they mean",
    )
    converted = value.double()
    require(
        bool((converted.long() == value).all()),
        argument,
        _shown(value),
        "float64 cannot hold integers so large",
        "use integers up to 2**53",
    )
    return converted


def integers(argument: str, value: Any) -> torch.Tensor:
    """A tensor of int64.

    Raises:
        ArgumentError: entries that are floats, bools or anything else than integers.
    """
    if not isinstance(value, torch.Tensor):
        if not isinstance(value, np.ndarray):
            # numpy would make one integer of [1, True].
            require(_is_sequence(value), argument, value, "it is no sequence of integers", "use e.g. [0, 5]")
            value = list(value)
            require(
                all(_index(each) is not None for each in _flat(value)),
                argument,
                value,
                "it holds something that is no integer",
                "round it; for a mask, give the places where it is True",
            )
        value = _from_numpy(argument, value) if len(value) else torch.empty(0, dtype=torch.int64)
    require(
        value.dtype in INTEGERS,
        argument,
        _shown(value),
        f"entries of {value.dtype} are no integers",
        "round them; for a mask, give the places where it is True, as mask.nonzero() does",
    )
    return cast("torch.Tensor", value.long())


def per_trajectory(argument: str, value: Any, problem: str, fix: str, least: float | None = None) -> Any:
    """One number, or a (B,) tensor with one per trajectory, positive (or at least `least`) and finite.

    Numbers of Python are returned as they are and compared in float64: torch would make float32 of them.

    Raises:
        ArgumentError: not so.
    """
    if isinstance(value, torch.Tensor | np.ndarray | list | tuple):
        value = given = tensor(argument, value)
        shaped = given.ndim <= 1 and given.numel() >= 1
    else:
        try:
            given, shaped = torch.tensor(number(argument, value), dtype=torch.float64), True
        except ArgumentError:
            raise ArgumentError(argument, value, problem, fix) from None
    good = (given > 0) if least is None else (given >= least)
    require(shaped and bool((good & torch.isfinite(given)).all()), argument, value, problem, fix)
    return value


def _index(value: object) -> int | None:
    """The integer that a value is, None if it is none or a bool."""
    if isinstance(value, bool | np.bool_):
        return None
    # torch would take a list of one integer for that integer.
    if isinstance(value, torch.Tensor) and (value.dtype == torch.bool or value.ndim > 0):
        return None
    try:
        return operator.index(cast("SupportsIndex", value))
    except (TypeError, ValueError):
        return None


def _is_sequence(value: object) -> bool:
    """Whether it is several things in an order; a text is not meant by its letters, nor a mapping by its keys."""
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping | Set | type)


def _is_scalar(value: object) -> bool:
    if isinstance(value, torch.Tensor):
        return value.ndim == 0 and value.dtype in FLOATS + INTEGERS
    return isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "iuf"


def _from_numpy(argument: str, value: Any) -> torch.Tensor:
    # Among floats numpy would make numbers of them.
    require(
        not isinstance(value, list | tuple)
        or not any(isinstance(each, bool | np.bool_) for each in _flat(value)),
        argument,
        value,
        "it holds something that is True or False",
        "use numbers, e.g. 1.0",
    )
    try:
        if isinstance(value, list | tuple) and any(isinstance(each, torch.Tensor) for each in value):
            return torch.stack([torch.as_tensor(each) for each in value])
        array = np.asarray(value)
        require(
            array.dtype.kind in "biufc",
            argument,
            value,
            "it is no array of numbers",
            "use an array or a tensor",
        )
        if array.dtype.kind == "u" and array.dtype.itemsize > 1:
            array = array.astype(np.int64)
        # Read-only and reversed arrays cannot be shared with torch.
        shared = array.flags.writeable and all(stride >= 0 for stride in array.strides)
        return torch.from_numpy(array if shared else array.copy())
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        if isinstance(error, ArgumentError):
            raise
        raise ArgumentError(
            argument, value, f"it cannot be read as an array ({error})", "use a regular array of numbers"
        ) from None


def _flat(values: Iterable[Any]) -> Iterable[Any]:
    for each in values:
        if isinstance(each, list | tuple):
            yield from _flat(each)
        else:
            yield each


def _shown(value: torch.Tensor) -> object:
    return value.tolist() if value.numel() <= 8 else f"tensor of shape {tuple(value.shape)}"
