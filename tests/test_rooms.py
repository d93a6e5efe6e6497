"""The public face: what one begins with, and no module hidden behind a function of its name."""

import importlib
import pkgutil

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
