"""pyproject.toml, the lock, its hashes and environment.yml are one environment; workflows trust little else."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]


def lock(name: str) -> list[str]:
    """The pins of a lock file."""
    lines = (ROOT / name).read_text().splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def versions(pins: list[str]) -> dict[str, str]:
    return {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in map(Requirement, pins)}


LOCK, LAB = lock("requirements.lock"), lock("lab.lock")
PINS = versions(LOCK)
HASHED = (ROOT / "requirements.hashes").read_text().replace("\\\n", "").splitlines()
UNLOCKED = {"jax", "pymanopt"}
"""What benchmarks compare with where it is there; a book and a test run do without."""

RANGES = [
    *PROJECT["build-system"]["requires"],
    *PROJECT["project"]["dependencies"],
    *(
        line
        for extra, lines in PROJECT["project"]["optional-dependencies"].items()
        if extra != "lab"  # which has an environment and a lock of its own
        for line in lines
    ),
]


@pytest.mark.parametrize("line", [*LOCK, *LAB])
def test_every_line_of_the_lock_is_one_exact_version(line: str) -> None:
    (pin,) = Requirement(line).specifier
    assert pin.operator == "=="
    assert "*" not in pin.version


def test_no_package_is_locked_twice() -> None:
    assert len(PINS) == len(LOCK)
    assert len(versions(LAB)) == len(LAB)


def test_the_notebooks_environment_has_what_its_extra_asks_for() -> None:
    for requirement in map(Requirement, PROJECT["project"]["optional-dependencies"]["lab"]):
        assert requirement.specifier.contains(versions(LAB)[canonicalize_name(requirement.name)])


def test_the_node_packages_of_the_tests_are_pinned_by_version_and_hash() -> None:
    asked = json.loads((ROOT / "package.json").read_text())["devDependencies"]
    pinned = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    for name, version in asked.items():
        assert pinned[f"node_modules/{name}"]["version"] == version
    assert all(pin.get("integrity") for name, pin in pinned.items() if name)


def test_triton_is_the_one_that_torch_asks_for_on_linux() -> None:
    # From the metadata of torch 2.13.0 on PyPI. A torch for the CPU alone asks for none, and runs beside this one.
    assert (PINS["torch"], PINS["triton"]) == ("2.13.0", "3.7.1")


def test_the_lock_leaves_out_what_only_benchmarks_ask_for() -> None:
    asked = {
        extra: {canonicalize_name(Requirement(line).name) for line in lines}
        for extra, lines in PROJECT["project"]["optional-dependencies"].items()
    }
    assert not UNLOCKED & set(PINS)
    assert [extra for extra, names in asked.items() if names & UNLOCKED] == ["bench"]


def test_torch_is_pinned_without_a_local_suffix() -> None:
    # A suffix such as +cpu exists on some indexes only, and would tie every reader to one of them.
    assert "torch==2.13.0" in LOCK


def test_hashes_are_of_the_versions_in_the_lock_and_of_all_but_torch_and_triton() -> None:
    lines = [line.split() for line in HASHED if not line.startswith("#")]
    pins = [
        (canonicalize_name(pin.name), str(pin.specifier))
        for pin in (Requirement(words[0]) for words in lines)
    ]
    assert sorted(pins) == sorted(
        (name, f"=={version}") for name, version in PINS.items() if name not in {"torch", "triton"}
    )
    for pin, *hashes in lines:
        assert hashes, pin
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", each) for each in hashes), pin


def test_only_what_has_no_hash_is_left_to_an_install_without_them() -> None:
    # The notebooks' environment has a lock of its own, and is no part of what the numbers rest on.
    lines = (ROOT / "Makefile").read_text().splitlines()
    installs = [line for line in lines if "$(BIN)/python -m pip install" in line]
    first, second, third = (line.split("--disable-pip-version-check ")[1] for line in installs)
    assert first == "--no-deps --require-hashes -r requirements.hashes"
    assert second == "-r requirements.lock"
    assert third.endswith("--no-deps --no-build-isolation -e .")


@pytest.mark.parametrize(
    "line", [line for line in RANGES if canonicalize_name(Requirement(line).name) not in UNLOCKED]
)
def test_the_lock_satisfies_every_range(line: str) -> None:
    requirement = Requirement(line)
    assert requirement.specifier.contains(PINS[canonicalize_name(requirement.name)])


def test_conda_takes_every_package_from_the_lock() -> None:
    assert {"pip": ["-r requirements.lock"]} in CONDA


def test_conda_brings_a_supported_python() -> None:
    (python,) = (line for line in CONDA if isinstance(line, str) and line.startswith("python="))
    assert SpecifierSet(PROJECT["project"]["requires-python"]).contains(python.removeprefix("python="))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_the_hash_of_a_commit_and_say_its_version(path: Path) -> None:
    used = [line.split("uses: ")[1] for line in path.read_text().splitlines() if "uses: " in line]
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_and_keeps_no_credentials(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_publishing_waits_for_the_tests() -> None:
    publish, tests = (
        yaml.safe_load((WORKFLOWS[0].with_stem(name)).read_text()) for name in ("publish", "ci")
    )
    # YAML reads the key "on" as true.
    assert publish[True] == {
        "workflow_run": {"workflows": [tests["name"]], "types": ["completed"], "branches": ["main"]}
    }
    assert "workflow_run.conclusion == 'success'" in publish["jobs"]["build"]["if"]
    assert publish["jobs"]["deploy"]["needs"] == "build"


def test_nobody_is_sent_to_an_index_for_this_package() -> None:
    texts = [
        path
        for pattern in ("*.md", "book/**/*.md", "lowrank_core/**/*.py", "tools/*.py", ".github/**/*.yml")
        for path in ROOT.glob(pattern)
        if "_build" not in path.parts
    ]
    assert len(texts) > 100
    for path in texts:
        assert not re.search(r"install[^\n]* lowrank[-_]core", path.read_text(encoding="utf8")), path


def test_a_commit_is_held_to_what_the_tests_lint_and_type_check() -> None:
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    held = [hook["entry"].removesuffix(" --force-exclude") for hook in local["hooks"]]
    stages = (ROOT / "Makefile").read_text()
    for entry in held:
        assert entry.replace(".venv/bin/", "$(BIN)/").replace(
            "/ruff check", "/ruff check ."
        ) in stages.replace("--check .", "--check")
    assert [entry.split("/")[-1].split()[0] for entry in held] == ["ruff", "ruff", "mypy"]
