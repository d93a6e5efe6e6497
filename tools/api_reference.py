"""A Sphinx extension: the reference of the package, made from docstrings, and refused if a public name has none."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

PAGE, HERE = "api", "<!-- the modules -->"
"""The page of the reference, and the line of it in whose place the modules come."""
SECTIONS = {
    "Problems": ("truth", "noise", "loss", "problem"),
    "Measurement operators": tuple(
        f"sensing.{name}"
        for name in (
            "operator",
            "identity",
            "dense",
            "entries",
            "rank_one_sensing",
            "transform",
            "gram",
            "repeats",
            "certified_isometry",
        )
    ),
    "Starts and steps": ("factors", "steps", "budget", "randomness"),
    "Methods": tuple(
        f"methods.{name}"
        for name in (
            "method",
            "gradient_descent",
            "subgradient",
            "balanced",
            "rebalanced",
            "preconditioned",
            "scaled",
            "conjugate_gradient",
            "minibatch",
            "mixed",
            "flow",
        )
    ),
    "Solving": ("solver", "reduction", "contracts"),
    "What one measures": ("analysis.*",),
    "Claims": tuple(
        f"claims.{name}"
        for name in (
            "claim",
            "criterion",
            "evidence",
            "variants",
            "sweep",
            "sizes",
            "page",
            "edges",
            "standing",
            "registry",
            "runner",
            "batch",
            "verdict",
            "result",
            "statements",
            "ledger",
        )
    ),
    "Figures, devices, files and errors": ("plots", "sliders", "device", "files", "provenance", "errors"),
}
"""What the reference holds, without the package's name; `.*` is every module of a package."""


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", write_modules)
    # Before napoleon (priority 500), which adds markup of its own.
    app.connect("autodoc-process-docstring", plain, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def modules(entries: Iterable[str]) -> Iterator[ModuleType]:
    """The modules that the entries of a section name."""
    for entry in entries:
        module = importlib.import_module(f"lowrank_core.{entry.removesuffix('.*')}")
        if entry.endswith(".*"):
            names = sorted(found.name for found in pkgutil.iter_modules(module.__path__))
            yield from (importlib.import_module(f"{module.__name__}.{name}") for name in names)
        else:
            yield module


def undocumented(module: ModuleType) -> Iterator[str]:
    """The public names of a module, and of its classes, without a docstring; autodoc skips them silently."""
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", "") != module.__name__ or not callable(thing):
            continue
        # A dataclass without a docstring gets its signature.
        if not inspect.getdoc(thing) or str(thing.__doc__).startswith(f"{name}("):
            yield f"{module.__name__}.{name}"
        if inspect.isclass(thing):
            yield from (f"{module.__name__}.{name}.{member}" for member in _silent_members(thing))


def _silent_members(thing: type) -> Iterator[str]:
    for name, member in vars(thing).items():
        speaks = inspect.isroutine(member) or isinstance(member, property | functools.cached_property)
        # From the class, so that a docstring that is inherited counts.
        if speaks and not name.startswith("_") and not inspect.getdoc(getattr(thing, name)):
            yield name


def write_modules(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the modules into their page.

    Raises:
        ExtensionError: a public name has no docstring.
    """
    if page != PAGE:
        return
    parts = []
    for title, entries in SECTIONS.items():
        parts.append(f"## {title}")
        for module in modules(entries):
            if silent := list(undocumented(module)):
                raise ExtensionError(f"public names without a docstring: {', '.join(silent)}")
            parts.append(
                f"### {module.__name__}\n\n```{{eval-rst}}\n.. automodule:: {module.__name__}\n   :members:\n```"
            )
    source[0] = source[0].replace(HERE, "\n\n".join(parts))


def plain(_app: Sphinx, _what: str, _name: str, _thing: Any, _options: Any, lines: list[str]) -> None:
    """|x| is a norm, * a product and σ_ a letter here; in reStructuredText they would be markup."""
    for i, line in enumerate(lines):
        if line.lstrip().startswith((">>>", "...")):
            continue
        bullet = re.match(r"\s*(?:\* )?", line)
        start = bullet.end() if bullet else 0
        parts = re.split(r"(`[^`]*`)", line[start:])
        lines[i] = line[:start] + "".join(p if p.startswith("`") else _escaped(p) for p in parts)


def _escaped(text: str) -> str:
    return re.sub(r"[|*]|(?<=\w)_(?!\w)", r"\\\g<0>", text)
