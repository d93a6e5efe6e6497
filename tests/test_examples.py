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
from lowrank_core.claims.runner import run_edge
from lowrank_core.methods import Method, State
from lowrank_core.steps import StepRule

ROOT = Path(__file__).parents[1]


def blocks(guide):
    """The Python blocks of a guide."""
    return re.findall(r"^```python\n(.*?)^```", (ROOT / guide).read_text(encoding="utf8"), re.S | re.M)


WITH_EXAMPLES = [
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
    for path in sorted((ROOT / "lowrank_core").rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf8")
]


def test_the_parts_that_people_begin_with_have_examples():
    for part in ("", ".claims.variants", ".contracts", ".problem", ".sensing.dense", ".truth"):
        assert f"lowrank_core{part}" in WITH_EXAMPLES


@pytest.mark.parametrize("name", WITH_EXAMPLES)
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
    (block,) = [block for block in blocks("CONTRIBUTING.md") if "@PAGE.claim" in block]
    monkeypatch.setattr(registry, "_CLAIMS", {})
    # The sketch leaves the experiment itself open: here a ratio below one up to k = n, and above it beyond.
    found = {"error_over_bound": lambda sweep: sweep.column(ndim=1) / (sweep.setting.sizes.n + 0.5)}
    exec(block, found)
    assert list(registry._CLAIMS) == ["paper2024.slug"]
    result = claims.run("paper2024.slug", "smoke")
    assert result.as_expected
    assert result.record["variants"] == {"k = 4": {"k": 4}, "k = 8": {"k": 8}, "k = 13": {"k": 13}}
    assert not any(run_edge("paper2024.slug", edge) for edge in claims.find("paper2024.slug").edges)
    assert len(block.strip().splitlines()) <= 45


def test_the_method_in_the_contributing_guide_is_one():
    (block,) = [block for block in blocks("CONTRIBUTING.md") if block.startswith("@dataclass")]
    found = {
        **{"dataclass": dataclass, "torch": torch, "StepRule": StepRule},
        **{"Problem": Problem, "Factors": Factors, "Method": Method, "State": State},
    }
    exec(block, found)
    sketch = found["MyMethod"]
    written = {name for name, value in vars(sketch).items() if callable(value) and name[0] != "_"}
    assert set(Method.__abstractmethods__) == written - {"prepare", "advance"}
    start = gaussian_start(5, 2, 1.0, [0])
    problem = observe(psd(5, [1.0], [0]), Identity(5))
    assert sketch(0.1).init(problem, start) == State(start, 0)
