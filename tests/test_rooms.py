"""The public face: what one begins with, and no module hidden behind a function of its name."""

import ast
import graphlib
import importlib
import pkgutil
from pathlib import Path

import pytest

import lowrank_core

MODULES = [
    found.name
    for found in pkgutil.walk_packages(lowrank_core.__path__, "lowrank_core.")
    if not found.name.endswith("__main__") and ".bench" not in found.name
]


def test_every_name_of_the_public_face_is_there():
    assert len(set(lowrank_core.__all__)) == len(lowrank_core.__all__)
    assert all(hasattr(lowrank_core, name) for name in lowrank_core.__all__)


@pytest.mark.parametrize(
    "name", ["Method", "State", "StepRule", "MeasurementOperator", "operator_faults", "method_faults"]
)
def test_what_a_new_method_or_operator_needs_is_at_the_top(name):
    assert name in lowrank_core.__all__


@pytest.mark.parametrize("name", MODULES)
def test_no_module_is_hidden_by_a_function_of_its_name(name):
    module = importlib.import_module(name)
    parent, _, own = name.rpartition(".")
    assert getattr(importlib.import_module(parent), own) is module


def imported(path, known):
    """The modules that a file imports when it is imported itself."""
    for node in ast.parse(path.read_text(encoding="utf8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            parts = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (part for part in parts if part in known)
            # A package is asked for its own names only by those who do not take a module of it.
            if any(part not in known for part in parts):
                yield node.module


def test_the_import_graph_has_no_circle():
    root = Path(lowrank_core.__file__).parent
    files = {
        ".".join(path.relative_to(root.parent).with_suffix("").parts).removesuffix(".__init__"): path
        for path in root.rglob("*.py")
    }
    graph = {name: set(imported(path, files)) for name, path in files.items()}
    assert sum(map(len, graph.values())) > 500
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, with the circle
