"""The tools that store runs: what they keep of a test report and of rows that speak of a target."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[1] / "tools"


def tool(name):
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_test_report_is_counted(tmp_path):
    report = tmp_path / "report.xml"
    suite = '<testsuite errors="1" failures="2" skipped="3" tests="10"/>'
    report.write_text(f"<testsuites>{suite}</testsuites>")
    assert tool("store_device_tests").counted(report) == {"passed": 4, "failed": 3, "skipped": 3}


def test_targets_are_judged_by_the_rows_that_they_are_about(monkeypatch):
    store = tool("store_benchmarks")
    target = replace(store.TARGETS[0], name="gradient", size="n=4,", against="full", column="ratio", goal=2.0)
    monkeypatch.setattr(store, "TARGETS", (target, replace(target, size="n=8,")))
    row = {
        "name": "gradient, float64",
        "size": "n=4, m=3",
        "ratio": 3.0,
        "against": "full matvec",
        "limit_fraction": None,
        "seconds": 1.0,
        "rounds": 3,
        "spread": (2.0, 4.0),
        "threads": 1,
        "kernel": "torch",
    }
    met, absent = store.judged({"gradient": {"rows": [row, row | {"against": "einsum"}]}})
    assert (met["row"], met["on"], met["opponent"]) == ("gradient, float64", "n=4, m=3", "full matvec")
    assert (met["value"], met["reached"]) == (3.0, pytest.approx(1.5))
    assert (absent["size"], absent["value"], absent["reached"]) == ("n=8,", None, None)
