"""The examples in the docstrings and the guides run, print what they say, and fit the present core."""

import doctest
import importlib
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from lowrank_core import Factors, Identity, Problem, claims, gaussian_start, observe, psd
from lowrank_core.claims import registry
from lowrank_core.claims.claim import Criterion, Evidence, Setting, edge, refused
from lowrank_core.claims.grammar import each, scales
from lowrank_core.methods import Method, State
from lowrank_core.steps import StepRule

ROOT = Path(__file__).parents[1]


def blocks(guide):
    """The Python blocks of a guide."""
    return re.findall(r"^```python\n(.*?)^```", (ROOT / guide).read_text(encoding="utf8"), re.S | re.M)


@pytest.mark.parametrize("name", ["lowrank_core", "lowrank_core.claims"])
def test_examples(name):
    tried = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert tried.attempted > 0
    assert tried.failed == 0


@pytest.mark.parametrize("measured", [False, True], ids=["population", "sensing"])
def test_the_run_in_the_readme(measured):
    block = blocks("README.md")[0]
    # Shorter than in the text, where it takes some seconds.
    short = block.replace("20_000", "20").replace("1000, seeds", "100, seeds")
    assert "steps=20)" in short
    if measured:
        short, uncommented = re.subn(
            r"^# (problem = observe\(truth, gaussian_symmetric)", r"\1", short, flags=re.M
        )
        assert uncommented == 1
    found = {}
    exec(compile(short, "README.md", "exec"), found)
    run = found["run"]
    assert (run.steps[0], run.steps[-1]) == (0, 20)
    assert run.error.shape == (8, len(run.steps))
    assert run.stop_reason == ("finished",) * 8
    assert run.recipe["operator"].startswith("Dense" if measured else "Identity")


def test_the_robust_run_in_the_readme():
    found = {}
    exec(compile(blocks("README.md")[1], "README.md", "exec"), found)
    assert found["robust"].error[:, -1].sqrt().max() < 1e-6


def test_the_ill_conditioned_run_in_the_readme():
    found = {}
    exec(compile(blocks("README.md")[2], "README.md", "exec"), found)
    assert found["scaled"].error[:, -1].sqrt().max() < 1e-9


def test_the_claims_in_the_readme_exist():
    text = (ROOT / "README.md").read_text(encoding="utf8")
    named = re.findall(r"claims (?:show|run) ([a-z]+\d{4}\.[\w-]+)", text)
    assert len(named) == 2
    for claim_id in named:
        assert claims.find(claim_id).id == claim_id


def test_the_claim_in_the_contributing_guide_is_one(monkeypatch):
    (block,) = [block for block in blocks("CONTRIBUTING.md") if block.startswith("@claim")]
    monkeypatch.setattr(registry, "_CLAIMS", {})
    found = {
        **{"claim": registry.claim, "each": each, "scales": scales, "edge": edge, "refused": refused},
        **{"Criterion": Criterion, "Evidence": Evidence, "Setting": Setting},
    }
    exec(block, found)
    assert list(registry._CLAIMS) == ["paper2024.slug"]


def test_the_method_in_the_contributing_guide_is_one():
    (block,) = [block for block in blocks("CONTRIBUTING.md") if block.startswith("@dataclass")]
    found = {
        **{"dataclass": dataclass, "torch": torch, "StepRule": StepRule},
        **{"Problem": Problem, "Factors": Factors, "State": State},
    }
    exec(block, found)
    sketch = found["MyMethod"]
    expected = {name for name, value in vars(Method).items() if callable(value) and name[0] != "_"}
    assert {name for name, value in vars(sketch).items() if callable(value) and name[0] != "_"} == expected
    start = gaussian_start(5, 2, 1.0, [0])
    problem = observe(psd(5, [1.0], [0]), Identity(5))
    assert sketch(0.1).init(problem, start) == State(start, 0)
