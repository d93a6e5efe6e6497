"""What things were made with, in a form that JSON holds, so that a run can be repeated from its recipe alone.

A maker marked `@recorded` leaves its arguments, seeds among them, with what it returns. Data of one's own have no
maker: they are written out if they are few, and else they are "given", which says that they cannot be made again
from the recipe. So is what was changed after it was made, it or a part of it: tensors written to in place, or
attributes set anew. Torch does not count what is written through `.data` or `.numpy()`, and nothing here sees it.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pkgutil import resolve_name
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
import torch

from lowrank_core.errors import ArgumentError, require
from lowrank_core.steps import StepRule

PACKAGE = __name__.partition(".")[0]
LONGEST = 1000
"""So many numbers of one's own are written into a recipe; more of them would hide what else stands there."""
Maker = TypeVar("Maker", bound=Callable[..., Any])


class _Kept(NamedTuple):
    """A recipe beside what was made by it, and how often each tensor of that had been written to by then."""

    recipe: dict[str, Any]
    parts: tuple[tuple[Any, int], ...]

    def __reduce__(self) -> tuple[Callable[..., _Kept], tuple[Any, ...]]:
        # The tensors of a copy, or in another process, begin to count anew.
        return _copied, (self.recipe, tuple((part, _writes(part) == writes) for part, writes in self.parts))


def _copied(recipe: dict[str, Any], parts: tuple[tuple[Any, bool], ...]) -> _Kept:
    return _Kept(recipe, tuple((part, _writes(part) if unchanged else -1) for part, unchanged in parts))


class _Long(NamedTuple):
    """A tensor too long to be written out; the run may know where it comes from."""

    tensor: torch.Tensor
    writes: int


def recorded(maker: Maker) -> Maker:
    """Let a function, or the `__init__` of a class, leave its arguments with what it makes, for `written`."""
    signature = inspect.signature(maker)
    name = maker.__qualname__.removesuffix(".__init__")

    @functools.wraps(maker)
    def recording(*arguments: Any, **named: Any) -> Any:
        made = maker(*arguments, **named)
        thing = arguments[0] if made is None else made
        # A subclass makes more of the arguments than its parent did.
        if made is not None or type(thing).__qualname__ == name:
            bound = signature.bind(*arguments, **named)
            bound.apply_defaults()
            kept = {key: _plain(value) for key, value in bound.arguments.items() if value is not thing}
            recipe = {"made_by": f"{maker.__module__}.{name}", **kept}
            parts = tuple((part, _writes(part)) for part in _parts(thing))
            object.__setattr__(thing, "_recipe", _Kept(recipe, parts))
        return made

    recording.leaves_recipe = True  # type: ignore[attr-defined]
    return cast("Maker", recording)


def written(value: object, known: Mapping[str, torch.Tensor] | None = None) -> Any:
    """What it takes to make a value again, as numbers, texts, lists and dictionaries.

    Args:
        known: tensors that whoever calls `made` will have by then, by name; they are referred to.
    """
    return _resolved(_plain(value), known or {})


def made(recipe: Any, known: Mapping[str, torch.Tensor] | None = None) -> Any:
    """The value that `written` wrote down.

    Args:
        known: the tensors that are referred to by name.

    Raises:
        ArgumentError: something that was given to the run, and a recipe that names no maker of this package.
    """
    if isinstance(recipe, list | tuple):
        return tuple(made(each, known) for each in recipe)
    if not isinstance(recipe, Mapping):
        return recipe
    if "known" in recipe:
        return (known or {})[recipe["known"]]
    if "tensor" in recipe:
        return torch.tensor(recipe["tensor"], dtype=getattr(torch, recipe["dtype"]), device=recipe["device"])
    require(
        "given" not in recipe,
        "recipe",
        recipe.get("given"),
        "this was given to the run and not made by the package, so that no recipe holds it",
        "make it as it was made then, and call solve",
    )
    maker = _found(recipe.get("made_by"))
    return maker(**{key: made(each, known) for key, each in recipe.items() if key != "made_by"})


def _plain(value: Any) -> Any:
    """As `written`, with long tensors left in."""
    kept = getattr(value, "_recipe", None)
    if isinstance(kept, _Kept) and _unchanged(value, kept):
        return kept.recipe
    if isinstance(value, torch.dtype):
        return str(value).removeprefix("torch.")
    if isinstance(value, torch.device):
        return str(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(value.copy()) if value.dtype.kind in "biuf" else value
    if value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, torch.Tensor):
        if value.numel() > LONGEST:
            return _Long(value, _writes(value))
        return {
            "tensor": value.detach().tolist(),
            "dtype": str(value.dtype).removeprefix("torch."),
            "device": str(value.device),
        }
    names = _field_names(value)
    if names is not None:
        of = f"{type(value).__module__}.{type(value).__qualname__}"
        found = {name: getattr(value, name) for name in names}
        if isinstance(value, StepRule):
            # They keep one number per trajectory as (B, 1, 1), and take it as (B,).
            found = {k: v.flatten() if isinstance(v, torch.Tensor) else v for k, v in found.items()}
        return {"made_by": of, **{name: _plain(each) for name, each in found.items()}}
    if isinstance(value, list | tuple | range):
        return [_plain(each) for each in value]
    return {"given": repr(value)}


def _resolved(plain: Any, known: Mapping[str, torch.Tensor]) -> Any:
    if isinstance(plain, _Long):
        for name, tensor in known.items():
            if plain.tensor is tensor and plain.writes == _writes(tensor):
                return {"known": name}
        return {"given": f"tensor of shape {tuple(plain.tensor.shape)}"}
    if isinstance(plain, dict):
        return {key: _resolved(each, known) for key, each in plain.items()}
    return [_resolved(each, known) for each in plain] if isinstance(plain, list) else plain


def _field_names(value: Any) -> list[str] | None:
    """The arguments that a value of this package's data classes and named tuples is made with again, or None."""
    if not type(value).__module__.startswith(f"{PACKAGE}.") or "<locals>" in type(value).__qualname__:
        return None
    if is_dataclass(value):
        return [each.name for each in fields(value) if each.init]
    return list(value._fields) if isinstance(value, tuple) and hasattr(value, "_fields") else None


def _found(name: object) -> Callable[..., Any]:
    """A maker, a data class or a named tuple of this package, by its full name."""
    maker: Any = None
    if isinstance(name, str) and name.startswith(f"{PACKAGE}."):
        with suppress(ImportError, AttributeError, ValueError):
            maker = resolve_name(name)
    if not callable(maker) or not _makes(maker):
        raise ArgumentError(
            "recipe", name, f"no maker in {PACKAGE} has this name", "use the recipe of a run of this version"
        )
    return maker


def _makes(maker: Any) -> bool:
    """Whether it is one of those that `written` names, and nothing else that a module happens to know."""
    if not isinstance(maker, type):
        return hasattr(maker, "leaves_recipe")
    own = maker.__module__.startswith(f"{PACKAGE}.") and (is_dataclass(maker) or hasattr(maker, "_fields"))
    return own or hasattr(vars(maker).get("__init__"), "leaves_recipe")


def _parts(thing: object) -> list[Any]:
    """What a thing is made of: its tensors, its attributes that others may set, and the same of what it holds."""
    values = list(thing) if isinstance(thing, tuple) else []
    values += [
        value
        for name, value in vars(thing).items()
        if isinstance(value, torch.Tensor) or not name.startswith("_")
    ]
    parts = []
    for value in values:
        own = type(value).__module__.startswith(f"{PACKAGE}.") and hasattr(value, "__dict__")
        parts += [value, *_parts(value)] if own else [value]
    return parts


def _unchanged(thing: object, kept: _Kept) -> bool:
    now = _parts(thing)
    return len(now) == len(kept.parts) and all(
        (part is before or (isinstance(part, int | float | str) and part == before))
        and _writes(part) == writes
        for part, (before, writes) in zip(now, kept.parts, strict=True)
    )


def _writes(part: object) -> int:
    """How often a tensor was written to in place; torch does not count it for those made in inference mode."""
    return part._version if isinstance(part, torch.Tensor) and not part.is_inference() else 0
