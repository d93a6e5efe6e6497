"""Progress goes to stderr, and does not need tqdm."""

import sys

from lowrank_core.progress import bar


def test_hidden_bars_are_the_items_themselves(capsys):
    items = [1, 2]
    assert bar(items, "title", show=False) is items
    assert capsys.readouterr() == ("", "")


def test_shown_bars_write_to_stderr_only(capsys):
    assert list(bar([1, 2], "working")) == [1, 2]
    out, err = capsys.readouterr()
    assert out == ""
    assert "working" in err


def test_without_tqdm_a_line_takes_the_place_of_the_bar(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert list(bar([1, 2], "working")) == [1, 2]
    assert capsys.readouterr() == ("", "working ... (install tqdm for a progress bar)\n")
