"""The hash names the source of the core, all of it and nothing else."""

import pytest

from lowrank_core import provenance


@pytest.fixture
def source(tmp_path, monkeypatch):
    (tmp_path / "inner").mkdir()
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "inner" / "b.py").write_text("y = 2\n")
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    return tmp_path


def fresh_hash():
    return provenance.core_hash.__wrapped__()


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "inner" / "b.py").write_text("y = 3\n"),
        lambda root: (root / "a.py").rename(root / "c.py"),
        lambda root: (root / "new.py").touch(),
        lambda root: (root / "a.py").unlink(),
    ],
    ids=["edited", "renamed", "added", "removed"],
)
def test_every_change_of_source_changes_the_hash(source, change):
    before = fresh_hash()
    change(source)
    assert fresh_hash() != before


def test_what_is_not_source_does_not_change_it(source):
    before = fresh_hash()
    (source / "__pycache__").mkdir()
    (source / "__pycache__" / "a.pyc").write_bytes(b"\0")
    assert fresh_hash() == before


def test_versions_name_what_is_there():
    assert {"python", "torch", "numpy"} <= set(provenance.versions())


def test_the_machine_and_the_day_are_named():
    found = provenance.machine()
    assert set(found) == {"date", "processor", "cores", "system"}
    assert found["processor"]
    assert len(found["date"].split("-")) == 3
