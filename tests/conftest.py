"""One thread for everybody, and a count of what this machine cannot test."""

from importlib.util import find_spec
from pathlib import Path

import browser
import pytest
import torch

from lowrank_core.claims import registry
from lowrank_core.claims.claim import Criterion, Evidence

torch.set_num_threads(1)


MISSING = {"cuda": "a CUDA device"} if not torch.cuda.is_available() else {}
if find_spec("triton") is None:
    MISSING["triton"] = "triton"
if browser.find() is None:
    MISSING["browser"] = "Chromium"
ROOT = Path(__file__).parents[1]
if not (ROOT / "node_modules" / "axe-core" / "axe.min.js").exists():
    MISSING["axe"] = "axe-core (`npm ci`)"
if not (ROOT / "book" / "_build" / "html" / "index.html").is_file():  # a failed build leaves the folder
    MISSING["built"] = "the built book (`make book`)"


def pytest_addoption(parser):
    parser.addoption("--kills", type=int, default=2, help="at how many moments test_kills.py kills a build")


def pytest_collection_modifyitems(items):
    for item in items:
        for mark, what in MISSING.items():
            if item.get_closest_marker(mark):
                item.add_marker(pytest.mark.skip(reason=f"needs {what}"))


def pytest_terminal_summary(terminalreporter):
    for mark, what in MISSING.items():
        skipped = sum(mark in report.keywords for report in terminalreporter.stats.get("skipped", []))
        if skipped:
            terminalreporter.write_line(f"{skipped} tests need {what} and were skipped")


@pytest.fixture
def declare(monkeypatch):
    """Declare claims that last for one test; by default one that holds, with a control that fires."""
    registry.all_claims()
    monkeypatch.setattr(registry, "_CLAIMS", dict(registry._CLAIMS))

    def evidence(measured=(1.0, 1.0, 1.0), control=(0.0, 0.0, 0.0), **rest):
        one_series = next(iter(measured.values())) if isinstance(measured, dict) else measured
        positive = {"size": [1.0] * len(one_series)}
        return Evidence({"size": measured}, {"size": control}, **{"positive": positive} | rest)

    def usual(setting):
        count = len(setting.seeds)
        return evidence([1.0] * count, [0.0] * count)

    def make(function=None, **changes):
        if changes.get("expected") == "refuted":
            # Such a stamp is for a paper's statement, beside a control that meets its criteria.
            changes = {"origin": "paper", "known": "read", "positive": "it is one there"} | changes
        declaration = {
            "id": "test.claim",
            "title": "a claim of the tests",
            "reference": "nowhere",
            "states": ("prop-one",),
            "kind": "identity",
            "criteria": (Criterion("size", 1, 1),),
            "control": "it is zero",
            "edgeless": "it has no sizes",
            "seeds": {"smoke": 3, "book": 8, "full": 8},
            "chapter": "chapters/test",
        }
        return registry.claim(**declaration | changes)(function or usual)

    make.evidence, make.usual = evidence, usual
    return make
