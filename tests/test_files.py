"""Files are written whole, or what was there stays."""

import pytest

from lowrank_core.errors import ArgumentError
from lowrank_core.files import check_writable, write_whole


def test_a_file_is_written_and_replaced_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "a.json"
    for text in ("κ\n", "σ\n"):
        write_whole(path, text)
        assert path.read_text(encoding="utf8") == text
    assert [found.name for found in tmp_path.iterdir()] == ["a.json"]


def test_what_cannot_be_written_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.json"
    write_whole(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "\ud800")
    assert path.read_text(encoding="utf8") == "old"


def test_a_read_only_file_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    path.write_text("old")
    monkeypatch.setattr("os.access", lambda target, mode: False)  # root may write to all
    with pytest.raises(ArgumentError, match="read-only"):
        check_writable(str(path), "--json")
    assert path.read_text() == "old"
