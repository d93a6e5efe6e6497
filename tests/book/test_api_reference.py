"""The reference holds every public name, each with words of its own, and its text shows no stray markup."""

import functools
import sys
import types
from types import SimpleNamespace

import api_reference
import pytest
from sphinx.errors import ExtensionError

import lowrank_core
from lowrank_core import methods

MODULES = [module for entries in api_reference.SECTIONS.values() for module in api_reference.modules(entries)]
NAMED = {name for module in MODULES for name in vars(module)}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_public_name_has_a_docstring(module):
    assert list(api_reference.undocumented(module)) == []


def test_what_the_front_door_offers_is_in_the_reference():
    assert set(lowrank_core.__all__) <= NAMED
    assert {method.__name__ for method in methods.METHODS.values()} <= NAMED


def test_no_module_stands_twice():
    names = [module.__name__ for module in MODULES]
    assert len(names) == len(set(names))


@pytest.fixture
def silent(monkeypatch):
    """A module with names that say nothing, and some that need not or do."""
    module = types.ModuleType("lowrank_core.silent")
    code = """
from dataclasses import dataclass
from functools import cached_property
def speaks(): "Words."
def _private(): pass
def mute(): pass
class Base:
    "Words."
    def inherited(self): "Words."
@dataclass
class Field(Base):
    size: int
    def inherited(self): pass
    def method(self): pass
    @property
    def property(self): pass
    @cached_property
    def cached(self): pass
    @classmethod
    def made(cls): pass
"""
    exec(code, vars(module))
    vars(module)["taken"] = functools.partial  # from another module, where it is documented or not
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def test_names_without_words_are_found(silent):
    found = [name.removeprefix("lowrank_core.silent.") for name in api_reference.undocumented(silent)]
    members = [f"Field.{name}" for name in ("method", "property", "cached", "made")]
    assert found == ["mute", "Field", *members]


def test_a_build_with_a_name_without_words_fails(silent, monkeypatch):
    monkeypatch.setattr(api_reference, "SECTIONS", {"All": ("truth", "silent")})
    with pytest.raises(
        ExtensionError, match=r"without a docstring: lowrank_core\.silent\.mute, .*Field\.made"
    ):
        api_reference.write_modules(SimpleNamespace(), api_reference.PAGE, [api_reference.HERE])


def test_the_modules_come_in_the_place_that_the_page_leaves(monkeypatch):
    monkeypatch.setattr(api_reference, "SECTIONS", {"All": ("truth",)})
    page = [f"before\n\n{api_reference.HERE}\n"]
    api_reference.write_modules(SimpleNamespace(), "another", page)
    assert api_reference.HERE in page[0]
    api_reference.write_modules(SimpleNamespace(), api_reference.PAGE, page)
    assert "## All" in page[0]
    assert ".. automodule:: lowrank_core.truth\n   :members:" in page[0]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("    |x| * y and σ_ or w_", r"    \|x\| \* y and σ\_ or w\_"),
        ("`a_ * b` stays", "`a_ * b` stays"),
        ("* a list", "* a list"),
        (">>> f(*x)", ">>> f(*x)"),
        ("a_name", "a_name"),
    ],
)
def test_signs_of_the_field_are_no_markup(written, shown):
    lines = [written]
    api_reference.plain(None, "module", "name", None, None, lines)
    assert lines == [shown]
